import Foundation

/// The files of a run that a report points to.
enum ReportFiles {
  private static let known: [(name: String, holds: String)] = [
    ("config.yaml", "the configuration with every value"), ("metrics.jsonl", "the numbers of the curves"),
    ("results.json", "the figures of tables and charts"), ("pairs.jsonl", "the pairs"),
    ("select/candidates.jsonl", "every candidate with its answer, R and outcome"),
    ("evaluate/before.jsonl", "every answer before training"),
    ("evaluate/after.jsonl", "every answer after training"),
    ("omissions.txt", "records that were left out, with reasons"),
  ]

  /// Those that are there.
  static func present(in run: URL) -> [(name: String, holds: String)] {
    known.filter { FileManager.default.fileExists(atPath: run.appendingPathComponent($0.name).path) }
  }
}
