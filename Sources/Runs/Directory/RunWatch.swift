import DPOTrain
import Foundation
import Records

/// What a run logs, as lines for a person, while it runs or afterwards.
public struct RunWatch {
  /// The columns that are shown where a row has them, in this order.
  private static let columns: [(name: String, title: String, digits: Int)] = [
    ("loss", "loss", 4), ("nll_loss", "nll", 4), ("rewards/accuracies", "accuracy", 2),
    ("rewards/margins", "margin", 3), ("grad_norm", "norm", 2), ("learning_rate", "rate", 7),
    ("eval_loss", "eval loss", 4), ("eval_rewards/accuracies", "eval acc.", 2),
    ("eval_rewards/margins", "eval margin", 3), ("eval_accuracy_sequence", "sequence", 2),
    ("eval_accuracy_grid", "grid", 2), ("eval_accuracy_pic_in_pic", "pic-in-pic", 2),
  ]
  private static let width = 12

  private let directory: URL
  private let configuration: RunConfiguration
  private var metrics: GrowingFile
  private var answers: GrowingFile
  private var header: [String] = []

  /// Watches a run directory.
  /// - Throws: ``DataError`` for a directory that is no run; ``ConfigurationError`` for one whose
  ///   configuration cannot be read.
  public init(_ path: String) throws {
    directory = URL(fileURLWithPath: path, isDirectory: true)
    let file = directory.appendingPathComponent("config.yaml")
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw DataError(file: path, problem: "is no run directory, expected one with a config.yaml")
    }
    configuration = try RunConfiguration(contentsOf: file)
    metrics = GrowingFile(url: directory.appendingPathComponent("metrics.jsonl"))
    answers = GrowingFile(url: directory.appendingPathComponent("train/\(HeldOutAnswer.file)"))
  }

  /// Whether every stage is done.
  public var isFinished: Bool {
    guard let states = try? PartStates(configuration, in: directory) else { return false }
    return configuration.stages.allSatisfy { states.records[RunPart($0)] != nil }
  }

  /// The lines of rows that were logged since the last call; a line that is being written waits for the next
  /// one, and a log that begins anew is shown from its beginning.
  ///
  /// A line that is no row is told in the place of its row, so that whoever watches sees that one is missing.
  public mutating func newLines() -> [String] {
    let (rows, isAnew) = metrics.newRows(MetricRow.self)
    if isAnew { header = [] }
    let told = rows.flatMap { row -> [String] in
      switch row {
      case .success(let row): lines(of: row)
      case .failure(let fault): ["\(fault)"]
      }
    }
    return told
      + answers.newRows(HeldOutAnswer.self).rows.map { row in
        switch row {
        case .success(let row):
          "answer after step \(row.step), \(row.id): \(Self.excerpt(row.prompt, 60)) -> "
            + "\(Self.excerpt(row.answer, 100)) (chosen: \(Self.excerpt(row.chosen, 60)))"
        case .failure(let fault): "\(fault)"
        }
      }
  }

  private static func excerpt(_ text: String, _ count: Int) -> String {
    let line = text.replacing("<image>", with: "").split { $0.isNewline }.joined(separator: " ")
    return line.count <= count ? line : "\(line.prefix(count - 1))…"
  }

  private mutating func lines(of row: MetricRow) -> [String] {
    let present = Self.columns.filter { row[$0.name] != nil }
    let titles = [row.stage] + present.map(\.title)
    func padded(_ text: String) -> String {
      String(repeating: " ", count: max(0, Self.width - text.count)) + text
    }
    var lines: [String] = []
    if titles != header {
      header = titles
      lines.append(([row.stage, "step"] + present.map(\.title)).map(padded).joined())
    }
    let cells = present.map { fixed(row[$0.name] ?? 0, $0.digits) }
    lines.append((["", "\(row.step)"] + cells).map(padded).joined())
    return lines
  }
}

/// A file of rows that another process writes, line by line or anew.
private struct GrowingFile {
  let url: URL
  /// Bytes that were read, and the lines that they are.
  private var (bytes, lines) = (0, 0)

  init(url: URL) { self.url = url }

  /// What the lines that have ended since the last call hold, and whether the file begins anew.
  mutating func newRows<Row: Decodable>(
    _ type: Row.Type
  ) -> (rows: [Result<Row, RowFileError>], isAnew: Bool) {
    guard let data = try? Data(contentsOf: url) else { return ([], false) }
    let isAnew = data.count < bytes
    if isAnew { (bytes, lines) = (0, 0) }
    guard let end = data.dropFirst(bytes).lastIndex(of: UInt8(ascii: "\n")) else { return ([], isAnew) }
    let rest = Data(data[bytes...end])
    let before = lines
    bytes += rest.count
    lines += rest.count { $0 == UInt8(ascii: "\n") }
    let rows = RowFile.lines(of: rest).map { number, line in
      Result { () throws(RowFileError) in
        try RowFile.row(type, of: line, in: url, line: before + number)
      }
    }
    return (rows, isAnew)
  }
}
