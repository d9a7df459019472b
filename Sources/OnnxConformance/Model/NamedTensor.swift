import Tensor

/// A `TensorProto`: a tensor with a name.
struct NamedTensor {
  let name: String
  let tensor: Tensor

  /// - Throws: ``OnnxError`` for a type that we do not have, for values outside of the file, and where shape
  ///   and values do not fit.
  init(_ message: ArraySlice<UInt8>) throws {
    var (name, type, isExternal) = ("", 0, false)
    var shape: [Int] = []
    var raw: ArraySlice<UInt8>?
    var (floats, doubles, integers) = ([Float](), [Double](), [Int]())
    for field in try WireReader.fields(of: message) {
      switch field.number {
      case 1: shape += try field.integers()
      case 2: type = try field.integer()
      case 4: floats += try field.floats()
      case 5, 7, 11: integers += try field.integers()
      case 8: name = try field.text()
      case 9: raw = try field.bytes()
      case 10: doubles += try field.doubles()
      case 13: isExternal = true
      default: break
      }
    }
    self.name = name
    let dtype = try ElementType.dtype(type)
    guard !isExternal else { throw OnnxError("tensor `\(name)` lies in another file") }
    if let raw {
      tensor = try Self.tensor(of: raw, shape, dtype)
      return
    }
    switch dtype {
    case .float32: tensor = try Tensor(validating: floats, shape: shape)
    case .float64: tensor = try Tensor(validating: doubles, shape: shape)
    case .float16, .bfloat16:
      // The bits of a half stand in the lower half of an integer.
      let bits = integers.map { UInt16(truncatingIfNeeded: $0) }
      tensor =
        dtype == .float16
        ? try Tensor(validating: bits.map { Float16(bitPattern: $0) }, shape: shape)
        : try Tensor(validating: bits.map { BFloat16(bitPattern: $0) }, shape: shape)
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .bool:
      tensor = try Tensor(validating: integers.map { Int64($0) }, shape: shape).to(dtype)
    }
  }

  /// Values in their bytes, the lowest first.
  private static func tensor(
    of raw: ArraySlice<UInt8>, _ shape: [Int], _ dtype: DType
  ) throws -> Tensor {
    func values<Scalar: TensorScalar & BitwiseCopyable>(_: Scalar.Type) throws -> Tensor {
      let count = raw.count / MemoryLayout<Scalar>.stride
      guard count * MemoryLayout<Scalar>.stride == raw.count else {
        throw OnnxError("\(raw.count) bytes are no whole number of \(dtype)")
      }
      let scalars = raw.withUnsafeBytes { bytes in
        (0..<count).map {
          bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Scalar>.stride, as: Scalar.self)
        }
      }
      return try Tensor(validating: scalars, shape: shape)
    }
    switch dtype {
    case .float16: return try values(Float16.self)
    case .bfloat16: return try values(BFloat16.self)
    case .float32: return try values(Float.self)
    case .float64: return try values(Double.self)
    case .int8: return try values(Int8.self)
    case .int16: return try values(Int16.self)
    case .int32: return try values(Int32.self)
    case .int64: return try values(Int64.self)
    case .uint8: return try values(UInt8.self)
    case .uint16: return try values(UInt16.self)
    case .uint32: return try values(UInt32.self)
    case .uint64: return try values(UInt64.self)
    // A byte other than 0 and 1 is no `Bool`.
    case .bool: return try values(UInt8.self).to(.bool)
    }
  }
}
