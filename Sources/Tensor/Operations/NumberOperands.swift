import CTensorKernels

// A number beside a tensor. One generic form of each operator takes every Swift number: the compiler resolves
// long formulas faster than with a form for each type (a sum of products with an Int in it 0.05 s, with forms
// for Int and Double 5 s and an error). A literal, `.infinity`, `.nan` and `.pi` may be taken for a tensor as
// well, which then counts as the number.

extension Tensor {
  /// The number this tensor is where the program wrote one for it and nothing more.
  var literal: TensorNumber? { shape.isEmpty && node == nil ? storage.number : nil }

  /// Two numbers give a number. The compiler may take the 1 of `x * (1 - rate)` for a tensor; the factor is
  /// then still the Double that it would have been, not one rounded to float32 twice.
  static func folded(
    _ a: Tensor, _ b: Tensor,
    _ whole: ((Int128) -> (Int128) -> (partialValue: Int128, overflow: Bool))? = nil,
    _ real: (Double, Double) -> Double
  ) -> Tensor? {
    guard let x = a.literal, let y = b.literal else { return nil }
    if let whole, let first = x.integer, let second = y.integer {
      let (value, overflow) = whole(first)(second)
      if !overflow, Int64(exactly: value) != nil { return Tensor(remembering: TensorNumber(whole: value)) }
    }
    return Tensor(remembering: TensorNumber(real(x.double, y.double)))
  }

  /// Applies an operation of two tensors to this one and a number, which has the type the tensor and its kind
  /// promote to; in half precision neither operand is rounded before the result is.
  package func combined(
    with number: TensorNumber, _ name: String, _ operation: (_ tensor: Tensor, _ number: Tensor) -> Tensor
  ) -> Tensor {
    let type = DType.promoted(dtype, kind: number.kind)
    return type.isHalfPrecision
      ? operation(to(.float32), number.tensor(as: .float32, name)).to(type)
      : operation(self, number.tensor(as: type, name))
  }

  /// True quotients with a number, which an integer type need not hold.
  func divided(by number: TensorNumber) -> Tensor {
    if dtype.isFloatingPoint || number.kind.isFloatingPoint {
      return combined(with: number, "divide") { $0 / $1 }
    }
    if isStandIn { return overBatch { x, _ in x.divided(by: number) } }
    let divisor = quotientOperand(number)
    return Elementwise.binary(
      Int(TK_DIV), self, divisor, shape: shape, computing: divisor.dtype, as: .float32)
  }

  func dividing(_ number: TensorNumber) -> Tensor {
    if dtype.isFloatingPoint || number.kind.isFloatingPoint {
      return combined(with: number, "divide") { $1 / $0 }
    }
    if isStandIn { return overBatch { x, _ in x.dividing(number) } }
    let dividend = quotientOperand(number)
    return Elementwise.binary(
      Int(TK_DIV), dividend, self, shape: shape, computing: dividend.dtype, as: .float32)
  }

  /// An integer beside integers in a quotient, as a Float where that holds it and them, else as a Double.
  private func quotientOperand(_ number: TensorNumber) -> Tensor {
    let isSmall = dtype.byteSize == 1 && Float(exactly: number.double) != nil
    return number.tensor(as: isSmall ? .float32 : .float64, "divide")
  }

