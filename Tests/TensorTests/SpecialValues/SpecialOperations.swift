import Tensor

/// What the operations of the tables of special values are called there, and how they are applied.
enum SpecialOperations {
  typealias Body = @Sendable (_ x: [Tensor], _ arguments: [Double]) -> Tensor

  static let all: [String: Body] = [unary, numbers, binary, rows, losses, fused, integers]
    .reduce(into: [:]) { $0.merge($1) { first, _ in first } }

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

  private static let rows: [String: Body] = [
    "sum": { x, _ in x[0].sum(axes: [-1]) }, "mean": { x, _ in x[0].mean(axes: [-1]) },
    "prod": { x, _ in x[0].prod(axes: [-1]) }, "max": { x, _ in x[0].max(axes: [-1]) },
    "min": { x, _ in x[0].min(axes: [-1]) }, "argmax": { x, _ in x[0].argmax(axis: -1) },
    "argmin": { x, _ in x[0].argmin(axis: -1) }, "logSumExp": { x, _ in x[0].logSumExp(axes: [-1]) },
    "any": { x, _ in x[0].any(axes: [-1]) }, "all": { x, _ in x[0].all(axes: [-1]) },
    "countNonZero": { x, _ in x[0].countNonZero(axes: [-1]) }, "cumsum": { x, _ in x[0].cumsum(axis: -1) },
    "cumprod": { x, _ in x[0].cumprod(axis: -1) }, "logCumSumExp": { x, _ in x[0].logCumSumExp(axis: -1) },
    "softmax": { x, _ in x[0].softmax() }, "logSoftmax": { x, _ in x[0].logSoftmax() },
    "layerNorm": { x, _ in layerNorm(x[0]) }, "rmsNorm": { x, _ in rmsNorm(x[0]) },
    "normalized": { x, _ in x[0].normalized() },
    "averagePool1d": { x, _ in
      averagePool1d(x[0].expandedDimensions(axis: 1), kernel: 2, stride: 1).squeezed(axis: 1)
    },
    "maxPool1d": { x, _ in maxPool1d(x[0].expandedDimensions(axis: 1), kernel: 2, stride: 1).squeezed(axis: 1)
    },
    "sumOfAll": { x, _ in x[0].slice(axis: 0, 0..<5).sum() },
    "trace": { x, _ in x[0].slice(axis: 0, 0..<5).trace() },
    "variance": { x, a in x[0].variance(axes: [-1], correction: a[0]) },
    "standardDeviation": { x, a in x[0].standardDeviation(axes: [-1], correction: a[0]) },
    "norm": { x, a in x[0].norm(a[0], axes: [-1]) },
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
