import ArgumentParser
import Foundation
import Runs

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Puts finished runs beside each other: the keys that differ, and the same questions paired.",
    discussion: """
      dpotrain compare runs/a runs/b runs/c

      Differences are to the first run, in points of accuracy over the questions that both were asked, with \
      a 95 % interval (paired bootstrap) and the probability of McNemar's exact test. Runs on pairs that \
      were there have their pairs held out compared. For a mean over seeds see dpotrain table and dpotrain \
      ablate.
      """)

  @Argument(help: "Run directories, two or more.")
  var runs: [String]

  func validate() throws {
    guard runs.count > 1 else {
      throw ValidationError("found \(runs.count) run, expected two or more to compare")
    }
  }

  func run() throws { print(try RunComparison(runs).text, terminator: "") }
}
