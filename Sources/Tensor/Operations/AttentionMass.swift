/// Query rows, and weighted keys of which is asked how much of the rows' attention falls on them.
public struct AttentionFocus: Sendable, Equatable {
  /// Rows of the query tensor.
  public var queries: [Int]
  /// Rows of the key tensor; one that is named twice counts twice.
  public var keys: [Int]
  /// For each mass one weight per key.
  public var weights: [[Double]]

  /// A focus of so many masses as there are lists of weights.
  public init(queries: [Int], keys: [Int], weights: [[Double]]) {
    self.queries = queries
    self.keys = keys
    self.weights = weights
  }
}

/// How much of the attention of chosen query rows falls on weighted keys:
/// `Σ_j w_j · softmax(scale · q kᵀ)_j` over the keys that a row sees, for every head, with a gradient for
/// queries and keys.
///
/// Beside ``attention(query:key:value:layout:scale:)`` it costs what the chosen rows cost: no other row's
/// scores are computed, and the backward pass computes theirs again.
/// - Parameters:
///   - query: `[tokens, heads, dim]`.
///   - key: `[keys, kvHeads, dim]`; query head `h` uses key head `h / (heads / kvHeads)`.
///   - layout: which keys each query sees. A key that a row does not see has no mass, and a row without a
///     segment puts none on any.
///   - foci: rows and keys, with the same number of masses each. Weights are constants.
///   - scale: multiplies the scores; nil for `1/√dim`.
/// - Returns: `[rows of all foci, heads, masses]`, the rows of each focus in its order.
/// - Precondition: rows, keys and weights fit. First derivatives only.
public func attentionMass(
  query: Tensor, key: Tensor, layout: AttentionLayout, foci: [AttentionFocus], scale: Double? = nil
) -> Tensor {
  tensorRequire(
    key.dtype == query.dtype, "attentionMass",
    "query of \(query.dtype) and key of \(key.dtype) do not fit")
  if query.dtype != query.fusedType {
    let type = query.fusedType
    return attentionMass(
      query: query.to(type), key: key.to(type), layout: layout, foci: foci, scale: scale
    ).to(query.dtype)
  }
  let scale = checkedScale(query, key, layout, scale, "attentionMass")
  // As in `attention`: the kernels subtract the largest score before they scale.
  if scale < 0 {
    return attentionMass(query: -query, key: key, layout: layout, foci: foci, scale: -scale)
  }
  let masses = checkedMasses(foci, queryCount: query.shape[0], keyCount: key.shape[0])
  let (q, k) = (query.withDenseRows(), key.withDenseRows())
  let shape = AttentionShape(q, k, k)
  let parts = AttentionPart.parts(of: foci, layout)
  let rows = foci.reduce(0) { $0 + $1.queries.count }
  let result = Tensor.zeros([rows, query.shape[1], masses], dtype: query.dtype)
  func forward<T: FusedScalar>(_: T.Type) {
    AttentionKernels.masses(
      parts, shape, masses: masses, scale: T(scale), query: q.pointer(), key: k.pointer(),
      result: result.pointer())
  }
  query.withFusedType("attentionMass") { forward($0) }

  return Tensor.recorded("attentionMass", from: query, key, result) { gradient, _ in
    Tensor.requireFirstDerivative("attentionMass")
    let dResult = gradient.contiguous()
    let dQuery = Tensor.zeros(query.shape, dtype: query.dtype)
    let dKey = Tensor.zeros(key.shape, dtype: key.dtype)
    func backward<T: FusedScalar>(_: T.Type) {
      AttentionKernels.massesBackward(
        parts, shape, masses: masses, scale: T(scale), query: q.pointer(), key: k.pointer(),
        result: result.pointer(), resultGradient: dResult.pointer(), queryGradient: dQuery.pointer(),
        keyGradient: dKey.pointer())
    }
    query.withFusedType("attentionMass") { backward($0) }
    return [dQuery, dKey]
  }
}

/// The number of masses, which all foci must agree on.
private func checkedMasses(_ foci: [AttentionFocus], queryCount: Int, keyCount: Int) -> Int {
  let masses = foci.first?.weights.count ?? 0
  for (index, focus) in foci.enumerated() {
    tensorRequire(
      focus.weights.count == masses && focus.weights.allSatisfy { $0.count == focus.keys.count },
      "attentionMass",
      "focus \(index) has weights of \(focus.weights.map(\.count)) keys for \(focus.keys.count) keys, "
        + "expected \(masses) lists of one weight per key")
    for row in focus.queries where row < 0 || row >= queryCount {
      tensorFailure("attentionMass", "focus \(index) asks query row \(row) of \(queryCount)")
    }
    for row in focus.keys where row < 0 || row >= keyCount {
      tensorFailure("attentionMass", "focus \(index) asks about key row \(row) of \(keyCount)")
    }
  }
  return masses
}
