import Foundation
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

extension HDF5Writer {
  /// Writes a tensor as a new contiguous dataset, making the groups above it.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also when the name is taken.
  public func write(_ tensor: Tensor, to path: String) throws {
    try tensor.withElementBytes {
      try write($0, elementType: ElementType(tensor.dtype), shape: tensor.shape, to: path)
    }
  }
}

extension HDF5File {
  /// Reads a dataset as a tensor, straight into its memory.
  /// - Throws: as ``read(_:)``; `unsupported` for UInt64, which tensors do not have.
  public func tensor(_ path: String) throws -> Tensor {
    let (elementType, shape) = try checkedDescription(of: path)
    return try rethrowing(at: path) {
      try Tensor(elementType, shape: shape) { try read(path, as: elementType, into: $0) }
    }
  }

  private func rethrowing<Result>(at path: String, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as NoTensorType {
      throw CheckpointError(
        .unsupported, file: url.path, at: path, found: "\(error.elementType) values",
        expected: "a type that tensors have")
    }
  }
}

extension SafeTensorsFile {
  /// A tensor, copied out of the file.
  /// - Throws: ``CheckpointError`` of kind `missing`; `unsupported` for UInt64, which tensors do not have.
  public func tensor(_ name: String) throws -> Tensor {
    try withBytes(of: name) { entry, bytes in
      do {
        return try Tensor(entry.elementType, shape: entry.shape, bytes: bytes)
      } catch let error as NoTensorType {
        throw CheckpointError(
          .unsupported, file: url.path, at: name, found: "\(error.elementType) values",
          expected: "a type that tensors have")
      }
    }
  }

  /// All tensors, in the order of their bytes.
  /// - Throws: as ``tensor(_:)``.
  public func tensors() throws -> [(name: String, tensor: Tensor)] {
    try names.map { ($0, try tensor($0)) }
  }
}
