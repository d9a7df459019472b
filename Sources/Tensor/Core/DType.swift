import CTensorKernels

/// The type of a tensor's elements.
///
/// ## Promotion
/// When two tensors meet in an operation, the result has the *wider kind* of the two, in the order
/// bool < integer < floating point; within a kind the smallest type that holds both wins: float16 with
/// bfloat16 gives float32, and of two integers
///
/// |        | int8  | int16 | int32 | int64 | uint8  | uint16 | uint32 | uint64  |
/// | ------ | ----- | ----- | ----- | ----- | ------ | ------ | ------ | ------- |
/// | int8   | int8  | int16 | int32 | int64 | int16  | int32  | int64  | float64 |
/// | int16  | int16 | int16 | int32 | int64 | int16  | int32  | int64  | float64 |
/// | int32  | int32 | int32 | int32 | int64 | int32  | int32  | int64  | float64 |
/// | int64  | int64 | int64 | int64 | int64 | int64  | int64  | int64  | float64 |
/// | uint8  | int16 | int16 | int32 | int64 | uint8  | uint16 | uint32 | uint64  |
/// | uint16 | int32 | int32 | int32 | int64 | uint16 | uint16 | uint32 | uint64  |
/// | uint32 | int64 | int64 | int64 | int64 | uint32 | uint32 | uint32 | uint64  |
/// | uint64 | float64 | float64 | float64 | float64 | uint64 | uint64 | uint64 | uint64 |
///
/// No integer type holds int64 and uint64: as in NumPy they give float64, and comparisons of the two are
/// exact all the same. An integer beside a floating-point tensor takes its type, as in PyTorch. Unlike there,
/// a tensor without axes promotes like any other.
///
/// A Swift number counts by its kind alone, never by its value or its size: it changes the type of the result
/// only where its kind is wider than the tensor's.
///
/// |                | `Bool`   | `Int`, `UInt8`, … `Int64` | `Double`, `Float`, `Float16` |
/// | -------------- | -------- | ------------------------- | ---------------------------- |
/// | bool           | bool     | int64                     | float32                      |
/// | an integer     | its type | its type                  | float32                      |
/// | floating point | its type | its type                  | its type                     |
///
/// So `image / 255` and `image * 2.0` are float32 for every integer image, `index * 2` keeps the type of
/// `index`, and
/// `half * 0.1` is half. An `Int` that meets an integer tensor must be a number of its type: `bytes + 300`
/// fails, as it does in NumPy; compared with, it may be any number. This is the rule of every operation of
/// two operands: operators, comparisons, `maximum`, `minimum`, `pow`, `remainder`, `floorDivided(by:)`,
/// `clamped`, `select`, `maskedFill`.
///
/// Three operations have a type of their own: `/` of integers or bools is true division and gives float32,
/// comparisons give bool, and sums, products and their running forms of integers or bools are int64, those of
/// uint64 are uint64.
///
/// ## Integers
/// Integers are exact to their last bit in every operation that gives integers, and wrap around on overflow
/// as NumPy's do (the negative, the magnitude and the quotient by −1 of the smallest number are that number).
/// Nothing traps: the quotient and the remainder by 0 are 0, and a negative exponent gives the whole part of
/// the fraction. Addition of bools is *or*, multiplication *and*, subtraction *exclusive or*.
///
/// float16 and bfloat16 are storage types: an operation reads them as Float32, computes in Float32 and rounds
/// its result once, to nearest even. Products of matrices accumulate in Float32 too.
///
/// ## Conversion
/// ``Tensor/to(_:)`` rounds to nearest even towards a floating-point type (in one step, also from Float64 to
/// float16), truncates towards zero and saturates towards an integer type (NaN becomes 0), keeps the low bits
/// between integer types, and makes every value that is not zero `true`.
public enum DType: String, Sendable, CaseIterable {
  /// IEEE's half precision: 5 bits of exponent, 10 of fraction. Stored only.
  case float16
  /// The upper half of a Float32: 8 bits of exponent, 7 of fraction. Stored only.
  case bfloat16
  /// Swift's `Float`.
  case float32
  /// Swift's `Double`.
  case float64
  /// Whole numbers from −128 to 127.
  case int8
  /// Whole numbers from −32,768 to 32,767.
  case int16
  /// Whole numbers of 32 bits.
  case int32
  /// Whole numbers of 64 bits.
  case int64
  /// Whole numbers from 0 to 255.
  case uint8
  /// Whole numbers from 0 to 65,535.
  case uint16
  /// Whole numbers of 32 bits without a sign.
  case uint32
  /// Whole numbers of 64 bits without a sign.
  case uint64
  /// Truth values, a byte each.
  case bool

