import ArgumentParser
import DPOTrain
import Foundation
import Records
import Runs

/// `dpotrain report`: of a run that is finished, running or stopped, or of a folder of runs.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Writes report.html with curves, tables and attention maps, also of a run that is under way.",
    discussion: """
      dpotrain report runs/quickstart
      dpotrain report --config configs/quickstart.yaml

      Of a run that is running or was stopped the page shows what is there and says what is missing; the run \
      is not disturbed. Of a folder of runs, such as that of dpotrain ablate, it is an overview.
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("YAML file of the run.", valueName: "file"))
  var config: String?

  @Option(
    name: .customLong("set"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Override a value of the file (repeatable).", valueName: "section.key=value"))
  var overrides: [String] = []

  @OptionGroup var behaviour: RunBehaviour

  @Argument(help: "Run directory, or folder of run directories; in place of --config.")
  var directory: String?

  func validate() throws {
    guard (directory == nil) != (config == nil) else {
      throw ValidationError(
        directory == nil
          ? "found no run, expected --config <file> or a run directory"
          : "found a run directory beside --config, expected one of them")
    }
    guard directory == nil || overrides.isEmpty && !behaviour.changesRun else {
      throw ValidationError("--set, --fresh, --redo, --accept and --reuse belong to --config")
    }
  }

  func run() throws {
    let console = Console(isQuiet: behaviour.quiet)
    if let directory {
      console.message("report: \(try RunReport(directory).write().path)")
      return
    }
    let configuration = try RunConfiguration(
      contentsOf: URL(fileURLWithPath: config ?? ""), overrides: overrides)
    guard !behaviour.changesRun, RunReport.isPartial(configuration) else {
      do {
        return try behaviour.run(configuration, [.report])
      } catch RunDirectoryError.locked where !behaviour.changesRun {
        // Another process works on it: what is there is shown without it.
        console.message("report: \(try RunReport(configuration.run.outputDirectory).write().path)")
        return
      }
    }
    console.message("report: \(try RunReport(configuration.run.outputDirectory).write().path)")
  }
}
