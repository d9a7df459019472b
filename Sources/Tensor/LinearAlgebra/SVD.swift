extension Tensor {
  /// The singular value decomposition `A = U diag(S) Vh`, NumPy's `linalg.svd`.
  ///
  /// The signs of the columns of `U` and the rows of `Vh` are arbitrary together, so a function of them has a
  /// gradient only if it does not depend on the signs. Where singular values are equal, or zero for a matrix
  /// that is not square, the singular vectors have no derivative and their gradient is infinite or NaN; that
  /// of the singular values exists. With full matrices only the singular values have a gradient: the backward
  /// pass traps when one reaches `U` or `Vh`.
  /// - Parameter fullMatrices: gives `U` `[..., m, m]` and `Vh` `[..., n, n]` instead of `[..., m, k]` and
  ///   `[..., k, n]` with `k = min(m, n)`.
  /// - Returns: `U`, the singular values `S` `[..., k]` in descending order, and `Vh`.
  /// - Throws: ``LinearAlgebraError`` when a matrix has an element that is not finite or the iteration fails.
  /// - Precondition: float32 or float64 matrices `[..., m, n]`.
  public func svd(fullMatrices: Bool = false) throws(LinearAlgebraError) -> (u: Tensor, s: Tensor, vh: Tensor)
  {
    let (m, n) = matrixSize("svd")
    let (s, vectors) = try singularValues("svd", fullMatrices ? .all : .some)
    let k = Swift.min(m, n)
    let (u, vh) = vectors!
    let thin = [u.slice(axis: -1, 0..<k), s, vh.slice(axis: -2, 0..<k)]
    let outputs = Tensor.recordedJointly("svd", from: [self], thin) { gradients, outputs in
      [Self.svdGradient(gradients[0], gradients[1], gradients[2], outputs)]
    }
    if fullMatrices && m != n {
      let full = Tensor.recordedJointly("svd", from: [self], [u, vh]) { _, _ in
        tensorFailure(
          "svd",
          "full matrices of \(m) rows and \(n) columns have no gradient; use fullMatrices: false")
      }
      return (full[0], outputs[1], full[1])
    }
    return (outputs[0], outputs[1], outputs[2])
  }

  /// The singular values in descending order: `[..., m, n]` to `[..., min(m, n)]`; see
  /// ``svd(fullMatrices:)``.
  /// - Throws: ``LinearAlgebraError`` when a matrix has an element that is not finite or the iteration fails.
  /// - Precondition: float32 or float64 matrices.
  public func svdvals() throws(LinearAlgebraError) -> Tensor {
    if requiresGradient && GradientMode.isEnabled { return try svd().s }
    _ = matrixSize("svdvals")
    return try singularValues("svdvals", .plain).s
  }

  /// With E = sⱼ² − sᵢ² beside the diagonal and skew(X) = X − Xᵀ (PyTorch's `svd_backward`, after Giles 2008,
  /// section 3.2): A̅ = U [(skew(Uᵀ U̅) / E) S + S (skew(Vᵀ V̅) / E) + diag(s̅)] Vᵀ + (I − U Uᵀ) U̅ S⁻¹ Vᵀ +
  /// U S⁻¹ V̅ᵀ (I − V Vᵀ).
  private static func svdGradient(_ gu: Tensor?, _ gs: Tensor?, _ gvh: Tensor?, _ outputs: [Tensor])
    -> Tensor?
  {
    let (u, s, vh) = (outputs[0], outputs[1], outputs[2])
    let (m, k, n) = (u.shape[u.rank - 2], s.shape[s.rank - 1], vh.shape[vh.rank - 1])
    let (row, column) = (s.expandedDimensions(axis: -2), s.expandedDimensions(axis: -1))
    let gaps = (row - column) * (row + column) + eye(k, dtype: s.dtype)
    func skew(_ x: Tensor) -> Tensor { (x - x.transposed()) / gaps }

    // Everything left of Vᵀ.
    var left: [Tensor] = []
    if let gs { left.append(u * gs.expandedDimensions(axis: -2)) }
    if let gu {
      let inner = u.transposed().matmul(gu)
      left.append(u.matmul(skew(inner) * row))
      if m > k { left.append((gu - u.matmul(inner)) / row) }
    }
    if let gvh { left.append(u.matmul(skew(vh.matmul(gvh.transposed())) * column)) }
    guard let first = left.first else { return nil }
    var result = left.dropFirst().reduce(first, +).matmul(vh)
    if let gvh, n > k {
      result = result + (u / row).matmul(gvh - gvh.matmul(vh.transposed()).matmul(vh))
    }
    return result
  }

  private func singularValues(_ operation: String, _ job: LAPACKFlag) throws(LinearAlgebraError) -> (
    s: Tensor, vectors: (u: Tensor, vh: Tensor)?
  ) {
    let (m, n) = (shape[rank - 2], shape[rank - 1])
    let k = Swift.min(m, n)
    let batch = batchShape
    let s = Tensor(uninitialized: batch + [k], dtype: dtype)
    let (uWidth, vHeight) = job == .all ? (m, n) : job == .some ? (k, k) : (0, 0)
    if s.count == 0 {
      let u = Tensor.eye(m, dtype: dtype).slice(axis: 1, 0..<uWidth).expanded(to: batch + [m, uWidth])
      let vh = Tensor.eye(n, dtype: dtype).slice(axis: 0, 0..<vHeight).expanded(to: batch + [vHeight, n])
      return (s, job == .plain ? nil : (u.contiguous(), vh.contiguous()))
    }
    let work = detached().materialized()
    try work.requireFinite(operation)
    let u = Tensor(uninitialized: batch + [m, uWidth], dtype: dtype)
    let vh = Tensor(uninitialized: batch + [vHeight, n], dtype: dtype)
    func run<T: LAPACKScalar>(_: T.Type) throws(LinearAlgebraError) {
      let (a, values) = (work.pointer(T.self), s.pointer(T.self))
      let (left, right) = (u.pointer(T.self), vh.pointer(T.self))
      // Read by columns, the memory holds Aᵀ = V S Uᵀ: LAPACK's U is Vh here, its VT is U.
      let (ldu, ldvt) = (n, Swift.max(1, uWidth))
      var unused: Int32 = 0
      let size = T.workspaceSize {
        T.gesdd(job, n, m, a, n, values, right, ldu, left, ldvt, $0, -1, &unused)
      }
      try MatrixBatch.run(operation, batch: batch, work: 12 * m * n * k) { range, report in
        MemoryPool.withScratch(T.self, count: size) { space in
          MemoryPool.withScratch(Int32.self, count: 8 * k) { integers in
            for i in range {
              let info = T.gesdd(
                job, n, m, a + i * m * n, n, values + i * k, right + i * vHeight * n, ldu,
                left + i * m * uWidth, ldvt, space, size, integers)
              if info > 0 { report(i, .notConverged(remaining: info)) }
            }
          }
        }
      }
    }
    try withLAPACK { type throws(LinearAlgebraError) in try run(type) }
    return (s, job == .plain ? nil : (u, vh))
  }
}
