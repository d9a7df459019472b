import Tensor

extension OperationTable {
  /// Functions of two or three elements, after broadcasting.
  static let pairs: [String: Operation] = [
    "add": binary({ $0 + $1 }, { $0 + $1 }),
    "subtract": binary({ $0 - $1 }, { $0 - $1 }),
    "multiply": binary({ $0 * $1 }, { $0 * $1 }),
    "divide": binary({ $0 / $1 }, { $0 / $1 }),
    "pow": binary({ $0.pow($1) }, { $0.pow($1) }),
    "floor_divide": binary { $0.standardFloorQuotient($1) },
    "remainder": binary { $0.standardRemainder($1) },
    "maximum": binary { $0.maximum($1) },
    "minimum": binary { $0.minimum($1) },
    "atan2": binary { $0.atan2($1) },
    "hypot": binary { $0.hypot($1) },
    "copysign": binary { $0.copysign($1) },
    "nextafter": binary { $0.nextAfter($1) },
    "logaddexp": binary { $0.logAddExp($1) },
    "bitwise_and": binary { $0.bitwiseAnd($1) },
    "bitwise_or": binary { $0.bitwiseOr($1) },
    "bitwise_xor": binary { $0.bitwiseXor($1) },
    "bitwise_left_shift": binary { $0.bitwiseLeftShift($1) },
    "bitwise_right_shift": binary { $0.bitwiseRightShift($1) },
    "logical_and": binary { $0.to(.bool) .& $1.to(.bool) },
    "logical_or": binary { $0.to(.bool) .| $1.to(.bool) },
    "logical_xor": binary { $0.to(.bool) .^ $1.to(.bool) },
    "equal": comparison({ $0 .== $1 }, { $0 .== $1 }),
    "not_equal": comparison({ $0 .!= $1 }, { $0 .!= $1 }),
    "less": binary { $0 .< $1 },
    "less_equal": binary { $0 .<= $1 },
    "greater": binary { $0 .> $1 },
    "greater_equal": binary { $0 .>= $1 },
    "where": one { call in
      let condition = try call.real(0)
      let (a, b) = (try call.value(1), try call.value(2))
      if case .real(let x) = a, case .real(let y) = b { return .real(Tensor.select(condition, x, y)) }
      let (z, w) = (a.asComplex, b.asComplex)
      return .complex(
        ComplexTensor(
          real: Tensor.select(condition, z.real, w.real),
          imaginary: Tensor.select(condition, z.imaginary, w.imaginary)))
    },
  ]

  /// A comparison, of either kind of numbers.
  private static func comparison(
    _ body: @escaping @Sendable (Tensor, Tensor) -> Tensor,
    _ ofComplex: @escaping @Sendable (ComplexTensor, ComplexTensor) -> Tensor
  ) -> Operation {
    real { call in
      call.isComplex
        ? ofComplex(try call.value(0).asComplex, try call.value(1).asComplex)
        : body(try call.real(0), try call.real(1))
    }
  }
}

// Tensor's results at infinities and zeros are PyTorch's; where the array API has others, they are made of
// them here.
extension Tensor {
  /// The quotient rounded down: with an infinite operand that is the quotient's own floor, and no NaN or −1.
  fileprivate func standardFloorQuotient(_ divisor: Tensor) -> Tensor {
    let found = floorDivided(by: divisor)
    guard found.dtype.isFloatingPoint else { return found }
    let isEnd = isInfinite() .| divisor.isInfinite()
    return isEnd.any().item() == 0 ? found : Tensor.select(isEnd, (self / divisor).floor(), found)
  }

  /// What remains of a division: a zero, too, has the sign of the divisor.
  fileprivate func standardRemainder(_ divisor: Tensor) -> Tensor {
    let found = remainder(divisor)
    guard found.dtype.isFloatingPoint else { return found }
    return Tensor.select(found .== 0, found.copysign(divisor.to(found.dtype)), found)
  }

  /// The sign, which of NaN is NaN.
  func standardSign() -> Tensor {
    dtype.isFloatingPoint ? Tensor.select(isNaN(), self, sign()) : sign()
  }
}
