import Checkpoint
import Foundation
import Records

/// A tab-separated file as pandas writes it, with only the places of its cells in memory: cells of many
/// megabytes, such as pictures in base64, are read from the mapped file when they are asked for.
///
/// A cell that begins with `"` goes to the next lone `"` and may hold tabs and line breaks; `""` in it is one
/// `"` (RFC 4180). Lines end with LF, CR LF or CR; empty lines and a byte order mark are passed over.
public struct TSVFile: Sendable {
  /// A line of the table.
  package struct Row: Sendable {
    /// Its number, the first row below the header being 1.
    package var number: Int
    /// The line of the file it begins in, from 1.
    package var line: Int
    /// Where its cells are in the file, quotes included.
    package var cells: [Range<Int>]
  }

  /// The file.
  public let path: String
  /// The names of the header.
  public let columns: [String]
  package let rows: [Row]
  /// The rows that have more or fewer cells than the header, which are not in ``rows``.
  package let unequalRows: [DataError]
  private let data: Data

  /// Opens a file and finds its cells.
  /// - Throws: ``DataError`` when it cannot be read, has no header, names a column twice, or ends inside
  ///   quotes.
  public init(contentsOf path: String) throws {
    self.path = path
    data = try FilePath.mapped(path, expected: "a TSV file")
    if let problem = Self.encodingProblem(of: data) { throw DataError(file: path, problem: problem) }
    let found = try data.withUnsafeBytes { bytes in
      var scanner = Scanner(bytes: bytes.bindMemory(to: UInt8.self), path: path)
      return try scanner.rows()
    }
    guard let header = found.first else {
      throw DataError(file: path, problem: "is empty, expected a header line")
    }
    let data = self.data
    columns = header.cells.map { Self.text(of: $0, in: data) }
    for (index, name) in columns.enumerated() where columns[..<index].contains(name) {
      throw DataError(file: path, problem: "found column \(name) twice in the header, expected it once")
    }
    var rows: [Row] = []
    var unequal: [DataError] = []
    for (number, row) in found.enumerated().dropFirst() {
      if row.cells.count == columns.count {
        rows.append(Row(number: number, line: row.line, cells: row.cells))
      } else {
        unequal.append(
          DataError(
            file: "\(path):\(row.line)", record: "(row \(number))",
            problem: "found \(row.cells.count) cells, expected \(columns.count) as in the header"))
      }
    }
    self.rows = rows
    unequalRows = unequal
  }

  /// Why a file is no UTF-8; nil where it is.
  private static func encodingProblem(of data: Data) -> String? {
    if data.starts(with: [0xFF, 0xFE]) || data.starts(with: [0xFE, 0xFF]) {
      return "found UTF-16, expected UTF-8"
    }
    return data.withUnsafeBytes { bytes in
      let utf8 = bytes.bindMemory(to: UInt8.self)
      guard let place = UTF8Check.firstInvalid(in: utf8) else { return nil }
      let line = utf8[..<place].count { $0 == UInt8(ascii: "\n") } + 1
      return "found a byte that is no UTF-8 in line \(line), expected UTF-8"
    }
  }

  /// The text of a cell; nil where pandas reads none: an empty cell, or one of the words it takes for a
  /// missing value.
  package func text(_ row: Row, _ column: Int) -> String? {
    let text = Self.text(of: row.cells[column], in: data)
    return text.isEmpty || (text.utf8.count <= 8 && Self.missing.contains(text)) ? nil : text
  }

  /// The text of a cell in which every word is a word: nil for an empty one alone. An option may well be
  /// called `None`.
  package func word(_ row: Row, _ column: Int) -> String? {
    let text = Self.text(of: row.cells[column], in: data)
    return text.isEmpty ? nil : text
  }

  /// A cell as it stands in the file, quotes included.
  func raw(_ row: Row, _ column: Int) -> Data { data[row.cells[column]] }

  /// What `pandas.read_csv` takes for a missing value (`na_values`, pandas 2).
  private static let missing: Set<String> = [
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
    "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
  ]

  private static func text(of cell: Range<Int>, in data: Data) -> String {
    data.withUnsafeBytes { bytes in
      let cell = bytes.bindMemory(to: UInt8.self)[cell]
      guard cell.first == quote else { return String(decoding: cell, as: UTF8.self) }
      var text: [UInt8] = []
      text.reserveCapacity(cell.count)
      var isQuoted = true
      var rest = cell.dropFirst()
      while let byte = rest.first {
        rest = rest.dropFirst()
        if isQuoted, byte == quote {
          if rest.first == quote {
            rest = rest.dropFirst()
            text.append(quote)
          } else {
            isQuoted = false
          }
        } else {
          text.append(byte)
        }
      }
      return String(decoding: text, as: UTF8.self)
    }
  }

  private static let quote = UInt8(ascii: "\"")

  /// Finds cells.
  private struct Scanner {
    let bytes: UnsafeBufferPointer<UInt8>
    let path: String
    var position = 0
    var line = 1

    init(bytes: UnsafeBufferPointer<UInt8>, path: String) {
      self.bytes = bytes
      self.path = path
      position = bytes.count - bytes.withoutByteOrderMark.count
    }

    /// Header and rows; empty lines left out.
    mutating func rows() throws -> [(line: Int, cells: [Range<Int>])] {
      var rows: [(line: Int, cells: [Range<Int>])] = []
      while position < bytes.count {
        let start = line
        let cells = try row()
        if cells.count > 1 || !cells[0].isEmpty { rows.append((start, cells)) }
      }
      return rows
    }

    private mutating func row() throws -> [Range<Int>] {
      var cells: [Range<Int>] = []
      while true {
        let start = position
        if position < bytes.count, bytes[position] == TSVFile.quote { try skipQuoted() }
        while position < bytes.count, bytes[position] != 0x09, bytes[position] != 0x0A,
          bytes[position] != 0x0D
        {
          position += 1
        }
        cells.append(start..<position)
        guard position < bytes.count else { return cells }
        let end = bytes[position]
        position += 1
        if end == 0x09 { continue }
        if end == 0x0D, position < bytes.count, bytes[position] == 0x0A { position += 1 }
        line += 1
        return cells
      }
    }

    /// Goes behind the quote that ends the quoted part of a cell.
    private mutating func skipQuoted() throws {
      let opened = line
      position += 1
      while position < bytes.count {
        let byte = bytes[position]
        position += 1
        if byte == 0x0A { line += 1 }
        guard byte == TSVFile.quote else { continue }
        guard position < bytes.count, bytes[position] == TSVFile.quote else { return }
        position += 1
      }
      throw DataError(
        file: "\(path):\(opened)",
        problem: "found a cell that begins with \" and the end of the file in it, expected a closing \"")
    }
  }
}