  /// The size of one element in bytes.
  public var byteSize: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    }
  }

  /// Whether values of this type have fractions.
  public var isFloatingPoint: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }

  /// Whether values of this type are whole numbers; truth values are none.
  public var isInteger: Bool { !isFloatingPoint && self != .bool }

  /// Whether values of this type are whole numbers that are never negative.
  public var isUnsigned: Bool {
    switch self {
    case .uint8, .uint16, .uint32, .uint64: true
    default: false
    }
  }

  /// Whether there are integers of this type that a Float does not hold.
  package var exceedsFloat: Bool { isInteger && byteSize > 2 }

  /// The type of sums and products of this type's values.
  package var totalType: DType { isFloatingPoint || self == .uint64 ? self : .int64 }

  /// The type of the result when values of two types meet; see the discussion of ``DType``.
  public static func promoted(_ a: DType, _ b: DType) -> DType {
    if a == b || b == .bool { return a }
    if a == .bool { return b }
    switch (a.isFloatingPoint, b.isFloatingPoint) {
    case (true, false): return a
    case (false, true): return b
    case (true, true): return a.byteSize == b.byteSize ? .float32 : a.byteSize > b.byteSize ? a : b
    case (false, false): return promotedIntegers(a, b)
    }
  }

  private static func promotedIntegers(_ a: DType, _ b: DType) -> DType {
    if a.isUnsigned == b.isUnsigned { return a.byteSize > b.byteSize ? a : b }
    let (signed, unsigned) = a.isUnsigned ? (b, a) : (a, b)
    if signed.byteSize > unsigned.byteSize { return signed }
    switch unsigned {
    case .uint8: return .int16
    case .uint16: return .int32
    case .uint32: return .int64
    default: return .float64
    }
  }

  /// The type of the result when a tensor meets a Swift number of some type: the tensor's own, unless the
  /// number is of a wider kind. It never depends on the number's value.
  public static func promoted<Number: TensorScalar>(_ type: DType, with number: Number.Type) -> DType {
    promoted(type, kind: Number.dtype.isFloatingPoint ? .float32 : Number.dtype == .bool ? .bool : .int64)
  }

  /// The type of the result when a tensor meets a number of a kind, given as bool, int64 or float32.
  package static func promoted(_ type: DType, kind: DType) -> DType {
    if type.isFloatingPoint { return type }
    if kind.isFloatingPoint { return .float32 }
    return type == .bool ? kind : type
  }

  /// Whether a whole number lies in the range of this type; a bool takes all.
  package func holds(_ value: Int) -> Bool { self == .bool || integerRange.contains(Int128(value)) }

  /// Whether a Swift type is the one that elements of this type have in memory: its own, or for half
  /// precision the bits as `UInt16`, and for int64 also `UInt64`.
  @inline(__always)
  package func isStored<T>(as _: T.Type) -> Bool {
    switch self {
    case .float32: T.self == Float.self
    case .float64: T.self == Double.self
    case .int64: T.self == Int64.self || T.self == UInt64.self || T.self == Int.self
    case .int8: T.self == Int8.self
    case .int16: T.self == Int16.self
    case .int32: T.self == Int32.self
    case .uint8: T.self == UInt8.self
    case .uint16: T.self == UInt16.self
    case .uint32: T.self == UInt32.self
    case .uint64: T.self == UInt64.self || T.self == UInt.self
    case .bool: T.self == UInt8.self || T.self == Bool.self
    case .float16: T.self == Float16.self || T.self == UInt16.self
    case .bfloat16: T.self == BFloat16.self || T.self == UInt16.self
    }
  }

  /// The number of this type in the kernels' tables.
  package var kernelCode: Int32 {
    switch self {
    case .float16: Int32(TK_TYPE_F16)
    case .bfloat16: Int32(TK_TYPE_BF16)
    case .float32: Int32(TK_TYPE_F32)
    case .float64: Int32(TK_TYPE_F64)
    case .int8: Int32(TK_TYPE_I8)
    case .int16: Int32(TK_TYPE_I16)
    case .int32: Int32(TK_TYPE_I32)
    case .int64: Int32(TK_TYPE_I64)
    case .uint8: Int32(TK_TYPE_U8)
    case .uint16: Int32(TK_TYPE_U16)
    case .uint32: Int32(TK_TYPE_U32)
    case .uint64: Int32(TK_TYPE_U64)
    case .bool: Int32(TK_TYPE_BOOL)
    }
  }

  /// Whether values are stored in 16 bits and computed with in Float32.
  public var isHalfPrecision: Bool { self == .float16 || self == .bfloat16 }
}
