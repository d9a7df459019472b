import Foundation

/// `metrics.jsonl`: one line per logged step, in the order of the stages.
///
/// A resumed stage goes on after the step of its checkpoint: later lines, and a last line that was cut short, are
/// taken away, so that the file ends up the same as without the interruption.
public final class MetricsLog {
  /// The file.
  public let url: URL
  private let file: FileHandle

  /// Opens the file for lines of `stage` after `step`, and drops what an earlier attempt wrote there.
  public init(_ url: URL, resuming stage: Stage, after step: Int) throws {
    self.url = url
    var kept = Data()
    if let old = try? Data(contentsOf: url) {
      for line in old.split(separator: UInt8(ascii: "\n")) {
        guard let row = try? JSONDecoder().decode(MetricRow.self, from: Data(line)),
          let rowStage = Stage(rawValue: row.stage),
          rowStage < stage || (rowStage == stage && row.step <= step)
        else { continue }
        kept += line + [UInt8(ascii: "\n")]
      }
      if kept != old { try kept.write(to: url, options: .atomic) }
    } else {
      try kept.write(to: url)
    }
    file = try FileHandle(forWritingTo: url)
    try file.seekToEnd()
  }

  /// Appends a line.
  public func append(_ row: MetricRow) throws { try file.write(contentsOf: Data(row.jsonLine.utf8)) }

  /// Closes the file.
  public func close() throws { try file.close() }
}
