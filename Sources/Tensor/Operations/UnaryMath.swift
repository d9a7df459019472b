import CTensorKernels

extension Tensor {
  /// Applies a function of the kernel table; `derivative` is f' in tensor operations, for higher derivatives.
  func unary(
    _ name: StaticString, _ operation: Int, derivative: @escaping (_ x: Tensor) -> Tensor
  ) -> Tensor {
    if isStandIn { return overBatch { x, _ in x.unary(name, operation, derivative: derivative) } }
    switch dtype {
    case .float32, .float64: break
    case .float16, .bfloat16:
      return to(.float32).unary(name, operation, derivative: derivative).to(dtype)
    default: return to(.float32).unary(name, operation, derivative: derivative)
    }
    let x = self
    return recorded(name, from: self, Elementwise.unary(operation, self)) { gradient, _ in
      GradientMode.isEnabled
        ? gradient * derivative(x) : Elementwise.unaryGradient(operation, x, gradient)
    }
  }

  /// e^x is its own derivative: the record keeps the result in place of x.
  public func exp() -> Tensor {
    if isStandIn { return overBatch { x, _ in x.exp() } }
    return switch dtype {
    case .float32, .float64:
      recorded("exp", from: self, Elementwise.unary(Int(TK_EXP), self), keepingOutput: true) { $0 * $1! }
    case .float16, .bfloat16: to(.float32).exp().to(dtype)
    default: to(.float32).exp()
    }
  }

  /// The negative of every element.
  public static prefix func - (x: Tensor) -> Tensor {
    if let number = x.literal { return Tensor(remembering: number.negative) }
    if x.dtype == .bool { return Tensor(0, dtype: .int64) - x }
    if !x.dtype.isFloatingPoint { return Elementwise.integerUnary(Int(TK_INTEGER_NEG), x) }
    return x.unary("negate", Int(TK_NEG)) { Tensor.full($0.shape, -1, dtype: $0.dtype) }
  }

  /// The elements as they are, NumPy's `positive`.
  public static prefix func + (x: Tensor) -> Tensor { x }

  /// |x|.
  public func abs() -> Tensor {
    if !dtype.isFloatingPoint { return Elementwise.integerUnary(Int(TK_INTEGER_ABS), self) }
    return unary("abs", Int(TK_ABS)) { $0.sign() }
  }

