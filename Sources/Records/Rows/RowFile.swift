import Checkpoint
import Foundation

/// A file of rows that does not hold what it should.
public struct RowFileError: Error, Equatable, CustomStringConvertible, Sendable {
  /// Path of the file.
  public var file: String
  /// The line, 1-based, where one line is to blame.
  public var line: Int?
  /// The key, as a dotted path, where one key is to blame.
  public var key: String?
  /// What was found.
  public var found: String
  /// What was expected.
  public var expected: String

  public var description: String {
    let place = [file, line.map(String.init), key.map { "key '\($0)'" }].compactMap { $0 }
    return place.joined(separator: ":") + ": found \(found), expected \(expected)"
  }

  package init(file: String, line: Int?, key: String? = nil, found: String, expected: String) {
    self.file = file
    self.line = line
    self.key = key
    self.found = found
    self.expected = expected
  }
}

/// Reads and writes files of one JSON object per line.
public enum RowFile {
  /// The rows of a JSONL file, in order; empty lines are passed over.
  /// - Throws: ``RowFileError`` with the line and key of the first row that cannot be read;
  ///   ``RunDirectoryError`` for a file of a run that is not as it was written.
  public static func read<Row: Decodable>(_ type: Row.Type = Row.self, from url: URL) throws -> [Row] {
    let data: Data
    do {
      data = Data(try StoredBytes.read(url).withoutByteOrderMark)
    } catch let error as CheckpointError {
      throw RowFileError(
        file: url.path, line: nil, found: "no readable file (\(error.found))",
        expected: "one JSON object per line")
    }
    try WrittenFile.verify(url)
    return try rows(type, of: data, in: url)
  }

  /// The rows of a JSONL file that another process may be writing: of a last line without its end nothing,
  /// unless it is a row already.
  /// - Returns: the rows, and whether a line was left out.
  /// - Throws: as ``read(_:from:)``, for a line before the last one.
  package static func readSoFar<Row: Decodable>(
    _ type: Row.Type = Row.self, from url: URL
  ) throws -> (rows: [Row], isCut: Bool) {
    let data = Data(try StoredBytes.read(url).withoutByteOrderMark)
    guard let last = data.split(separator: UInt8(ascii: "\n")).last, data.last != UInt8(ascii: "\n"),
      (try? row(type, of: last, in: url, line: 0)) == nil
    else { return (try rows(type, of: data, in: url), false) }
    return (try rows(type, of: data.dropLast(last.count), in: url), true)
  }

  private static func rows<Row: Decodable>(_ type: Row.Type, of data: Data, in url: URL) throws -> [Row] {
    try lines(of: data).map { number, line in try row(type, of: line, in: url, line: number) }
  }

  /// The lines that hold something, with their numbers.
  package static func lines(of data: Data) -> [(number: Int, line: Data)] {
    data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
      .filter { !$1.allSatisfy { $0 == 0x20 || $0 == 0x0D || $0 == 0x09 } }.map { ($0 + 1, Data($1)) }
  }

  /// The row of one line.
  /// - Throws: ``RowFileError`` with what is wrong with it.
  package static func row<Row: Decodable>(
    _ type: Row.Type = Row.self, of line: Data, in url: URL, line number: Int
  ) throws(RowFileError) -> Row {
    try RowDecoding.value(type, from: line, file: url.path, line: number)
  }

  /// Writes rows as JSONL, replacing the file in one step.
  public static func write(_ rows: some Sequence<some JSONRow>, to url: URL) throws {
    try AtomicFile.write(rows.map(\.jsonLine).joined().utf8, to: url)
  }
}
