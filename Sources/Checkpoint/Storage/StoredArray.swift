import Tensor

/// An array as it lies in a file: element type, shape and little-endian bytes in C order.
public struct StoredArray: Equatable, Sendable {
  /// The type of each element.
  public let elementType: ElementType
  /// The extents; empty for a single value.
  public let shape: [Int]
  /// The elements, C order, little-endian.
  public let bytes: [UInt8]

  /// Number of elements.
  public var count: Int { bytes.count / elementType.byteSize }

  /// Takes bytes as they are; traps when their number does not fit type and shape.
  public init(_ elementType: ElementType, shape: [Int], bytes: [UInt8]) {
    tensorRequire(
      elementType.byteCount(shape: shape) == bytes.count, "StoredArray",
      "\(bytes.count) bytes for \(elementType) \(shape)")
    self.elementType = elementType
    self.shape = shape
    self.bytes = bytes
  }

  /// Copies scalars; `shape` is one axis when left out. Traps when the count does not fit the shape.
  public init<Scalar: StoredScalar>(_ scalars: [Scalar], shape: [Int]? = nil) {
    self.init(
      Scalar.elementType, shape: shape ?? [scalars.count],
      bytes: scalars.withUnsafeBytes { [UInt8]($0) })
  }

  /// The elements when they have exactly this type, else nil.
  public func scalars<Scalar: StoredScalar>(of type: Scalar.Type = Scalar.self) -> [Scalar]? {
    guard Scalar.elementType == elementType else { return nil }
    if Scalar.self == Bool.self { return bytes.map { $0 != 0 } as? [Scalar] }
    return reinterpreted(as: Scalar.self)
  }

  /// The elements of a floating-point or integer array as Float; 64-bit values are rounded.
  public func floats() -> [Float] {
    switch elementType {
    case .float16: reinterpreted(as: UInt16.self).map { Float(Float16(bitPattern: $0)) }
    case .bfloat16: reinterpreted(as: UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }
    case .float32: reinterpreted(as: Float.self)
    case .float64: reinterpreted(as: Double.self).map { Float($0) }
    case .int8: reinterpreted(as: Int8.self).map { Float($0) }
    case .int16: reinterpreted(as: Int16.self).map { Float($0) }
    case .int32: reinterpreted(as: Int32.self).map { Float($0) }
    case .int64: reinterpreted(as: Int64.self).map { Float($0) }
    case .uint8, .bool: bytes.map { Float($0) }
    case .uint16: reinterpreted(as: UInt16.self).map { Float($0) }
    case .uint32: reinterpreted(as: UInt32.self).map { Float($0) }
    case .uint64: reinterpreted(as: UInt64.self).map { Float($0) }
    }
  }

  private func reinterpreted<Scalar: BitwiseCopyable>(as type: Scalar.Type) -> [Scalar] {
    let count = bytes.count / MemoryLayout<Scalar>.size
    return [Scalar](unsafeUninitializedCapacity: count) { buffer, filled in
      bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
      filled = count
    }
  }
}
