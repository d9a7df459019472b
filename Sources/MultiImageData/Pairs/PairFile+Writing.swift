import Checkpoint
import Foundation
import Records

extension PairFile {
  /// Writes pairs in a format: one a line where the file's name contains `jsonl`, otherwise as a list that is
  /// laid out as MIA-DPO's. The file is replaced only when all is written.
  /// - Throws: ``UnusableRecords`` for pairs that the format cannot hold, before anything is written;
  ///   ``DataError`` where the file cannot be.
  public static func write(_ pairs: [PreferencePair], to path: String, format: PairFormat) throws {
    var unusable = UnusableList()
    for pair in pairs {
      guard let problem = format.problem(writing: pair) else { continue }
      unusable.add(DataError(file: path, record: pair.id, problem: problem))
    }
    try unusable.throwIfAny()
    var columns = PairColumns()
    for pair in pairs { columns.add(pair) }
    try writing(path, format, columns) { write in
      for pair in pairs { try write(pair) }
    }
  }

  /// What a conversion has done.
  public struct Conversion: Sendable, Equatable {
    /// The format of the file that was read.
    public var source: PairFormat
    /// The format of the file that was written.
    public var target: PairFormat
    /// How many pairs there were.
    public var count: Int
    /// How many pairs have a number of pictures, by that number.
    public var pairsByPictures: [Int: Int]
    /// Keys that are not part of the format that was read; they are kept.
    public var unknownColumns: [String]

    /// One line for people.
    public var summary: String {
      func pairs(_ count: Int) -> String { count == 1 ? "1 pair" : "\(count) pairs" }
      let counts = pairsByPictures.sorted { $0.key < $1.key }
      let pictures = counts.map { "\($0.key) (\(pairs($0.value)))" }.joined(separator: ", ")
      let columns =
        unknownColumns.isEmpty
        ? "" : "; unknown columns, kept as they are: \(unknownColumns.joined(separator: ", "))"
      return
        "\(pairs(count)) from \(source.rawValue) to \(target.rawValue); pictures per pair: "
        + "\(pictures)\(columns)"
    }
  }

  /// Reads a file and writes its pairs in another format; both passes over it keep one record in memory, so
  /// that it may be larger than that.
  /// - Parameters:
  ///   - source: the format of the file read; by default its first record tells.
  ///   - target: the format to write.
  /// - Throws: ``UnusableRecords`` with the first ten records that cannot be read or that the format cannot
  ///   hold, before anything is written; ``DataError`` of the files.
  public static func convert(
    _ input: String, to output: String, from source: PairFormat? = nil, to target: PairFormat
  ) throws -> Conversion {
    var unusable = UnusableList()
    var pairsByPictures: [Int: Int] = [:]
    var columns = PairColumns()
    let reading = try forEach(input, format: source, broken: { unusable.add($0) }) { pair, line in
      pairsByPictures[pair.images.count, default: 0] += 1
      columns.add(pair)
      guard let problem = target.problem(writing: pair) else { return }
      unusable.add(DataError(file: "\(input):\(line)", record: pair.id, problem: problem))
    }
    try unusable.throwIfAny()
    guard let format = reading.format, reading.count > 0 else {
      throw DataError(file: input, problem: "found no pair, expected at least one")
    }
    try writing(output, target, columns) { write in
      let second = try forEach(input, format: format) { pair, _ in try write(pair) }
      guard second == reading else {
        throw DataError(file: input, problem: "changed while it was read, expected the same records twice")
      }
    }
    return Conversion(
      source: format, target: target, count: reading.count, pairsByPictures: pairsByPictures,
      unknownColumns: reading.unknownColumns)
  }

  /// Lets `body` write pairs one by one into a new file, which takes the place of `path` when all are.
  private static func writing(
    _ path: String, _ format: PairFormat, _ columns: PairColumns,
    _ body: (_ write: (PreferencePair) throws -> Void) throws -> Void
  ) throws {
    let style = JSONStyle.forFile(named: path)
    do {
      try AtomicFile.replace(URL(fileURLWithPath: path)) { temporary in
        let file = try OutputFile(temporary, reportingAs: URL(fileURLWithPath: path))
        var count = 0
        try body { pair in
          let record = format.record(of: pair, columns)
          try file.write(style.piece(record, number: count))
          count += 1
        }
        try file.write(style.end(count: count))
        try file.close()
      }
    } catch let error as CheckpointError {
      throw DataError(file: path, problem: "cannot write: \(error.localizedDescription)")
    }
  }
}

/// Records that cannot be used, of which only the first are kept: a file of the wrong format has nothing
/// else.
private struct UnusableList {
  private var first: [DataError] = []
  private var further = 0

  mutating func add(_ problem: DataError) {
    if first.count < 10 { first.append(problem) } else { further += 1 }
  }

  func throwIfAny() throws {
    guard first.isEmpty else {
      throw UnusableRecords(first, remedy: "nothing is written", further: further)
    }
  }
}
