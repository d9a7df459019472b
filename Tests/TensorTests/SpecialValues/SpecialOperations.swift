import Tensor

/// What the operations of the tables of special values are called there, and how they are applied.
enum SpecialOperations {
  typealias Body = @Sendable (_ x: [Tensor], _ arguments: [Double]) -> Tensor

  /// An operation along one axis of one tensor.
  typealias AxisBody = @Sendable (_ x: Tensor, _ axis: Int, _ arguments: [Double]) -> Tensor

  static let all: [String: Body] = [
    elementwise, alongLastAxis, rows, losses, fused, orders, sums, modules, integers, integerArrays, complex,
    conversions,
  ]
  .reduce(into: [:]) { $0.merge($1) { first, _ in first } }

  /// Operations whose elements depend on those at the same place alone.
  static let elementwise: [String: Body] = [unary, numbers, binary, pairs, besideNumbers, bits]
    .reduce(into: [:]) { $0.merge($1) { first, _ in first } }

  private static let alongLastAxis: [String: Body] = alongAxis.mapValues { body in
    { x, a in body(x[0], -1, a) }
  }

  private static let unary: [String: Body] = [
    "negate": { x, _ in -x[0] }, "abs": { x, _ in x[0].abs() }, "exp": { x, _ in x[0].exp() },
    "expm1": { x, _ in x[0].expm1() }, "log": { x, _ in x[0].log() }, "log1p": { x, _ in x[0].log1p() },
    "sqrt": { x, _ in x[0].sqrt() }, "rsqrt": { x, _ in x[0].rsqrt() },
    "reciprocal": { x, _ in x[0].reciprocal() },
    "sin": { x, _ in x[0].sin() }, "cos": { x, _ in x[0].cos() }, "tanh": { x, _ in x[0].tanh() },
    "sigmoid": { x, _ in x[0].sigmoid() }, "logSigmoid": { x, _ in x[0].logSigmoid() },
    "softplus": { x, _ in x[0].softplus() }, "erf": { x, _ in x[0].erf() }, "relu": { x, _ in x[0].relu() },
    "silu": { x, _ in x[0].silu() }, "gelu": { x, _ in x[0].gelu() }, "geluTanh": { x, _ in x[0].geluTanh() },
    "quickGELU": { x, _ in x[0].quickGELU() }, "leakyReLU": { x, _ in x[0].leakyReLU() },
    "elu": { x, _ in x[0].elu() },
    "square": { x, _ in x[0].square() }, "sign": { x, _ in x[0].sign() }, "floor": { x, _ in x[0].floor() },
    "ceil": { x, _ in x[0].ceil() }, "round": { x, _ in x[0].round() }, "tan": { x, _ in x[0].tan() },
    "asin": { x, _ in x[0].asin() }, "acos": { x, _ in x[0].acos() }, "atan": { x, _ in x[0].atan() },
    "sinh": { x, _ in x[0].sinh() }, "cosh": { x, _ in x[0].cosh() }, "asinh": { x, _ in x[0].asinh() },
    "acosh": { x, _ in x[0].acosh() }, "atanh": { x, _ in x[0].atanh() }, "exp2": { x, _ in x[0].exp2() },
    "log2": { x, _ in x[0].log2() }, "log10": { x, _ in x[0].log10() }, "isNaN": { x, _ in x[0].isNaN() },
    "isInfinite": { x, _ in x[0].isInfinite() }, "isFinite": { x, _ in x[0].isFinite() },
  ]

  private static let numbers: [String: Body] = [
    "powNumber": { x, a in x[0].pow(a[0]) }, "clamped": { x, a in x[0].clamped(a[0], a[1]) },
    "addNumber": { x, a in x[0] + a[0] }, "minusNumber": { x, a in x[0] - a[0] },
    "numberMinus": { x, a in a[0] - x[0] }, "multiplyNumber": { x, a in x[0] * a[0] },
    "divideNumber": { x, a in x[0] / a[0] }, "numberDivided": { x, a in a[0] / x[0] },
  ]

