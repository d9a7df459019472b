import Tensor

extension TorchTable {
  static let activations: [String: TorchOperation] = [
    "nn.functional.relu": one { $0.relu() }, "nn.functional.relu6": one { $0.clamped(0, 6) },
    "nn.functional.silu": one { $0.silu() }, "nn.functional.logsigmoid": one { $0.logSigmoid() },
    "nn.functional.leaky_relu": { call in
      [try call.tensor().leakyReLU(slope: try call.real(1, "negative_slope", default: 0.01))]
    },
    "nn.functional.elu": { call in [try call.tensor().elu(alpha: try call.real(1, "alpha", default: 1))] },
    "nn.functional.celu": { call in
      let alpha = try call.real(1, "alpha", default: 1)
      if alpha == 0 { throw TorchCallError.unwritable("a division by 0") }
      return [(try call.tensor() / alpha).elu() * alpha]
    },
    "nn.functional.gelu": { call in
      let x = try call.tensor()
      switch try call.text(1, "approximate", default: "none") {
      case "none": return [x.gelu()]
      case "tanh": return [x.geluTanh()]
      case let other: throw TorchCallError.unwritable("an approximation `\(other)`")
      }
    },
    "nn.functional.softplus": { call in
      let (x, beta) = (try call.tensor(), try call.real(1, "beta", default: 1))
      let smooth = beta == 1 ? x.softplus() : (x * beta).softplus() / beta
      guard let limit = try call.optionalReal(2, "threshold"), limit < 20 else { return [smooth] }
      return [Tensor.select(x * beta .> limit, x, smooth)]
    },
    "nn.functional.hardtanh": { call in
      let (x, least, most) = (try call.tensor(), call[1, "min_val"]?.number, call[2, "max_val"]?.number)
      if let low = least?.asInteger, let high = most?.asInteger { return [x.clamped(Int(low), Int(high))] }
      if least == nil, most == nil { return [x.clamped(-1, 1)] }
      return [x.clamped(least?.asDouble ?? -1, most?.asDouble ?? 1)]
    },
    "nn.functional.glu": { call in
      let x = try call.tensor()
      let axis = try call.integer(1, "dim", default: -1)
      let halves = x.chunked(2, axis: axis)
      guard halves.count == 2 else { throw TorchCallError.unwritable("halves of \(x.shape)") }
      return [halves[0] * halves[1].sigmoid()]
    },
    "nn.functional.scaled_dot_product_attention": { call in
      if try call.real(4, "dropout_p", default: 0) != 0 {
        throw TorchCallError.noCounterpart("random numbers")
      }
      return [
        scaledDotProductAttention(
          query: try call.tensor(), key: try call.tensor(1, "key"), value: try call.tensor(2, "value"),
          mask: try call.optionalTensor(3, "attn_mask"), isCausal: try call.flag(5, "is_causal"),
          scale: try call.optionalReal(6, "scale"))
      ]
    },
  ]

  static let normalizations: [String: TorchOperation] = [
    "nn.functional.layer_norm": { call in
      let (x, shape) = (try call.tensor(), try call.integers(1, "normalized_shape"))
      let (weight, bias) = (try call.optionalTensor(2, "weight"), try call.optionalTensor(3, "bias"))
      let epsilon = try call.real(4, "eps", default: 1e-5)
      guard !shape.isEmpty, Array(x.shape.suffix(shape.count)) == shape,
        weight.map({ $0.shape == shape }) ?? true,
        bias.map({ $0.shape == shape }) ?? true
      else { throw TorchCallError.unwritable("normalized axes \(shape) of \(x.shape)") }
      return [
        layerNorm(joined(x, shape), weight: weight?.flattened(), bias: bias?.flattened(), epsilon: epsilon)
          .reshaped(x.shape)
      ]
    },
    "nn.functional.rms_norm": { call in
      let (x, shape) = (try call.tensor(), try call.integers(1, "normalized_shape"))
      let weight = try call.optionalTensor(2, "weight")
      guard !shape.isEmpty, Array(x.shape.suffix(shape.count)) == shape else {
        throw TorchCallError.unwritable("normalized axes \(shape) of \(x.shape)")
      }
      let smallest = x.dtype == .float64 ? Double.ulpOfOne : Double(Float.ulpOfOne)
      return [
        rmsNorm(
          joined(x, shape), weight: weight?.flattened(), epsilon: try call.real(3, "eps", default: smallest)
        ).reshaped(x.shape)
      ]
    },
    "nn.functional.group_norm": { call in
      [
        groupNorm(
          try call.tensor(), groups: try call.integer(1, "num_groups"),
          weight: try call.optionalTensor(2, "weight"),
          bias: try call.optionalTensor(3, "bias"), epsilon: try call.real(4, "eps", default: 1e-5))
      ]
    },
    "nn.functional.instance_norm": { call in
      if !(try call.flag(5, "use_input_stats", default: true)) {
        throw TorchCallError.noCounterpart("running averages")
      }
      let x = try call.tensor()
      guard x.rank >= 2 else { throw TorchCallError.unwritable("channels of \(x.shape)") }
      return [
        groupNorm(
          x, groups: x.shape[1], weight: try call.optionalTensor(3, "weight"),
          bias: try call.optionalTensor(4, "bias"), epsilon: try call.real(7, "eps", default: 1e-5))
      ]
    },
    "nn.functional.batch_norm": { call in
      let isTraining = try call.flag(5, "training")
      return [
        batchNorm(
          try call.tensor(), mean: isTraining ? nil : try call.tensor(1, "running_mean"),
          variance: isTraining ? nil : try call.tensor(2, "running_var"),
          weight: try call.optionalTensor(3, "weight"),
          bias: try call.optionalTensor(4, "bias"), epsilon: try call.real(7, "eps", default: 1e-5))
      ]
    },
  ]

