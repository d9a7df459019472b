import ArgumentParser
import DPOTrain
import Evaluation
import Foundation

struct TableCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "table",
    abstract: "Puts finished runs of one configuration with different seeds into one Markdown table.",
    discussion:
      "dpotrain table runs/quickstart-1 runs/quickstart-2 runs/quickstart-3 > docs/results/quickstart.md")

  @Option(name: .customLong("command"), help: "The command that made the runs, shown above the table.")
  var madeBy: String?

  @Argument(help: "Run directories, or results.json files.")
  var runs: [String]

  func run() throws {
    let results = try runs.map { path in
      let url = URL(fileURLWithPath: path)
      return try EvaluationResult.read(
        from: url.pathExtension == "json" ? url : url.appendingPathComponent("results.json"))
    }
    print(try MergedResults(results).markdown(command: madeBy), terminator: "")
  }
}
