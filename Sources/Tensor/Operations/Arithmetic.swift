import CTensorKernels

extension Tensor {
  static func binary(
    _ name: StaticString, _ operation: Int, _ a: Tensor, _ b: Tensor,
    backward:
      @escaping (_ gradient: Tensor, _ a: Tensor, _ b: Tensor, _ output: Tensor?) -> (Tensor?, Tensor?),
    keepingOutput: Bool = false
  ) -> Tensor {
    let type = DType.promoted(a.dtype, b.dtype)
    let (x, y) = (a.to(type), b.to(type))
    let shape = broadcastShape(x.shape, y.shape, "\(name)")
    let result = Elementwise.binary(operation, x, y, shape: shape)
    guard type.isFloatingPoint else { return result }
    return recorded(name, from: x, y, result, keepingOutput: keepingOutput) { gradient, output in
      let (first, second) = backward(gradient, x, y, output)
      return [first?.reduced(to: x.shape), second?.reduced(to: y.shape)]
    }
  }

  /// The sum, element by element, after broadcasting.
  public static func + (a: Tensor, b: Tensor) -> Tensor {
    binary("add", Int(TK_ADD), a, b, backward: { gradient, _, _, _ in (gradient, gradient) })
  }

  /// The difference, element by element, after broadcasting.
  public static func - (a: Tensor, b: Tensor) -> Tensor {
    binary(
      "subtract", Int(TK_SUB), a, b,
      backward: { gradient, _, b, _ in (gradient, b.requiresGradient ? -gradient : nil) })
  }

  /// The product, element by element, after broadcasting.
  public static func * (a: Tensor, b: Tensor) -> Tensor {
    binary(
      "multiply", Int(TK_MUL), a, b,
      backward: { gradient, a, b, _ in
        (a.requiresGradient ? gradient * b : nil, b.requiresGradient ? gradient * a : nil)
      })
  }

  /// The quotient, element by element, after broadcasting. Two integers give a truncated integer.
  public static func / (a: Tensor, b: Tensor) -> Tensor {
    binary(
      "divide", Int(TK_DIV), a, b,
      backward: { gradient, a, b, _ in
        let first = gradient / b
        return (a.requiresGradient ? first : nil, b.requiresGradient ? -(first * a / b) : nil)
      })
  }

  /// This tensor raised to a tensor of exponents, element by element.
  public func pow(_ exponent: Tensor) -> Tensor {
    Tensor.binary(
      "pow", Int(TK_POW), self, exponent,
      backward: { gradient, base, exponent, _ in
        // d/dx x^y = y x^(y-1);  d/dy x^y = x^y ln x, which is 0 where x is 0.
        let first = base.requiresGradient ? gradient * exponent * base.pow(exponent - 1) : nil
        guard exponent.requiresGradient else { return (first, nil) }
        let logarithm = Tensor.select(base .== 0, Tensor.zeros([], dtype: base.dtype), base.log())
        return (first, gradient * base.pow(exponent) * logarithm)
      })
  }

  /// This tensor raised to one exponent.
  public func pow(_ exponent: Double) -> Tensor {
    switch exponent {
    case 2: square()
    case 0.5: sqrt()
    case 1: self
    default: withNumber { $0.pow($0.scalar(exponent)) }
    }
  }

  /// The larger of two elements; where they are equal, each gets half of the gradient.
  public func maximum(_ other: Tensor) -> Tensor { extreme("maximum", Int(TK_MAX), other) }

  /// The smaller of two elements; where they are equal, each gets half of the gradient.
  public func minimum(_ other: Tensor) -> Tensor { extreme("minimum", Int(TK_MIN), other) }

  private func extreme(_ name: StaticString, _ operation: Int, _ other: Tensor) -> Tensor {
    Tensor.binary(
      name, operation, self, other,
      backward: { gradient, a, b, output in
        let half = (a .== b).to(a.dtype) * 0.5
        let wins = { (side: Tensor, rival: Tensor) in
          (side .== output!).to(a.dtype) * (1 - (side .== rival).to(a.dtype))
        }
        return (gradient * (wins(a, b) + half), gradient * (wins(b, a) + half))
      }, keepingOutput: true)
  }

  /// The point at `weight` on the way to `end`, element by element: `self + weight · (end − self)`.
  public func lerp(_ end: Tensor, _ weight: Double) -> Tensor { self + (end - self) * weight }

  /// A number as a tensor without axes, of the type ``DType/promoted(_:scalar:)`` gives it.
  package func scalar(_ value: Double) -> Tensor {
    let type = DType.promoted(dtype, scalar: value)
    tensorRequire(
      type.holds(value), "scalar", "\(value) does not fit the type \(type) of a tensor of shape \(shape)")
    return Tensor(value, dtype: type)
  }

  /// Applies an operation with a number; in half precision neither operand is rounded before the result is.
  @inline(__always)
  private func withNumber(_ operation: (Tensor) -> Tensor) -> Tensor {
    dtype.isHalfPrecision ? operation(to(.float32)).to(dtype) : operation(self)
  }

