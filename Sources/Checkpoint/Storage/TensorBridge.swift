import Tensor

extension ElementType {
  /// The type on disk of a tensor's elements.
  public init(_ dtype: DType) {
    self =
      switch dtype {
      case .float16: .float16
      case .bfloat16: .bfloat16
      case .float32: .float32
      case .float64: .float64
      case .uint8: .uint8
      case .int32: .int32
      case .int64: .int64
      case .bool: .bool
      }
  }

  /// The tensor element type that holds every value of this one; nil for UInt64, which has none.
  public var dtype: DType? {
    switch self {
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .float32: .float32
    case .float64: .float64
    case .uint8: .uint8
    case .int8, .int16, .uint16, .int32: .int32
    case .uint32, .int64: .int64
    case .bool: .bool
    case .uint64: nil
    }
  }
}

extension StoredArray {
  /// A tensor's elements in C order, without its gradient record.
  public init(_ tensor: Tensor) {
    self = tensor.withElementBytes {
      StoredArray(ElementType(tensor.dtype), shape: tensor.shape, bytes: [UInt8]($0))
    }
  }

  /// The array as a tensor of type ``ElementType/dtype``; nil for UInt64.
  public var tensor: Tensor? {
    try? bytes.withUnsafeBytes { try Tensor(elementType, shape: shape, bytes: $0) }
  }
}

/// An element type that no tensor can have.
struct NoTensorType: Error {
  let elementType: ElementType
}

extension Tensor {
  /// Elements that are converted or looked through at a time where a whole copy would cost memory. Few,
  /// because their buffers go back to the pool, which hands them to tensors half as large: those would keep
  /// twice what they need.
  package static let pieceLength = 1 << 16

  /// Calls `body` with the elements in C order.
  package func withElementBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result
  {
    let flat = detached().contiguous()
    return try withExtendedLifetime(flat) {
      try body(UnsafeRawBufferPointer(start: flat.rawPointer, count: flat.count * dtype.byteSize))
    }
  }

  /// A tensor whose bytes `fill` reads from a file; element types without counterpart are widened.
  init(
    _ elementType: ElementType, shape: [Int], fill: (UnsafeMutableRawBufferPointer) throws -> Void
  ) throws {
    guard let dtype = elementType.dtype else { throw NoTensorType(elementType: elementType) }
    if elementType == ElementType(dtype) {
      try self.init(shape: shape, dtype: dtype) { bytes in
        try fill(bytes)
        // Only 0 and 1 are valid in memory, whatever a file says.
        if dtype == .bool { for index in bytes.indices where bytes[index] != 0 { bytes[index] = 1 } }
      }
      return
    }
    let byteCount = shape.reduce(1, *) * elementType.byteSize
    let narrow = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
    defer { narrow.deallocate() }
    try fill(narrow)
    self.init(shape: shape, dtype: dtype) { wide in
      switch elementType {
      case .int8: Self.widen(narrow, Int8.self, wide, Int32.self)
      case .int16: Self.widen(narrow, Int16.self, wide, Int32.self)
      case .uint16: Self.widen(narrow, UInt16.self, wide, Int32.self)
      default: Self.widen(narrow, UInt32.self, wide, Int64.self)
      }
    }
  }

  /// A tensor from bytes in C order.
  init(_ elementType: ElementType, shape: [Int], bytes: UnsafeRawBufferPointer) throws {
    try self.init(elementType, shape: shape) { target in
      guard let from = bytes.baseAddress, let to = target.baseAddress else { return }
      Threads.parallel(bytes.count, grain: 1 << 20) { range in
        (to + range.lowerBound).copyMemory(from: from + range.lowerBound, byteCount: range.count)
      }
    }
  }

  private static func widen<From: FixedWidthInteger, To: FixedWidthInteger>(
    _ narrow: UnsafeMutableRawBufferPointer, _: From.Type, _ wide: UnsafeMutableRawBufferPointer, _: To.Type
  ) {
    let output = wide.bindMemory(to: To.self)
    for (index, value) in narrow.bindMemory(to: From.self).enumerated() { output[index] = To(value) }
  }
}
