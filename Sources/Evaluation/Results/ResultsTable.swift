import DPOTrain
import MultiImageData
import Records

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
  package static func elsewhere(_ old: AccuracyResult?, _ new: AccuracyResult?) -> String {
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
