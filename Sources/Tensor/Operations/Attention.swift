/// Scaled dot-product attention over the segments of a packed batch: `softmax(scale · q kᵀ) v` for every
/// head.
///
/// Scores exist one block of query rows at a time; the backward pass computes them again (Dao et al.,
/// "FlashAttention", 2022). Query head `h` uses key head `h / (heads / kvHeads)` (grouped-query attention).
/// - Parameters:
///   - query: `[tokens, heads, dim]`.
///   - key: `[keys, kvHeads, dim]`.
///   - value: `[keys, kvHeads, dim]`.
///   - layout: which keys each query sees.
///   - scale: multiplies the scores; nil for `1/√dim`.
/// - Returns: `[tokens, heads, dim]`; rows outside every segment are zero.
/// - Precondition: the layout fits, see ``AttentionLayout/problem(queryCount:keyCount:)``. First derivatives
///   only.
public func attention(
  query: Tensor, key: Tensor, value: Tensor, layout: AttentionLayout, scale: Double? = nil
) -> Tensor {
  tensorRequire(
    key.shape == value.shape && key.dtype == query.dtype && value.dtype == query.dtype, "attention",
    "query \(query.shape) of \(query.dtype), key \(key.shape) of \(key.dtype) and value \(value.shape) of "
      + "\(value.dtype) do not fit")
  if query.dtype != query.fusedType {
    let type = query.fusedType
    return attention(
      query: query.to(type), key: key.to(type), value: value.to(type), layout: layout, scale: scale
    ).to(query.dtype)
  }
  let scale = checkedScale(query, key, layout, scale, "attention")
  // The kernels subtract the largest score before they scale: with a negative scale that would be the
  // smallest one.
  if scale < 0 { return attention(query: -query, key: key, value: value, layout: layout, scale: -scale) }
  let (q, k, v) = (query.withDenseRows(), key.withDenseRows(), value.withDenseRows())
  let shape = AttentionShape(q, k, v)
  let covered = layout.segments.reduce(0) { $0 + $1.queries.count } == query.shape[0]
  let result =
    covered
    ? Tensor(uninitialized: query.shape, dtype: query.dtype) : Tensor.zeros(query.shape, dtype: query.dtype)
  let lse = Tensor(uninitialized: Array(query.shape.prefix(2)), dtype: query.dtype)
  func forward<T: FusedScalar>(_: T.Type) {
    AttentionKernels.forward(
      layout, shape, scale: T(scale), query: q.pointer(), key: k.pointer(), value: v.pointer(),
      output: result.pointer(), lse: lse.pointer())
  }
  query.withFusedType("attention") { forward($0) }

  return Tensor.recorded("attention", from: [query, key, value], result) { gradient, _ in
    Tensor.requireFirstDerivative("attention")
    let dOutput = gradient.contiguous()
    let dQuery =
      covered
      ? Tensor(uninitialized: query.shape, dtype: query.dtype) : Tensor.zeros(query.shape, dtype: query.dtype)
    let dKey = Tensor.zeros(key.shape, dtype: key.dtype)
    let dValue = Tensor.zeros(value.shape, dtype: value.dtype)
    func backward<T: FusedScalar>(_: T.Type) {
      AttentionKernels.backward(
        layout, shape, scale: T(scale), query: q.pointer(), key: k.pointer(), value: v.pointer(),
        output: result.pointer(), lse: lse.pointer(), outputGradient: dOutput.pointer(),
        queryGradient: dQuery.pointer(), keyGradient: dKey.pointer(), valueGradient: dValue.pointer())
    }
    query.withFusedType("attention") { backward($0) }
    return [dQuery, dKey, dValue]
  }
}

/// Attention probabilities of chosen query rows, without a gradient.
/// - Parameters:
///   - query: `[tokens, heads, dim]`.
///   - key: `[keys, kvHeads, dim]`.
///   - layout: which keys each query sees.
///   - rows: query rows.
///   - scale: multiplies the scores; nil for `1/√dim`.
/// - Returns: `[rows, heads, keys]`, zero where a key is not visible; of half precision as float32.
public func attentionProbabilities(
  query: Tensor, key: Tensor, layout: AttentionLayout, rows: [Int], scale: Double? = nil
) -> Tensor {
  let scale = checkedScale(query, key, layout, scale, "attentionProbabilities")
  if scale < 0 {
    return attentionProbabilities(query: -query, key: key, layout: layout, rows: rows, scale: -scale)
  }
  tensorRequire(
    rows.allSatisfy { $0 >= 0 && $0 < query.shape[0] }, "attentionProbabilities",
    "rows \(rows.min() ?? 0)...\(rows.max() ?? 0) are outside \(query.shape[0]) query rows")
  let type = query.fusedType
  let (q, k) = (query.detached().to(type).withDenseRows(), key.detached().to(type).withDenseRows())
  let shape = AttentionShape(q, k, k)
  let result = Tensor(uninitialized: [rows.count, query.shape[1], key.shape[0]], dtype: type)
  func run<T: FusedScalar>(_: T.Type) {
    AttentionKernels.probabilities(
      layout, shape, scale: T(scale), rows: rows, keyCount: key.shape[0], query: q.pointer(),
      key: k.pointer(),
      result: result.pointer())
  }
  result.withFusedType("attentionProbabilities") { run($0) }
  return result
}

extension AttentionShape {
  init(_ query: Tensor, _ key: Tensor, _ value: Tensor) {
    self.init(
      heads: query.shape[1], keyHeads: key.shape[1], dim: query.shape[2], queryStride: query.strides[0],
      keyStride: key.strides[0], valueStride: value.strides[0])
  }
}

func checkedScale(
  _ query: Tensor, _ key: Tensor, _ layout: AttentionLayout, _ scale: Double?, _ operation: String
) -> Double {
  tensorRequire(
    query.rank == 3 && key.rank == 3 && query.shape[2] == key.shape[2] && key.shape[1] > 0
      && query.shape[1] % key.shape[1] == 0, operation,
    "needs [tokens, heads, dim] and [keys, kvHeads, dim], found \(query.shape) and \(key.shape)")
  if let problem = layout.problem(queryCount: query.shape[0], keyCount: key.shape[0]) {
    tensorFailure(operation, problem)
  }
  return scale ?? 1 / Double(query.shape[2]).squareRoot()
}
