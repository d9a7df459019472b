/// A Swift number on its way to a tensor: its value is exact, and its kind alone decides the type of the
/// result.
package struct TensorNumber: Sendable {
  /// The value of an integer or a truth value; nil for floating-point numbers.
  package let integer: Int64?
  /// The value, rounded where a Double does not hold an integer.
  package let double: Double
  /// The type that stands for the kind of number: bool, int64 or float32.
  package let kind: DType

  package init<Scalar: TensorScalar>(_ value: Scalar) {
    integer = value.asInteger
    double = value.asDouble
    kind = Scalar.dtype.isFloatingPoint ? .float32 : Scalar.dtype == .bool ? .bool : .int64
  }

  /// The number with the other sign; that of the smallest integer is no integer.
  var negative: TensorNumber {
    integer.map { $0 == .min ? TensorNumber(-double) : TensorNumber(-$0) } ?? TensorNumber(-double)
  }

  /// The value as an element of an integer type, cut towards zero.
  /// - Precondition: the type holds it.
  private func whole(in type: DType, _ operation: String) -> Int64 {
    let range = type.integerRange
    if let integer, range.contains(integer) { return integer }
    if integer == nil, let cut = Int64(exactly: double.rounded(.towardZero)), range.contains(cut) {
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
    case .uint8: element.storeBytes(of: UInt8(whole(in: type, operation)), as: UInt8.self)
    case .int32: element.storeBytes(of: Int32(whole(in: type, operation)), as: Int32.self)
    case .int64: element.storeBytes(of: whole(in: type, operation), as: Int64.self)
    case .float16: element.storeBytes(of: Float16(double), as: Float16.self)
    case .bfloat16: element.storeBytes(of: BFloat16(asDouble: double), as: BFloat16.self)
    case .float32: element.storeBytes(of: integer.map(Float.init) ?? Float(double), as: Float.self)
    case .float64: element.storeBytes(of: double, as: Double.self)
    }
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
  package var integerRange: ClosedRange<Int64> {
    switch self {
    case .bool: 0...1
    case .uint8: 0...255
    case .int32: Int64(Int32.min)...Int64(Int32.max)
    case .int64, .float16, .bfloat16, .float32, .float64: .min ... .max
    }
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
