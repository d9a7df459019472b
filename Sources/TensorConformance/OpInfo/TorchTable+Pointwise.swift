import Tensor

extension TorchTable {
  static let unary: [String: TorchOperation] = [
    "abs": one { $0.abs() }, "acos": one { $0.acos() }, "acosh": one { $0.acosh() },
    "asin": one { $0.asin() }, "asinh": one { $0.asinh() }, "atan": one { $0.atan() },
    "atanh": one { $0.atanh() }, "ceil": one { $0.ceil() }, "cos": one { $0.cos() },
    "cosh": one { $0.cosh() }, "erf": one { $0.erf() }, "exp": one { $0.exp() }, "exp2": one { $0.exp2() },
    "expm1": one { $0.expm1() }, "floor": one { $0.floor() }, "log": one { $0.log() },
    "log10": one { $0.log10() }, "log1p": one { $0.log1p() }, "log2": one { $0.log2() },
    "neg": one { -$0 }, "reciprocal": one { $0.reciprocal() }, "round": one { $0.round() },
    "rsqrt": one { $0.rsqrt() }, "sigmoid": one { $0.sigmoid() }, "sgn": one { $0.sign() },
    "sign": one { $0.sign() }, "sin": one { $0.sin() }, "sinh": one { $0.sinh() },
    "sqrt": one { $0.sqrt() }, "square": one { $0.square() }, "tan": one { $0.tan() },
    "tanh": one { $0.tanh() }, "isnan": one { $0.isNaN() }, "isinf": one { $0.isInfinite() },
    "isfinite": one { $0.isFinite() }, "logical_not": one { .!($0.truth) }, "bitwise_not": one { ~$0 },
    "isposinf": one { $0.isPositiveInfinity() }, "isneginf": one { $0.isNegativeInfinity() },
    "signbit": one { $0.signBit() }, "trunc": one { $0.trunc() }, "frac": one { $0 - $0.trunc() },
    "positive": one { +$0 },
  ]

  /// Operators of two operands, each a tensor or a number.
  static let binary: [String: TorchOperation] = [
    "add": scaledSecond({ $0 + $1 }, { $0 + $1 }, { $0 + $1 }),
    "sub": scaledSecond({ $0 - $1 }, { $0 - $1 }, { $0 - $1 }),
    "rsub": scaledFirst({ $1 - $0 }, { $1 - $0 }),
    "mul": operands({ $0 * $1 }, { $0 * $1 }, { $0 * $1 }),
    "div": operands({ $0 / $1 }, { $0 / $1 }, { $0 / $1 }),
    "true_divide": operands({ $0 / $1 }, { $0 / $1 }, { $0 / $1 }),
    "div.floor_rounding": operands(
      { $0.floorDivided(by: $1) }, { $0.floorDivided(by: $1) }, { Tensor($0).floorDivided(by: $1) }),
    "floor_divide": operands(
      { $0.floorDivided(by: $1) }, { $0.floorDivided(by: $1) }, { Tensor($0).floorDivided(by: $1) }),
    "remainder": operands({ $0 % $1 }, { $0 % $1 }, { $0 % $1 }),
    "pow": operands({ $0.pow($1) }, { $0.pow($1) }, { Tensor($0).pow($1) }),
    "atan2": two { $0.atan2($1) }, "hypot": two { $0.hypot($1) },
    "nextafter": two { $0.nextAfter($1) },
    "copysign": operands({ $0.copysign($1) }, { $0.copysign(Tensor($1.asDouble)) }),
    "maximum": two { $0.maximum($1) }, "max.binary": two { $0.maximum($1) },
    "minimum": two { $0.minimum($1) }, "min.binary": two { $0.minimum($1) },
    "__radd__": operands({ $1 + $0 }, { $1 + $0 }),
    "__rsub__": operands({ $1 - $0 }, { $1 - $0 }, { $1 - $0 }),
    "__rmul__": operands({ $1 * $0 }, { $1 * $0 }),
    "__rdiv__": operands({ $1 / $0 }, { $1 / $0 }),
    "__rmod__": operands({ $1 % $0 }, { $1 % $0 }, { $1 % $0 }),
    "__rpow__": operands({ $1.pow($0) }, { Tensor($1).pow($0) }, { $1.pow($0) }),
    "__rmatmul__": two { $1.matmul($0) },
  ]

