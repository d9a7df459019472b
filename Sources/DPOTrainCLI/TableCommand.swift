import ArgumentParser
import DPOTrain
import Evaluation
import Foundation
import Records

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
      guard url.pathExtension != "json" else { return try EvaluationResult.read(from: url) }
      let file = url.appendingPathComponent("results.json")
      let isRun = FileManager.default.fileExists(atPath: url.appendingPathComponent("config.yaml").path)
      if isRun, !FileManager.default.fileExists(atPath: file.path) {
        throw DataError(
          file: path,
          problem: "is a run that is not evaluated yet; dpotrain report \(path) says how far it is")
      }
      return try EvaluationResult.read(from: file)
    }
    print(try MergedResults(results).markdown(command: madeBy), terminator: "")
  }
}
