import Checkpoint
import Foundation
import Records
import Tensor

/// `metrics.jsonl`: one line per logged step, in the order of the stages.
///
/// A checkpoint has the length of the log and its checksum (``position``), and the log is on disk before the
/// checkpoint is. A resumed stage goes on from there: what was written later is taken away, so that the file
/// ends up the same as without the interruption, but for the times at which lines were logged: neither the
/// position nor a finished stage's files have them. A stage that is done keeps its lines, without times, in
/// its own folder too, from which the log is put together again.
public final class MetricsLog {
  /// A length of the log and what it holds up to there, times left out.
  public struct Position: Equatable, Sendable {
    /// Bytes.
    public var byteCount: Int
    /// Their CRC-32.
    public var crc32: UInt32

    /// A position that a checkpoint keeps.
    public init(byteCount: Int, crc32: UInt32) {
      self.byteCount = byteCount
      self.crc32 = crc32
    }
  }

  /// The file.
  public let url: URL
  /// The length and checksum of the log so far.
  public private(set) var position: Position
  private let file: OutputFile

  /// Opens the file for lines of `stage` after `step`, and drops what an earlier attempt wrote there.
  /// - Parameter expected: the position that the checkpoint of `step` has.
  /// - Throws: ``RowFileError`` when the log up to there is another, or the file system's errors.
  public init(_ url: URL, resuming stage: Stage, after step: Int, expected: Position? = nil) throws {
    self.url = url
    let old = FileManager.default.fileExists(atPath: url.path) ? try StoredBytes.read(url) : nil
    var kept = Data()
    for before in Stage.allCases where before < stage {
      let own = Self.copy(before, of: url)
      kept +=
        FileManager.default.fileExists(atPath: own.path)
        ? Self.timed(try StoredBytes.read(own), as: old ?? Data())
        : try Self.lines(of: before, in: old ?? Data(), of: url)
    }
    kept += try Self.lines(of: stage, upTo: step, in: old ?? Data(), of: url)
    let counted = Self.withoutTimes(kept)
    position = Position(byteCount: counted.count, crc32: CRC32.of(counted))
    if let expected, expected != position {
      throw RowFileError(
        file: url.path, line: nil,
        found: "\(position.byteCount) bytes of CRC-32 \(CRC32.digits(position.crc32)) up to step \(step) of "
          + stage.rawValue,
        expected: "\(expected.byteCount) of \(CRC32.digits(expected.crc32)) as its checkpoint says; "
          + "--redo \(stage.rawValue) starts the stage again")
    }
    if kept != old { try AtomicFile.write(kept, to: url) }
    file = try OutputFile(url, reportingAs: url, isAppending: true)
  }

  /// The place of a finished stage's own lines.
  private static func copy(_ stage: Stage, of url: URL) -> URL {
    url.deletingLastPathComponent().appendingPathComponent("\(stage.rawValue)/\(url.lastPathComponent)")
  }

  /// The lines of a stage. What a killed process or a later step has left behind them is not theirs; a line
  /// among them that is no row was one, and would be missing.
  /// - Parameter keepingDamage: whether such a line comes along as it is: where lines are only put aside,
  ///   which is how a damaged stage is made again.
  /// - Throws: ``RowFileError`` for such a line that does not.
  private static func lines(
    of stage: Stage, upTo step: Int = .max, in text: Data, of url: URL, keepingDamage: Bool = false
  ) throws -> Data {
    var kept = Data()
    var damaged: [(line: Data, fault: RowFileError)] = []
    for (number, line) in RowFile.lines(of: text) {
      let row: MetricRow
      do throws(RowFileError) {
        row = try RowFile.row(of: line, in: url, line: number)
      } catch {
        if !kept.isEmpty { damaged.append((line, error)) }
        continue
      }
      guard row.stage == stage.rawValue, row.step <= step else { continue }
      if let fault = damaged.first?.fault, !keepingDamage { throw fault }
      for part in damaged.map(\.line) + [line] { kept += part + [UInt8(ascii: "\n")] }
      damaged = []
    }
    return kept
  }

  /// Lines without the times at which they were logged.
  package static func withoutTimes(_ text: Data) -> Data {
    var kept = Data()
    for line in text.split(separator: UInt8(ascii: "\n")) {
      kept += MetricRow.withoutWallTime(Data(line)) + [UInt8(ascii: "\n")]
    }
    return kept
  }

  /// Lines of a stage's own folder, with the times of those in a log that say the same.
  private static func timed(_ own: Data, as log: Data) -> Data {
    var known: [Data: Data] = [:]
    for line in log.split(separator: UInt8(ascii: "\n")) {
      known[MetricRow.withoutWallTime(Data(line))] = Data(line)
    }
    var timed = Data()
    for line in own.split(separator: UInt8(ascii: "\n")) {
      timed += known[MetricRow.withoutWallTime(Data(line))] ?? Data(line)
      timed.append(UInt8(ascii: "\n"))
    }
    return timed
  }

  /// Appends a line, which any other process can read from then on.
  public func append(_ row: MetricRow) throws {
    let line = row.jsonLine
    try file.write(line)
    let counted = Self.withoutTimes(Data(line.utf8))
    position = Position(
      byteCount: position.byteCount + counted.count, crc32: CRC32.of(counted, after: position.crc32))
  }

  /// Waits until every line is on disk.
  public func synchronize() throws { try file.synchronize() }

  /// Closes the file.
  public func close() throws { try file.close() }

  // MARK: Finished stages

  /// Keeps the lines of a stage that is done in its own folder.
  package static func keep(_ stage: Stage, of url: URL) throws {
    guard FileManager.default.fileExists(atPath: url.path) else { return }
    let lines = try lines(of: stage, in: try StoredBytes.read(url), of: url)
    guard !lines.isEmpty else { return }
    try AtomicFile.write(withoutTimes(lines), to: copy(stage, of: url))
  }

  /// Puts the lines of a stage in a log into another log, in the place of those that it has there.
  package static func put(_ stage: Stage, of url: URL, into other: URL) throws {
    let files = FileManager.default
    let own =
      files.fileExists(atPath: url.path)
      ? try lines(of: stage, in: StoredBytes.read(url), of: url, keepingDamage: true) : Data()
    let there = files.fileExists(atPath: other.path) ? try StoredBytes.read(other) : Data()
    var whole = Data()
    for one in Stage.allCases {
      whole += one == stage ? own : try lines(of: one, in: there, of: other, keepingDamage: true)
    }
    guard whole != there else { return }
    try AtomicFile.write(whole, to: other)
  }

  /// Puts the log together again from the lines that finished stages keep; nothing when one keeps none, as
  /// those of earlier versions.
  /// - Returns: Whether the file was another.
  @discardableResult
  package static func restore(_ url: URL, stages: [Stage]) throws -> Bool {
    let copies = stages.sorted().map { copy($0, of: url) }
    guard copies.allSatisfy({ FileManager.default.fileExists(atPath: $0.path) }) else { return false }
    let there = FileManager.default.fileExists(atPath: url.path) ? try StoredBytes.read(url) : nil
    let own = try copies.reduce(into: Data()) { $0 += try StoredBytes.read($1) }
    let whole = timed(own, as: there ?? Data())
    guard there != whole else { return false }
    try AtomicFile.write(whole, to: url)
    return true
  }
}
