/// One field of a protobuf message as it lies in the file: its number and a value of one of the wire's kinds.
///
/// Messages, strings, bytes and packed lists all are `bytes`; which of them only the schema knows.
struct WireField {
  enum Value {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    case bytes(ArraySlice<UInt8>)
  }

  let number: Int
  let value: Value

  /// A nested message, a string, bytes or a packed list.
  func bytes() throws -> ArraySlice<UInt8> {
    guard case .bytes(let bytes) = value else {
      throw OnnxError("field \(number) is a number where bytes were expected")
    }
    return bytes
  }

  /// A string, whose damaged parts are replaced.
  func text() throws -> String { String(decoding: try bytes(), as: UTF8.self) }

  /// A signed number, which protobuf writes as the unsigned one with the same bits.
  func integer() throws -> Int {
    guard case .varint(let bits) = value else { throw OnnxError("field \(number) is no integer") }
    return Int(truncatingIfNeeded: bits)
  }

  func float() throws -> Float {
    guard case .fixed32(let bits) = value else { throw OnnxError("field \(number) is no float") }
    return Float(bitPattern: bits)
  }

  /// The numbers of a repeated field: one alone, or all of them packed.
  func integers() throws -> [Int] {
    guard case .bytes(let packed) = value else { return [try integer()] }
    var reader = WireReader(packed)
    var numbers: [Int] = []
    while !reader.isAtEnd { numbers.append(Int(truncatingIfNeeded: try reader.varint())) }
    return numbers
  }

  /// The numbers of a repeated field of floats.
  func floats() throws -> [Float] {
    guard case .bytes(let packed) = value else { return [try float()] }
    var reader = WireReader(packed)
    var numbers: [Float] = []
    while !reader.isAtEnd { numbers.append(Float(bitPattern: try reader.fixed32())) }
    return numbers
  }

  /// The numbers of a repeated field of doubles.
  func doubles() throws -> [Double] {
    switch value {
    case .fixed64(let bits): return [Double(bitPattern: bits)]
    case .bytes(let packed):
      var reader = WireReader(packed)
      var numbers: [Double] = []
      while !reader.isAtEnd { numbers.append(Double(bitPattern: try reader.fixed64())) }
      return numbers
    default: throw OnnxError("field \(number) holds no doubles")
    }
  }
}
