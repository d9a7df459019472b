import Foundation

/// A TensorBoard event file read by its specification: TFRecord framing with both checksums, and the fields
/// of `Event` that the package writes.
package struct EventFile {
  package struct Event {
    package var wallTime = 0.0
    package var step = 0
    package var version: String?
    /// Whether a session starts here, on which TensorBoard forgets earlier points from this step on.
    package var isSessionStart = false
    package var scalars: [String: Float] = [:]
    package var texts: [String: String] = [:]
    /// Encoded pictures with width and height.
    package var images: [String: (width: Int, height: Int, bytes: [UInt8])] = [:]
  }

  package struct Damage: Error, CustomStringConvertible {
    package var description: String
  }

  package var events: [Event] = []
  /// Bytes behind the last whole record: what a killed process had begun to write.
  package var unfinished = 0

  /// Reads a file.
  /// - Throws: ``Damage`` where a checksum is another.
  package init(_ url: URL) throws {
    let bytes = [UInt8](try Data(contentsOf: url))
    var place = 0
    while place + 12 <= bytes.count {
      let count = Int(Self.number(bytes[place..<place + 8]))
      guard Self.number(bytes[place + 8..<place + 12]) == UInt64(Self.masked(bytes[place..<place + 8])) else {
        throw Damage(description: "\(url.lastPathComponent): length at \(place)")
      }
      let end = place + 12 + count
      guard end + 4 <= bytes.count else { break }
      let payload = bytes[place + 12..<end]
      guard Self.number(bytes[end..<end + 4]) == UInt64(Self.masked(payload)) else {
        throw Damage(description: "\(url.lastPathComponent): record at \(place)")
      }
      events.append(Self.event(payload))
      place = end + 4
    }
    unfinished = bytes.count - place
  }

  /// The event files of a directory, by name.
  package static func all(in directory: URL) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
      .filter { $0.hasPrefix("events.out.tfevents.") }.map { directory.appendingPathComponent($0) }
  }

  /// What TensorBoard shows of files read one after the other: a session start drops what came before from
  /// its step on.
  package static func curve(_ tag: String, in files: [EventFile]) -> [(step: Int, value: Float)] {
    var points: [(step: Int, value: Float)] = []
    for event in files.flatMap(\.events) {
      if event.isSessionStart { points.removeAll { $0.step >= event.step } }
      if let value = event.scalars[tag] { points.append((event.step, value)) }
    }
    return points
  }

  // MARK: Bytes

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// CRC-32C bit by bit, rotated and with the constant of the format.
  private static func masked(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
    }
    crc = ~crc
    return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
  }

  private enum Field {
    case number(UInt64)
    case bytes(ArraySlice<UInt8>)
  }

  private static func fields(_ message: ArraySlice<UInt8>) -> [(Int, Field)] {
    var found: [(Int, Field)] = []
    var rest = message
    func varint() -> UInt64 {
      var (value, shift): (UInt64, UInt64) = (0, 0)
      while let byte = rest.popFirst() {
        value |= UInt64(byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 { break }
      }
      return value
    }
    while !rest.isEmpty {
      let key = varint()
      switch key & 7 {
      case 0: found.append((Int(key >> 3), .number(varint())))
      case 1:
        found.append((Int(key >> 3), .number(number(rest.prefix(8)))))
        rest = rest.dropFirst(8)
      case 5:
        found.append((Int(key >> 3), .number(number(rest.prefix(4)))))
        rest = rest.dropFirst(4)
      default:
        let count = Int(varint())
        found.append((Int(key >> 3), .bytes(rest.prefix(count))))
        rest = rest.dropFirst(count)
      }
    }
    return found
  }

  private static func event(_ payload: ArraySlice<UInt8>) -> Event {
    var event = Event()
    for (field, content) in fields(payload) {
      switch (field, content) {
      case (1, .number(let bits)): event.wallTime = Double(bitPattern: bits)
      case (2, .number(let step)): event.step = Int(step)
      case (3, .bytes(let text)): event.version = String(decoding: text, as: UTF8.self)
      case (5, .bytes(let summary)):
        for case (1, .bytes(let value)) in fields(summary) { add(value, to: &event) }
      case (7, .bytes(let log)):
        for case (1, .number(let status)) in fields(log) where status == 1 { event.isSessionStart = true }
      default: break
      }
    }
    return event
  }

  private static func add(_ value: ArraySlice<UInt8>, to event: inout Event) {
    let parts = fields(value)
    guard case (_, .bytes(let name))? = parts.first(where: { $0.0 == 1 }) else { return }
    let tag = String(decoding: name, as: UTF8.self)
    for (field, content) in parts {
      switch (field, content) {
      case (2, .number(let bits)): event.scalars[tag] = Float(bitPattern: UInt32(bits))
      case (4, .bytes(let image)):
        var found: (width: Int, height: Int, bytes: [UInt8]) = (0, 0, [])
        for (field, content) in fields(image) {
          switch (field, content) {
          case (1, .number(let height)): found.height = Int(height)
          case (2, .number(let width)): found.width = Int(width)
          case (4, .bytes(let bytes)): found.bytes = Array(bytes)
          default: break
          }
        }
        event.images[tag] = found
      case (8, .bytes(let tensor)):
        for case (8, .bytes(let text)) in fields(tensor) {
          event.texts[tag] = String(decoding: text, as: UTF8.self)
        }
      default: break
      }
    }
  }
}
