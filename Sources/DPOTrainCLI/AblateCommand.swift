import ArgumentParser
import DPOTrain
import Foundation
import Records
import Runs
import Tensor

struct AblateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ablate",
    abstract: "Runs a list of variants with several seeds each, and writes tables, CSV and plots.",
    discussion: """
      What comes out the same (the base model, the prompts, the base model's answers) is made once for each \
      seed. The same command goes on after an interruption, and leaves out what is finished. Started twice, \
      two processes share the work; --set run.threads=1 gives each of them one core.
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("YAML file of the suite.", valueName: "file"))
  var config: String

  @Option(
    name: .customLong("set"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Changes a value of every run, before the variants' own.", valueName: "section.key=value"))
  var overrides: [String] = []

  @Option(help: ArgumentHelp("Override the file's output_dir.", valueName: "directory"))
  var outputDir: String?

  @Flag(help: "Prints the runs with what each changes and has to make, and runs nothing.")
  var plan = false

  @Flag(help: "Writes the tables of what is finished, prints the overview, and runs nothing.")
  var status = false

  @Flag(name: .shortAndLong, help: "Shows results, warnings and errors only.")
  var quiet = false

  @Flag(help: "Removes what earlier runs left and starts over.")
  var fresh = false

  func run() throws {
    let suite = try AblationSuite(
      contentsOf: URL(fileURLWithPath: config), overrides: overrides, outputDirectory: outputDir)
    if plan {
      print(AblationPlan(suite))
      return
    }
    if status {
      for problem in suite.logProblems { Console(isQuiet: quiet).warning(problem) }
      try AblationFiles(AblationResults(suite)).write()
      print(AblationOverview(suite).text)
      return
    }
    if let threads = suite.units.first?.configuration.run.threads, threads > 0 { Threads.count = threads }
    Interruption.install()
    try AblationRunner(suite, console: Console(isQuiet: quiet), fresh: fresh).run()
  }
}
