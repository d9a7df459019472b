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
  /// Bytes of the log that were shown.
  private var shown = 0
  private var header: [String] = []
  /// Answers to prompts held out that were shown.
  private var shownAnswers = 0

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
  }

  /// Whether every stage is done.
  public var isFinished: Bool {
    guard let states = try? PartStates(configuration, in: directory) else { return false }
    return configuration.stages.allSatisfy { states.records[RunPart($0)] != nil }
  }

  /// The lines of rows that were logged since the last call; a line that is being written waits for the next
  /// one, and a log that begins anew is shown from its beginning.
  public mutating func newLines() -> [String] { newRows() + newAnswers() }

  /// What the model answered to prompts held out since the last call, a line each.
  private mutating func newAnswers() -> [String] {
    let file = directory.appendingPathComponent("train/\(HeldOutAnswer.file)")
    let lines = (try? Data(contentsOf: file))?.split(separator: UInt8(ascii: "\n")) ?? []
    let rows = lines.compactMap { try? JSONDecoder().decode(HeldOutAnswer.self, from: Data($0)) }
    if rows.count < shownAnswers { shownAnswers = 0 }
    defer { shownAnswers = rows.count }
    return rows.dropFirst(shownAnswers).map { row in
      "answer after step \(row.step), \(row.id): \(Self.excerpt(row.prompt, 60)) -> "
        + "\(Self.excerpt(row.answer, 100)) (chosen: \(Self.excerpt(row.chosen, 60)))"
    }
  }

  private static func excerpt(_ text: String, _ count: Int) -> String {
    let line = text.replacing("<image>", with: "").split { $0.isNewline }.joined(separator: " ")
    return line.count <= count ? line : "\(line.prefix(count - 1))…"
  }

  private mutating func newRows() -> [String] {
    let file = directory.appendingPathComponent("metrics.jsonl")
    guard let data = try? Data(contentsOf: file) else { return [] }
    if data.count < shown { (shown, header) = (0, []) }
    let rest = data.dropFirst(shown)
    guard let end = rest.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
    let whole = rest[...end]
    shown += whole.count
    return whole.split(separator: UInt8(ascii: "\n")).flatMap { line -> [String] in
      guard let row = try? JSONDecoder().decode(MetricRow.self, from: Data(line)) else { return [] }
      return lines(of: row)
    }
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
