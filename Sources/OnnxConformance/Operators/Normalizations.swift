import Tensor

extension OperatorTable {
  static let normalizations: [String: OnnxOperator] = [
    "Softmax": softmax { $0.softmax(axis: $1) }, "LogSoftmax": softmax { $0.logSoftmax(axis: $1) },
    "BatchNormalization": { call in
      let x = try call.tensor()
      let (weight, bias, mean, variance) = (
        try call.tensor(1), try call.tensor(2), try call.tensor(3), try call.tensor(4)
      )
      let epsilon = try call.real("epsilon", default: 1e-5)
      guard try call.flag("training_mode") else {
        return [batchNorm(x, mean: mean, variance: variance, weight: weight, bias: bias, epsilon: epsilon)]
      }
      let momentum = try call.real("momentum", default: 0.9)
      let axes = [0] + Array(2..<max(x.rank, 2))
      return [
        batchNorm(x, weight: weight, bias: bias, epsilon: epsilon),
        mean * momentum + x.mean(axes: axes) * (1 - momentum),
        variance * momentum + x.variance(axes: axes, correction: 0) * (1 - momentum),
      ]
    },
    "InstanceNormalization": { call in
      let x = try call.tensor()
      try call.require(x.rank > 1, "shape \(x.shape)")
      return [
        groupNorm(
          x, groups: x.shape[1], weight: try call.tensor(1), bias: try call.tensor(2),
          epsilon: try call.real("epsilon", default: 1e-5))
      ]
    },
    "GroupNormalization": { call in
      [
        groupNorm(
          try call.tensor(), groups: try call.integer("num_groups"), weight: try call.tensor(1),
          bias: try call.tensor(2), epsilon: try call.real("epsilon", default: 1e-5))
      ]
    },
    "LayerNormalization": { call in
      let x = try call.tensor()
      let axis = try call.axis(default: -1, rank: x.rank)
      let epsilon = try call.real("epsilon", default: 1e-5)
      let (rows, weight) = try flattened(call, x, from: axis)
      let bias = call.optional(2).map { $0.expanded(to: Array(x.shape[axis...])).flattened() }
      let result = layerNorm(rows, weight: weight, bias: bias, epsilon: epsilon).reshaped(x.shape)
      let axes = Array(axis..<x.rank)
      let wide = x.dtype.isHalfPrecision ? x.to(.float32) : x
      let deviation = (wide.variance(axes: axes, correction: 0, keepDims: true) + epsilon).rsqrt()
      return [result, wide.mean(axes: axes, keepDims: true), deviation]
    },
    "RMSNormalization": { call in
      let x = try call.tensor()
      let axis = try call.axis(default: -1, rank: x.rank)
      let (rows, weight) = try flattened(call, x, from: axis)
      return [
        rmsNorm(rows, weight: weight, epsilon: try call.real("epsilon", default: 1e-5)).reshaped(x.shape)
      ]
    },
    "LpNormalization": { call in
      let x = try call.tensor()
      let order = Double(try call.integer("p", default: 2))
      return [x.normalized(axis: try call.axis(default: -1, rank: x.rank), order: order)]
    },
    "MeanVarianceNormalization": { call in
      let x = try call.tensor()
      let axes = try call.integers("axes") ?? [0, 2, 3]
      let centred = x - x.mean(axes: axes, keepDims: true)
      return [centred / (x.standardDeviation(axes: axes, correction: 0, keepDims: true) + 1e-9)]
    },
  ]

  /// Before version 13 over all axes behind the one that is named.
  private static func softmax(_ body: @escaping @Sendable (Tensor, Int) -> Tensor) -> OnnxOperator {
    { call in
      let x = try call.tensor()
      if call.version >= 13 { return [body(x, try call.axis(default: -1, rank: x.rank))] }
      let axis = try call.axis(default: 1, rank: x.rank)
      return [body(x.reshaped([x.shape[..<axis].reduce(1, *), -1]), 1).reshaped(x.shape)]
    }
  }

  /// `x` with all axes from one on as the last, and the weight that belongs to it.
  private static func flattened(
    _ call: NodeCall, _ x: Tensor, from axis: Int
  ) throws -> (rows: Tensor, weight: Tensor?) {
    let kept = Array(x.shape[axis...])
    let rows = x.reshaped([x.shape[..<axis].reduce(1, *), kept.reduce(1, *)])
    return (rows, call.optional(1).map { $0.expanded(to: kept).flattened() })
  }
}
