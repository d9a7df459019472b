import Checkpoint
import Foundation

/// The records of a JSON file that is a list of objects, or of a JSONL file with an object on every line.
public enum JSONRecordFile {
  /// Calls `body` for every record in file order; which of the two formats it is, the first character tells.
  ///
  /// The file is mapped, not read at once, and only one record at a time becomes a value.
  /// - Parameters:
  ///   - maximumRecordBytes: a longer record is an error.
  ///   - broken: takes the error of a record that cannot be read, in place of the record; throws it by
  ///     default. A list is read on after the record's closing bracket; where brackets or quotation marks are
  ///     what is broken, at the next line that begins as its records do. Where there is none, `broken` is
  ///     told that the rest is not read.
  ///   - body: takes the record, its number from 0 and the line it starts in, from 1.
  /// - Throws: ``DataError`` with the line and byte of broken JSON, or what `body` throws.
  public static func forEach(
    _ path: String, maximumRecordBytes: Int = 16 << 20, broken: (DataError) throws -> Void = { throw $0 },
    _ body: (_ record: OrderedJSON, _ number: Int, _ line: Int) throws -> Void
  ) throws {
    try withBytes(path) { bytes in
      try forEach(
        bytes, path, maximumRecordBytes: maximumRecordBytes, keepsSpelling: false, broken: broken, body)
    }
  }

  /// Calls `body` with the bytes of a file, its byte order mark left out.
  package static func withBytes<Result>(
    _ path: String, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
  ) throws -> Result {
    let data = try FilePath.mapped(path, expected: "a JSON or JSONL file")
    return try data.withUnsafeBytes { bytes in
      try body(UnsafeBufferPointer(rebasing: bytes.bindMemory(to: UInt8.self).withoutByteOrderMark))
    }
  }

  /// Calls `body` for every record of the bytes of a file.
  /// - Parameter keepsSpelling: whether numbers stay as they are spelled.
  package static func forEach(
    _ bytes: UnsafeBufferPointer<UInt8>, _ path: String, maximumRecordBytes: Int = 16 << 20,
    keepsSpelling: Bool, broken: (DataError) throws -> Void,
    _ body: (_ record: OrderedJSON, _ number: Int, _ line: Int) throws -> Void
  ) throws {
    var reader = JSONReader(bytes)
    guard let first = reader.peek() else {
      throw DataError(file: path, problem: "is empty, expected JSON records")
    }
    if first == UInt8(ascii: "[") {
      try forEachElement(bytes, path, maximumRecordBytes, keepsSpelling, broken, body)
    } else {
      try forEachLine(bytes, path, maximumRecordBytes, keepsSpelling, broken, body)
    }
  }

  private static func forEachElement(
    _ bytes: UnsafeBufferPointer<UInt8>, _ path: String, _ limit: Int, _ keepsSpelling: Bool,
    _ broken: (DataError) throws -> Void, _ body: (OrderedJSON, Int, Int) throws -> Void
  ) throws {
    var reader = JSONReader(bytes, keepsSpelling: keepsSpelling)
    var lines = LineCounter(bytes)
    let recovery = JSONListRecovery(bytes, maximumRecordBytes: limit)
    func located(_ error: JSONSyntaxError, _ number: Int) -> DataError {
      DataError(
        file: path, record: String(number),
        problem: "broken JSON in line \(lines.line(at: error.offset)), byte \(error.offset): \(error.problem)"
      )
    }
    /// Goes on at another place, where there is one.
    func goesOn(at place: Int?, after number: Int) throws -> Bool {
      if let place {
        reader.position = place
        return true
      }
      guard reader.peek() != nil else { return false }
      try broken(
        DataError(
          file: path, record: String(number + 1),
          problem: "it and all after it are not read: where they begin cannot be told after the broken JSON"))
      return false
    }
    _ = reader.take(UInt8(ascii: "["))
    var number = 0
    var isEnd = reader.take(UInt8(ascii: "]"))
    while !isEnd {
      _ = reader.peek()
      let start = reader.position
      switch reader.result() {
      case .success(let record) where reader.position - start <= limit:
        try body(record, number, lines.line(at: start))
      case .success:
        try broken(tooLarge(path, number, reader.position - start, limit))
      case .failure(let error):
        try broken(located(error, number))
        guard try goesOn(at: recovery.placeAfterBroken(start), after: number) else { return }
        number += 1
        isEnd = reader.take(UInt8(ascii: "]"))
        continue
      }
      number += 1
      if reader.take(UInt8(ascii: ",")) { continue }
      isEnd = reader.take(UInt8(ascii: "]"))
      if isEnd { break }
      try broken(located(reader.expected("',' or ']' after a record"), number - 1))
      let next = recovery.placeAfterWhole(start, at: reader.position)
      guard try goesOn(at: next, after: number - 1) else { return }
    }
    if reader.peek() != nil {
      let end = "the end of the file, because what stands behind the list is not read"
      try broken(located(reader.expected(end), number))
    }
  }

  private static func forEachLine(
    _ bytes: UnsafeBufferPointer<UInt8>, _ path: String, _ limit: Int, _ keepsSpelling: Bool,
    _ broken: (DataError) throws -> Void, _ body: (OrderedJSON, Int, Int) throws -> Void
  ) throws {
    var (start, line, number) = (0, 0, 0)
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      line += 1
      defer { start = end + 1 }
      var reader = JSONReader(UnsafeBufferPointer(rebasing: bytes[start..<end]), keepsSpelling: keepsSpelling)
      guard reader.peek() != nil else { continue }
      defer { number += 1 }
      let record: OrderedJSON
      do throws(DataError) {
        record = try self.record(&reader, path, number, line: line, from: start, count: end - start, limit)
      } catch {
        try broken(error)
        continue
      }
      try body(record, number, line)
    }
  }

  /// The one record of a line.
  private static func record(
    _ reader: inout JSONReader, _ path: String, _ number: Int, line: Int, from start: Int, count: Int,
    _ limit: Int
  ) throws(DataError) -> OrderedJSON {
    guard count <= limit else { throw tooLarge(path, number, count, limit) }
    do throws(JSONSyntaxError) {
      let record = try reader.value()
      guard reader.peek() == nil else { throw reader.expected("the end of the line") }
      return record
    } catch {
      throw DataError(
        file: path, record: String(number),
        problem: "broken JSON in line \(line), byte \(start + error.offset): \(error.problem)")
    }
  }

  private static func tooLarge(_ path: String, _ number: Int, _ found: Int, _ limit: Int) -> DataError {
    DataError(
      file: path, record: String(number),
      problem: "is too large: \(found) bytes, at most \(limit) are allowed")
  }
}

/// Line numbers for rising positions in a text.
private struct LineCounter {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var counted = 0
  private var line = 1

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  mutating func line(at position: Int) -> Int {
    let end = min(position, bytes.count)
    while counted < end {
      if bytes[counted] == UInt8(ascii: "\n") { line += 1 }
      counted += 1
    }
    return line
  }
}
