/// Reads little-endian values front to back and throws instead of leaving the bytes.
struct ByteReader {
  private let bytes: UnsafeRawBufferPointer
  private let file: String
  /// The offset of the next byte.
  private(set) var position: Int

  init(_ bytes: UnsafeRawBufferPointer, file: String, position: Int = 0) {
    self.bytes = bytes
    self.file = file
    self.position = position
  }

  /// The next value of an integer or floating-point type.
  mutating func next<Value: BitwiseCopyable>(_ type: Value.Type = Value.self, _ what: String) throws -> Value
  {
    let start = try advance(MemoryLayout<Value>.size, what)
    return bytes.loadUnaligned(fromByteOffset: start, as: type)
  }

  /// The next bytes as UTF-8 text.
  mutating func text(_ count: Int, _ what: String) throws -> String {
    let start = try advance(count, what)
    return String(decoding: bytes[start..<(start + count)], as: UTF8.self)
  }

  /// Passes over bytes and returns where they start.
  mutating func advance(_ count: Int, _ what: String) throws -> Int {
    guard count >= 0, count <= bytes.count - position else {
      throw CheckpointError(
        .damaged, file: file, at: what, found: "the end of the file at byte \(bytes.count)",
        expected: "\(count) more bytes from byte \(position)")
    }
    defer { position += count }
    return position
  }
}
