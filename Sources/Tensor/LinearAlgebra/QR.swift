extension Tensor {
  /// Which part of the orthogonal factor ``qr(_:)`` gives.
  public enum QRMode: Sendable {
    /// `Q` is `[..., m, k]` and `R` `[..., k, n]` with `k = min(m, n)`.
    case reduced
    /// `Q` is `[..., m, m]` and `R` `[..., m, n]`.
    case complete
  }

  /// The QR decomposition `A = Q R` with orthonormal columns of `Q` and upper triangular `R`, NumPy's
  /// `linalg.qr`.
  ///
  /// The gradient exists where the first `min(m, n)` columns are independent; not in complete mode for
  /// `m > n`, where the last columns of `Q` are arbitrary: there the backward pass traps.
  /// - Precondition: float32 or float64 matrices `[..., m, n]`.
  public func qr(_ mode: QRMode = .reduced) -> (q: Tensor, r: Tensor) {
    let (m, n) = matrixSize("qr")
    let k = Swift.min(m, n)
    let width = mode == .complete ? m : k
    let (q, r) = householder(m, n, width)
    let outputs = Tensor.recordedJointly("qr", from: [self], [q, r]) { gradients, outputs in
      tensorRequire(
        width == k, "qr", "complete mode has no gradient for \(m) rows and \(n) columns; use reduced mode")
      return [Self.qrGradient(gradients[0], gradients[1], outputs[0], outputs[1])]
    }
    return (outputs[0], outputs[1])
  }

  private func householder(_ m: Int, _ n: Int, _ width: Int) -> (q: Tensor, r: Tensor) {
    let k = Swift.min(m, n)
    let work = detached().materialized()
    let q = Tensor.zeros(batchShape + [m, width], dtype: dtype)
    let r = Tensor.zeros(batchShape + [width, n], dtype: dtype)
    func run<T: LAPACKScalar>(_: T.Type) {
      let (a, vectors, triangle) = (work.pointer(T.self), q.pointer(T.self), r.pointer(T.self))
      if k == 0 {
        for i in 0..<(q.count == 0 ? 0 : batchShape.reduce(1, *)) {
          for j in 0..<width { vectors[i * m * width + j * width + j] = 1 }
        }
        return
      }
      // Read by columns, the memory holds Aᵀ, and Aᵀ = Rᵀ Qᵀ is its LQ decomposition: nothing has to be
      // transposed.
      let size = Swift.max(
        T.workspaceSize { T.gelqf(n, m, a, n, $0, $0, -1) },
        T.workspaceSize { T.orglq(width, m, k, vectors, width, $0, $0, -1) })
      MatrixBatch.forEachRange(batchShape.reduce(1, *), work: 4 * m * n * k) { range in
        MemoryPool.withScratch(T.self, count: size + k) { space in
          let (tau, work) = (space + size, space)
          for i in range {
            let matrix = a + i * m * n
            _ = T.gelqf(n, m, matrix, n, tau, work, size)
            let (q, r) = (vectors + i * m * width, triangle + i * width * n)
            for row in 0..<m {
              if row < k { for column in row..<n { r[row * n + column] = matrix[row * n + column] } }
              for column in 0..<k { q[row * width + column] = matrix[row * n + column] }
            }
            _ = T.orglq(width, m, k, q, width, tau, work, size)
          }
        }
      }
    }
    withLAPACK { run($0) }
    return (q, r)
  }

  /// For `m ≥ n`: A̅ = (Q̅ + Q copyltu(R R̅ᵀ − Q̅ᵀ Q)) R⁻ᵀ, where copyltu mirrors the lower triangle (Seeger
  /// et al., "Auto-Differentiating Linear Algebra", 2017). A wide matrix is `[X, Y] = Q [U, V]`: Y̅ = Q V̅,
  /// and V̅ reaches Q as Y V̅ᵀ.
  private static func qrGradient(_ gq: Tensor?, _ gr: Tensor?, _ q: Tensor, _ r: Tensor) -> Tensor? {
    let (k, n) = (r.shape[r.rank - 2], r.shape[r.rank - 1])
    if n > k, let gr {
      let (u, v) = (r.slice(axis: -1, 0..<k), r.slice(axis: -1, k..<n))
      let (gu, gv) = (gr.slice(axis: -1, 0..<k), gr.slice(axis: -1, k..<n))
      let through = q.matmul(v).matmul(gv.transposed())
      let left = qrGradient(gq.map { $0 + through } ?? through, gu, q, u)!
      return concatenated([left, q.matmul(gv)], axis: -1)
    }
    if n > k {
      guard let left = qrGradient(gq, nil, q, r.slice(axis: -1, 0..<k)) else { return nil }
      return left.padded(left.shape.indices.map { (0, $0 == left.rank - 1 ? n - k : 0) })
    }
    var middle: Tensor?
    if let gr { middle = r.matmul(gr.transposed()) }
    if let gq {
      let product = gq.transposed().matmul(q)
      middle = middle.map { $0 - product } ?? -product
    }
    guard let middle else { return nil }
    let mirrored = q.matmul(middle.mirroredLowerTriangle())
    let full = gq.map { $0 + mirrored } ?? mirrored
    // x Rᵀ = g is R xᵀ = gᵀ.
    return r.triangularSolved(full.transposed(), upper: true).transposed()
  }
}
