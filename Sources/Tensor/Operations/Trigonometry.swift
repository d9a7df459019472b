import CTensorKernels

extension Tensor {
  /// The tangent of an angle in radians.
  public func tan() -> Tensor { unary("tan", Int(TK_TAN)) { 1 + $0.tan().square() } }
  /// The angle between −π/2 and π/2 whose sine is x.
  public func asin() -> Tensor { unary("asin", Int(TK_ASIN)) { (1 - $0.square()).rsqrt() } }
  /// The angle between 0 and π whose cosine is x.
  public func acos() -> Tensor { unary("acos", Int(TK_ACOS)) { -(1 - $0.square()).rsqrt() } }
  /// The angle between −π/2 and π/2 whose tangent is x.
  public func atan() -> Tensor { unary("atan", Int(TK_ATAN)) { (1 + $0.square()).reciprocal() } }
  /// The hyperbolic sine.
  public func sinh() -> Tensor { unary("sinh", Int(TK_SINH)) { $0.cosh() } }
  /// The hyperbolic cosine.
  public func cosh() -> Tensor { unary("cosh", Int(TK_COSH)) { $0.sinh() } }
  /// The number whose hyperbolic sine is x.
  public func asinh() -> Tensor { unary("asinh", Int(TK_ASINH)) { ($0.square() + 1).rsqrt() } }
  /// The number, not negative, whose hyperbolic cosine is x.
  public func acosh() -> Tensor { unary("acosh", Int(TK_ACOSH)) { ($0.square() - 1).rsqrt() } }
  /// The number whose hyperbolic tangent is x.
  public func atanh() -> Tensor { unary("atanh", Int(TK_ATANH)) { (1 - $0.square()).reciprocal() } }
  /// 2^x.
  public func exp2() -> Tensor { unary("exp2", Int(TK_EXP2)) { 0.6931471805599453 * $0.exp2() } }
  /// The logarithm to base 2.
  public func log2() -> Tensor { unary("log2", Int(TK_LOG2)) { 1.4426950408889634 / $0 } }
  /// The logarithm to base 10.
  public func log10() -> Tensor { unary("log10", Int(TK_LOG10)) { 0.4342944819032518 / $0 } }

  /// The angle in radians, between −π and π, of the point with this tensor as y and `x` as x, element by
  /// element after broadcasting (NumPy's `arctan2`). Integers become float32.
  public func atan2(_ x: Tensor) -> Tensor {
    if !DType.promoted(dtype, x.dtype).isFloatingPoint { return to(.float32).atan2(x.to(.float32)) }
    return Tensor.binary(
      "atan2", Int(TK_ATAN2), self, x,
      backward: { gradient, y, x, _ in
        // At the origin, and where the squares are too small for the type, the angle counts as constant.
        let square = y.square() + x.square()
        let isFlat = square.detached() .== 0
        let zero = Tensor.zeros([], dtype: square.dtype)
        let inverse = Tensor.select(isFlat, zero, Tensor.select(isFlat, zero + 1, square).reciprocal())
        return (gradient * x * inverse, gradient * -y * inverse)
      })
  }

  /// What remains of a division, element by element after broadcasting, with the sign of the divisor as
  /// Python's `%`. An integer has the remainder 0 by 0.
  public func remainder(_ divisor: Tensor) -> Tensor {
    Tensor.binary(
      "remainder", Int(TK_REMAINDER), self, divisor,
      backward: { gradient, a, b, _ in
        (gradient, b.requiresGradient ? -(gradient * a.detached().floorDivided(by: b.detached())) : nil)
      })
  }

  /// The quotient rounded down, element by element after broadcasting, Python's `//`; it has no gradient.
  /// Integers by 0 give 0.
  public func floorDivided(by divisor: Tensor) -> Tensor {
    Tensor.binary(
      "floorDivided", Int(TK_FLOOR_DIV), detached(), divisor.detached(),
      backward: { _, _, _, _ in (nil, nil) })
  }
}
