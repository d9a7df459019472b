import CTensorKernels

extension Tensor {
  /// An operation of two tensors in the type they promote to.
  static func binary(
    _ name: StaticString, _ operation: Int, _ a: Tensor, _ b: Tensor,
    backward:
      @escaping (_ gradient: Tensor, _ a: Tensor, _ b: Tensor, _ output: Tensor?) -> (Tensor?, Tensor?),
    keepingOutput: Bool = false
  ) -> Tensor {
    if let number = b.literal {
      return a.combined(with: number, "\(name)") {
        binary(name, operation, $0, $1, backward: backward, keepingOutput: keepingOutput)
      }
    }
    if let number = a.literal {
      return b.combined(with: number, "\(name)") {
        binary(name, operation, $1, $0, backward: backward, keepingOutput: keepingOutput)
      }
    }
    if a.isStandIn || b.isStandIn {
      return overBatch("\(name)", broadcasting: [a, b]) {
        binary(name, operation, $0[0], $0[1], backward: backward, keepingOutput: keepingOutput)
      }
    }
    let type = DType.promoted(a.dtype, b.dtype)
    let shape = broadcastShape(a.shape, b.shape, "\(name)")
    if type.isHalfPrecision, a.requiresGradient || b.requiresGradient {
      // The gradient is not to be rounded in between, either.
      return binary(
        name, operation, a.to(.float32), b.to(.float32), backward: backward, keepingOutput: keepingOutput
      )
      .to(type)
    }
    let computing: DType = type.isHalfPrecision ? .float32 : type
    guard type.isFloatingPoint, GradientMode.isEnabled, a.requiresGradient || b.requiresGradient else {
      return Elementwise.binary(operation, a, b, shape: shape, computing: computing, as: type)
    }
    let (x, y) = (a.to(type), b.to(type))
    let result = Elementwise.binary(operation, x, y, shape: shape, computing: computing, as: type)
    return recorded(name, from: x, y, result, keepingOutput: keepingOutput) { gradient, output in
      let (first, second) = backward(gradient, x, y, output)
      return [first?.reduced(to: x.shape), second?.reduced(to: y.shape)]
    }
  }

  /// The sum, element by element, after broadcasting.
  public static func + (a: Tensor, b: Tensor) -> Tensor {
    if let number = folded(a, b, Int128.addingReportingOverflow, +) { return number }
    return binary("add", Int(TK_ADD), a, b, backward: { gradient, _, _, _ in (gradient, gradient) })
  }

  /// The difference, element by element, after broadcasting.
  public static func - (a: Tensor, b: Tensor) -> Tensor {
    if let number = folded(a, b, Int128.subtractingReportingOverflow, -) { return number }
    return binary(
      "subtract", Int(TK_SUB), a, b,
      backward: { gradient, _, b, _ in (gradient, b.requiresGradient ? -gradient : nil) })
  }

  /// The product, element by element, after broadcasting.
  public static func * (a: Tensor, b: Tensor) -> Tensor {
    if let number = folded(a, b, Int128.multipliedReportingOverflow(by:), *) { return number }
    return binary(
      "multiply", Int(TK_MUL), a, b,
      backward: { gradient, a, b, _ in
        (a.requiresGradient ? gradient * b : nil, b.requiresGradient ? gradient * a : nil)
      })
  }

  /// The quotient, element by element, after broadcasting; that of integers or bools is float32 (true
  /// division). For whole quotients see ``floorDivided(by:)-(Tensor)``.
  public static func / (a: Tensor, b: Tensor) -> Tensor {
    if let number = folded(a, b, nil, /) { return number }
    if let number = b.literal { return a.divided(by: number) }
    if let number = a.literal { return b.dividing(number) }
    guard a.dtype.isFloatingPoint || b.dtype.isFloatingPoint else {
      return trueQuotient(a, b, of: DType.promoted(a.dtype, b.dtype))
    }
    return binary(
      "divide", Int(TK_DIV), a, b,
      backward: { gradient, a, b, _ in
        (a.requiresGradient ? gradient / b : nil, b.requiresGradient ? -(gradient * (a / b / b)) : nil)
      })
  }

  /// The float32 nearest to the quotient of integers of a type: a Float holds those of a byte, a Double the
  /// others.
  static func trueQuotient(_ a: Tensor, _ b: Tensor, of type: DType) -> Tensor {
    if a.isStandIn || b.isStandIn {
      return overBatch("divide", broadcasting: [a, b]) { trueQuotient($0[0], $0[1], of: type) }
    }
    return Elementwise.binary(
      Int(TK_DIV), a, b, shape: broadcastShape(a.shape, b.shape, "divide"),
      computing: type.byteSize == 1 ? .float32 : .float64, as: .float32)
  }

