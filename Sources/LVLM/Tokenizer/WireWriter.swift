/// Writes the fields of a protocol buffer's message, one after the other.
struct WireWriter {
  private(set) var bytes: [UInt8] = []

  private mutating func key(_ number: Int, _ type: Int) { varint(UInt64(number << 3 | type)) }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// A whole number that is not negative, or a case of an enumeration.
  mutating func put(_ number: Int, _ value: Int) {
    key(number, 0)
    varint(UInt64(value))
  }

  /// A truth value.
  mutating func put(_ number: Int, _ flag: Bool) { put(number, flag ? 1 : 0) }

  /// A number in single precision.
  mutating func put(_ number: Int, _ value: Float) {
    key(number, 5)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
  }

  /// A text.
  mutating func put(_ number: Int, _ text: String) {
    key(number, 2)
    varint(UInt64(text.utf8.count))
    bytes += text.utf8
  }

  /// A message.
  mutating func put(_ number: Int, _ message: WireWriter) {
    key(number, 2)
    varint(UInt64(message.bytes.count))
    bytes += message.bytes
  }
}
