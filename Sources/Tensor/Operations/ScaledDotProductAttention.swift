/// `softmax(scale · q kᵀ + mask) v` for every head, with PyTorch's conventions.
///
/// Without a mask this is the fused ``attention(query:key:value:layout:scale:)``, which never holds all
/// scores but has first derivatives only. With a mask the scores exist, and every derivative does.
/// - Parameters:
///   - query: `[..., heads, tokens, dim]`.
///   - key: `[..., kvHeads, keys, dim]`; query head `h` uses key head `h / (heads / kvHeads)`.
///   - value: `[..., kvHeads, keys, valueDim]`.
///   - mask: broadcasts to `[..., heads, tokens, keys]`; bool says which keys a query sees, floating point is
///     added to the scores.
///   - isCausal: whether query `i` sees keys `0 ... i` only, also where a mask is given.
///   - scale: multiplies the scores; nil for `1/√dim`.
/// - Returns: `[..., heads, tokens, valueDim]`; zeros for queries that see no key.
public func scaledDotProductAttention(
  query: Tensor, key: Tensor, value: Tensor, mask: Tensor? = nil, isCausal: Bool = false, scale: Double? = nil
) -> Tensor {
  requireHeads(query, key, value)
  let (tokens, keys) = (query.shape[query.rank - 2], key.shape[key.rank - 2])
  let isFusable =
    key.shape == value.shape && key.dtype == query.dtype && value.dtype == query.dtype && key.count > 0
    && query.count > 0
  if mask == nil, isFusable, !isCausal || tokens == keys, query.dtype == query.fusedType {
    return fusedAttention(query, key, value, isCausal: isCausal, scale: scale)
  }
  return composedAttention(query, key, value, mask: mask, isCausal: isCausal, scale: scale) { $0 }
}

/// As ``scaledDotProductAttention(query:key:value:mask:isCausal:scale:)`` with attention probabilities
/// dropped at random.
/// - Parameters:
///   - query: `[..., heads, tokens, dim]`.
///   - key: `[..., kvHeads, keys, dim]`.
///   - value: `[..., kvHeads, keys, valueDim]`.
///   - mask: broadcasts to `[..., heads, tokens, keys]`.
///   - isCausal: whether query `i` sees keys `0 ... i` only.
///   - dropout: how likely a probability is set to 0; the others are divided by the rest of it.
///   - scale: multiplies the scores; nil for `1/√dim`.
///   - generator: where the draws come from.
/// - Returns: `[..., heads, tokens, valueDim]`.
public func scaledDotProductAttention(
  query: Tensor, key: Tensor, value: Tensor, mask: Tensor? = nil, isCausal: Bool = false,
  dropout probability: Double, scale: Double? = nil, using generator: inout RandomGenerator
) -> Tensor {
  tensorRequire(
    probability >= 0 && probability <= 1, "scaledDotProductAttention",
    "a probability is between 0 and 1, found \(probability)")
  if probability == 0 {
    return scaledDotProductAttention(
      query: query, key: key, value: value, mask: mask, isCausal: isCausal, scale: scale)
  }
  requireHeads(query, key, value)
  return composedAttention(query, key, value, mask: mask, isCausal: isCausal, scale: scale) {
    dropout($0, probability: probability, using: &generator)
  }
}

private func requireHeads(_ query: Tensor, _ key: Tensor, _ value: Tensor) {
  let rank = query.rank
  tensorRequire(
    rank >= 3 && key.rank == rank && value.rank == rank
      && query.shape.dropLast(3) == key.shape.dropLast(3) && key.shape.dropLast() == value.shape.dropLast()
      && query.shape[rank - 1] == key.shape[rank - 1] && key.shape[rank - 3] > 0
      && query.shape[rank - 3] % key.shape[rank - 3] == 0, "scaledDotProductAttention",
    "needs [..., heads, tokens, dim], [..., kvHeads, keys, dim] and [..., kvHeads, keys, valueDim], found "
      + "\(query.shape), \(key.shape) and \(value.shape)")
}

