import Foundation
import Records

/// The PNG pictures in an OpenType font with the tables CBDT and CBLC, as Google's colour emoji font has
/// them.
///
/// Read are the character map of format 12, the largest strike, index tables of formats 1 and 3 and glyph
/// pictures of formats 17, 18 and 19 (OpenType 1.9, chapters cmap, CBLC and CBDT). Every place is checked
/// against the file's size.
struct ColourBitmapFont: Sendable {
  /// The whole file, which ``picture(of:)`` points into.
  let bytes: [UInt8]
  private let file: String
  /// Runs of code points and the glyph of the first one, ascending.
  private let runs: [(scalars: ClosedRange<Int>, glyph: Int)]
  private let glyphs: [Int: Glyph]

  private struct Glyph {
    var range: Range<Int>
    var format: Int
  }

  /// Reads a font.
  /// - Throws: ``DataError`` naming the file, the table and what was expected there.
  init(contentsOf path: String) throws(DataError) {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw DataError(
        file: path, problem: "no such file; install it with: \(ThingPictures.emojiInstallation)")
    }
    try self.init([UInt8](data), file: path)
  }

  /// Reads the bytes of a font.
  /// - Parameter file: what errors call it.
  init(_ bytes: [UInt8], file: String) throws(DataError) {
    let reader = Reader(bytes: bytes, file: file)
    let tables = try reader.tables()
    func table(_ tag: String) throws(DataError) -> Range<Int> {
      guard let range = tables[tag] else {
        throw DataError(
          file: file,
          problem:
            "is no font with colour bitmaps: found the tables "
            + "\(tables.keys.sorted().joined(separator: " ")), "
            + "expected cmap, CBLC and CBDT")
      }
      return range
    }
    self.bytes = bytes
    self.file = file
    runs = try reader.characterMap(table("cmap"))
    glyphs = try reader.strike(table("CBLC"), pictures: table("CBDT"))
  }

  /// Where the PNG of a code point stands in ``bytes``; `nil` when the font has none.
  /// - Throws: ``DataError`` when it leaves the font's table.
  func picture(of scalar: UInt32) throws(DataError) -> Range<Int>? {
    var (low, high) = (0, runs.count)
    while low < high {
      let middle = (low + high) / 2
      if runs[middle].scalars.upperBound < Int(scalar) { low = middle + 1 } else { high = middle }
    }
    guard low < runs.count, runs[low].scalars.contains(Int(scalar)),
      let glyph = glyphs[runs[low].glyph + Int(scalar) - runs[low].scalars.lowerBound]
    else { return nil }
    let what = "CBDT: the picture of U+\(String(scalar, radix: 16, uppercase: true))"
    let header = glyph.format == 17 ? 5 : glyph.format == 18 ? 8 : 0
    let reader = Reader(bytes: bytes, file: file)
    let length = try reader.number(glyph.range.lowerBound + header, 4, within: glyph.range, what)
    let start = glyph.range.lowerBound + header + 4
    guard length > 0, length <= glyph.range.upperBound - start else {
      throw reader.error("\(what) claims \(length) bytes, \(glyph.range.upperBound - start) are there")
    }
    return start..<start + length
  }

  /// Big-endian numbers of a file, none outside the range they belong to.
  private struct Reader {
    let bytes: [UInt8]
    let file: String

    func error(_ problem: String) -> DataError { DataError(file: file, problem: problem) }

    func number(
      _ offset: Int, _ size: Int, within range: Range<Int>, _ what: String
    ) throws(DataError) -> Int {
      guard offset >= range.lowerBound, offset <= range.upperBound - size else {
        throw error("\(what) needs \(size) bytes at \(offset), outside of its \(range.count) bytes")
      }
      return bytes[offset..<offset + size].reduce(0) { $0 << 8 | Int($1) }
    }

    /// The table directory.
    func tables() throws(DataError) -> [String: Range<Int>] {
      let all = 0..<bytes.count
      let version = try number(0, 4, within: all, "the header")
      guard version == 0x0001_0000 || version == 0x4F54_544F else {
        throw error("is not an OpenType font: expected version 00010000, found \(String(version, radix: 16))")
      }
      var tables: [String: Range<Int>] = [:]
      for index in 0..<(try number(4, 2, within: all, "the header")) {
        let entry = 12 + 16 * index
        let start = try number(entry + 8, 4, within: all, "the table directory")
        let length = try number(entry + 12, 4, within: all, "the table directory")
        let tag = String(decoding: bytes[entry..<entry + 4], as: UTF8.self)
        guard start + length <= bytes.count else {
          throw error(
            "the table \(tag) reaches to byte \(start + length) of \(bytes.count): the file is cut short")
        }
        tables[tag] = start..<start + length
      }
      return tables
    }

    /// The character map of format 12.
    func characterMap(
      _ table: Range<Int>
    ) throws(DataError) -> [(scalars: ClosedRange<Int>, glyph: Int)] {
      let start = table.lowerBound
      for index in 0..<(try number(start + 2, 2, within: table, "cmap")) {
        let place = start + (try number(start + 4 + 8 * index + 4, 4, within: table, "cmap"))
        guard try number(place, 2, within: table, "cmap") == 12 else { continue }
        let count = try number(place + 12, 4, within: table, "cmap")
        guard count <= table.count / 12 else {
          throw error("cmap: claims \(count) groups in \(table.count) bytes")
        }
        var runs: [(scalars: ClosedRange<Int>, glyph: Int)] = []
        for group in 0..<count {
          let entry = place + 16 + 12 * group
          let first = try number(entry, 4, within: table, "cmap")
          let last = try number(entry + 4, 4, within: table, "cmap")
          guard first <= last, last <= 0x10FFFF, first > runs.last?.scalars.upperBound ?? -1 else {
            throw error(
              "cmap: group \(group) has the code points \(first) to \(last), expected an ascending range")
          }
          runs.append((first...last, try number(entry + 8, 4, within: table, "cmap")))
        }
        return runs
      }
      throw error("cmap: found no map of format 12 (32-bit code points)")
    }

    /// The glyphs of the strike with the most pixels.
    func strike(_ index: Range<Int>, pictures: Range<Int>) throws(DataError) -> [Int: Glyph] {
      let start = index.lowerBound
      let count = try number(start + 4, 4, within: index, "CBLC")
      guard count > 0, count <= index.count / 48 else {
        throw error("CBLC: claims \(count) strikes in \(index.count) bytes")
      }
      var best = start + 8
      for strike in 0..<count {
        let entry = start + 8 + 48 * strike
        if try number(entry + 45, 1, within: index, "CBLC") > number(best + 45, 1, within: index, "CBLC") {
          best = entry
        }
      }
      let list = start + (try number(best, 4, within: index, "CBLC"))
      var glyphs: [Int: Glyph] = [:]
      for part in 0..<(try number(best + 8, 4, within: index, "CBLC")) {
        let first = try number(list + 8 * part, 2, within: index, "CBLC")
        let last = try number(list + 8 * part + 2, 2, within: index, "CBLC")
        let place = list + (try number(list + 8 * part + 4, 4, within: index, "CBLC"))
        let format = try number(place, 2, within: index, "CBLC")
        let imageFormat = try number(place + 2, 2, within: index, "CBLC")
        let origin = pictures.lowerBound + (try number(place + 4, 4, within: index, "CBLC"))
        guard first <= last else {
          throw error("CBLC: index table \(part) has the glyphs \(first) to \(last)")
        }
        guard format == 1 || format == 3, (17...19).contains(imageFormat) else {
          throw error(
            "CBLC: index table \(part) has format \(format) with pictures of format \(imageFormat), expected "
              + "1 or 3 with PNG pictures (17, 18 or 19)")
        }
        let width = format == 1 ? 4 : 2
        var from = try number(place + 8, width, within: index, "CBLC")
        for glyph in first...last {
          let to = try number(place + 8 + width * (glyph - first + 1), width, within: index, "CBLC")
          guard from <= to, origin + to <= pictures.upperBound else {
            throw error(
              "CBLC: glyph \(glyph) has the bytes \(from) to \(to) of CBDT, which has \(pictures.count)")
          }
          if from < to { glyphs[glyph] = Glyph(range: origin + from..<origin + to, format: imageFormat) }
          from = to
        }
      }
      return glyphs
    }
  }
}
