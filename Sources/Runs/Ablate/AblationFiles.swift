import Checkpoint
import Foundation
import Records
import Reporting

/// The files of a suite beside its runs: `ablations.md`, `ablate.csv`, `ablate.json`, and a plot for each
/// table.
public struct AblationFiles {
  private let results: AblationResults

  /// - Parameter results: what is finished.
  public init(_ results: AblationResults) { self.results = results }

  /// The tables of a suite in `directory`.
  static func table(in directory: URL) -> URL { directory.appendingPathComponent("ablations.md") }

  /// Writes all of them, each in one step.
  public func write() throws {
    let suite = results.suite
    let directory = suite.directory
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    func write(_ text: String, _ url: URL) throws { try AtomicFile.write(text.utf8, to: url) }
    var markdown = results.markdown(command: "dpotrain ablate --config \(suite.file)")
    let plots = directory.appendingPathComponent("plots", isDirectory: true)
    try FileManager.default.createDirectory(at: plots, withIntermediateDirectories: true)
    for (number, table) in suite.tables.enumerated() {
      let chart = ForestChart(results, table: table)
      guard !chart.rows.isEmpty else { continue }
      let name = "\(number + 1).svg"
      try write(chart.file, plots.appendingPathComponent(name))
      markdown = markdown.replacingOccurrences(
        of: "\n## \(table)\n", with: "\n## \(table)\n\n![\(table)](plots/\(name))\n")
    }
    try write(markdown, Self.table(in: directory))
    try write(results.csv, directory.appendingPathComponent("ablate.csv"))
    try write(results.json.pretty, directory.appendingPathComponent("ablate.json"))
  }
}