/// The batch laid out as segments of one sequence.
private func fusedAttention(
  _ query: Tensor, _ key: Tensor, _ value: Tensor, isCausal: Bool, scale: Double?
) -> Tensor {
  let rank = query.rank
  let batch = query.shape.dropLast(3).reduce(1, *)
  let (tokens, keys) = (query.shape[rank - 2], key.shape[rank - 2])
  func packed(_ x: Tensor) -> Tensor {
    x.transposed(-3, -2).reshaped([batch * x.shape[rank - 2], x.shape[rank - 3], x.shape[rank - 1]])
  }
  let segments = (0..<batch).map { example -> AttentionLayout.Segment in
    let queries = example * tokens..<(example + 1) * tokens
    let seen = example * keys..<(example + 1) * keys
    return isCausal ? .init(queries: queries, causal: seen) : .init(queries: queries, keys: [seen])
  }
  let result = attention(
    query: packed(query), key: packed(key), value: packed(value), layout: AttentionLayout(segments: segments),
    scale: scale)
  let (heads, width) = (query.shape[rank - 3], query.shape[rank - 1])
  return result.reshaped(Array(query.shape.dropLast(3)) + [tokens, heads, width]).transposed(-3, -2)
}

/// Scores, probabilities and sums one after the other; `thinning` may change the probabilities.
private func composedAttention(
  _ query: Tensor, _ key: Tensor, _ value: Tensor, mask: Tensor?, isCausal: Bool, scale: Double?,
  thinning: (Tensor) -> Tensor
) -> Tensor {
  let operands = [query, key, value] + (mask.map { $0.dtype.isFloatingPoint ? [$0] : [] } ?? [])
  if operands.contains(where: \.dtype.isHalfPrecision) {
    // Computed in Float32 and rounded once, like every operation of half precision.
    func single(_ x: Tensor) -> Tensor { x.dtype.isHalfPrecision ? x.to(.float32) : x }
    let type = operands.map(\.dtype).reduce(query.dtype) { DType.promoted($0, $1) }
    return composedAttention(
      single(query), single(key), single(value), mask: mask.map(single), isCausal: isCausal, scale: scale,
      thinning: thinning
    ).to(type)
  }
  let rank = query.rank
  let lead = Array(query.shape.dropLast(3))
  let (heads, sharing) = (query.shape[rank - 3], query.shape[rank - 3] / key.shape[rank - 3])
  let (tokens, keys) = (query.shape[rank - 2], key.shape[rank - 2])
  // Query heads that share a key head stand on an axis of their own, along which keys and values are
  // broadcast.
  let grouped = lead + [heads / sharing, sharing]
  let q = query.reshaped(grouped + [tokens, query.shape[rank - 1]])
  let (k, v) = (key.expandedDimensions(axis: rank - 2), value.expandedDimensions(axis: rank - 2))
  var scores = q.matmul(k.transposed()) * (scale ?? 1 / Double(query.shape[rank - 1]).squareRoot())
  var visible: Tensor?
  if isCausal {
    visible = Tensor.arange(keys) .<= Tensor.arange(tokens).reshaped([tokens, 1])
  }
  if let mask {
    let full = lead + [heads, tokens, keys]
    tensorRequire(
      Tensor.broadcastShape(mask.shape, full, "scaledDotProductAttention") == full,
      "scaledDotProductAttention", "a mask of shape \(mask.shape) does not fit scores of shape \(full)")
    let spread = mask.expanded(to: full).reshaped(grouped + [tokens, keys])
    if mask.dtype.isFloatingPoint {
      let hidden = spread.detached() .== -Double.infinity
      let zero = Tensor.zeros([], dtype: mask.dtype)
      scores = scores + (hidden.any().item() != 0 ? Tensor.select(hidden, zero, spread) : spread)
      visible = meet(visible, hidden .== Tensor.zeros([], dtype: .bool))
    } else {
      visible = meet(visible, spread .!= Tensor.zeros([], dtype: mask.dtype))
    }
  }
  let probabilities: Tensor
  if let visible {
    // Hidden keys have no weight beside scores of any size. A row without keys stays finite, then becomes 0.
    let seesNothing = visible.any(axes: [-1], keepDims: true) .== Tensor.zeros([], dtype: .bool)
    let nothing = Tensor.full([], -Double.infinity, dtype: scores.dtype)
    let hidden = Tensor.select(seesNothing, Tensor.zeros([], dtype: scores.dtype), nothing)
    let seen = Tensor.select(visible, scores, hidden).softmax(axis: -1)
    probabilities = Tensor.select(visible, seen, Tensor.zeros([], dtype: seen.dtype))
  } else {
    probabilities = scores.softmax(axis: -1)
  }
  return thinning(probabilities).matmul(v).reshaped(lead + [heads, tokens, value.shape[rank - 1]])
}

/// Where both hold; nil holds everywhere.
private func meet(_ a: Tensor?, _ b: Tensor) -> Tensor {
  guard let a else { return b }
  return a.to(.uint8) * b.to(.uint8) .!= Tensor.zeros([], dtype: .uint8)
}
