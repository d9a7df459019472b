import MultiImageData

/// A composed record of which only the geometry matters.
package func composed(
  _ kind: CompositionKind, count: Int, target: Int, rows: Int = 1, columns: Int = 1, answer: String = "red",
  images: Int = 1
) -> ComposedRecord {
  ComposedRecord(
    id: "\(kind.rawValue)-\(count)", kind: kind, count: count, target: target,
    images: (0..<(kind == .sequence ? count : images)).map { "\($0).png" }, prompt: "", answer: answer,
    answersOfOthers: [], family: "color", question: "", source: "",
    layout: kind == .sequence
      ? nil
      : CompositionLayout(
        width: 48, height: 48, rows: rows, columns: columns,
        region: PixelRectangle(x: 0, y: 0, width: 1, height: 1)))
}
