import Foundation

/// A table of text cells, printed for a terminal or as Markdown.
public struct TextTable: Sendable, Equatable {
  /// The column titles.
  public var header: [String]
  /// The rows, each as long as the header.
  public var rows: [[String]]
  /// How many leading columns are aligned to the left; the others are aligned to the right.
  public var leftColumns: Int

  /// Creates a table.
  public init(header: [String], rows: [[String]], leftColumns: Int = 1) {
    self.header = header
    self.rows = rows
    self.leftColumns = leftColumns
  }

  /// The table in columns of equal width, with a line under the header.
  public var plain: String {
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max()! }
    func line(_ cells: [String]) -> String {
      let padded = cells.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column < leftColumns ? cell + space : space + cell
      }
      var text = padded.joined(separator: "  ")
      while text.last == " " { text.removeLast() }
      return text + "\n"
    }
    let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ") + "\n"
    return line(header) + rule + rows.map(line).joined()
  }

  /// The table in Markdown.
  public var markdown: String {
    func line(_ cells: [String]) -> String {
      let escaped = cells.map { $0.replacingOccurrences(of: "|", with: "\\|") }
      return "| " + escaped.joined(separator: " | ") + " |\n"
    }
    let marks = header.indices.map { $0 < leftColumns ? ":--" : "--:" }
    return line(header) + line(marks) + rows.map(line).joined()
  }
}

/// Numbers as they are printed.
enum Format {
  /// A number with a fixed count of decimals; a dash where it is not finite. Never prints "-0".
  static func decimal(_ value: Double, _ digits: Int = 1) -> String {
    guard value.isFinite else { return "–" }
    let text = String(format: "%.\(digits)f", value)
    return text.hasPrefix("-") && text.allSatisfy({ "-0.".contains($0) }) ? String(text.dropFirst()) : text
  }

  /// A share 0 … 1 in per cent with one decimal.
  static func percent(_ share: Double?) -> String { share.map { decimal($0 * 100) } ?? "–" }

  /// A difference of shares in points, with its sign.
  static func points(_ difference: Double?) -> String {
    guard let difference else { return "–" }
    let text = decimal(difference * 100)
    return text.hasPrefix("-") ? "−" + text.dropFirst() : (text == "0.0" ? "±0.0" : "+" + text)
  }

  /// `46.1 [40.6, 51.7]`, in per cent.
  static func interval(_ estimate: Double, _ low: Double, _ high: Double) -> String {
    "\(percent(estimate)) [\(percent(low)), \(percent(high))]"
  }

  /// `+6.0 [+2.3, +9.7]`, in points.
  static func change(_ interval: Interval?) -> String {
    guard let interval else { return "–" }
    return "\(points(interval.estimate)) [\(points(interval.low)), \(points(interval.high))]"
  }

  /// `4.2 s`, `3 min 05 s`, `1 h 12 min`.
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "–" }
    if seconds < 59.95 { return decimal(seconds) + " s" }
    let whole = Int(clamping: seconds.rounded())
    if whole < 3600 { return "\(whole / 60) min \(String(format: "%02d", whole % 60)) s" }
    return "\(whole / 3600) h \(String(format: "%02d", whole % 3600 / 60)) min"
  }
}

extension EvaluationResult {
  /// The before/after table: accuracy in per cent with 95 % intervals, the change in points, how often the
  /// answer came from another picture, and accuracy without images.
  /// - Parameter detailed: adds a row for each number of pictures, and two for pictures in another order.
  public func table(detailed: Bool = true) -> TextTable {
    var rows: [[String]] = []
    func add(_ kind: QuestionKind) {
      guard before.kinds[kind] != nil || after?.kinds[kind] != nil else { return }
      let (old, new) = (before.kinds[kind], after?.kinds[kind])
      rows.append(Self.row(kind.title, old?.all, new?.all, change: change[kind]))
      let counts = Set((old?.byImages ?? []).map(\.label) + (new?.byImages ?? []).map(\.label)).sorted()
      guard detailed else { return }
      for count in counts where counts.count > 1 {
        rows.append(
          Self.row(
            "  \(count) images", old?.byImages.first { $0.label == count }?.result,
            new?.byImages.first { $0.label == count }?.result, change: nil))
      }
      rows += Self.permutedRows(old?.permuted, new?.permuted)
    }
    QuestionKind.layouts.forEach(add)
    if before.multiImage != nil || after?.multiImage != nil {
      rows.append(
        Self.row("All multi-image", before.multiImage, after?.multiImage, change: multiImageChange))
    }
    QuestionKind.levels.forEach(add)
    return TextTable(
      header: ["", "before", "after", "change", "other image", "blind", "n"], rows: rows)
  }

  /// Accuracy with the pictures in another order, and how often the verdict is the same.
  private static func permutedRows(_ old: PermutedResult?, _ new: PermutedResult?) -> [[String]] {
    guard let count = (new ?? old)?.n else { return [] }
    let parts: [(String, (PermutedResult) -> Interval)] = [
      ("  other order", \.accuracy), ("  same verdict", \.unchanged),
    ]
    return parts.map { title, part in
      let (before, after) = (old.map(part), new.map(part))
      let texts = [before, after].map { $0.map { Format.interval($0.estimate, $0.low, $0.high) } ?? "–" }
      let difference = before.flatMap { before in after.map { $0.estimate - before.estimate } }
      return [title] + texts + [Format.points(difference), "–", "–", String(count)]
    }
  }

  /// The table of accuracy by the number of the picture that is asked about, before and after; `nil` where
  /// the results do not have it.
  public var placeTable: TextTable? {
    var rows: [[String]] = []
    for kind in QuestionKind.multiImage + QuestionKind.levels {
      let (old, new) = (before.kinds[kind]?.byPlace ?? [], after?.kinds[kind]?.byPlace ?? [])
      for place in Set(old.map(\.label) + new.map(\.label)).sorted() {
        rows.append(
          Self.row(
            "\(kind.title), Image\(place)", old.first { $0.label == place }?.result,
            new.first { $0.label == place }?.result, change: nil))
      }
    }
    return rows.isEmpty
      ? nil
      : TextTable(header: ["", "before", "after", "change", "other image", "blind", "n"], rows: rows)
  }

  /// How often answers came from another image, before and after: `57.2 → 41.1`, one dash where nobody knows.
  static func elsewhere(_ old: AccuracyResult?, _ new: AccuracyResult?) -> String {
    let rates = [old, new].compactMap { $0 }.map(\.answeredFromAnotherImage)
    guard rates.contains(where: { $0 != nil }) else { return "–" }
    return rates.map(Format.percent).joined(separator: " → ")
  }

  private static func row(
    _ title: String, _ old: AccuracyResult?, _ new: AccuracyResult?, change: Interval?
  ) -> [String] {
    func accuracy(_ result: AccuracyResult?) -> String {
      result.map { Format.interval($0.accuracy, $0.low, $0.high) } ?? "–"
    }
    let difference = old.flatMap { old in new.map { $0.accuracy - old.accuracy } }
    let elsewhere = Self.elsewhere(old, new)
    return [
      title, accuracy(old), accuracy(new),
      change.map { Format.change($0) } ?? Format.points(difference), elsewhere,
      Format.percent((new ?? old)?.blind), String((new ?? old)?.n ?? 0),
    ]
  }
}
