import LVLM
import TestSupport

/// A colour font with one PNG per code point, as bytes: only the tables that pictures are found through.
package enum SmallFont {
  package static func big(_ number: Int, _ size: Int) -> [UInt8] {
    (0..<size).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  /// - Parameter format: of the index table, 1 or 3.
  package static func bytes(_ pictures: [(scalar: Int, png: [UInt8])], format: Int = 1) -> [UInt8] {
    let groups = pictures.enumerated().flatMap { big($1.scalar, 4) + big($1.scalar, 4) + big($0 + 1, 4) }
    let map =
      big(0, 2) + big(1, 2) + big(3, 2) + big(10, 2) + big(12, 4) + big(12, 2) + big(0, 2)
      + big(16 + groups.count, 4) + big(0, 4) + big(pictures.count, 4) + groups
    var data = big(0x0003_0000, 4)
    var offsets = big(0, format == 1 ? 4 : 2)
    for (_, png) in pictures {
      data += [8, 8, 0, 8, 9] + big(png.count, 4) + png
      offsets += big(data.count - 4, format == 1 ? 4 : 2)
    }
    let index =
      big(1, 2) + big(pictures.count, 2) + big(8, 4) + big(format, 2) + big(17, 2) + big(4, 4) + offsets
    let strike =
      big(56, 4) + big(index.count, 4) + big(1, 4) + big(0, 4) + [UInt8](repeating: 0, count: 24) + big(1, 2)
      + big(pictures.count, 2) + [109, 109, 32, 1]
    let tables: [(String, [UInt8])] = [
      ("CBDT", data), ("CBLC", big(0x0003_0000, 4) + big(1, 4) + strike + index), ("cmap", map),
    ]
    var header = big(0x0001_0000, 4) + big(tables.count, 2) + big(0, 6)
    var body: [UInt8] = []
    for (tag, table) in tables {
      header +=
        Array(tag.utf8) + big(0, 4) + big(12 + 16 * tables.count + body.count, 4) + big(table.count, 4)
      body += table
    }
    return header + body
  }

  package static let colours = [RGBColour(230, 30, 20), RGBColour(20, 60, 220), RGBColour(30, 160, 40)]

  /// Sixty emoji in three colours and their names, of which every second one is an animal and the others
  /// food.
  package static func write(to folder: TemporaryFolder) throws -> (font: String, names: String) {
    var pictures: [(scalar: Int, png: [UInt8])] = []
    var groups = ["# group: Animals & Nature", "# group: Food & Drink"]
    for index in 0..<60 {
      var picture = RGBImage(width: 20, height: 16, colour: .white)
      picture.paste(RGBImage(width: 12, height: 12, colour: colours[index % 3]), x: 3, y: 2)
      pictures.append((0x1F400 + index, try picture.pngBytes()))
      let code = String(0x1F400 + index, radix: 16, uppercase: true)
      groups[index % 2] += "\n\(code) FE0F  ; fully-qualified     # ☺ E0.6 thing \(index)"
    }
    let names =
      "# emoji-test.txt\n# group: Flags\n1F3F4 ; fully-qualified # ☺ E1.0 black flag\n"
      + groups.joined(separator: "\n")
      + "\n1F9D1 200D 1F33E ; fully-qualified # ☺ E12.1 farmer\n1F500 ; unqualified # ☺ E1.0 other\n"
    return (
      try folder.write(bytes(pictures), to: "font.ttf"), try folder.write(names, to: "emoji-test.txt")
    )
  }
}
