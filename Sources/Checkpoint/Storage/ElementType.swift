/// The type of one element of an array on disk.
///
/// Tensors have the same types: ``dtype``.
public enum ElementType: String, Sendable, CaseIterable {
  /// IEEE's half precision.
  case float16
  /// The upper half of a Float32.
  case bfloat16
  /// IEEE's single precision.
  case float32
  /// IEEE's double precision.
  case float64
  /// Signed, 8 bits.
  case int8
  /// Signed, 16 bits.
  case int16
  /// Signed, 32 bits.
  case int32
  /// Signed, 64 bits.
  case int64
  /// Unsigned, 8 bits.
  case uint8
  /// Unsigned, 16 bits.
  case uint16
  /// Unsigned, 32 bits.
  case uint32
  /// Unsigned, 64 bits.
  case uint64
  /// A truth value, one byte.
  case bool

  /// Bytes of one element.
  public var byteSize: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    }
  }

  /// Number of bytes an array of this shape takes, or nil when an extent is negative or the product
  /// overflows, also when another extent is 0: the strides of such a shape do not fit either.
  public func byteCount(shape: [Int]) -> Int? {
    var total = byteSize
    for extent in shape {
      guard extent >= 0 else { return nil }
      let (product, overflow) = total.multipliedReportingOverflow(by: max(extent, 1))
      if overflow { return nil }
      total = product
    }
    return shape.contains(0) ? 0 : total
  }
}

/// A Swift type that stands for one ``ElementType``.
public protocol StoredScalar: BitwiseCopyable, Sendable {
  /// The element type on disk.
  static var elementType: ElementType { get }
}

extension Float: StoredScalar { public static var elementType: ElementType { .float32 } }
extension Double: StoredScalar { public static var elementType: ElementType { .float64 } }
extension Int8: StoredScalar { public static var elementType: ElementType { .int8 } }
extension Int16: StoredScalar { public static var elementType: ElementType { .int16 } }
extension Int32: StoredScalar { public static var elementType: ElementType { .int32 } }
extension Int64: StoredScalar { public static var elementType: ElementType { .int64 } }
extension UInt8: StoredScalar { public static var elementType: ElementType { .uint8 } }
extension UInt16: StoredScalar { public static var elementType: ElementType { .uint16 } }
extension UInt32: StoredScalar { public static var elementType: ElementType { .uint32 } }
extension UInt64: StoredScalar { public static var elementType: ElementType { .uint64 } }
extension Bool: StoredScalar { public static var elementType: ElementType { .bool } }
