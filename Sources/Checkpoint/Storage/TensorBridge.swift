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
      case .int8: .int8
      case .int16: .int16
      case .int32: .int32
      case .int64: .int64
      case .uint8: .uint8
      case .uint16: .uint16
      case .uint32: .uint32
      case .uint64: .uint64
      case .bool: .bool
      }
  }

  /// The type of a tensor's elements of this type.
  public var dtype: DType {
    switch self {
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .float32: .float32
    case .float64: .float64
    case .int8: .int8
    case .int16: .int16
    case .int32: .int32
    case .int64: .int64
    case .uint8: .uint8
    case .uint16: .uint16
    case .uint32: .uint32
    case .uint64: .uint64
    case .bool: .bool
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

  /// The array as a tensor.
  public var tensor: Tensor {
    bytes.withUnsafeBytes { Tensor(elementType, shape: shape, bytes: $0) }
  }
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

  /// A tensor whose bytes `fill` reads from a file.
  init(
    _ elementType: ElementType, shape: [Int], fill: (UnsafeMutableRawBufferPointer) throws -> Void
  ) rethrows {
    let dtype = elementType.dtype
    try self.init(shape: shape, dtype: dtype) { bytes in
      try fill(bytes)
      // Only 0 and 1 are valid in memory, whatever a file says.
      if dtype == .bool { for index in bytes.indices where bytes[index] != 0 { bytes[index] = 1 } }
    }
  }

  /// A tensor from bytes in C order.
  init(_ elementType: ElementType, shape: [Int], bytes: UnsafeRawBufferPointer) {
    self.init(elementType, shape: shape) { target in
      guard let from = bytes.baseAddress, let to = target.baseAddress else { return }
      Threads.parallel(bytes.count, grain: 1 << 20) { range in
        (to + range.lowerBound).copyMemory(from: from + range.lowerBound, byteCount: range.count)
      }
    }
  }
}
