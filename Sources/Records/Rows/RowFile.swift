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

  package init(_ error: any Error, file: String, line: Int?) {
    func dotted(_ path: [any CodingKey]) -> String? {
      path.isEmpty ? nil : path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
    switch error as? DecodingError {
    case .keyNotFound(let key, let context):
      self.init(
        file: file, line: line, key: dotted(context.codingPath + [key]), found: "no such key",
        expected: "a value")
    case .valueNotFound(let type, let context):
      self.init(
        file: file, line: line, key: dotted(context.codingPath), found: "null", expected: "\(type)")
    case .typeMismatch(let type, let context):
      self.init(
        file: file, line: line, key: dotted(context.codingPath), found: "a value of another type",
        expected: "\(type)")
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
      self.init(
        file: file, line: line, key: dotted(context.codingPath), found: "an unknown value",
        expected: context.debugDescription)
    default:
      self.init(file: file, line: line, found: "text that is not JSON", expected: "one JSON object")
    }
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
      (try? JSONDecoder().decode(Row.self, from: Data(last))) == nil
    else { return (try rows(type, of: data, in: url), false) }
    return (try rows(type, of: data.dropLast(last.count), in: url), true)
  }

  private static func rows<Row: Decodable>(_ type: Row.Type, of data: Data, in url: URL) throws -> [Row] {
    let decoder = JSONDecoder()
    var rows: [Row] = []
    var number = 0
    for line in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
      do {
        rows.append(try decoder.decode(Row.self, from: Data(line)))
      } catch {
        throw RowFileError(error, file: url.path, line: number)
      }
    }
    return rows
  }

  /// Writes rows as JSONL, replacing the file in one step.
  public static func write(_ rows: some Sequence<some JSONRow>, to url: URL) throws {
    try AtomicFile.write(rows.map(\.jsonLine).joined().utf8, to: url)
  }
}
