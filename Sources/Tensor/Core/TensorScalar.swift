/// A Swift type that can be an element of a tensor.
public protocol TensorScalar: Sendable {
  /// The element type of tensors made from this Swift type.
  static var dtype: DType { get }
  /// The value as a Double (`true` is 1), rounded where a Double does not hold an integer.
  var asDouble: Double { get }
  /// The value as an integer (`true` is 1); nil for floating-point types.
  var asInteger: Int128? { get }
  /// Converts from a Double as ``Tensor/to(_:)`` does: towards zero and saturating for integers, which make 0
  /// of NaN; for `Bool`, non-zero is `true`.
  init(asDouble value: Double)
}

extension TensorScalar {
  public var asInteger: Int128? { nil }
}

extension TensorScalar where Self: FixedWidthInteger {
  public var asInteger: Int128? { Int128(self) }
  public var asDouble: Double { Double(self) }

  public init(asDouble value: Double) {
    let cut = value.rounded(.towardZero)
    self = value.isNaN ? 0 : Self(exactly: cut) ?? (cut < 0 ? .min : .max)
  }
}

extension Float: TensorScalar {
  public static var dtype: DType { .float32 }
  public var asDouble: Double { Double(self) }
  public init(asDouble value: Double) { self = Float(value) }
}

extension Double: TensorScalar {
  public static var dtype: DType { .float64 }
  public var asDouble: Double { self }
  public init(asDouble value: Double) { self = value }
}

extension Int8: TensorScalar {
  public static var dtype: DType { .int8 }
}

extension Int16: TensorScalar {
  public static var dtype: DType { .int16 }
}

extension Int32: TensorScalar {
  public static var dtype: DType { .int32 }
}

extension Int64: TensorScalar {
  public static var dtype: DType { .int64 }
}

extension Int: TensorScalar {
  public static var dtype: DType { .int64 }
}

extension UInt8: TensorScalar {
  public static var dtype: DType { .uint8 }
}

extension UInt16: TensorScalar {
  public static var dtype: DType { .uint16 }
}

extension UInt32: TensorScalar {
  public static var dtype: DType { .uint32 }
}

extension UInt64: TensorScalar {
  public static var dtype: DType { .uint64 }
}

extension UInt: TensorScalar {
  public static var dtype: DType { .uint64 }
}

extension Bool: TensorScalar {
  public static var dtype: DType { .bool }
  public var asDouble: Double { self ? 1 : 0 }
  public var asInteger: Int128? { self ? 1 : 0 }
  public init(asDouble value: Double) { self = value != 0 }
}

extension Float16: TensorScalar {
  public static var dtype: DType { .float16 }
  public var asDouble: Double { Double(self) }
  public init(asDouble value: Double) { self = Float16(value) }
}

/// A number with the exponent of a Float and 8 significant bits, as weights are often stored.
///
/// It converts and compares; arithmetic happens in Float.
public struct BFloat16: TensorScalar, BitwiseCopyable, Hashable, CustomStringConvertible {
  /// The upper half of the Float with the same value.
  public var bitPattern: UInt16

  /// The number with these bits.
  public init(bitPattern: UInt16) { self.bitPattern = bitPattern }

  /// The nearest number, ties to even; a NaN stays one.
  public init(_ value: Float) {
    let pattern = value.bitPattern
    bitPattern =
      value.isNaN
      ? UInt16(pattern >> 16) | 0x40
      : UInt16((pattern &+ 0x7FFF &+ ((pattern >> 16) & 1)) >> 16)
  }

  public static var dtype: DType { .bfloat16 }
  public var asDouble: Double { Double(Float(self)) }

  public init(asDouble value: Double) {
    // Rounded to odd first, the second rounding is the only one that counts.
    var float = Float(value)
    if value.isFinite, float.isFinite, Double(float) != value {
      if Double(float).magnitude > value.magnitude { float = Float(bitPattern: float.bitPattern - 1) }
      float = Float(bitPattern: float.bitPattern | 1)
    }
    self.init(float)
  }

  /// Zeros of either sign are equal, NaN is not equal to itself.
  public static func == (a: BFloat16, b: BFloat16) -> Bool { Float(a) == Float(b) }

  public func hash(into hasher: inout Hasher) { Float(self).hash(into: &hasher) }

  public var description: String { Float(self).description }
}

extension Float {
  /// The same value.
  public init(_ value: BFloat16) { self.init(bitPattern: UInt32(value.bitPattern) << 16) }
}

extension DType {
  /// Calls `body` with the Swift type of an integer type's elements; nil for other types.
  package func withIntegerType<Result>(
    _ body: (any (FixedWidthInteger & TensorScalar).Type) throws -> Result
  ) rethrows -> Result? {
    switch self {
    case .int8: try body(Int8.self)
    case .int16: try body(Int16.self)
    case .int32: try body(Int32.self)
    case .int64: try body(Int64.self)
    case .uint8: try body(UInt8.self)
    case .uint16: try body(UInt16.self)
    case .uint32: try body(UInt32.self)
    case .uint64: try body(UInt64.self)
    case .float16, .bfloat16, .float32, .float64, .bool: nil
    }
  }

  /// Calls `body` with the Swift type whose memory layout this element type has.
  package func withScalarType<Result>(_ body: (any TensorScalar.Type) throws -> Result) rethrows -> Result {
    switch self {
    case .float16: try body(Float16.self)
    case .bfloat16: try body(BFloat16.self)
    case .float32: try body(Float.self)
    case .float64: try body(Double.self)
    case .int8: try body(Int8.self)
    case .int16: try body(Int16.self)
    case .int32: try body(Int32.self)
    case .int64: try body(Int64.self)
    case .uint8: try body(UInt8.self)
    case .uint16: try body(UInt16.self)
    case .uint32: try body(UInt32.self)
    case .uint64: try body(UInt64.self)
    case .bool: try body(Bool.self)
    }
  }
}
