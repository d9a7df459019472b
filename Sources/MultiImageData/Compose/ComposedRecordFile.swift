public import Foundation
public import LVLM
import Records

/// Files of composed records, and the pictures they name.
public enum ComposedRecordFile {
  /// Reads a JSONL file of records and checks each of them.
  /// - Throws: `RowFileError` with line and key, or ``DataError`` naming the record that contradicts itself.
  public static func read(_ url: URL) throws -> [ComposedRecord] {
    let records = try RowFile.read(ComposedRecord.self, from: url)
    for record in records {
      if let problem = record.problem { throw DataError(file: url.path, record: record.id, problem: problem) }
    }
    return records
  }

  /// Reads as ``read(_:)``, and goes on after a line that is broken or contradicts itself.
  /// - Parameter broken: takes what is wrong with a line, in place of its record.
  /// - Returns: records with the lines they stand in.
  package static func read(
    _ url: URL, broken: (DataError) throws -> Void
  ) throws -> [(record: ComposedRecord, line: Int)] {
    var records: [(record: ComposedRecord, line: Int)] = []
    try JSONRecordFile.forEach(url.path, broken: broken) { json, number, line in
      do throws(RecordProblem) {
        records.append((try ComposedRecord(checking: json), line))
      } catch {
        try broken(DataError(error, in: json, file: url.path, line: line, number: number))
      }
    }
    return records
  }

  /// Writes records, replacing the file in one step.
  /// - Throws: ``DataError`` naming the file.
  public static func write(_ records: [ComposedRecord], to url: URL) throws {
    do {
      try RowFile.write(records, to: url)
    } catch {
      throw DataError(file: url.path, problem: "cannot write: \((error as NSError).localizedDescription)")
    }
  }

  /// The pictures of a record in prompt order.
  /// - Parameter folder: where the record's file is.
  /// - Throws: `ImageError` naming the file.
  public static func pictures(
    of record: ComposedRecord, in folder: URL, limits: ImageLimits = ImageLimits()
  ) throws -> [RGBImage] {
    try record.images.map {
      try RGBImage(
        contentsOf: $0.hasPrefix("/") ? $0 : folder.appendingPathComponent($0).path, limits: limits)
    }
  }
}

extension ComposedRecord {
  /// Reads and checks a record.
  /// - Throws: a text that says what was found and what was expected.
  init(checking json: OrderedJSON) throws(RecordProblem) {
    guard case .object = json else { throw RecordProblem("expected an object, found \(json.kind)") }
    let record: ComposedRecord
    do throws(RowFileError) {
      record = try RowDecoding.value(from: Data(json.line.utf8), file: "", line: nil)
    } catch let place {
      throw RecordProblem("\"\(place.key ?? "")\": expected \(place.expected), found \(place.found)")
    }
    if let problem = record.problem { throw RecordProblem(problem) }
    // As in conversations and pairs, blanks are no answer.
    guard !record.answer.allSatisfy(\.isWhitespace) else { throw RecordProblem("the answer is empty") }
    self = record
  }
}
