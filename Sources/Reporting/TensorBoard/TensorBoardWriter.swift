import Checkpoint
import DPOTrain
import Foundation

/// Writes TensorBoard event files: TFRecord framing around `Event` messages, encoded by hand.
///
/// Every start of a run, also a resumed one, makes a new file in the directory, as TensorBoard expects. A
/// scalar of a step that an earlier file holds already (a run resumed from a checkpoint before it) is shown
/// once: the file begins with a session-start mark, on which TensorBoard drops older points at or after that
/// step. Each event is in the file, whole, when a call returns.
public final class TensorBoardWriter {
  /// The file being written.
  public let file: URL
  private let output: OutputFile
  private let clock: () -> Double

  /// Whether a file of this name is one that TensorBoard reads.
  public static func isEventFile(_ name: String) -> Bool { name.hasPrefix("events.out.tfevents.") }

  /// Opens a new file in `directory`, which is made where needed.
  /// - Parameters:
  ///   - resumingAt: the first step to be written, for a run that continues.
  ///   - clock: seconds since 1970, stored beside every value.
  /// - Throws: the file system's error where the file cannot be made.
  public init(
    directory: URL, resumingAt step: Int? = nil,
    clock: @escaping () -> Double = { Date().timeIntervalSince1970 }
  ) throws {
    let manager = FileManager.default
    try AtomicFile.makeFolder(directory)
    self.clock = clock
    let host = ProcessInfo.processInfo.hostName.map { $0.isLetter || $0.isNumber || $0 == "-" ? $0 : "_" }
    let stem =
      "events.out.tfevents.\(Int(clock())).\(String(host)).\(ProcessInfo.processInfo.processIdentifier)."
    var number = 0
    while manager.fileExists(atPath: directory.appending(path: stem + String(number)).path) { number += 1 }
    file = directory.appending(path: stem + String(number))
    output = try OutputFile(file, reportingAs: file)
    var version = ProtobufMessage()
    version.add(3, string: "brain.Event:2")
    try append(version, step: 0)
    if let step {
      var log = ProtobufMessage()
      log.add(1, varint: 1)
      var event = ProtobufMessage()
      event.add(7, message: log)
      try append(event, step: step)
    }
  }

  /// Writes the finite values of one step, tags in alphabetical order.
  /// - Parameter wallTime: when they were measured, in seconds since 1970; now where it is `nil`.
  public func write(scalars: [String: Double], step: Int, wallTime: Double? = nil) throws {
    var summary = ProtobufMessage()
    for tag in scalars.keys.sorted() {
      guard let value = scalars[tag], value.isFinite else { continue }
      var entry = ProtobufMessage()
      entry.add(1, string: tag)
      entry.add(2, float: Float(value))
      summary.add(1, message: entry)
    }
    try append(summary: summary, step: step, wallTime)
  }

  /// Writes a row of metrics under `<stage>/<name>`, at the time that it was logged.
  public func write(_ row: MetricRow) throws {
    let scalars = row.values.map { (row.stage + "/" + $0.key, $0.value) }
    try write(scalars: Dictionary(uniqueKeysWithValues: scalars), step: row.step, wallTime: row.wallTime)
  }

  /// Writes a text, which TensorBoard shows as Markdown.
  public func write(text: String, tag: String, step: Int, wallTime: Double? = nil) throws {
    // A TensorProto of type DT_STRING and shape [] and the metadata that belong to the plugin `text`.
    var tensor = ProtobufMessage()
    tensor.add(1, varint: 7)
    tensor.add(2, message: ProtobufMessage())
    tensor.add(8, string: text)
    var plugin = ProtobufMessage()
    plugin.add(1, string: "text")
    var metadata = ProtobufMessage()
    metadata.add(1, message: plugin)
    metadata.add(4, varint: 2)
    var entry = ProtobufMessage()
    entry.add(1, string: tag)
    entry.add(8, message: tensor)
    entry.add(9, message: metadata)
    var summary = ProtobufMessage()
    summary.add(1, message: entry)
    try append(summary: summary, step: step, wallTime)
  }

  /// Writes a picture.
  /// - Parameter png: an encoded PNG file of `width` by `height` pixels, RGB.
  public func write(
    image png: [UInt8], width: Int, height: Int, tag: String, step: Int, wallTime: Double? = nil
  ) throws {
    var image = ProtobufMessage()
    image.add(1, varint: UInt64(height))
    image.add(2, varint: UInt64(width))
    image.add(3, varint: 3)
    image.add(4, bytes: png)
    var entry = ProtobufMessage()
    entry.add(1, string: tag)
    entry.add(4, message: image)
    var summary = ProtobufMessage()
    summary.add(1, message: entry)
    try append(summary: summary, step: step, wallTime)
  }

  /// Makes sure that everything written is on disk.
  public func flush() throws { try output.synchronize() }

  private func append(summary: ProtobufMessage, step: Int, _ wallTime: Double?) throws {
    guard !summary.bytes.isEmpty else { return }
    var event = ProtobufMessage()
    event.add(5, message: summary)
    try append(event, step: step, wallTime)
  }

  private func append(_ content: ProtobufMessage, step: Int, _ wallTime: Double? = nil) throws {
    var event = ProtobufMessage()
    event.add(1, double: wallTime ?? clock())
    if step != 0 { event.add(2, varint: UInt64(bitPattern: Int64(step))) }
    try Self.record(event.bytes + content.bytes).withUnsafeBytes { try output.write($0) }
  }

  /// A TFRecord: length, its checksum, payload, its checksum; all numbers little-endian.
  package static func record(_ payload: [UInt8]) -> [UInt8] {
    let length = UInt64(payload.count).littleEndianBytes
    return length + MaskedCRC32C.masked(length).littleEndianBytes + payload
      + MaskedCRC32C.masked(payload).littleEndianBytes
  }
}

/// A protocol-buffer message being put together, field by field.
struct ProtobufMessage {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ field: Int, varint value: UInt64) {
    append(key: field, wireType: 0)
    append(varint: value)
  }

  mutating func add(_ field: Int, double value: Double) {
    append(key: field, wireType: 1)
    bytes += value.bitPattern.littleEndianBytes
  }

  mutating func add(_ field: Int, float value: Float) {
    append(key: field, wireType: 5)
    bytes += value.bitPattern.littleEndianBytes
  }

  mutating func add(_ field: Int, bytes content: [UInt8]) {
    append(key: field, wireType: 2)
    append(varint: UInt64(content.count))
    bytes += content
  }

  mutating func add(_ field: Int, string: String) { add(field, bytes: Array(string.utf8)) }

  mutating func add(_ field: Int, message: ProtobufMessage) { add(field, bytes: message.bytes) }

  private mutating func append(key field: Int, wireType: Int) {
    append(varint: UInt64(field << 3 | wireType))
  }

  private mutating func append(varint value: UInt64) {
    var rest = value
    while rest > 0x7F {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

extension FixedWidthInteger {
  fileprivate var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian, Array.init) }
}