  /// The sum of every element and a number.
  public static func + <Number: TensorScalar>(a: Tensor, b: Number) -> Tensor {
    a.literal == nil
      ? a.combined(with: TensorNumber(b), "add") { $0 + $1 }
      : a + Tensor(remembering: TensorNumber(b))
  }
  /// The sum of a number and every element.
  public static func + <Number: TensorScalar>(a: Number, b: Tensor) -> Tensor {
    b.literal == nil
      ? b.combined(with: TensorNumber(a), "add") { $1 + $0 }
      : Tensor(remembering: TensorNumber(a)) + b
  }
  /// Every element minus a number.
  public static func - <Number: TensorScalar>(a: Tensor, b: Number) -> Tensor {
    a.literal == nil
      ? a.combined(with: TensorNumber(b), "subtract") { $0 - $1 }
      : a - Tensor(remembering: TensorNumber(b))
  }
  /// A number minus every element.
  public static func - <Number: TensorScalar>(a: Number, b: Tensor) -> Tensor {
    b.literal == nil
      ? b.combined(with: TensorNumber(a), "subtract") { $1 - $0 }
      : Tensor(remembering: TensorNumber(a)) - b
  }
  /// Every element times a number.
  public static func * <Number: TensorScalar>(a: Tensor, b: Number) -> Tensor {
    a.literal == nil
      ? a.combined(with: TensorNumber(b), "multiply") { $0 * $1 }
      : a * Tensor(remembering: TensorNumber(b))
  }
  /// A number times every element.
  public static func * <Number: TensorScalar>(a: Number, b: Tensor) -> Tensor {
    b.literal == nil
      ? b.combined(with: TensorNumber(a), "multiply") { $1 * $0 }
      : Tensor(remembering: TensorNumber(a)) * b
  }
  /// Every element divided by a number; integers and bools give float32.
  public static func / <Number: TensorScalar>(a: Tensor, b: Number) -> Tensor {
    a.literal == nil ? a.divided(by: TensorNumber(b)) : a / Tensor(remembering: TensorNumber(b))
  }
  /// A number divided by every element; integers and bools give float32.
  public static func / <Number: TensorScalar>(a: Number, b: Tensor) -> Tensor {
    b.literal == nil ? b.dividing(TensorNumber(a)) : Tensor(remembering: TensorNumber(a)) / b
  }
  /// What remains of the division by a number; see ``remainder(_:)-(Tensor)``.
  public static func % <Number: TensorScalar>(a: Tensor, b: Number) -> Tensor { a.remainder(b) }
  /// What remains of the division of a number by every element; see ``remainder(_:)-(Tensor)``.
  public static func % <Number: TensorScalar>(a: Number, b: Tensor) -> Tensor {
    b.combined(with: TensorNumber(a), "remainder") { $1.remainder($0) }
  }
  /// What remains of a division, element by element; see ``remainder(_:)-(Tensor)``.
  public static func % (a: Tensor, b: Tensor) -> Tensor { a.remainder(b) }

  /// This tensor raised to one exponent. Integers to the power of an integer stay integers.
  public func pow<Number: TensorScalar>(_ exponent: Number) -> Tensor { pow(TensorNumber(exponent)) }

  func pow(_ exponent: TensorNumber) -> Tensor {
    guard DType.promoted(dtype, kind: exponent.kind).isFloatingPoint else {
      return combined(with: exponent, "pow") { $0.power($1) }
    }
    let base = dtype.isFloatingPoint ? self : to(.float32)
    switch exponent.double {
    case 2: return base.square()
    case 1: return base
    case 3: return base.unary("cube", Int(TK_CUBE)) { 3 * $0.square() }
    case 0.5: return base.sqrt()
    case -0.5: return base.rsqrt()
    case -1: return base.reciprocal()
    default: return base.combined(with: exponent, "pow") { $0.power($1) }
    }
  }

  /// The larger of every element and a number; where they are equal, half of the gradient.
  public func maximum<Number: TensorScalar>(_ other: Number) -> Tensor {
    combined(with: TensorNumber(other), "maximum") { $0.maximum($1) }
  }

  /// The smaller of every element and a number; where they are equal, half of the gradient.
  public func minimum<Number: TensorScalar>(_ other: Number) -> Tensor {
    combined(with: TensorNumber(other), "minimum") { $0.minimum($1) }
  }

  /// What remains of a division by one number; see ``remainder(_:)-(Tensor)``.
  public func remainder<Number: TensorScalar>(_ divisor: Number) -> Tensor {
    combined(with: TensorNumber(divisor), "remainder") { $0.remainder($1) }
  }

  /// The quotient by one number, rounded down; see ``floorDivided(by:)-(Tensor)``.
  public func floorDivided<Number: TensorScalar>(by divisor: Number) -> Tensor {
    combined(with: TensorNumber(divisor), "floorDivided") { $0.floorDivided(by: $1) }
  }

  /// `a` where `condition` is true, else the number `b`, element by element after broadcasting.
  public static func select<Number: TensorScalar>(_ condition: Tensor, _ a: Tensor, _ b: Number) -> Tensor {
    a.combined(with: TensorNumber(b), "select") { select(condition, $0, $1) }
  }

  /// The number `a` where `condition` is true, else `b`, element by element after broadcasting.
  public static func select<Number: TensorScalar>(_ condition: Tensor, _ a: Number, _ b: Tensor) -> Tensor {
    b.combined(with: TensorNumber(a), "select") { select(condition, $1, $0) }
  }
}
