import Tensor

extension OperatorTable {
  static let attentions: [String: OnnxOperator] = [
    "Attention": { call in
      let heads = try AttentionHeads(call)
      let bias = try AttentionBias(call, queries: heads.query.shape[2], keys: heads.key.shape[2])
      let softcap = try call.real("softcap", default: 0)
      let result: Tensor
      var scores = Tensor.zeros([0])
      if call.needs(3) || softcap > 0 {
        (result, scores) = try attended(call, heads, bias.added(as: heads.query.dtype), softcap)
      } else {
        result = scaledDotProductAttention(
          query: heads.query, key: heads.key, value: heads.value, mask: bias.mask,
          isCausal: bias.isPlainlyCausal, scale: heads.scale)
      }
      return [heads.unpacked(result), heads.key, heads.value, scores]
    },
    "ai.onnx.preview:FlexAttention": { call in
      let (query, key, value) = (try call.tensor(), try call.tensor(1), try call.tensor(2))
      try call.require(query.rank == 4 && key.rank == 4 && value.rank == 4, "shape \(query.shape)")
      let repeats = query.shape[1] / max(key.shape[1], 1)
      let type =
        try call.has("softmax_precision")
        ? ElementType.dtype(call.integer("softmax_precision"))
        : DType.promoted(query.dtype.isHalfPrecision ? .float32 : query.dtype, .float32)
      let scale = try call.real("scale", default: 1 / Double(query.shape[3]).squareRoot())
      let keys = key.repeated(repeats, axis: 1).to(type)
      var scores = query.to(type).matmul(keys.transposed()) * scale
      if call.has("score_mod") { scores = try modified(call, "score_mod", scores) }
      var probabilities = scores.softmax(axis: -1)
      if call.has("prob_mod") { probabilities = try modified(call, "prob_mod", probabilities) }
      return [probabilities.matmul(value.repeated(repeats, axis: 1).to(type)).to(query.dtype)]
    },
    "RotaryEmbedding": { call in
      let x = try call.tensor()
      let heads = try x.rank == 4 ? x.transposed(1, 2) : AttentionHeads.cut(x, call.integer("num_heads"))
      var width = try call.integer("rotary_embedding_dim", default: 0)
      let whole = heads.shape[3]
      if width == 0 { width = whole }
      try call.require(0...whole ~= width && width % 2 == 0, "\(width) of \(whole) components")
      let positions = call.optional(3)
      func angles(_ input: Int) throws -> Tensor {
        let table = try call.tensor(input)
        return (positions.map { table.rows(at: $0) } ?? table).expandedDimensions(axis: 2)
      }
      let (cosine, sine) = (try angles(1), try angles(2))
      let turned = heads.slice(axis: 3, 0..<width)
      let isInterleaved = try call.flag("interleaved")
      let halves =
        isInterleaved
        ? [0, 1].map { turned.indexed([.ellipsis, .slice(from: $0, step: 2)]) } : turned.chunked(2, axis: 3)
      let pair = [cosine * halves[0] - sine * halves[1], sine * halves[0] + cosine * halves[1]]
      let joined =
        isInterleaved
        ? Tensor.stacked(pair, axis: -1).reshaped(turned.shape) : Tensor.concatenated(pair, axis: 3)
      let result = Tensor.concatenated([joined, heads.slice(axis: 3, width..<whole)], axis: 3)
      return [x.rank == 4 ? result.transposed(1, 2) : result.reshaped(x.shape)]
    },
    "LinearAttention": { call in
      let rule = try call.text("update_rule", default: "gated_delta")
      let (queryHeads, heads) = (try call.integer("q_num_heads"), try call.integer("kv_num_heads"))
      let x = try call.tensor()
      func rows(_ input: Int, _ heads: Int) throws -> [Tensor] {
        try AttentionHeads.cut(call.tensor(input).to(.float32), heads).unstacked(axis: 1)
      }
      let (queries, keys, values) = (try rows(0, queryHeads), try rows(1, heads), try rows(2, heads))
      let repeats = queryHeads / heads
      let counts = call.inputs.enumerated().compactMap { $0 == 3 ? nil : $1?.shape.dropFirst().first }
      try call.require(!keys.isEmpty && Set(counts).count == 1, "\(counts) tokens")
      let shape = [x.shape[0], heads, keys[0].shape[2], values[0].shape[2]]
      var state = call.optional(3)?.to(.float32) ?? Tensor.zeros(shape)
      let scale = try call.real("scale", default: 0)
      let decays = rule.hasPrefix("gated") ? try rows(4, heads) : nil
      let rates = rule.hasSuffix("delta") ? try rows(5, min(call.tensor(5).shape.last ?? 1, heads)) : nil
      var outputs: [Tensor] = []
      for step in keys.indices {
        let key = keys[step].expandedDimensions(axis: -1)
        var value = values[step].expandedDimensions(axis: -2)
        if let decays { state = state * decays[step].exp().expandedDimensions(axis: -1) }
        if let rates {
          value = (value - key.transposed().matmul(state)) * rates[step].expandedDimensions(axis: -1)
        }
        state = state + key * value
        let query = queries[step].expandedDimensions(axis: -2)
        outputs.append(query.matmul(state.repeated(repeats, axis: 1)).squeezed(axis: -2))
      }
      let factor = scale == 0 ? 1 / Double(shape[2]).squareRoot() : scale
      let result = Tensor.stacked(outputs, axis: 1).reshaped([x.shape[0], keys.count, -1]) * factor
      return [result.to(x.dtype), state.to(call.optional(3)?.dtype ?? x.dtype)]
    },
  ]

  /// What a graph among the attributes makes of scores or probabilities.
  private static func modified(_ call: NodeCall, _ key: String, _ x: Tensor) throws -> Tensor {
    guard let result = try call.run(graph(call, key), [x]).first else {
      throw OnnxError("`\(key)` has no output")
    }
    return result
  }

  /// Attention step by step, where its scores are asked for or capped.
  /// - Returns: the result, and the scores of the stage that `qk_matmul_output_mode` names.
  private static func attended(
    _ call: NodeCall, _ heads: AttentionHeads, _ bias: Tensor?, _ softcap: Double
  ) throws -> (Tensor, Tensor) {
    let repeats = heads.query.shape[1] / heads.key.shape[1]
    let type = heads.query.dtype
    let (key, value) = (heads.key.repeated(repeats, axis: 1), heads.value.repeated(repeats, axis: 1))
    // ONNX multiplies both sides by the root, which matters for the range of halves.
    let root = heads.scale.squareRoot()
    let products = (heads.query * root).matmul(key.transposed() * root)
    let capped = softcap > 0 ? (products / softcap).tanh() * softcap : products
    let biased = bias.map { capped + $0 } ?? capped
    let precision =
      try call.has("softmax_precision") ? ElementType.dtype(call.integer("softmax_precision")) : type
    var probabilities = biased.to(precision).softmax(axis: -1)
    if let bias {
      let isHidden = (bias.max(axis: -1, keepDims: true)).isNegativeInfinity()
      probabilities = probabilities.maskedFill(isHidden.expanded(to: probabilities.shape), 0)
    }
    let stages = [products, capped, biased, probabilities.to(type)]
    let mode = try call.integer("qk_matmul_output_mode", default: 0)
    try call.require(stages.indices.contains(mode), "scores of stage \(mode)")
    return (probabilities.to(type).matmul(value), stages[mode])
  }
}
