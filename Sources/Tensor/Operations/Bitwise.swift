/// An operation on the bits of two integers.
private enum BitOperation {
  case and, or, exclusiveOr, leftShift, rightShift

  func run<T: FixedWidthInteger>(_ a: Tensor, _ b: Tensor, _ shape: [Int], _: T.Type) -> Tensor {
    let type = a.dtype
    let width = T(T.bitWidth)
    switch self {
    case .and: return Elementwise.mapped(a, b, shape: shape, as: type) { (x: T, y: T) in x & y }
    case .or: return Elementwise.mapped(a, b, shape: shape, as: type) { (x: T, y: T) in x | y }
    case .exclusiveOr: return Elementwise.mapped(a, b, shape: shape, as: type) { (x: T, y: T) in x ^ y }
    case .leftShift:
      return Elementwise.mapped(a, b, shape: shape, as: type) { (x: T, y: T) -> T in
        y >= 0 && y < width ? x &<< y : 0
      }
    case .rightShift:
      return Elementwise.mapped(a, b, shape: shape, as: type) { (x: T, y: T) -> T in
        y >= 0 && y < width ? x &>> y : x < 0 ? ~0 : 0
      }
    }
  }
}

extension Tensor {
  /// The type an operand counts with.
  private var bitType: DType { literal?.kind ?? dtype }

  private static func bits(_ name: StaticString, _ operation: BitOperation, _ a: Tensor, _ b: Tensor)
    -> Tensor
  {
    tensorRequire(
      !a.bitType.isFloatingPoint && !b.bitType.isFloatingPoint, "\(name)",
      "needs integers or bools on both sides, found \(a.bitType) and \(b.bitType)")
    if let number = b.literal { return a.combined(with: number, "\(name)") { bits(name, operation, $0, $1) } }
    if let number = a.literal { return b.combined(with: number, "\(name)") { bits(name, operation, $1, $0) } }
    if a.isStandIn || b.isStandIn {
      return overBatch("\(name)", broadcasting: [a, b]) { bits(name, operation, $0[0], $0[1]) }
    }
    let type = DType.promoted(a.dtype, b.dtype)
    let isShift = operation == .leftShift || operation == .rightShift
    tensorRequire(!isShift || type != .bool, "\(name)", "needs integers, found bool on both sides")
    let shape = broadcastShape(a.shape, b.shape, "\(name)")
    let (x, y) = (a.to(type), b.to(type))
    tensorRequire(
      !type.isFloatingPoint, "\(name)",
      "no integer type holds both \(a.dtype) and \(b.dtype): convert one of them")
    func run<T: FixedWidthInteger>(_: T.Type) -> Tensor { operation.run(x, y, shape, T.self) }
    return type.withIntegerType { run($0) } ?? run(UInt8.self)
  }

  /// The bits that are set in both elements, after broadcasting, NumPy's `bitwise_and`; of bools the logical
  /// one. Floating-point tensors have no bits to work on.
  public func bitwiseAnd(_ other: Tensor) -> Tensor { Tensor.bits("bitwiseAnd", .and, self, other) }
  /// The bits that are set in every element and in a number; see ``bitwiseAnd(_:)-(Tensor)``.
  public func bitwiseAnd(_ other: Int) -> Tensor { bitwiseAnd(Tensor(remembering: TensorNumber(other))) }

  /// The bits that are set in at least one of two elements, after broadcasting, NumPy's `bitwise_or`; of
  /// bools the logical one. Floating-point tensors have no bits to work on.
  public func bitwiseOr(_ other: Tensor) -> Tensor { Tensor.bits("bitwiseOr", .or, self, other) }
  /// The bits that are set in every element or in a number; see ``bitwiseOr(_:)-(Tensor)``.
  public func bitwiseOr(_ other: Int) -> Tensor { bitwiseOr(Tensor(remembering: TensorNumber(other))) }

