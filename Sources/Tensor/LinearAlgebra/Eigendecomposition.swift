extension Tensor {
  /// Eigenvalues and eigenvectors of symmetric matrices: `A = V diag(w) Vᵀ`, NumPy's `linalg.eigh`.
  ///
  /// Only the lower triangle is read; the gradient is symmetric. The sign of an eigenvector is arbitrary, so
  /// a function of the eigenvectors has a gradient only if it does not depend on it. Where two eigenvalues
  /// are equal the eigenvectors have no derivative, and their gradient is infinite or NaN; that of the
  /// eigenvalues exists.
  /// - Returns: eigenvalues `[..., n]` in ascending order, and eigenvectors `[..., n, n]` in the columns.
  /// - Throws: ``LinearAlgebraError`` when a matrix has an element that is not finite or the iteration fails.
  /// - Precondition: square float32 or float64 matrices.
  public func eigh() throws(LinearAlgebraError) -> (eigenvalues: Tensor, eigenvectors: Tensor) {
    let (values, vectors) = try symmetricEigen("eigh", withVectors: true)
    let outputs = Tensor.recordedJointly("eigh", from: [self], [values, vectors!]) { gradients, outputs in
      [Self.eighGradient(gradients[0], gradients[1], outputs[0], outputs[1])]
    }
    return (outputs[0], outputs[1])
  }

  /// Eigenvalues of symmetric matrices in ascending order: `[..., n, n]` to `[..., n]`; see ``eigh()``.
  /// - Throws: ``LinearAlgebraError`` when a matrix has an element that is not finite or the iteration fails.
  /// - Precondition: square float32 or float64 matrices.
  public func eigvalsh() throws(LinearAlgebraError) -> Tensor {
    if requiresGradient && GradientMode.isEnabled { return try eigh().eigenvalues }
    return try symmetricEigen("eigvalsh", withVectors: false).values
  }

  /// A̅ = V (diag(w̅) + F ∘ (Vᵀ V̅)) Vᵀ with Fᵢⱼ = 1 / (wⱼ − wᵢ) beside the diagonal (Giles 2008, section
  /// 3.1), made symmetric.
  private static func eighGradient(_ gw: Tensor?, _ gv: Tensor?, _ w: Tensor, _ v: Tensor) -> Tensor? {
    var left: Tensor?
    if let gw { left = v * gw.expandedDimensions(axis: -2) }
    if let gv {
      let identity = eye(w.shape[w.rank - 1], dtype: w.dtype)
      let gaps = w.expandedDimensions(axis: -2) - w.expandedDimensions(axis: -1) + identity
      let inner = v.matmul(v.transposed().matmul(gv) / gaps * (1 - identity))
      left = left.map { $0 + inner } ?? inner
    }
    guard let full = left?.matmul(v.transposed()) else { return nil }
    return 0.5 * (full + full.transposed())
  }

  private func symmetricEigen(_ operation: String, withVectors: Bool) throws(LinearAlgebraError) -> (
    values: Tensor, vectors: Tensor?
  ) {
    let n = squareSize(operation)
    let work = detached().materialized()
    let values = Tensor(uninitialized: batchShape + [n], dtype: dtype)
    func run<T: LAPACKScalar>(_: T.Type) throws(LinearAlgebraError) {
      if values.count == 0 { return }
      let (a, w) = (work.pointer(T.self), values.pointer(T.self))
      let job = withVectors ? LAPACKFlag.vectors : .plain
      var integerSize: Int32 = 0
      let size = T.workspaceSize { T.syevd(job, .upper, n, a, n, w, $0, -1, &integerSize, -1) }
      let integers = Int(integerSize)
      try MatrixBatch.run(operation, batch: batchShape, work: 9 * n * n * n) { range, report in
        MemoryPool.withScratch(T.self, count: size) { space in
          MemoryPool.withScratch(Int32.self, count: integers) { integerSpace in
            for i in range {
              // Column-major, the lower triangle of a row-major matrix is the upper one.
              let matrix = a + i * n * n
              if let (row, column) = T.firstNotFinite(inLowerTriangleOf: matrix, n) {
                report(i, .notFinite(row: row, column: column, value: matrix[row * n + column].asDouble))
                continue
              }
              let info = T.syevd(
                job, .upper, n, matrix, n, w + i * n, space, size, integerSpace, integers)
              if info > 0 { report(i, .notConverged(remaining: info)) }
            }
          }
        }
      }
    }
    try withLAPACK { type throws(LinearAlgebraError) in try run(type) }
    // The eigenvectors are LAPACK's columns, which are rows here.
    return (values, withVectors ? work.transposed().contiguous() : nil)
  }
}

extension LAPACKScalar {
  /// Where the lower triangle of a row-major matrix has an element that is infinite or not a number.
  static func firstNotFinite(inLowerTriangleOf a: UnsafePointer<Self>, _ n: Int) -> (row: Int, column: Int)? {
    for row in 0..<n {
      for column in 0...row where !a[row * n + column].isFinite { return (row, column) }
    }
    return nil
  }
}
