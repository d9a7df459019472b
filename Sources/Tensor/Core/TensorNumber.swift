/// A Swift number on its way to a tensor: its value is exact, and its kind alone decides the type of the
/// result.
package struct TensorNumber: Sendable {
  /// The value of an integer or a truth value; nil for floating-point numbers.
  package let integer: Int128?
  /// The value, rounded where a Double does not hold an integer.
  package let double: Double
  /// The type that stands for the kind of number: bool, int64 or float32.
  package let kind: DType

  package init<Scalar: TensorScalar>(_ value: Scalar) {
    integer = value.asInteger
    double = value.asDouble
    kind = Scalar.dtype.isFloatingPoint ? .float32 : Scalar.dtype == .bool ? .bool : .int64
  }

  /// A whole number.
  init(whole value: Int128) { self.init(integer: value, double: Double(value), kind: .int64) }

  private init(integer: Int128?, double: Double, kind: DType) {
    (self.integer, self.double, self.kind) = (integer, double, kind)
  }

  /// The number with the other sign.
  var negative: TensorNumber {
    TensorNumber(integer: integer.map { -$0 }, double: -double, kind: kind == .bool ? .int64 : kind)
  }

  /// The value as an element of an integer type, cut towards zero.
  /// - Precondition: the type holds it.
  private func whole(in type: DType, _ operation: String) -> Int128 {
    let range = type.integerRange
    if let integer, range.contains(integer) { return integer }
    if integer == nil, let cut = Int128(exactly: double.rounded(.towardZero)), range.contains(cut) {
      return cut
    }
    tensorFailure(
      operation,
      "\(integer.map { "\($0)" } ?? "\(double)") is no number of \(type), which holds "
        + "\(range.lowerBound) to \(range.upperBound)")
  }

  /// Writes the value as one element. Floating-point types round it, integer types must hold it (what comes
  /// after its point is cut), and every value but zero is true.
  package func write(to element: UnsafeMutableRawPointer, as type: DType, _ operation: String) {
    switch type {
    case .bool: element.storeBytes(of: double != 0, as: Bool.self)
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64:
      let value = whole(in: type, operation)
      func store<T: FixedWidthInteger & TensorScalar>(_: T.Type) {
        element.storeBytes(of: T(value), as: T.self)
      }
      type.withIntegerType { store($0) }
    case .float16: element.storeBytes(of: Float16(double), as: Float16.self)
    case .bfloat16: element.storeBytes(of: BFloat16(asDouble: double), as: BFloat16.self)
    case .float32: element.storeBytes(of: nearestFloat, as: Float.self)
    case .float64: element.storeBytes(of: double, as: Double.self)
    }
  }

  private var nearestFloat: Float {
    guard let integer else { return Float(double) }
    return Int64(exactly: integer).map(Float.init) ?? Float(integer)
  }

  /// The type of a tensor that a program makes of a number without naming a type.
  static func fillType<Scalar: TensorScalar>(_: Scalar.Type) -> DType {
    Scalar.dtype == .bool ? .bool : .float32
  }

  /// The number as a tensor without axes.
  package func tensor(as type: DType, _ operation: String) -> Tensor {
    let result = Tensor(uninitialized: [], dtype: type)
    write(to: result.rawPointer, as: type, operation)
    Profile.written()
    return result
  }
}

extension DType {
  /// The whole numbers of an integer type.
  package var integerRange: ClosedRange<Int128> {
    switch self {
    case .bool: 0...1
    case .float16, .bfloat16, .float32, .float64: Int128(Int64.min)...Int128(UInt64.max)
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64:
      withIntegerType { Self.range($0) }!
    }
  }

  private static func range<T: FixedWidthInteger>(_: T.Type) -> ClosedRange<Int128> {
    Int128(T.min)...Int128(T.max)
  }
}

// A number where a tensor is expected counts as the Swift number it is: among tensors by its kind (see
// DType), and exactly when it is converted. On its own it is a float32 tensor without axes.
extension Tensor: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral {
  /// A whole number where a tensor is expected, as in `x[0] = 5`.
  public init(integerLiteral value: Int) { self.init(remembering: TensorNumber(value)) }

  /// A number where a tensor is expected, as in `x[mask] = 0.1`.
  public init(floatLiteral value: Double) { self.init(remembering: TensorNumber(value)) }

  /// A truth value where a tensor is expected.
  public init(booleanLiteral value: Bool) { self = TensorNumber(value).tensor(as: .bool, "Tensor") }

  /// The number that is larger than all others, as in `x .< .infinity`.
  public static var infinity: Tensor { Tensor(remembering: TensorNumber(Double.infinity)) }
  /// What is no number, as in `x[0] = .nan`.
  public static var nan: Tensor { Tensor(remembering: TensorNumber(Double.nan)) }
  /// Half the way round the unit circle.
  public static var pi: Tensor { Tensor(remembering: TensorNumber(Double.pi)) }

  /// A float32 number without axes that counts as the number itself.
  package init(remembering number: TensorNumber) {
    let storage = TensorStorage(remembering: number)
    number.write(to: storage.pointer, as: .float32, "Tensor")
    self.init(storage: storage, shape: [], strides: [], offset: 0, dtype: .float32)
  }
}