  private static let binary: [String: Body] = [
    "add": { x, _ in x[0] + x[1] }, "subtract": { x, _ in x[0] - x[1] }, "multiply": { x, _ in x[0] * x[1] },
    "divide": { x, _ in x[0] / x[1] }, "pow": { x, _ in x[0].pow(x[1]) },
    "maximum": { x, _ in x[0].maximum(x[1]) },
    "minimum": { x, _ in x[0].minimum(x[1]) }, "atan2": { x, _ in x[0].atan2(x[1]) },
    "remainder": { x, _ in x[0].remainder(x[1]) }, "floorDivided": { x, _ in x[0].floorDivided(by: x[1]) },
    "equal": { x, _ in x[0] .== x[1] }, "notEqual": { x, _ in x[0] .!= x[1] },
    "less": { x, _ in x[0] .< x[1] },
    "lessOrEqual": { x, _ in x[0] .<= x[1] }, "greater": { x, _ in x[0] .> x[1] },
    "greaterOrEqual": { x, _ in x[0] .>= x[1] }, "select": { x, _ in Tensor.select(x[0] .> 0, x[0], x[1]) },
    "lerp": { x, _ in x[0].lerp(x[1], 0.25) }, "swiGLU": { x, _ in swiGLU(x[0], x[1]) },
  ]

  /// Reductions, running ones and those that keep the shape.
  static let alongAxis: [String: AxisBody] = [
    "sum": { x, axis, _ in x.sum(axes: [axis]) }, "mean": { x, axis, _ in x.mean(axes: [axis]) },
    "prod": { x, axis, _ in x.prod(axes: [axis]) }, "max": { x, axis, _ in x.max(axes: [axis]) },
    "min": { x, axis, _ in x.min(axes: [axis]) }, "argmax": { x, axis, _ in x.argmax(axis: axis) },
    "argmin": { x, axis, _ in x.argmin(axis: axis) },
    "logSumExp": { x, axis, _ in x.logSumExp(axes: [axis]) },
    "any": { x, axis, _ in x.any(axes: [axis]) }, "all": { x, axis, _ in x.all(axes: [axis]) },
    "countNonZero": { x, axis, _ in x.countNonZero(axes: [axis]) },
    "cumsum": { x, axis, _ in x.cumsum(axis: axis) }, "cumprod": { x, axis, _ in x.cumprod(axis: axis) },
    "logCumSumExp": { x, axis, _ in x.logCumSumExp(axis: axis) },
    "softmax": { x, axis, _ in x.softmax(axis: axis) },
    "logSoftmax": { x, axis, _ in x.logSoftmax(axis: axis) },
    "normalized": { x, axis, _ in x.normalized(axis: axis) },
    "variance": { x, axis, a in x.variance(axes: [axis], correction: a[0]) },
    "standardDeviation": { x, axis, a in x.standardDeviation(axes: [axis], correction: a[0]) },
    "norm": { x, axis, a in x.norm(a[0], axes: [axis]) },
    "nanSum": { x, axis, _ in x.nanSum(axis: axis) }, "nanMean": { x, axis, _ in x.nanMean(axis: axis) },
    "nanMax": { x, axis, _ in x.nanMax(axis: axis) }, "nanMin": { x, axis, _ in x.nanMin(axis: axis) },
    "median": { x, axis, _ in x.median(axis: axis) },
    "quantile": { x, axis, a in
      x.quantile(a[0], axis: axis, interpolation: QuantileInterpolation.allCases[Int(a[1])])
    },
    "diff": { x, axis, a in x.diff(Int(a[0]), axis: axis) },
    "sortedValues": { x, axis, a in x.sorted(axis: axis, descending: a[0] != 0).values },
    "argsort": { x, axis, a in x.argsort(axis: axis, descending: a[0] != 0) },
    "topKValues": { x, axis, a in x.topK(Int(a[0]), axis: axis, largest: a[1] != 0).values },
    "topKIndices": { x, axis, a in x.topK(Int(a[0]), axis: axis, largest: a[1] != 0).indices },
  ]

  private static let rows: [String: Body] = [
    "layerNorm": { x, _ in layerNorm(x[0]) }, "rmsNorm": { x, _ in rmsNorm(x[0]) },
    "averagePool1d": { x, _ in
      averagePool1d(x[0].expandedDimensions(axis: 1), kernel: 2, stride: 1).squeezed(axis: 1)
    },
    "maxPool1d": { x, _ in maxPool1d(x[0].expandedDimensions(axis: 1), kernel: 2, stride: 1).squeezed(axis: 1)
    },
    "sumOfAll": { x, _ in x[0].slice(axis: 0, 0..<5).sum() },
    "trace": { x, _ in x[0].slice(axis: 0, 0..<min(5, x[0].shape[1])).trace() },
  ]

