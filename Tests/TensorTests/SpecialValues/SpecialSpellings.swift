import Tensor

extension SpecialOperations {
  /// Other ways to write operations of the tables: operators, operators in place, and single axes.
  static let otherSpellings: [String: [Body]] = [
    "add": [inPlace { $0 += $1 }, ownInPlace { $0 += $1 }],
    "subtract": [inPlace { $0 -= $1 }, ownInPlace { $0 -= $1 }],
    "multiply": [inPlace { $0 *= $1 }, ownInPlace { $0 *= $1 }],
    "divide": [inPlace { $0 /= $1 }, ownInPlace { $0 /= $1 }],
    "addNumber": [numberInPlace { $0 += $1 }, { x, a in a[0] + x[0] }],
    "minusNumber": [numberInPlace { $0 -= $1 }],
    "multiplyNumber": [numberInPlace { $0 *= $1 }, { x, a in a[0] * x[0] }],
    "divideNumber": [numberInPlace { $0 /= $1 }],
    "remainder": [{ x, _ in x[0] % x[1] }], "remainderNumber": [{ x, a in x[0] % a[0] }],
    "maskedFillNumber": [
      { x, a in
        var result = x[0]
        result[result .> 0] = Tensor(a[0], dtype: result.dtype)
        return result
      }
    ],
    "bitwiseAnd": [{ x, _ in x[0] & x[1] }, { x, _ in x[1] & x[0] }],
    "bitwiseOr": [{ x, _ in x[0] | x[1] }, { x, _ in x[1] | x[0] }],
    "bitwiseXor": [{ x, _ in x[0] ^ x[1] }, { x, _ in x[1] ^ x[0] }], "bitwiseNot": [{ x, _ in ~x[0] }],
    "sum": [{ x, _ in x[0].sum(axis: -1) }, { x, _ in x[0].sum(axis: 1, keepDims: true).squeezed(axis: 1) }],
    "mean": [{ x, _ in x[0].mean(axis: -1) }], "prod": [{ x, _ in x[0].prod(axis: -1) }],
    "max": [{ x, _ in x[0].max(axis: -1) }], "min": [{ x, _ in x[0].min(axis: -1) }],
    "variance": [{ x, a in x[0].variance(axis: -1, correction: a[0]) }],
    "standardDeviation": [{ x, a in x[0].standardDeviation(axis: -1, correction: a[0]) }],
    "logSumExp": [{ x, _ in x[0].logSumExp(axis: -1) }], "norm": [{ x, a in x[0].norm(a[0], axis: -1) }],
    "any": [{ x, _ in x[0].any(axis: -1) }], "all": [{ x, _ in x[0].all(axis: -1) }],
    "countNonZero": [{ x, _ in x[0].countNonZero(axis: -1) }],
    "matmulOfOne": [{ x, _ in matmul(x[0].reshaped([-1, 1]), x[1].reshaped([1, -1])) }],
    "addInt": [{ x, _ in number(x) + x[0] }], "multiplyInt": [{ x, _ in number(x) * x[0] }],
    "remainderInt": [{ x, _ in x[0] % number(x) }],
    "complexAbs": [{ x, _ in x[0].viewAsComplex().magnitude() }],
  ]

  /// Functions of real numbers, of which integers are float32 ones.
  static let ofReals: [String] = [
    "exp", "expm1", "log", "log1p", "sqrt", "rsqrt", "reciprocal", "sin", "cos", "tanh", "sigmoid",
    "logSigmoid", "softplus", "erf", "silu", "gelu", "geluTanh", "quickGELU", "elu", "tan", "asin", "acos",
    "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "exp2", "log2", "log10", "atan2", "hypot", "logAddExp",
    "copysign", "nextAfter", "leakyReLU",
  ]

  private static func number(_ x: [Tensor]) -> Int { x[1].item(of: Int.self) }

  /// The first operand changed in place, while another tensor shares its memory.
  private static func inPlace(_ body: @escaping @Sendable (inout Tensor, Tensor) -> Void) -> Body {
    { x, _ in
      var result = x[0]
      body(&result, x[1])
      return result
    }
  }

  /// The first operand changed in place in memory that it alone has.
  private static func ownInPlace(_ body: @escaping @Sendable (inout Tensor, Tensor) -> Void) -> Body {
    { x, _ in
      var result = Tensor.select(Tensor.ones(x[0].shape, dtype: .bool), x[0], x[0])
      body(&result, x[1])
      return result
    }
  }

  private static func numberInPlace(_ body: @escaping @Sendable (inout Tensor, Double) -> Void) -> Body {
    { x, a in
      var result = Tensor.select(Tensor.ones(x[0].shape, dtype: .bool), x[0], x[0])
      body(&result, a[0])
      return result
    }
  }
}