  /// This tensor raised to a tensor of exponents, element by element.
  public func pow(_ exponent: Tensor) -> Tensor {
    if let number = exponent.literal { return pow(number) }
    return power(exponent)
  }

  func power(_ exponent: Tensor) -> Tensor {
    Tensor.binary(
      "pow", Int(TK_POW), self, exponent,
      backward: { gradient, base, exponent, _ in
        // d/dx x^y = y x^(y-1), also where y is 0 and that power is infinite;
        // d/dy x^y = x^y ln x, which is 0 where x is 0 and y is not negative.
        let zero = Tensor.zeros([], dtype: base.dtype)
        var first: Tensor?
        if base.requiresGradient {
          let isFlat = exponent.detached() .== 0
          let constant = isFlat.any().item() != 0
          // A finite base in place of the others, so that derivatives of higher order are zero there too.
          let dead = constant ? isFlat .& .!(base.detached().pow(exponent.detached() - 1).isFinite()) : isFlat
          let safe = constant ? Tensor.select(dead, zero + 1, base) : base
          first = gradient * (exponent * safe.pow(exponent - 1))
          if constant { first = Tensor.select(dead, zero, first!) }
        }
        guard exponent.requiresGradient else { return (first, nil) }
        let logarithm = Tensor.select((base .== 0) .& (exponent .>= 0), zero, base.log())
        return (first, gradient * base.pow(exponent) * logarithm)
      })
  }

  /// The larger of two elements; where they are equal, each gets half of the gradient.
  public func maximum(_ other: Tensor) -> Tensor { extreme("maximum", Int(TK_MAX), other) }

  /// The smaller of two elements; where they are equal, each gets half of the gradient.
  public func minimum(_ other: Tensor) -> Tensor { extreme("minimum", Int(TK_MIN), other) }

  private func extreme(_ name: StaticString, _ operation: Int, _ other: Tensor) -> Tensor {
    Tensor.binary(
      name, operation, self, other,
      backward: { gradient, a, b, _ in
        // Beside a NaN nobody loses: both get the gradient.
        let half = (a .== b).to(a.dtype) * 0.5
        let (smaller, larger) = ((a .< b).to(a.dtype), (a .> b).to(a.dtype))
        let (first, second) = operation == Int(TK_MAX) ? (smaller, larger) : (larger, smaller)
        return (gradient * (1 - half - first), gradient * (1 - half - second))
      })
  }

  /// The point at `weight` on the way to `end`, element by element: `self + weight · (end − self)`.
  public func lerp(_ end: Tensor, _ weight: Double) -> Tensor {
    tensorOperation("lerp") {
      let type = DType.promoted(dtype, end.dtype)
      if type.isHalfPrecision { return to(.float32).lerp(end.to(.float32), weight).to(type) }
      return self + (end - self) * weight
    }
  }

  /// `a` where `condition` is true, else `b`, element by element after broadcasting.
  public static func select(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
    tensorRequire(condition.dtype == .bool, "select", "the condition must be bool, found \(condition.dtype)")
    if let number = b.literal { return a.combined(with: number, "select") { select(condition, $0, $1) } }
    if let number = a.literal { return b.combined(with: number, "select") { select(condition, $1, $0) } }
    if condition.isStandIn || a.isStandIn || b.isStandIn {
      return overBatch("select", broadcasting: [condition, a, b]) { select($0[0], $0[1], $0[2]) }
    }
    let type = DType.promoted(a.dtype, b.dtype)
    let shape = broadcastShape(condition.shape, broadcastShape(a.shape, b.shape, "select"), "select")
    guard type.isFloatingPoint, GradientMode.isEnabled, a.requiresGradient || b.requiresGradient else {
      return Elementwise.select(condition, a, b, shape: shape, as: type)
    }
    let (x, y) = (a.to(type), b.to(type))
    let result = Elementwise.select(condition, x, y, shape: shape, as: type)
    return recorded("select", from: [x, y], result) { gradient, _ in
      let zero = Tensor.zeros([], dtype: type)
      return [
        select(condition, gradient, zero).reduced(to: x.shape),
        select(condition, zero, gradient).reduced(to: y.shape),
      ]
    }
  }
}