  static let comparisons: [String: TorchOperation] = [
    "eq": operands({ $0 .== $1 }, { $0 .== $1 }), "ne": operands({ $0 .!= $1 }, { $0 .!= $1 }),
    "lt": operands({ $0 .< $1 }, { $0 .< $1 }), "le": operands({ $0 .<= $1 }, { $0 .<= $1 }),
    "gt": operands({ $0 .> $1 }, { $0 .> $1 }), "ge": operands({ $0 .>= $1 }, { $0 .>= $1 }),
    "logical_and": two { $0.truth .& $1.truth }, "logical_or": two { $0.truth .| $1.truth },
    "logical_xor": two { $0.truth .^ $1.truth },
    "bitwise_and": operands({ $0 & $1 }, { $0 & Tensor($1) }, { Tensor($0) & $1 }),
    "bitwise_or": operands({ $0 | $1 }, { $0 | Tensor($1) }, { Tensor($0) | $1 }),
    "bitwise_xor": operands({ $0 ^ $1 }, { $0 ^ Tensor($1) }, { Tensor($0) ^ $1 }),
    "bitwise_left_shift": operands(
      { $0.bitwiseLeftShift($1) }, { $0.bitwiseLeftShift(Tensor($1)) },
      { Tensor($0).bitwiseLeftShift($1) }),
    "bitwise_right_shift": operands(
      { $0.bitwiseRightShift($1) }, { $0.bitwiseRightShift(Tensor($1)) },
      { Tensor($0).bitwiseRightShift($1) }),
    "__rand__": operands({ $1 & $0 }, { Tensor($1) & $0 }),
    "__ror__": operands({ $1 | $0 }, { Tensor($1) | $0 }),
    "__rxor__": operands({ $1 ^ $0 }, { Tensor($1) ^ $0 }),
    "allclose": { call in
      if try call.flag(4, "equal_nan") { throw TorchCallError.noCounterpart("`equal_nan`") }
      return [
        Tensor(
          (try call.tensor()).isClose(
            to: try call.tensor(1, "other"), relative: try call.real(2, "rtol", default: 1e-5),
            absolute: try call.real(3, "atol", default: 1e-8)))
      ]
    },
  ]

  /// Operators of three operands.
  static let fused: [String: TorchOperation] = [
    "where": { call in
      let condition = try call.tensor(1, "condition")
      guard case .tensor(let x)? = call[0, "input"] else {
        let number = try call.number(0, "input")
        return [Tensor.select(condition, number, try call.tensor(2, "other"))]
      }
      if let number = call[2, "other"]?.number { return [Tensor.select(condition, x, number)] }
      return [Tensor.select(condition, x, try call.tensor(2, "other"))]
    },
    "masked_fill": { call in
      let (x, mask) = (try call.tensor(), try call.tensor(1, "mask"))
      guard let number = call[2, "value"]?.number else {
        let value = try call.tensor(2, "value")
        return [Tensor.select(mask, value.to(x.dtype), x)]
      }
      return [x.maskedFill(mask, number)]
    },
    "lerp": { call in
      let (x, end) = (try call.tensor(), try call.tensor(1, "end"))
      if case .tensor(let weight)? = call[2, "weight"] { return [x + weight * (end - x)] }
      return [x.lerp(end, try call.real(2, "weight"))]
    },
    "clamp": { call in [try clamped(try call.tensor(), call[1, "min"], call[2, "max"])] },
    "clamp_min": { call in [try clamped(try call.tensor(), call[1, "min"], nil)] },
    "clamp_max": { call in [try clamped(try call.tensor(), nil, call[1, "max"])] },
    "addcmul": { call in
      let product = try call.tensor(1, "tensor1") * call.tensor(2, "tensor2")
      return [try call.tensor() + scaled(product, call[3, "value"])]
    },
    "addcdiv": { call in
      let quotient = try call.tensor(1, "tensor1") / call.tensor(2, "tensor2")
      return [try call.tensor() + scaled(quotient, call[3, "value"])]
    },
  ]

