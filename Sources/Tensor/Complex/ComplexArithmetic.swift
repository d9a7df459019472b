extension ComplexTensor {
  /// The sum, element by element, after broadcasting.
  public static func + (a: ComplexTensor, b: ComplexTensor) -> ComplexTensor {
    ComplexTensor(a.real + b.real, a.imaginary + b.imaginary)
  }

  /// The difference, element by element, after broadcasting.
  public static func - (a: ComplexTensor, b: ComplexTensor) -> ComplexTensor {
    ComplexTensor(a.real - b.real, a.imaginary - b.imaginary)
  }

  /// The product, element by element, after broadcasting, of four real products, each of them rounded: what
  /// NumPy gives where it does not fuse products and sums. An infinite number times another may be NaN.
  public static func * (a: ComplexTensor, b: ComplexTensor) -> ComplexTensor {
    ComplexTensor(
      a.real * b.real - a.imaginary * b.imaginary, a.real * b.imaginary + a.imaginary * b.real)
  }

  /// The quotient, element by element, after broadcasting. A part overflows only where the result's does:
  /// parts of the divisor are divided by the larger of them (Smith, "Algorithm 116: Complex division", 1962).
  /// By zero both parts are those of the dividend divided by zero, as in NumPy. Where a part is zero its sign
  /// is left open.
  public static func / (a: ComplexTensor, b: ComplexTensor) -> ComplexTensor {
    let type = DType.promoted(a.real, b.real)
    return tensorOperation("divide") { a.map { $0.to(type) }.divided(by: b.map { $0.to(type) }) }
  }

  /// The negative.
  public static prefix func - (z: ComplexTensor) -> ComplexTensor { z.map { -$0 } }

  /// The numbers with the other sign of the imaginary parts.
  public func conjugate() -> ComplexTensor { ComplexTensor(real, -imaginary) }

  /// The sum with a real tensor, element by element, after broadcasting.
  public static func + (a: ComplexTensor, b: Tensor) -> ComplexTensor { a.combined(with: b) { $0 + $1 } }

  /// The sum with a real tensor, element by element, after broadcasting.
  public static func + (a: Tensor, b: ComplexTensor) -> ComplexTensor { b.combined(with: a) { $1 + $0 } }

  /// The difference to a real tensor, element by element, after broadcasting.
  public static func - (a: ComplexTensor, b: Tensor) -> ComplexTensor { a.combined(with: b) { $0 - $1 } }

  /// The difference from a real tensor, element by element, after broadcasting.
  public static func - (a: Tensor, b: ComplexTensor) -> ComplexTensor {
    (-b).combined(with: a) { $1 + $0 }
  }

  /// The product with a real tensor, element by element, after broadcasting.
  public static func * (a: ComplexTensor, b: Tensor) -> ComplexTensor { a.map { $0 * b } }

  /// The product with a real tensor, element by element, after broadcasting.
  public static func * (a: Tensor, b: ComplexTensor) -> ComplexTensor { b.map { a * $0 } }

  /// The quotient by a real tensor, element by element, after broadcasting.
  public static func / (a: ComplexTensor, b: Tensor) -> ComplexTensor { a.map { $0 / b } }

  /// The quotient of a real tensor by this one, element by element, after broadcasting; see
  /// ``/(_:_:)-(ComplexTensor,ComplexTensor)``.
  public static func / (a: Tensor, b: ComplexTensor) -> ComplexTensor {
    a.literal == nil ? ComplexTensor(a) / b : ComplexTensor(a, Tensor(0)) / b
  }

  /// The sum with a number.
  public static func + <Number: TensorScalar>(a: ComplexTensor, b: Number) -> ComplexTensor { a + Tensor(b) }
  /// The sum with a number.
  public static func + <Number: TensorScalar>(a: Number, b: ComplexTensor) -> ComplexTensor { Tensor(a) + b }
  /// The difference to a number.
  public static func - <Number: TensorScalar>(a: ComplexTensor, b: Number) -> ComplexTensor { a - Tensor(b) }
  /// The difference from a number.
  public static func - <Number: TensorScalar>(a: Number, b: ComplexTensor) -> ComplexTensor { Tensor(a) - b }
  /// The product with a number.
  public static func * <Number: TensorScalar>(a: ComplexTensor, b: Number) -> ComplexTensor { a * Tensor(b) }
  /// The product with a number.
  public static func * <Number: TensorScalar>(a: Number, b: ComplexTensor) -> ComplexTensor { Tensor(a) * b }
  /// The quotient by a number.
  public static func / <Number: TensorScalar>(a: ComplexTensor, b: Number) -> ComplexTensor { a / Tensor(b) }
  /// The quotient of a number.
  public static func / <Number: TensorScalar>(a: Number, b: ComplexTensor) -> ComplexTensor { Tensor(a) / b }

  /// The real parts combined with a real tensor, beside the imaginary ones.
  private func combined(with other: Tensor, _ body: (Tensor, Tensor) -> Tensor) -> ComplexTensor {
    let found = body(real, other)
    let sum = found.dtype.isHalfPrecision ? found.to(.float32) : found
    return ComplexTensor(sum, imaginary.to(sum.dtype).expanded(to: sum.shape))
  }

  /// The quotient of numbers of one type.
  private func divided(by divisor: ComplexTensor) -> ComplexTensor {
    let (a, b) = (self, divisor)
    let result = noGradient { Self.quotient(a.detached(), b.detached()) }
    let parts = Tensor.recordedJointly(
      "divide", from: [a.real, a.imaginary, b.real, b.imaginary], [result.real, result.imaginary]
    ) { gradients, outputs in
      let quotient = ComplexTensor(outputs[0], outputs[1])
      // The derivative is that of a function of a complex number: conj(1 / b), and −conj(a / b²).
      let first = ComplexTensor(gradients, like: quotient) / b.conjugate()
      let second = b.requiresGradient ? -(first * quotient.conjugate()) : nil
      return [
        first.real.reduced(to: a.shape), first.imaginary.reduced(to: a.shape),
        second?.real.reduced(to: b.shape), second?.imaginary.reduced(to: b.shape),
      ]
    }
    return ComplexTensor(parts[0], parts[1])
  }

  /// The quotient without a record.
  private static func quotient(_ a: ComplexTensor, _ b: ComplexTensor) -> ComplexTensor {
    let isWide = b.real.abs() .>= b.imaginary.abs()
    let large = Tensor.select(isWide, b.real, b.imaginary)
    let most =
      large.dtype == .float64 ? Double.greatestFiniteMagnitude : Double(Float.greatestFiniteMagnitude)
    let isHuge = (large.abs() .> most / 4) .& large.isFinite()
    if isHuge.any().item() != 0 {
      // A quarter of both has the same quotient, and the sum below is in the type.
      let scale = Tensor.select(isHuge, 0.25, Tensor.ones([], dtype: large.dtype))
      return quotient(a.map { $0 * scale }, b.map { $0 * scale })
    }
    let small = Tensor.select(isWide, b.imaginary, b.real)
    let ratio = small / large
    let divisor = large + small * ratio
    let (first, second) = (
      Tensor.select(isWide, a.real, a.imaginary), Tensor.select(isWide, a.imaginary, a.real)
    )
    // Divided before they are added: the sum of two large numbers might overflow.
    let (whole, beside) = (first / divisor, second / divisor)
    func share(_ quotient: Tensor, of dividend: Tensor) -> Tensor {
      let product = quotient * ratio
      // A quotient beyond the type may be in it where the ratio is small.
      let isBeyond = quotient.isInfinite() .& dividend.isFinite()
      return isBeyond.any().item() == 0
        ? product : Tensor.select(isBeyond, dividend * ratio / divisor, product)
    }
    let real = whole + share(beside, of: second)
    let other = beside - share(whole, of: first)
    let imaginary = Tensor.select(isWide, other, -other)
    // Beside a NaN the other part may be the larger one and zero: that is no division by zero.
    let isZero = (b.real .== 0) .& (b.imaginary .== 0)
    if isZero.any().item() == 0 { return ComplexTensor(real, imaginary) }
    let zero = large.abs()
    return ComplexTensor(
      Tensor.select(isZero, a.real / zero, real), Tensor.select(isZero, a.imaginary / zero, imaginary))
  }

  /// The gradients of two parts, zeros where there is none.
  init(_ gradients: [Tensor?], like output: ComplexTensor) {
    let zeros = Tensor.zeros(output.shape, dtype: output.real.dtype)
    self.init(gradients[0] ?? zeros, gradients[1] ?? zeros)
  }
}

extension DType {
  /// The type of two tensors' numbers, of which one may be a literal.
  fileprivate static func promoted(_ a: Tensor, _ b: Tensor) -> DType {
    a.literal != nil ? b.dtype : b.literal != nil ? a.dtype : promoted(a.dtype, b.dtype)
  }
}
