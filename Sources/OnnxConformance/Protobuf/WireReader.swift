/// Reads protobuf's wire format: keys, varints, fixed numbers and runs of bytes.
///
/// Every length is compared with what is left of the message before anything is taken, so that damaged and
/// hostile files end in an ``OnnxError``.
struct WireReader {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  var isAtEnd: Bool { rest.isEmpty }

  /// The fields of a message in their order.
  static func fields(of message: ArraySlice<UInt8>) throws -> [WireField] {
    var reader = WireReader(message)
    var fields: [WireField] = []
    while !reader.isAtEnd { fields.append(try reader.field()) }
    return fields
  }

  /// A number in groups of seven bits, the lowest first.
  mutating func varint() throws -> UInt64 {
    var result: UInt64 = 0
    for shift in stride(from: 0, to: 70, by: 7) {
      guard let byte = rest.popFirst() else { throw OnnxError("a number ends too early") }
      result |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte < 0x80 { return result }
    }
    throw OnnxError("a number of more than ten bytes")
  }

  mutating func fixed32() throws -> UInt32 {
    try run(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  mutating func fixed64() throws -> UInt64 {
    try run(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private mutating func run(_ length: UInt64) throws -> ArraySlice<UInt8> {
    guard length <= UInt64(rest.count) else {
      throw OnnxError("\(length) bytes were announced where \(rest.count) are left")
    }
    let piece = rest.prefix(Int(length))
    rest = rest.dropFirst(Int(length))
    return piece
  }

  private mutating func field() throws -> WireField {
    let key = try varint()
    guard (1...536_870_911).contains(key >> 3) else { throw OnnxError("no field has number \(key >> 3)") }
    let number = Int(key >> 3)
    switch key & 7 {
    case 0: return WireField(number: number, value: .varint(try varint()))
    case 1: return WireField(number: number, value: .fixed64(try fixed64()))
    case 2: return WireField(number: number, value: .bytes(try run(try varint())))
    case 5: return WireField(number: number, value: .fixed32(try fixed32()))
    default: throw OnnxError("field \(number) has wire type \(key & 7)")
    }
  }
}
