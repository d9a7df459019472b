/// The type of a tensor's elements.
///
/// ## Promotion
/// When two tensors meet in an operation, the result has the *wider kind* of the two, in the order
/// bool < integer < floating point; within a kind the larger type wins (`uint8 < int32 < int64`,
/// `float16, bfloat16 < float32 < float64`, and float16 with bfloat16 gives float32). An integer never widens a
/// floating-point type: `int64 + float32` is float32. Swift literals never promote: `x * 2.5` has the type of
/// `x` when `x` is floating point, float32 otherwise.
public enum DType: String, Sendable, CaseIterable {
  case float16, bfloat16, float32, float64
  case uint8, int32, int64
  case bool

  /// The size of one element in bytes.
  public var byteSize: Int {
    switch self {
    case .uint8, .bool: 1
    case .float16, .bfloat16: 2
    case .float32, .int32: 4
    case .float64, .int64: 8
    }
  }

  /// Whether values of this type have fractions.
  public var isFloatingPoint: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    case .uint8, .int32, .int64, .bool: false
    }
  }

  private var rank: Int {
    switch self {
    case .bool: 0
    case .uint8: 1
    case .int32: 2
    case .int64: 3
    case .float16, .bfloat16: 4
    case .float32: 5
    case .float64: 6
    }
  }

  /// The type of the result when values of two types meet; see the discussion of ``DType``.
  public static func promoted(_ a: DType, _ b: DType) -> DType {
    if a == b { return a }
    if a.rank == b.rank { return .float32 }
    return a.rank > b.rank ? a : b
  }
}

/// A Swift type that can be an element of a tensor.
public protocol TensorScalar: Sendable {
  /// The element type of tensors made from this Swift type.
  static var dtype: DType { get }
  /// The value as a Double (`true` is 1).
  var asDouble: Double { get }
  /// Converts from a Double, truncating towards zero; for `Bool`, non-zero is `true`.
  init(asDouble value: Double)
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

extension Int32: TensorScalar {
  public static var dtype: DType { .int32 }
  public var asDouble: Double { Double(self) }
  public init(asDouble value: Double) { self = Int32(value) }
}

extension Int64: TensorScalar {
  public static var dtype: DType { .int64 }
  public var asDouble: Double { Double(self) }
  public init(asDouble value: Double) { self = Int64(value) }
}

extension Int: TensorScalar {
  public static var dtype: DType { .int64 }
  public var asDouble: Double { Double(self) }
  public init(asDouble value: Double) { self = Int(value) }
}

extension UInt8: TensorScalar {
  public static var dtype: DType { .uint8 }
  public var asDouble: Double { Double(self) }
  public init(asDouble value: Double) { self = UInt8(value) }
}

extension Bool: TensorScalar {
  public static var dtype: DType { .bool }
  public var asDouble: Double { self ? 1 : 0 }
  public init(asDouble value: Double) { self = value != 0 }
}

/// bfloat16 as stored: the upper half of a Float.
package struct BFloat16Bits: TensorScalar {
  var bits: UInt16
  package static var dtype: DType { .bfloat16 }
  package var asDouble: Double { Double(Float(bitPattern: UInt32(bits) << 16)) }
  package init(asDouble value: Double) {
    let float = Float(value)
    let pattern = float.bitPattern
    // Round to nearest even; a NaN keeps a set mantissa bit.
    bits =
      float.isNaN
      ? UInt16(pattern >> 16) | 0x40
      : UInt16((pattern &+ 0x7FFF &+ ((pattern >> 16) & 1)) >> 16)
  }
}

#if arch(arm64)
  package typealias Float16Bits = Float16
  extension Float16: TensorScalar {
    public static var dtype: DType { .float16 }
    public var asDouble: Double { Double(self) }
    public init(asDouble value: Double) { self = Float16(value) }
  }
#else
  /// IEEE half precision as stored, for processors whose Swift has no usable `Float16`.
  package struct Float16Bits: TensorScalar {
    var bits: UInt16
    package static var dtype: DType { .float16 }

    package var asDouble: Double {
      let exponent = Int(bits >> 10 & 0x1F)
      let mantissa = Double(bits & 0x3FF)
      let magnitude: Double =
        switch exponent {
        case 0: mantissa * 0x1p-24
        case 31: mantissa == 0 ? .infinity : .nan
        default: Double(sign: .plus, exponent: exponent - 25, significand: 1024 + mantissa)
        }
      return bits & 0x8000 == 0 ? magnitude : -magnitude
    }

    package init(asDouble value: Double) {
      let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
      let magnitude = value.magnitude
      if magnitude.isNaN {
        bits = sign | 0x7E00
      } else if magnitude >= 65520 {
        bits = sign | 0x7C00
      } else if magnitude < 0x1p-14 {
        bits = sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven))
      } else {
        let exponent = Int(magnitude.exponent)
        let scaled = (magnitude * Double(sign: .plus, exponent: 10 - exponent, significand: 1))
          .rounded(.toNearestOrEven)
        bits = sign | UInt16((exponent + 15) << 10) &+ UInt16(scaled - 1024)
      }
    }
  }
#endif

extension DType {
  /// Calls `body` with the Swift type whose memory layout this element type has.
  package func withScalarType<Result>(_ body: (any TensorScalar.Type) throws -> Result) rethrows -> Result {
    switch self {
    case .float16: try body(Float16Bits.self)
    case .bfloat16: try body(BFloat16Bits.self)
    case .float32: try body(Float.self)
    case .float64: try body(Double.self)
    case .uint8: try body(UInt8.self)
    case .int32: try body(Int32.self)
    case .int64: try body(Int64.self)
    case .bool: try body(Bool.self)
    }
  }
}
