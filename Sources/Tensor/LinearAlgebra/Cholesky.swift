extension Tensor {
  /// The Cholesky factor of symmetric positive definite matrices: lower triangular `L` with `A = L Lᵀ`.
  ///
  /// Only the lower triangle of this tensor is read. The gradient is symmetric: each half of a pair of
  /// mirrored elements gets half of what a change of both would make (Murray, "Differentiation of the
  /// Cholesky decomposition", 2016).
  /// - Parameter upper: gives the factor `U = Lᵀ` with `A = Uᵀ U` instead.
  /// - Returns: `[..., n, n]`, zero on the other side of the diagonal.
  /// - Throws: ``LinearAlgebraError`` when a matrix is not positive definite or has an element that is not
  ///   finite.
  /// - Precondition: square float32 or float64 matrices `[..., n, n]`.
  public func cholesky(upper: Bool = false) throws(LinearAlgebraError) -> Tensor {
    let n = squareSize("cholesky")
    let result = detached().materialized()
    func factor<T: LAPACKScalar>(_: T.Type) throws(LinearAlgebraError) {
      let values = result.pointer(T.self)
      try MatrixBatch.run("cholesky", batch: batchShape, work: n * n * n / 3) { range, report in
        for matrix in range {
          // Column-major, the lower triangle of a row-major matrix is the upper one.
          let a = values + matrix * n * n
          if let (row, column) = T.firstNotFinite(inLowerTriangleOf: a, n) {
            report(matrix, .notFinite(row: row, column: column, value: a[row * n + column].asDouble))
            continue
          }
          let minor = T.potrf(.upper, n, a, Swift.max(1, n))
          if minor > 0 { report(matrix, .notPositiveDefinite(leadingMinor: minor)) }
          for row in 0..<n {
            (a + row * n + row + 1).update(repeating: 0, count: n - row - 1)
          }
        }
      }
    }
    try withLAPACK { type throws(LinearAlgebraError) in try factor(type) }
    let lower = recorded("cholesky", from: self, result, keepingOutput: true) { gradient, output in
      // A̅ = ½ L⁻ᵀ copyltu(Lᵀ L̅) L⁻¹, where copyltu mirrors the lower triangle (Murray 2016, eq. 10).
      let transposed = output!.transposed()
      let middle = 0.5 * transposed.matmul(gradient).mirroredLowerTriangle()
      let left = transposed.triangularSolved(middle, upper: true)
      return transposed.triangularSolved(left.transposed(), upper: true)
    }
    return upper ? lower.transposed() : lower
  }

  /// Solves `A x = b` where this tensor is a Cholesky factor of `A`, PyTorch's `cholesky_solve`.
  /// - Parameters:
  ///   - b: `[..., n, k]`, or `[n]` for one vector.
  ///   - upper: this tensor is the upper factor, `A = Uᵀ U`.
  /// - Throws: ``LinearAlgebraError`` when the factor has a zero on its diagonal.
  public func choleskySolve(_ b: Tensor, upper: Bool = false) throws(LinearAlgebraError) -> Tensor {
    try tensorOperation("choleskySolve") { () throws(LinearAlgebraError) -> Tensor in
      let half = try (upper ? transposed() : self).triangularSolve(b)
      return try (upper ? self : transposed()).triangularSolve(half, upper: true)
    }
  }
}
