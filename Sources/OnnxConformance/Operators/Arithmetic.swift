import Tensor

extension OperatorTable {
  static let binary: [String: OnnxOperator] = [
    "Add": two { $0 + $1 }, "Sub": two { $0 - $1 }, "Mul": two { $0 * $1 },
    "Div": two { $0.dtype.isFloatingPoint ? $0 / $1 : quotient($0, $1) },
    // A power has the type of its base.
    "Pow": two { base, exponent in
      base.dtype.isFloatingPoint || !exponent.dtype.isFloatingPoint
        ? base.pow(exponent.dtype == base.dtype ? exponent : exponent.to(wider(base.dtype))).to(base.dtype)
        : base.to(.float64).pow(exponent.to(.float64)).to(base.dtype)
    },
    "Mod": { call in
      let (x, divisor) = (try call.tensor(), try call.tensor(1))
      guard try call.flag("fmod") else { return [x.remainder(divisor)] }
      guard x.dtype.isFloatingPoint else { return [x - quotient(x, divisor) * divisor] }
      let (wide, by) = (x.to(.float64), divisor.to(.float64))
      return [(wide - (wide / by).trunc() * by).to(x.dtype)]
    },
    "Max": fold { $0.maximum($1) }, "Min": fold { $0.minimum($1) }, "Sum": fold { $0 + $1 },
    "Mean": { call in
      let all = try call.tensors()
      return [all.dropFirst().reduce(all[0]) { $0 + $1 } / Double(all.count)]
    },
  ]

  static let comparisons: [String: OnnxOperator] = [
    "Equal": two { $0 .== $1 }, "Greater": two { $0 .> $1 }, "GreaterOrEqual": two { $0 .>= $1 },
    "Less": two { $0 .< $1 }, "LessOrEqual": two { $0 .<= $1 },
    "And": two { $0 .& $1 }, "Or": two { $0 .| $1 }, "Xor": two { $0 .^ $1 },
    "Where": { call in [Tensor.select(try call.tensor(), try call.tensor(1), try call.tensor(2))] },
  ]

  static let bits: [String: OnnxOperator] = [
    "BitwiseAnd": two { $0 & $1 }, "BitwiseOr": two { $0 | $1 }, "BitwiseXor": two { $0 ^ $1 },
    "BitwiseNot": one { ~$0 },
    "BitShift": { call in
      let (x, places) = (try call.tensor(), try call.tensor(1))
      return [
        try call.text("direction") == "LEFT" ? x.bitwiseLeftShift(places) : x.bitwiseRightShift(places)
      ]
    },
  ]

  /// An operator of any number of tensors, taken together one after the other.
  private static func fold(_ body: @escaping @Sendable (Tensor, Tensor) -> Tensor) -> OnnxOperator {
    { call in
      let all = try call.tensors()
      return [all.dropFirst().reduce(all[0], body)]
    }
  }

  /// The quotient of integers, cut towards zero as in C.
  private static func quotient(_ a: Tensor, _ b: Tensor) -> Tensor {
    let down = a.floorDivided(by: b)
    let isBetween = ((a .< 0) .^ (b .< 0)) .& (down * b .!= a) .& (b .!= 0)
    return down + isBetween.to(a.dtype)
  }

  /// The type in which a power of a base is computed: halves and integers of 32 bits do not hold exponents.
  private static func wider(_ type: DType) -> DType {
    type.isHalfPrecision ? .float32 : type.isInteger && type.byteSize < 8 ? .int64 : type
  }
}