  /// The bits that are set in exactly one of two elements, after broadcasting, NumPy's `bitwise_xor`; of
  /// bools the logical one. Floating-point tensors have no bits to work on.
  public func bitwiseXor(_ other: Tensor) -> Tensor { Tensor.bits("bitwiseXor", .exclusiveOr, self, other) }
  /// The bits in which every element differs from a number; see ``bitwiseXor(_:)-(Tensor)``.
  public func bitwiseXor(_ other: Int) -> Tensor { bitwiseXor(Tensor(remembering: TensorNumber(other))) }

  /// The bits moved up by so many places, element by element after broadcasting, NumPy's `left_shift`: zeros
  /// come in, and by a negative number or all of its bits an element becomes 0.
  public func bitwiseLeftShift(_ places: Tensor) -> Tensor {
    Tensor.bits("bitwiseLeftShift", .leftShift, self, places)
  }
  /// The bits of every element moved up by so many places; see ``bitwiseLeftShift(_:)-(Tensor)``.
  public func bitwiseLeftShift(_ places: Int) -> Tensor {
    bitwiseLeftShift(Tensor(remembering: TensorNumber(places)))
  }

  /// The bits moved down by so many places, element by element after broadcasting, NumPy's `right_shift`: the
  /// sign comes in, and by a negative number or all of its bits an element becomes 0, or −1 where it is
  /// negative.
  public func bitwiseRightShift(_ places: Tensor) -> Tensor {
    Tensor.bits("bitwiseRightShift", .rightShift, self, places)
  }
  /// The bits of every element moved down by so many places; see ``bitwiseRightShift(_:)-(Tensor)``.
  public func bitwiseRightShift(_ places: Int) -> Tensor {
    bitwiseRightShift(Tensor(remembering: TensorNumber(places)))
  }

  /// Every bit turned over, NumPy's `bitwise_not`; of bools the logical one. Floating-point tensors have no
  /// bits to work on.
  public func bitwiseNot() -> Tensor {
    switch dtype {
    case .bool: return .!self
    default:
      func turned<T: FixedWidthInteger>(_: T.Type) -> Tensor {
        Elementwise.mapped(self, as: dtype) { (x: T) in ~x }
      }
      guard let result = dtype.withIntegerType({ turned($0) }) else {
        tensorFailure("bitwiseNot", "needs integers or bools, found \(dtype)")
      }
      return result
    }
  }
}

// With a tensor or an `Int` on the right and no generic forms: the operators stand in many formulas of
// integers, and each form more takes the compiler time there. There are no `<<` and `>>`: those of Swift's
// integers are generic, and beside forms for tensors the compiler would take `1 << 16` for a tensor.

extension Tensor {
  /// The bits that are set in both; see ``bitwiseAnd(_:)-(Tensor)``.
  public static func & (a: Tensor, b: Tensor) -> Tensor { a.bitwiseAnd(b) }
  /// The bits that are set in both; see ``bitwiseAnd(_:)-(Tensor)``.
  public static func & (a: Tensor, b: Int) -> Tensor { a.bitwiseAnd(b) }
  /// The bits that are set in at least one; see ``bitwiseOr(_:)-(Tensor)``.
  public static func | (a: Tensor, b: Tensor) -> Tensor { a.bitwiseOr(b) }
  /// The bits that are set in at least one; see ``bitwiseOr(_:)-(Tensor)``.
  public static func | (a: Tensor, b: Int) -> Tensor { a.bitwiseOr(b) }
  /// The bits that are set in exactly one; see ``bitwiseXor(_:)-(Tensor)``.
  public static func ^ (a: Tensor, b: Tensor) -> Tensor { a.bitwiseXor(b) }
  /// The bits that are set in exactly one; see ``bitwiseXor(_:)-(Tensor)``.
  public static func ^ (a: Tensor, b: Int) -> Tensor { a.bitwiseXor(b) }
  /// Every bit turned over; see ``bitwiseNot()``.
  public static prefix func ~ (x: Tensor) -> Tensor { x.bitwiseNot() }
}
