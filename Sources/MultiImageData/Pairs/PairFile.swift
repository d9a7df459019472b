import Foundation
import Records

/// Files of preference pairs in any format that people have (``PairFormat``), as a JSON list or JSONL.
///
///     let contents = try PairFile.read("rlhf_v.jsonl")
///     try PairFile.write(contents.pairs, to: "pairs.json", format: .miaDPO)
public enum PairFile {
  /// What there is to tell about a file beside its pairs.
  public struct Reading: Sendable, Equatable {
    /// The format asked for or found; `nil` where no record could be read.
    public var format: PairFormat?
    /// How many pairs can be used.
    public var count: Int
    /// Keys that are not part of the format, in the order they were met; their values are in `extra` of the
    /// pairs.
    public var unknownColumns: [String]
  }

  /// Calls `body` for every pair of a file, in file order; only one record at a time is in memory.
  ///
  /// The first record's keys tell the format of all. Pictures' paths stay as they are; a question without
  /// marks gets them in front where the format says so.
  /// - Parameters:
  ///   - format: the format, where it is known.
  ///   - imageFolder: what pictures' paths are relative to; where it is given, every picture must exist.
  ///   - broken: takes the error of a record that cannot be used, in place of the record; throws it by
  ///     default.
  ///   - body: takes the pair and the line it begins in, from 1.
  /// - Throws: ``DataError`` naming file, line and record; also where the keys are those of no format or of
  ///   several.
  @discardableResult
  public static func forEach(
    _ path: String, format: PairFormat? = nil, imageFolder: String? = nil,
    broken: (DataError) throws -> Void = { throw $0 },
    _ body: (_ pair: PreferencePair, _ line: Int) throws -> Void
  ) throws -> Reading {
    try JSONRecordFile.withBytes(path) { bytes in
      guard !bytes.starts(with: "PAR1".utf8) else {
        throw DataError(
          file: path,
          problem: "is a Parquet file, expected JSON or JSONL; scripts/parquet-to-pairs makes JSONL of it")
      }
      var columns = UnknownColumns()
      var reading = Reading(format: format, count: 0, unknownColumns: [])
      try JSONRecordFile.forEach(bytes, path, keepsSpelling: true, broken: broken) { json, number, line in
        func located(_ problem: RecordProblem) -> DataError {
          DataError(problem, in: json, file: path, line: line, number: number)
        }
        guard case .object = json else {
          return try broken(located(RecordProblem("expected an object, found \(json.kind)")))
        }
        if reading.format == nil {
          do throws(RecordProblem) {
            reading.format = try PairFormat(detecting: json)
          } catch {
            throw located(error)
          }
        }
        guard let format = reading.format else { return }
        let pair: PreferencePair
        do throws(RecordProblem) {
          pair = try format.pair(json, fallbackID: String(number))
          if let imageFolder { try requirePictures(of: pair, in: imageFolder) }
        } catch {
          return try broken(located(error))
        }
        columns.add(pair.extra, except: format.describedKeys)
        reading.count += 1
        try body(pair, line)
      }
      reading.unknownColumns = columns.names
      return reading
    }
  }

  /// Reads all pairs of a file, as ``forEach(_:format:imageFolder:broken:_:)`` gives them.
  /// - Returns: the pairs in file order, and what there is to tell about the file.
  /// - Throws: ``DataError`` naming file, line and record.
  public static func read(
    _ path: String, format: PairFormat? = nil, imageFolder: String? = nil,
    broken: (DataError) throws -> Void = { throw $0 }
  ) throws -> (pairs: [PreferencePair], reading: Reading) {
    var pairs: [PreferencePair] = []
    let reading = try forEach(path, format: format, imageFolder: imageFolder, broken: broken) { pair, _ in
      pairs.append(pair)
    }
    return (pairs, reading)
  }

  /// Reads as ``read(_:format:imageFolder:broken:)``; every pair comes with the line it begins in.
  package static func readLines(
    _ path: String, format: PairFormat? = nil, imageFolder: String? = nil,
    broken: (DataError) throws -> Void = { throw $0 }
  ) throws -> (rows: [(pair: PreferencePair, line: Int)], reading: Reading) {
    var rows: [(pair: PreferencePair, line: Int)] = []
    let reading = try forEach(path, format: format, imageFolder: imageFolder, broken: broken) {
      rows.append(($0, $1))
    }
    return (rows, reading)
  }

  private static func requirePictures(
    of pair: PreferencePair, in folder: String
  ) throws(RecordProblem) {
    for image in pair.images + (pair.rejectedImages ?? [])
    where !FileManager.default.fileExists(atPath: FilePath.join(folder, image)) {
      throw RecordProblem("image \"\(image)\" does not exist in \(folder)")
    }
  }
}

/// The keys met in the records of a file that its format does not have, each once.
private struct UnknownColumns {
  private(set) var names: [String] = []
  private var seen: Set<String> = []

  mutating func add(_ members: [OrderedJSON.Member], except known: [String]) {
    for member in members where !known.contains(member.key) && seen.insert(member.key).inserted {
      names.append(member.key)
    }
  }
}