  private static func clamped(
    _ x: Tensor, _ lower: TorchArgument?, _ upper: TorchArgument?
  ) throws -> Tensor {
    switch (lower, upper) {
    case (nil, nil): throw TorchCallError.unwritable("no bound")
    case (.integer(let least)?, .integer(let most)?): return x.clamped(least, most)
    case (let least?, let most?) where least.number != nil && most.number != nil:
      return x.clamped(least.number!.asDouble, most.number!.asDouble)
    default:
      let (least, most) = (try lower.map(bound), try upper.map(bound))
      let raised = least.map { x.maximum($0) } ?? x
      return most.map { raised.minimum($0) } ?? raised
    }
  }

  private static func bound(_ argument: TorchArgument) throws -> Tensor {
    if case .tensor(let bound) = argument { return bound }
    guard let number = argument.number else { throw TorchCallError.unwritable("a bound \(argument)") }
    return Tensor(number)
  }

  /// A tensor times a number, where there is one.
  static func scaled(_ x: Tensor, _ factor: TorchArgument?) throws -> Tensor {
    guard let factor else { return x }
    guard let number = factor.number else { throw TorchCallError.unwritable("a factor \(factor)") }
    return number.asDouble == 1 ? x : x * number
  }

  typealias Pair = @Sendable (Tensor, Tensor) -> Tensor
  typealias NumberBehind = @Sendable (Tensor, any TensorScalar) -> Tensor
  typealias NumberBefore = @Sendable (any TensorScalar, Tensor) -> Tensor

  /// An operator whose operands may be numbers.
  private static func operands(
    _ pair: @escaping Pair, _ behind: @escaping NumberBehind, _ before: NumberBefore? = nil
  ) -> TorchOperation {
    { call in
      if let number = call[1, "other"]?.number { return [behind(try call.tensor(), number)] }
      if let before, let number = call[0, "input"]?.number {
        return [before(number, try call.tensor(1, "other"))]
      }
      return [pair(try call.tensor(), try call.tensor(1, "other"))]
    }
  }

  /// As `operands`, with a factor `alpha` of the second operand.
  private static func scaledSecond(
    _ pair: @escaping Pair, _ behind: @escaping NumberBehind, _ before: @escaping NumberBefore
  ) -> TorchOperation {
    { call in
      guard let alpha = call[2, "alpha"] else { return try operands(pair, behind, before)(call) }
      if let number = call[1, "other"]?.number {
        let isWhole = number.asInteger != nil && alpha.number?.asInteger != nil
        let product = number.asDouble * (alpha.number?.asDouble ?? 1)
        return [isWhole ? behind(try call.tensor(), Int(product)) : behind(try call.tensor(), product)]
      }
      return [pair(try call.tensor(), try scaled(try call.tensor(1, "other"), alpha))]
    }
  }

  /// As `operands`, with a factor `alpha` of the first operand.
  private static func scaledFirst(_ pair: @escaping Pair, _ behind: @escaping NumberBehind) -> TorchOperation
  {
    { call in
      let x = try scaled(try call.tensor(), call[2, "alpha"])
      if let number = call[1, "other"]?.number { return [behind(x, number)] }
      return [pair(x, try call.tensor(1, "other"))]
    }
  }
}

extension Tensor {
  /// Whether each element is not 0.
  fileprivate var truth: Tensor { dtype == .bool ? self : self .!= 0 }
}
