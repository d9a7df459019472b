import Tensor

extension OperationTable {
  /// Operators that the library does not have under one name but whose definition in its operators is a line or two.
  static let composed: [String: Operation] = [
    "lerp": { item, x in [x[0] + (x[1] - x[0]) * (try item.real("weight"))] },
    "addcmul": { item, x in [x[0] + x[1] * x[2] * (try item.real("value"))] },
    "leaky_relu": { item, x in [Tensor.select(x[0] .> 0, x[0], x[0] * (try item.real("slope")))] },
    "elu": unary { Tensor.select($0 .> 0, $0, $0.minimum(Tensor(0)).expm1()) },
    "norm.l2": { item, x in [x[0].square().sum(axes: [try item.integer("dim")]).sqrt()] },
    "norm.l1": unary { $0.abs().sum() },
    "normalize": { item, x in
      let axis = try item.integer("dim")
      let length = x[0].square().sum(axes: [axis], keepDims: true).sqrt()
      return [x[0] / length.maximum(Tensor(try item.real("eps")))]
    },
    "roll": { item, x in
      let (shift, axis) = (try item.integer("shift"), try item.integer("dim"))
      let parts = x[0].split([x[0].shape[axis] - shift, shift], axis: axis)
      return [Tensor.concatenated([parts[1], parts[0]], axis: axis)]
    },
    "tile": { item, x in
      let repeats = try item.integers("repeats")
      return [
        repeats.enumerated().reduce(x[0]) { tensor, step in
          Tensor.concatenated([Tensor](repeating: tensor, count: step.element), axis: step.offset)
        }
      ]
    },
    "repeat_interleave": { item, x in
      let (repeats, axis) = (try item.integer("repeats"), try item.integer("dim"))
      var (wide, shape) = (x[0].shape, x[0].shape)
      wide.insert(repeats, at: axis + 1)
      shape[axis] *= repeats
      return [x[0].expandedDimensions(axis: axis + 1).expanded(to: wide).reshaped(shape)]
    },
    "tril": { item, x in [band(x[0], try item.integer("diagonal"), .lessOrEqual)] },
    "triu": { item, x in [band(x[0], try item.integer("diagonal"), .greaterOrEqual)] },
    "index_select": { item, x in
      let axis = try item.integer("dim")
      return [x[0].transposed(0, axis).rows(at: x[1]).transposed(0, axis)]
    },
    "take_rows": { _, x in
      let width = Int64(x[0].shape[1])
      let rows = zip(x[1].array(of: Int64.self), x[2].array(of: Int64.self)).map { $0 * width + $1 }
      return [x[0].reshaped([-1, x[0].shape[2]]).rows(at: Tensor(rows))]
    },
    "masked_select": { _, x in
      let marks = x[1].array(of: Int64.self).enumerated().filter { $0.element != 0 }.map { Int64($0.offset) }
      return [x[0].flattened().rows(at: Tensor(marks))]
    },
    "one_hot": { item, x in
      let classes = Tensor.arange(try item.integer("classes"))
      return [(x[0].expandedDimensions(axis: -1) .== classes).to(.int64)]
    },
    "addmm": { item, x in [x[0] * (try item.real("beta")) + x[1].matmul(x[2]) * (try item.real("alpha"))] },
    "outer": binary { $0.expandedDimensions(axis: 1) * $1 },
    "avg_pool2d": { item, x in [windows(x[0], try item.integer("kernel")).mean(axes: [3, 5])] },
    "max_pool2d": { item, x in [windows(x[0], try item.integer("kernel")).max(axes: [3, 5])] },
    "group_norm": { item, x in
      let (batch, channels) = (x[0].shape[0], x[0].shape[1])
      let rows = x[0].reshaped([batch * (try item.integer("groups")), -1])
      let normal = layerNorm(rows, epsilon: try item.real("eps")).reshaped(x[0].shape)
      return [normal * x[1].reshaped([channels, 1, 1]) + x[2].reshaped([channels, 1, 1])]
    },
    "kl_div": binary { x, y in
      let target = y.softmax(axis: -1)
      return (target * (y.logSoftmax(axis: -1) - x.logSoftmax(axis: -1))).sum() / Double(x.shape[0])
    },
    "bce_with_logits": binary { ($0.softplus() - $0 * $1).mean() },
    "mse_loss": binary { ($0 - $1).square().mean() },
    "l1_loss": binary { ($0 - $1).abs().mean() },
    "smooth_l1": binary { x, y in
      let distance = (x - y).abs()
      return Tensor.select(distance .< 1, 0.5 * distance.square(), distance - 0.5).mean()
    },
    "dpo_sigmoid": { item, x in
      [-(((x[0] - x[2]) - (x[1] - x[3])) * (try item.real("beta"))).logSigmoid().mean()]
    },
    "mlp_gelu": { _, x in [linear(linear(x[0], weight: x[1], bias: x[2]).gelu(), weight: x[3], bias: x[4])] },
    "lora": { item, x in
      [
        linear(x[0], weight: x[1]) + linear(linear(x[0], weight: x[2]), weight: x[3])
          * (try item.real("scaling"))
      ]
    },
    "reuse": unary { $0 * $0 + $0.sin().matmul($0.transposed()) },
    "clip_grad_norm": { item, x in
      let norm = (x[0].square().sum() + x[1].square().sum()).sqrt()
      let scale = ((try item.real("max_norm")) / (norm + 1e-6)).minimum(Tensor(1))
      return [x[0] * scale, x[1] * scale]
    },
  ]

  private enum Side { case lessOrEqual, greaterOrEqual }

  /// Keeps the elements on one side of a diagonal of the last two axes, zero elsewhere.
  private static func band(_ x: Tensor, _ diagonal: Int, _ side: Side) -> Tensor {
    let rows = Tensor.arange(x.shape[x.rank - 2]).expandedDimensions(axis: 1) + Double(diagonal)
    let columns = Tensor.arange(x.shape[x.rank - 1])
    let keeps = side == .lessOrEqual ? columns .<= rows : columns .>= rows
    return Tensor.select(keeps, x, Tensor(0))
  }

  /// `[n, channels, h, w]` cut into `[n, channels, h/size, size, w/size, size]`.
  private static func windows(_ x: Tensor, _ size: Int) -> Tensor {
    x.reshaped([x.shape[0], x.shape[1], x.shape[2] / size, size, x.shape[3] / size, size])
  }
}
