import Tensor

extension OperationTable {
  static let normalizations: [String: Operation] = [
    "softmax.masked": { item, x in
      [x[0].maskedFill(x[1] .!= 0, -.infinity).softmax(axis: try item.axis(default: -1))]
    },
    "softmax": { item, x in [x[0].softmax(axis: try item.axis(default: -1))] },
    "log_softmax": { item, x in [x[0].logSoftmax(axis: try item.axis(default: -1))] },
    "layer_norm": { item, x in
      let epsilon = try item.real("eps", default: 1e-5)
      let width: Int
      if let shape = item.attributes["normalized_shape"]?.integers {
        width = shape.count
      } else {
        width = x.count > 1 ? x[1].rank : item.variant == "2dims" ? 2 : 1
      }
      if width == 1 {
        return [
          layerNorm(
            x[0], weight: x.count > 1 ? x[1] : nil, bias: x.count > 2 ? x[2] : nil, epsilon: epsilon)
        ]
      }
      let rows = x[0].reshaped(x[0].shape.dropLast(width) + [x[0].shape.suffix(width).reduce(1, *)])
      var result = layerNorm(rows, epsilon: epsilon).reshaped(x[0].shape)
      if x.count > 1 { result *= x[1] }
      if x.count > 2 { result += x[2] }
      return [result]
    },
    "rms_norm": { item, x in
      [rmsNorm(x[0], weight: x.count > 1 ? x[1] : nil, epsilon: try item.real("eps", default: 1e-6))]
    },
    "group_norm": { item, x in
      [
        groupNorm(
          x[0], groups: try item.integer("groups"), weight: x.count > 1 ? x[1] : nil,
          bias: x.count > 2 ? x[2] : nil, epsilon: try item.real("eps", default: 1e-5))
      ]
    },
    "normalize": { item, x in
      [
        x[0].normalized(
          axis: try item.axis(default: 1), order: try item.real("p", default: 2),
          epsilon: try item.real("eps", default: 1e-12))
      ]
    },
  ]
}