  private static let losses: [String: Body] = [
    "mseLoss": { x, _ in mseLoss(x[0], x[1], reduction: .none) },
    "l1Loss": { x, _ in l1Loss(x[0], x[1], reduction: .none) },
    "smoothL1Loss": { x, _ in smoothL1Loss(x[0], x[1], reduction: .none) },
    "klDivergence": { x, _ in klDivergence(logProbabilities: x[0], target: x[1], reduction: .none) },
    "binaryCrossEntropy": { x, _ in binaryCrossEntropy(logits: x[0], targets: x[1], reduction: .none) },
    "crossEntropy": { x, _ in crossEntropy(x[0], targets: x[1], reduction: .none) },
    "smoothedCrossEntropy": { x, _ in crossEntropy(x[0], targets: x[1], labelSmoothing: 0.1, reduction: .none)
    },
    "nllLoss": { x, _ in nllLoss(x[0], targets: x[1], reduction: .none) },
    "nllLossMean": { x, _ in nllLoss(x[0].slice(axis: 0, 0..<5), targets: x[1].slice(axis: 0, 0..<5)) },
  ]

  private static let fused: [String: Body] = [
    "layerNormAffine": { x, _ in layerNorm(x[0], weight: x[1], bias: x[2]).slice(axis: 0, 0..<5) },
    "rmsNormWeighted": { x, _ in rmsNorm(x[0], weight: x[1]).slice(axis: 0, 0..<5) },
    "groupNorm": { x, _ in groupNorm(x[0].expandedDimensions(axis: 1), groups: 1).squeezed(axis: 1) },
    "batchNorm": { x, _ in batchNorm(x[0].transposed()).transposed() },
    "scaledDotProductAttention": { x, a in
      scaledDotProductAttention(query: x[0], key: x[1], value: x[2], scale: a[0])
    },
    "maskedAttention": { x, a in
      scaledDotProductAttention(query: x[0], key: x[1], value: x[2], mask: x[3], scale: a[0])
    },
    "targetLogProbabilities": { x, _ in
      targetLogProbabilities(hidden: x[0], weight: x[1], targets: x[2].array(of: Int32.self))
    },
    "rotary": { x, _ in rotary(x[0], positions: [0, 1]) },
    "maxPool2d": { x, _ in maxPool2d(x[0], kernel: (2, 2)) },
    "averagePool2d": { x, _ in averagePool2d(x[0], kernel: (2, 2)) },
    "adaptiveAveragePool2d": { x, _ in adaptiveAveragePool2d(x[0], size: (1, 1)) },
    "adaptiveAveragePool1d": { x, _ in
      adaptiveAveragePool1d(x[0].expandedDimensions(axis: 1), size: 2).squeezed(axis: 1)
    },
    "nearest": { x, _ in interpolate(x[0], size: [4, 3]) },
  ]

  /// Operations that only the table of integers has.
  static let integers: [String: Body] = [
    "addWhole": { x, a in x[0] + Int(a[0]) }, "minusWhole": { x, a in x[0] - Int(a[0]) },
    "wholeMinus": { x, a in Int(a[0]) - x[0] }, "multiplyWhole": { x, a in x[0] * Int(a[0]) },
    "divideWhole": { x, a in x[0] / Int(a[0]) }, "wholeDivided": { x, a in Int(a[0]) / x[0] },
    "floorDividedWhole": { x, a in x[0].floorDivided(by: Int(a[0])) },
    "remainderWhole": { x, a in x[0].remainder(Int(a[0])) }, "powWhole": { x, a in x[0].pow(Int(a[0])) },
    "clampedWhole": { x, a in x[0].clamped(Int(a[0]), Int(a[1])) },
    "equalWhole": { x, a in x[0] .== Int(a[0]) }, "notEqualWhole": { x, a in x[0] .!= Int(a[0]) },
    "lessWhole": { x, a in x[0] .< Int(a[0]) }, "lessOrEqualWhole": { x, a in x[0] .<= Int(a[0]) },
    "greaterWhole": { x, a in x[0] .> Int(a[0]) }, "greaterOrEqualWhole": { x, a in x[0] .>= Int(a[0]) },
    "lessFraction": { x, a in x[0] .< a[0] }, "greaterOrEqualFraction": { x, a in x[0] .>= a[0] },
    "equalFraction": { x, a in x[0] .== a[0] },
  ]
}
