extension Tensor {
  /// Eigenvalues and eigenvectors of square matrices: `A V = V diag(w)`, NumPy's `linalg.eig`.
  ///
  /// Real matrices have complex eigenvalues in pairs of conjugates, the one with the positive imaginary part
  /// first; otherwise they come in no order. The vectors have the length 1, and in a complex one the largest
  /// element is real. A vector is determined up to a number of magnitude 1 alone, so a function of the
  /// vectors has a gradient only if it does not depend on it (Boeddeker et al., "On the computation of
  /// complex-valued gradients with application to statistically optimum beamforming", 2017): as in PyTorch,
  /// another one is refused. Where two eigenvalues are equal, the gradient is infinite or NaN.
  /// - Returns: eigenvalues `[..., n]`, and eigenvectors `[..., n, n]` in the columns.
  /// - Throws: ``LinearAlgebraError`` when a matrix has an element that is not finite or the iteration fails.
  /// - Precondition: square float32 or float64 matrices.
  public func eig() throws(LinearAlgebraError) -> (eigenvalues: ComplexTensor, eigenvectors: ComplexTensor) {
    let (values, vectors) = try generalEigen("eig", withVectors: true)
    guard let vectors else { return (values, values) }
    let outputs = Tensor.recordedJointly(
      "eig", from: [self], [values.real, values.imaginary, vectors.real, vectors.imaginary]
    ) { gradients, outputs in
      let (w, v) = (ComplexTensor(outputs[0], outputs[1]), ComplexTensor(outputs[2], outputs[3]))
      func arrived(_ first: Int, _ like: ComplexTensor) -> ComplexTensor? {
        if gradients[first] == nil, gradients[first + 1] == nil { return nil }
        return ComplexTensor([gradients[first], gradients[first + 1]], like: like)
      }
      return [Self.eigGradient(arrived(0, w), arrived(2, v), w, v)]
    }
    return (ComplexTensor(outputs[0], outputs[1]), ComplexTensor(outputs[2], outputs[3]))
  }

  /// Eigenvalues of square matrices: `[..., n, n]` to `[..., n]`, NumPy's `linalg.eigvals`; see ``eig()``.
  /// - Throws: ``LinearAlgebraError`` when a matrix has an element that is not finite or the iteration fails.
  /// - Precondition: square float32 or float64 matrices.
  public func eigvals() throws(LinearAlgebraError) -> ComplexTensor {
    if requiresGradient && GradientMode.isEnabled { return try eig().eigenvalues }
    return try generalEigen("eigvals", withVectors: false).values
  }

  /// A̅ = Re(V⁻ᴴ (diag(w̅) + (Vᴴ V̅ − Vᴴ V diag(Re(Vᴴ V̅))) ∘ F) Vᴴ) with Fᵢⱼ = 1 / conj(wⱼ − wᵢ) beside the
  /// diagonal and 0 on it: equation 4.77 of Boeddeker et al., for vectors of length 1, as PyTorch has it.
  private static func eigGradient(
    _ gw: ComplexTensor?, _ gv: ComplexTensor?, _ w: ComplexTensor, _ v: ComplexTensor
  ) -> Tensor? {
    if w.count == 0 { return Tensor.zeros(v.shape, dtype: v.real.dtype) }
    let identity = eye(w.shape[w.rank - 1], dtype: w.real.dtype)
    let adjoint = v.adjoint()
    var inner: ComplexTensor?
    if let gv {
      let product = adjoint.matmul(gv)
      requireGauge(product, gv)
      let lengths = (product.real * identity).sum(axes: [-2], keepDims: true)
      let rest = product - adjoint.matmul(v * lengths)
      let conjugates = w.conjugate()
      let gaps = conjugates.expandedDimensions(axis: -2) - conjugates.expandedDimensions(axis: -1)
      inner = rest / (gaps + identity) * (1 - identity)
    }
    if let gw {
      let diagonal = gw.expandedDimensions(axis: -2) * identity
      inner = inner.map { $0 + diagonal } ?? diagonal
    }
    guard let right = inner?.matmul(adjoint) else { return nil }
    return solved(adjoint, right)
  }

