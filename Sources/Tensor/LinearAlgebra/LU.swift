extension Tensor {
  /// The LU decomposition with row exchanges, `A = P L U`, as PyTorch's `linalg.lu`.
  ///
  /// A singular matrix has one too: then a diagonal element of `U` is zero, and there is no gradient (it is
  /// infinite or NaN).
  /// - Returns: the permutation matrix `P` `[..., m, m]`, a constant; `L` `[..., m, k]`, lower triangular
  ///   with ones on the diagonal; and the upper triangular `U` `[..., k, n]`, with `k = min(m, n)`.
  /// - Precondition: float32 or float64 matrices `[..., m, n]`.
  public func lu() -> (p: Tensor, l: Tensor, u: Tensor) {
    let (m, n) = matrixSize("lu")
    let k = Swift.min(m, n)
    let work = detached().transposed().materialized()
    let p = Tensor.zeros(batchShape + [m, m], dtype: dtype)
    let l = Tensor.zeros(batchShape + [m, k], dtype: dtype)
    let u = Tensor.zeros(batchShape + [k, n], dtype: dtype)
    func run<T: LAPACKScalar>(_: T.Type) {
      let (a, exchanges) = (work.pointer(T.self), p.pointer(T.self))
      let (lower, upper) = (l.pointer(T.self), u.pointer(T.self))
      MatrixBatch.forEachRange(batchShape.reduce(1, *), work: m * n * k) { range in
        MemoryPool.withScratch(Int32.self, count: k) { pivots in
          for i in range {
            let (matrix, lower, upper) = (a + i * m * n, lower + i * m * k, upper + i * k * n)
            if k > 0 { _ = T.getrf(m, n, matrix, m, pivots) }
            var order = Array(0..<m)
            for row in 0..<k { order.swapAt(row, Int(pivots[row]) - 1) }
            for row in 0..<m {
              exchanges[i * m * m + order[row] * m + row] = 1
              for column in 0..<Swift.min(row, k) { lower[row * k + column] = matrix[column * m + row] }
              if row < k {
                lower[row * k + row] = 1
                for column in row..<n { upper[row * n + column] = matrix[column * m + row] }
              }
            }
          }
        }
      }
    }
    withLAPACK { run($0) }
    let outputs = Tensor.recordedJointly("lu", from: [self], [l, u]) { gradients, outputs in
      [Self.luGradient(p, gradients[0], gradients[1], outputs[0], outputs[1])]
    }
    return (p, outputs[0], outputs[1])
  }

  /// For square matrices A̅ = P L⁻ᵀ (tril(Lᵀ L̅, −1) + triu(U̅ Uᵀ)) U⁻ᵀ (PyTorch's `lu_backward`). The rest
  /// of a wide matrix is U₂ = L⁻¹ A₂, the rest of a tall one L₂ = A₂ U⁻¹, and both reach the square part
  /// through L and U.
  private static func luGradient(_ p: Tensor, _ gl: Tensor?, _ gu: Tensor?, _ l: Tensor, _ u: Tensor)
    -> Tensor?
  {
    let (m, k, n) = (l.shape[l.rank - 2], l.shape[l.rank - 1], u.shape[u.rank - 1])
    let (top, left) = (l.slice(axis: -2, 0..<k), u.slice(axis: -1, 0..<k))
    /// x U⁻ᵀ.
    func overUpper(_ x: Tensor) -> Tensor {
      left.triangularSolved(x.transposed(), upper: true).transposed()
    }
    /// L⁻ᵀ x.
    func overLower(_ x: Tensor) -> Tensor {
      top.transposed().triangularSolved(x, upper: true, unitDiagonal: true)
    }
    var lower: [Tensor] = []
    var upper: [Tensor] = []
    var (below, beside): (Tensor?, Tensor?)
    if let gl {
      lower.append(top.transposed().matmul(gl.slice(axis: -2, 0..<k)))
      if m > k {
        let rest = gl.slice(axis: -2, k..<m)
        upper.append(-l.slice(axis: -2, k..<m).transposed().matmul(rest))
        below = overUpper(rest)
      }
    }
    if let gu {
      upper.append(gu.slice(axis: -1, 0..<k).matmul(left.transposed()))
      if n > k {
        let rest = gu.slice(axis: -1, k..<n)
        lower.append(-rest.matmul(u.slice(axis: -1, k..<n).transposed()))
        beside = overLower(rest)
      }
    }
    if lower.isEmpty && upper.isEmpty { return nil }
    let zero = Tensor.zeros(l.batchShape + [k, k], dtype: l.dtype)
    let middle =
      lower.reduce(zero, +).lowerTriangle(diagonal: -1) + upper.reduce(zero, +).upperTriangle()
    var result = overUpper(overLower(middle))
    if m > k {
      result = concatenated([result, below ?? zeros(l.batchShape + [m - k, k], dtype: l.dtype)], axis: -2)
    }
    if n > k {
      result = concatenated([result, beside ?? zeros(l.batchShape + [k, n - k], dtype: l.dtype)], axis: -1)
    }
    return p.matmul(result)
  }
}