  /// The sum of every element and a number.
  public static func + (a: Tensor, b: Double) -> Tensor { a.withNumber { $0 + $0.scalar(b) } }
  /// The sum of a number and every element.
  public static func + (a: Double, b: Tensor) -> Tensor { b.withNumber { $0.scalar(a) + $0 } }
  /// Every element minus a number.
  public static func - (a: Tensor, b: Double) -> Tensor { a.withNumber { $0 - $0.scalar(b) } }
  /// A number minus every element.
  public static func - (a: Double, b: Tensor) -> Tensor { b.withNumber { $0.scalar(a) - $0 } }
  /// Every element times a number.
  public static func * (a: Tensor, b: Double) -> Tensor { a.withNumber { $0 * $0.scalar(b) } }
  /// A number times every element.
  public static func * (a: Double, b: Tensor) -> Tensor { b.withNumber { $0.scalar(a) * $0 } }
  /// Every element divided by a number.
  public static func / (a: Tensor, b: Double) -> Tensor { a.withNumber { $0 / $0.scalar(b) } }
  /// A number divided by every element.
  public static func / (a: Double, b: Tensor) -> Tensor { b.withNumber { $0.scalar(a) / $0 } }
  /// Adds a tensor, broadcast to this one's shape or beyond. In place where `a` alone owns its memory, has the shape and the
  /// floating-point type of the sum, and nothing is recorded.
  public static func += (a: inout Tensor, b: Tensor) {
    let isRecorded = a.node != nil || (GradientMode.isEnabled && b.requiresGradient)
    guard !isRecorded, a.dtype == b.dtype, a.dtype == .float32 || a.dtype == .float64,
      broadcastShape(a.shape, b.shape, "add") == a.shape, a.isUnique()
    else {
      a = a + b
      return
    }
    Elementwise.accumulate(b.detached().expanded(to: a.shape), into: &a)
  }
  /// Subtracts a tensor.
  public static func -= (a: inout Tensor, b: Tensor) { a = a - b }
  /// Multiplies by a tensor, element by element.
  public static func *= (a: inout Tensor, b: Tensor) { a = a * b }
  /// Divides by a tensor, element by element.
  public static func /= (a: inout Tensor, b: Tensor) { a = a / b }
  /// Multiplies by a number.
  public static func *= (a: inout Tensor, b: Double) { a = a * b }
}

infix operator .== : ComparisonPrecedence
infix operator .!= : ComparisonPrecedence
infix operator .< : ComparisonPrecedence
infix operator .<= : ComparisonPrecedence
infix operator .> : ComparisonPrecedence
infix operator .>= : ComparisonPrecedence

extension Tensor {
  private static func compare(_ name: StaticString, _ operation: Int, _ a: Tensor, _ b: Tensor) -> Tensor {
    let type = DType.promoted(a.dtype, b.dtype)
    let (x, y) = (a.detached().to(type), b.detached().to(type))
    return Elementwise.compare(operation, x, y, shape: broadcastShape(x.shape, y.shape, "\(name)"))
  }

  /// A number as the other side of a comparison: integers are compared exactly, half precision in Float32.
  private func comparand(_ value: Double) -> Tensor {
    if dtype.isFloatingPoint { return Tensor(value, dtype: dtype.isHalfPrecision ? .float32 : dtype) }
    let isWhole = value == value.rounded(.towardZero) && DType.int64.holds(value)
    return Tensor(value, dtype: isWhole ? .int64 : .float64)
  }

  /// Where elements are equal, as bool.
  public static func .== (a: Tensor, b: Tensor) -> Tensor { compare("equal", Int(TK_EQ), a, b) }
  /// Where elements differ, as bool.
  public static func .!= (a: Tensor, b: Tensor) -> Tensor { compare("notEqual", Int(TK_NE), a, b) }
  /// Where the first is smaller, as bool.
  public static func .< (a: Tensor, b: Tensor) -> Tensor { compare("less", Int(TK_LT), a, b) }
  /// Where the first is smaller or equal, as bool.
  public static func .<= (a: Tensor, b: Tensor) -> Tensor { compare("lessOrEqual", Int(TK_LE), a, b) }
  /// Where the first is larger, as bool.
  public static func .> (a: Tensor, b: Tensor) -> Tensor { compare("greater", Int(TK_GT), a, b) }
  /// Where the first is larger or equal, as bool.
  public static func .>= (a: Tensor, b: Tensor) -> Tensor { compare("greaterOrEqual", Int(TK_GE), a, b) }
  /// Where elements equal a number, as bool.
  public static func .== (a: Tensor, b: Double) -> Tensor { a .== a.comparand(b) }
  /// Where elements differ from a number, as bool.
  public static func .!= (a: Tensor, b: Double) -> Tensor { a .!= a.comparand(b) }
  /// Where elements are smaller than a number, as bool.
  public static func .< (a: Tensor, b: Double) -> Tensor { a .< a.comparand(b) }
  /// Where elements are at most a number, as bool.
  public static func .<= (a: Tensor, b: Double) -> Tensor { a .<= a.comparand(b) }
  /// Where elements are larger than a number, as bool.
  public static func .> (a: Tensor, b: Double) -> Tensor { a .> a.comparand(b) }
  /// Where elements are at least a number, as bool.
  public static func .>= (a: Tensor, b: Double) -> Tensor { a .>= a.comparand(b) }

  /// `a` where `condition` is true, else `b`, element by element after broadcasting.
  public static func select(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
    tensorRequire(condition.dtype == .bool, "select", "the condition must be bool, found \(condition.dtype)")
    let type = DType.promoted(a.dtype, b.dtype)
    let (x, y) = (a.to(type), b.to(type))
    let shape = broadcastShape(condition.shape, broadcastShape(x.shape, y.shape, "select"), "select")
    let result = Elementwise.select(condition, x, y, shape: shape)
    return recorded("select", from: [x, y], result) { gradient, _ in
      let zero = Tensor.zeros([], dtype: type)
      return [
        select(condition, gradient, zero).reduced(to: x.shape),
        select(condition, zero, gradient).reduced(to: y.shape),
      ]
    }
  }
}