  /// Refuses a gradient that depends on the numbers of magnitude 1 which eigenvectors are determined up to.
  private static func requireGauge(_ product: ComplexTensor, _ gv: ComplexTensor) {
    let diagonal = product.imaginary.detached().diagonal()
    let largest = diagonal.abs().max().item()
    let scale = gv.real.detached().abs().max().item() + gv.imaginary.detached().abs().max().item()
    tensorRequire(
      !(largest > 1e-2 + 1e-2 * scale), "eig",
      "the gradient depends on the phase of the eigenvectors, which is arbitrary: an eigenvector times a "
        + "number of magnitude 1 is one too")
  }

  /// The real part of the solution of complex systems, as real ones of twice the size; infinite or NaN where
  /// a matrix is singular.
  private static func solved(_ matrix: ComplexTensor, _ right: ComplexTensor) -> Tensor {
    let (a, b) = (matrix.real, matrix.imaginary)
    let n = a.shape[a.rank - 1]
    let block = concatenated(
      [concatenated([a, -b], axis: -1), concatenated([b, a], axis: -1)], axis: -2)
    let sides = concatenated([right.real, right.imaginary], axis: -2)
    return LUFactors(block, "eig").solve(block, sides).slice(axis: -2, 0..<n)
  }

  private func generalEigen(_ operation: String, withVectors: Bool) throws(LinearAlgebraError) -> (
    values: ComplexTensor, vectors: ComplexTensor?
  ) {
    let n = squareSize(operation)
    // LAPACK reads columns.
    let work = detached().transposed().materialized()
    let real = Tensor(uninitialized: batchShape + [n], dtype: dtype)
    let imaginary = Tensor(uninitialized: batchShape + [n], dtype: dtype)
    let vectors = Tensor(uninitialized: withVectors ? shape : [0], dtype: dtype)
    func run<T: LAPACKScalar>(_: T.Type) throws(LinearAlgebraError) {
      if real.count == 0 { return }
      let (a, v) = (work.pointer(T.self), vectors.pointer(T.self))
      let (wr, wi) = (real.pointer(T.self), imaginary.pointer(T.self))
      let size = T.workspaceSize { T.geev(withVectors, n, a, wr, wi, v, $0, -1) }
      try MatrixBatch.run(operation, batch: batchShape, work: 25 * n * n * n) { range, report in
        MemoryPool.withScratch(T.self, count: size) { space in
          for i in range {
            let matrix = a + i * n * n
            if let index = (0..<n * n).first(where: { !matrix[$0].isFinite }) {
              let (column, row) = index.quotientAndRemainder(dividingBy: n)
              report(i, .notFinite(row: row, column: column, value: matrix[index].asDouble))
              continue
            }
            let info = T.geev(
              withVectors, n, matrix, wr + i * n, wi + i * n, withVectors ? v + i * n * n : v, space, size)
            if info > 0 { report(i, .notConverged(remaining: info)) }
          }
        }
      }
    }
    try withLAPACK { type throws(LinearAlgebraError) in try run(type) }
    let values = ComplexTensor(real, imaginary)
    return (values, withVectors ? Self.paired(vectors, imaginary) : nil)
  }

  /// Complex eigenvectors of LAPACK's rows: of a pair of eigenvalues the first one holds the real parts of
  /// both vectors, and the second one the imaginary parts.
  private static func paired(_ rows: Tensor, _ imaginary: Tensor) -> ComplexTensor {
    let parts = (rows.materialized(), zeros(rows.shape, dtype: rows.dtype))
    let n = rows.rank == 0 ? 0 : rows.shape[rows.rank - 1]
    func run<T: LAPACKScalar>(_: T.Type) {
      let (re, im, w) = (parts.0.pointer(T.self), parts.1.pointer(T.self), imaginary.pointer(T.self))
      var index = 0
      while index < imaginary.count {
        guard w[index] != 0, index % n + 1 < n else {
          index += 1
          continue
        }
        let (first, second) = (index * n, (index + 1) * n)
        for k in 0..<n {
          let part = re[second + k]
          im[first + k] = part
          im[second + k] = -part
          re[second + k] = re[first + k]
        }
        index += 2
      }
    }
    rows.withLAPACK { run($0) }
    return ComplexTensor(parts.0, parts.1).map { $0.transposed().contiguous() }
  }
}