  static let losses: [String: TorchOperation] = [
    "nn.functional.mse_loss": { call in
      try call.requireAbsent(9, "weight")
      return [mseLoss(try call.tensor(), try call.tensor(1, "target"), reduction: try reduction(call))]
    },
    "nn.functional.l1_loss": { call in
      try call.requireAbsent(9, "weight")
      return [l1Loss(try call.tensor(), try call.tensor(1, "target"), reduction: try reduction(call))]
    },
    "nn.functional.smooth_l1_loss": { call in
      [
        smoothL1Loss(
          try call.tensor(), try call.tensor(1, "target"), beta: try call.real(5, "beta", default: 1),
          reduction: try reduction(call))
      ]
    },
    "nn.functional.huber_loss": { call in
      try call.requireAbsent(9, "weight")
      let delta = try call.real(3, "delta", default: 1)
      let loss = smoothL1Loss(
        try call.tensor(), try call.tensor(1, "target"), beta: delta, reduction: try reduction(call))
      return [loss * delta]
    },
    "nn.functional.kl_div": { call in
      let (x, target) = (try call.tensor(), try call.tensor(1, "target"))
      let isBatchMean = try call.text(4, "reduction", default: "mean") == "batchmean"
      let loss = klDivergence(
        logProbabilities: x, target: try call.flag(5, "log_target") ? target.exp() : target,
        reduction: isBatchMean ? .sum : try reduction(call))
      return [isBatchMean ? loss / Double(x.shape.first ?? 1) : loss]
    },
    "nn.functional.binary_cross_entropy_with_logits": { call in
      try call.requireAbsent(2, "weight")
      try call.requireAbsent(6, "pos_weight")
      return [
        binaryCrossEntropy(
          logits: try call.tensor(), targets: try call.tensor(1, "target"), reduction: try reduction(call))
      ]
    },
    "nn.functional.cross_entropy": { call in
      try call.requireAbsent(2, "weight")
      let (x, target) = (try call.tensor(), try call.tensor(1, "target"))
      if target.dtype.isFloatingPoint { throw TorchCallError.noCounterpart("probabilities as targets") }
      return [
        crossEntropy(
          classesLast(x), targets: target, ignoring: try call.integer(4, "ignore_index", default: -100),
          labelSmoothing: try call.real(7, "label_smoothing", default: 0), reduction: try reduction(call))
      ]
    },
    "nn.functional.nll_loss": { call in
      try call.requireAbsent(2, "weight")
      return [
        nllLoss(
          classesLast(try call.tensor()), targets: try call.tensor(1, "target"),
          ignoring: try call.integer(4, "ignore_index", default: -100), reduction: try reduction(call))
      ]
    },
  ]

  /// The last axes as one.
  private static func joined(_ x: Tensor, _ shape: [Int]) -> Tensor {
    x.reshaped(x.shape.dropLast(shape.count) + [shape.reduce(1, *)])
  }

  /// PyTorch has the classes behind the batch.
  private static func classesLast(_ x: Tensor) -> Tensor {
    x.rank < 3 ? x : x.permuted([0] + Array(2..<x.rank) + [1])
  }

  private static func reduction(_ call: TorchCall) throws -> Reduction {
    if call.keywords["size_average"] != nil || call.keywords["reduce"] != nil {
      throw TorchCallError.noCounterpart("the older names of reductions")
    }
    switch try call.text(9, "reduction", default: "mean") {
    case "mean": return .mean
    case "sum": return .sum
    case "none": return .none
    case let other: throw TorchCallError.unwritable("a reduction `\(other)`")
    }
  }
}
