/// The fields of a protocol buffer's message, one after the other; it ends at the first that is broken.
struct WireReader {
  enum Value {
    case number(UInt64)
    case bytes(ArraySlice<UInt8>)
    /// Four or eight bytes, little-endian.
    case fixed(ArraySlice<UInt8>)
  }

  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }
  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  mutating func next() -> (number: Int, value: Value)? {
    guard let key = varint() else { return nil }
    let number = Int(truncatingIfNeeded: key >> 3)
    switch key & 7 {
    case 0: return varint().map { (number, .number($0)) }
    case 1: return skip(8).map { (number, .fixed($0)) }
    case 2: return varint().flatMap { skip($0) }.map { (number, .bytes($0)) }
    case 5: return skip(4).map { (number, .fixed($0)) }
    default: return nil
    }
  }

  private mutating func skip(_ count: UInt64) -> ArraySlice<UInt8>? {
    guard count <= UInt64(rest.count) else { return nil }
    defer { rest = rest.dropFirst(Int(count)) }
    return rest.prefix(Int(count))
  }

  private mutating func varint() -> UInt64? {
    var result: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      result |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return result }
    }
    return nil
  }
}
