import Tensor

// Operations of the tables of complex numbers, which are stored as real ones with a last axis of two.
extension SpecialOperations {
  static let complex: [String: Body] = [
    "complexNegate": ofOne { -$0 }, "complexConjugate": ofOne { $0.conjugate() },
    "complexExp": ofOne { $0.exp() }, "complexExpm1": ofOne { $0.expm1() }, "complexLog": ofOne { $0.log() },
    "complexLog1p": ofOne { $0.log1p() }, "complexLog2": ofOne { $0.log2() },
    "complexLog10": ofOne { $0.log10() }, "complexSqrt": ofOne { $0.sqrt() },
    "complexSin": ofOne { $0.sin() }, "complexCos": ofOne { $0.cos() }, "complexTan": ofOne { $0.tan() },
    "complexSinh": ofOne { $0.sinh() }, "complexCosh": ofOne { $0.cosh() },
    "complexTanh": ofOne { $0.tanh() }, "complexAsin": ofOne { $0.asin() },
    "complexAcos": ofOne { $0.acos() }, "complexAtan": ofOne { $0.atan() },
    "complexAsinh": ofOne { $0.asinh() }, "complexAcosh": ofOne { $0.acosh() },
    "complexAtanh": ofOne { $0.atanh() }, "complexSign": ofOne { $0.sign() },
    "complexReciprocal": ofOne { 1 / $0 },
    "complexAbs": { x, _ in x[0].viewAsComplex().abs() },
    "complexAngle": { x, _ in x[0].viewAsComplex().angle() },
    "complexIsFinite": { x, _ in x[0].viewAsComplex().isFinite() },
    "complexAdd": ofTwo { $0 + $1 }, "complexSubtract": ofTwo { $0 - $1 },
    "complexMultiply": ofTwo { $0 * $1 }, "complexDivide": ofTwo { $0 / $1 },
    "complexPow": ofTwo { $0.pow($1) },
    "complexEqual": { x, _ in x[0].viewAsComplex() .== x[1].viewAsComplex() },
    "complexNotEqual": { x, _ in x[0].viewAsComplex() .!= x[1].viewAsComplex() },
    "complexTimesReal": { x, _ in (x[0].viewAsComplex() * x[1]).viewAsReal() },
    "complexByReal": { x, _ in (x[0].viewAsComplex() / x[1]).viewAsReal() },
    "complexPlusReal": { x, _ in (x[0].viewAsComplex() + x[1]).viewAsReal() },
    "complexMinusReal": { x, _ in (x[0].viewAsComplex() - x[1]).viewAsReal() },
    "complexSum": ofOne { $0.sum(axis: -1) }, "complexMean": ofOne { $0.mean(axis: -1) },
  ]

  private static func ofOne(_ function: @escaping @Sendable (ComplexTensor) -> ComplexTensor) -> Body {
    { x, _ in function(x[0].viewAsComplex()).viewAsReal() }
  }

  private static func ofTwo(_ function: @escaping @Sendable (ComplexTensor, ComplexTensor) -> ComplexTensor)
    -> Body
  {
    { x, _ in function(x[0].viewAsComplex(), x[1].viewAsComplex()).viewAsReal() }
  }
}
