import Records
import Tensor

public import LVLM

/// Records as people look at them: a row of small pictures and the texts beside them, one record under the
/// other.
public struct ContactSheet {
  /// The side of the square a picture is fitted into, in pixels.
  private static let side = 160
  private static let gap = 8
  /// Pictures beside one another; further ones stand in the next line.
  private static let columns = 5
  private static let lineHeight = 14
  private static let lineLength = 96
  private static let textWidth = lineLength * 6 + gap

  /// Draws records.
  /// - Parameters:
  ///   - imageFolder: what pictures' paths are relative to. A picture that cannot be read is a grey square
  ///     that says so.
  /// - Precondition: there is a record.
  public static func draw(_ records: [RecordContents], imageFolder: String) -> RGBImage {
    tensorRequire(!records.isEmpty, "ContactSheet", "there is no record to draw")
    let rows = records.map { record in
      (pictures: record.images.map { picture($0, imageFolder) }, lines: lines(record))
    }
    let heights = rows.map { row in
      let pictures = (row.pictures.count + columns - 1) / columns * (side + gap)
      return max(pictures, row.lines.count * lineHeight + gap)
    }
    let across = min(columns, rows.map(\.pictures.count).max() ?? 0)
    let left = across * (side + gap) + gap
    var sheet = RGBImage(
      width: left + textWidth, height: heights.reduce(gap, +), colour: .white)
    var top = gap
    for (row, height) in zip(rows, heights) {
      for (index, picture) in row.pictures.enumerated() {
        sheet.paste(
          picture, x: gap + index % columns * (side + gap), y: top + index / columns * (side + gap))
      }
      for (index, line) in row.lines.enumerated() {
        sheet.draw(TextMask(line, height: 7), x: left, y: top + index * lineHeight)
      }
      top += height
    }
    return sheet
  }

  private static func picture(_ path: String, _ folder: String) -> RGBImage {
    if let picture = try? RGBImage(contentsOf: FilePath.join(folder, path)) {
      return picture.fitted(into: side, filter: .bilinear)
    }
    var square = RGBImage(width: side, height: side, colour: RGBColour(200, 200, 200))
    square.draw(TextMask("cannot be read", height: 7), x: 10, y: side / 2)
    return square
  }

  /// The id, then every text after its role, broken into lines.
  private static func lines(_ record: RecordContents) -> [String] {
    let texts = record.passages.map { passage in
      "\(passage.role.rawValue): " + passage.text.replacing("\n", with: " / ")
    }
    return (["id: \(record.id)"] + texts).flatMap(wrapped)
  }

  private static func wrapped(_ text: String) -> [String] {
    var lines: [String] = []
    var rest = text[...]
    while lines.count < 12, !rest.isEmpty {
      let part = rest.prefix(lineLength)
      let cut = part.count < rest.count ? part.lastIndex(of: " ").map { rest.index(after: $0) } : nil
      let end = cut ?? part.endIndex
      lines.append(String(rest[..<end]))
      rest = rest[end...]
    }
    return lines
  }
}