  /// e^x − 1, exact near 0.
  public func expm1() -> Tensor { unary("expm1", Int(TK_EXPM1)) { $0.exp() } }
  /// The natural logarithm.
  public func log() -> Tensor { unary("log", Int(TK_LOG)) { $0.reciprocal() } }
  /// ln(1 + x), exact near 0.
  public func log1p() -> Tensor { unary("log1p", Int(TK_LOG1P)) { ($0 + 1).reciprocal() } }
  /// √x.
  public func sqrt() -> Tensor { unary("sqrt", Int(TK_SQRT)) { 0.5 * $0.rsqrt() } }
  /// 1 / √x.
  public func rsqrt() -> Tensor { unary("rsqrt", Int(TK_RSQRT)) { -0.5 * $0.rsqrt().pow(3) } }
  /// 1 / x.
  public func reciprocal() -> Tensor { unary("reciprocal", Int(TK_RECIPROCAL)) { -$0.reciprocal().square() } }
  /// The sine of an angle in radians.
  public func sin() -> Tensor { unary("sin", Int(TK_SIN)) { $0.cos() } }
  /// The cosine of an angle in radians.
  public func cos() -> Tensor { unary("cos", Int(TK_COS)) { -$0.sin() } }
  /// The hyperbolic tangent.
  public func tanh() -> Tensor { unary("tanh", Int(TK_TANH)) { 1 - $0.tanh().square() } }
  /// 1 / (1 + e^−x).
  public func sigmoid() -> Tensor { unary("sigmoid", Int(TK_SIGMOID)) { $0.sigmoid() * (-$0).sigmoid() } }
  /// ln(1 / (1 + e^−x)), exact for large negative x.
  public func logSigmoid() -> Tensor { unary("logSigmoid", Int(TK_LOG_SIGMOID)) { (-$0).sigmoid() } }
  /// ln(1 + e^x).
  public func softplus() -> Tensor { unary("softplus", Int(TK_SOFTPLUS)) { $0.sigmoid() } }
  /// The error function.
  public func erf() -> Tensor {
    unary("erf", Int(TK_ERF)) { 1.1283791670955126 * (-$0.square()).exp() }
  }
  /// max(x, 0).
  public func relu() -> Tensor {
    if !dtype.isFloatingPoint { return Elementwise.integerUnary(Int(TK_INTEGER_RELU), self) }
    return unary("relu", Int(TK_RELU)) { (.!($0 .<= 0)).to($0.dtype) }
  }
  /// x · sigmoid(x), also called swish.
  public func silu() -> Tensor {
    unary("silu", Int(TK_SILU)) { $0.sigmoid() + $0 * ($0.sigmoid() * (-$0).sigmoid()) }
  }
  /// x · Φ(x) with the exact normal distribution (PyTorch's `gelu`).
  public func gelu() -> Tensor {
    unary("gelu", Int(TK_GELU)) { x in
      0.5 * (1 + (x * 0.5.squareRoot()).erf()) + x * (0.3989422804014327 * (-0.5 * x.square()).exp())
    }
  }
  /// The tanh approximation of ``gelu()`` (PyTorch's `gelu(approximate="tanh")`).
  public func geluTanh() -> Tensor {
    unary("geluTanh", Int(TK_GELU_TANH)) { x in
      let t = (0.7978845608028654 * (x + 0.044715 * x * x * x)).tanh()
      return 0.5 * (1 + t) + 0.5 * x * (1 - t.square())
        * (0.7978845608028654 * (1 + 0.134145 * x.square().clamped(0, 1e4)))
    }
  }
  /// x · sigmoid(1.702 x), the activation of CLIP.
  public func quickGELU() -> Tensor {
    unary("quickGELU", Int(TK_QUICK_GELU)) { x in
      let (s, rest) = ((1.702 * x).sigmoid(), (-1.702 * x).sigmoid())
      return s + x * (1.702 * s * rest)
    }
  }
  /// x where it is positive, else `slope · x`.
  public func leakyReLU(slope: Double = 0.01) -> Tensor { Tensor.select(self .> 0, self, self * slope) }
  /// x where it is positive, else `alpha · (e^x − 1)` (Clevert et al., 2016).
  public func elu(alpha: Double = 1) -> Tensor {
    // Nothing positive in the branch that is not taken: it would overflow.
    let isNegative = self .<= 0
    let negative = Tensor.select(isNegative, self, Tensor.zeros([], dtype: dtype))
    return Tensor.select(isNegative, negative.expm1() * alpha, self)
  }
  /// x².
  public func square() -> Tensor {
    if !dtype.isFloatingPoint { return self * self }
    return unary("square", Int(TK_SQUARE)) { 2 * $0 }
  }
  /// −1, 0 or 1.
  public func sign() -> Tensor {
    if !dtype.isFloatingPoint { return Elementwise.integerUnary(Int(TK_INTEGER_SIGN), self) }
    return unary("sign", Int(TK_SIGN)) { Tensor.zeros($0.shape, dtype: $0.dtype) }
  }
  /// The largest integer not above x. Integers are what they are.
  public func floor() -> Tensor {
    if !dtype.isFloatingPoint { return self }
    return unary("floor", Int(TK_FLOOR)) { Tensor.zeros($0.shape, dtype: $0.dtype) }
  }
  /// The smallest integer not below x. Integers are what they are.
  public func ceil() -> Tensor {
    if !dtype.isFloatingPoint { return self }
    return unary("ceil", Int(TK_CEIL)) { Tensor.zeros($0.shape, dtype: $0.dtype) }
  }
  /// The nearest integer, halves to even. Integers are what they are.
  public func round() -> Tensor {
    if !dtype.isFloatingPoint { return self }
    return unary("round", Int(TK_ROUND)) { Tensor.zeros($0.shape, dtype: $0.dtype) }
  }
}
