import CTensorKernels

/// The type of a tensor's elements.
///
/// ## Promotion
/// When two tensors meet in an operation, the result has the *wider kind* of the two, in the order
/// bool < integer < floating point; within a kind the larger type wins, and float16 with bfloat16 gives float32, the
/// smallest type that holds both:
///
/// |          | bool     | uint8    | int32    | int64    | float16 | bfloat16 | float32 | float64 |
/// | -------- | -------- | -------- | -------- | -------- | ------- | -------- | ------- | ------- |
/// | bool     | bool     | uint8    | int32    | int64    | float16 | bfloat16 | float32 | float64 |
/// | uint8    | uint8    | uint8    | int32    | int64    | float16 | bfloat16 | float32 | float64 |
/// | int32    | int32    | int32    | int32    | int64    | float16 | bfloat16 | float32 | float64 |
/// | int64    | int64    | int64    | int64    | int64    | float16 | bfloat16 | float32 | float64 |
/// | float16  | float16  | float16  | float16  | float16  | float16 | float32  | float32 | float64 |
/// | bfloat16 | bfloat16 | bfloat16 | bfloat16 | bfloat16 | float32 | bfloat16 | float32 | float64 |
/// | float32  | float32  | float32  | float32  | float32  | float32 | float32  | float32 | float64 |
/// | float64  | float64  | float64  | float64  | float64  | float64 | float64  | float64 | float64 |
///
/// This is PyTorch's table for tensors with axes. Unlike there, a tensor without axes promotes like any other. Swift
/// numbers do not promote a floating-point tensor (`x * 2.5` has the type of `x`), and the type a number gives an
/// integer or bool tensor is that of ``promoted(_:scalar:)``.
///
/// float16 and bfloat16 are storage types: an operation reads them as Float32, computes in Float32 and rounds
/// its result once, to nearest even. Products of matrices accumulate in Float32 too.
///
/// ## Conversion
/// ``Tensor/to(_:)`` rounds to nearest even towards a floating-point type (in one step, also from Float64 to float16),
/// truncates towards zero and saturates towards an integer type (NaN becomes 0), keeps the low bits between
/// integer types, and makes every value that is not zero `true`.
public enum DType: String, Sendable, CaseIterable {
  /// IEEE's half precision: 5 bits of exponent, 10 of fraction. Stored only.
  case float16
  /// The upper half of a Float32: 8 bits of exponent, 7 of fraction. Stored only.
  case bfloat16
  /// Swift's `Float`.
  case float32
  /// Swift's `Double`.
  case float64
  /// Whole numbers from 0 to 255.
  case uint8
  /// Whole numbers of 32 bits.
  case int32
  /// Whole numbers of 64 bits.
  case int64
  /// Truth values, a byte each.
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

  /// The type of the result when a tensor meets a Swift number: the tensor's when it is floating point; for integer
  /// tensors theirs when the number is whole, else float32; for bool tensors int64 or float32.
  public static func promoted(_ type: DType, scalar: Double) -> DType {
    if type.isFloatingPoint { return type }
    guard scalar == scalar.rounded(.towardZero), scalar.isFinite else { return .float32 }
    return type == .bool ? .int64 : type
  }

  /// Whether a whole number lies in the range of this type.
  package func holds(_ value: Double) -> Bool {
    switch self {
    case .uint8: value >= 0 && value <= 255
    case .int32: value >= -0x1p31 && value < 0x1p31
    case .int64: value >= -0x1p63 && value < 0x1p63
    case .bool, .float16, .bfloat16, .float32, .float64: true
    }
  }

  /// The number of this type in the kernels' tables.
  package var kernelCode: Int32 {
    switch self {
    case .float16: Int32(TK_TYPE_F16)
    case .bfloat16: Int32(TK_TYPE_BF16)
    case .float32: Int32(TK_TYPE_F32)
    case .float64: Int32(TK_TYPE_F64)
    case .uint8: Int32(TK_TYPE_U8)
    case .int32: Int32(TK_TYPE_I32)
    case .int64: Int32(TK_TYPE_I64)
    case .bool: Int32(TK_TYPE_BOOL)
    }
  }

  /// Whether values are stored in 16 bits and computed with in Float32.
  public var isHalfPrecision: Bool { self == .float16 || self == .bfloat16 }
}
