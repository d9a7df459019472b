extension Tensor {
  /// The Moore-Penrose inverses of matrices of any shape and rank: `[..., m, n]` to `[..., n, m]`, NumPy's
  /// `linalg.pinv`.
  ///
  /// The gradient holds where the rank does not change.
  /// - Parameter relativeTolerance: singular values up to this times the largest count as zero; the type's
  ///   precision times `max(m, n)` when omitted.
  /// - Throws: ``LinearAlgebraError`` when a matrix has an element that is not finite or the iteration fails.
  /// - Precondition: float32 or float64 matrices.
  public func pinv(relativeTolerance: Double? = nil) throws(LinearAlgebraError) -> Tensor {
    let (m, n) = matrixSize("pinv")
    let tolerance = relativeTolerance ?? Self.defaultTolerance(m, n, dtype)
    let constant = detached()
    let (u, s, vh) = try constant.svd()
    let result: Tensor
    if s.count == 0 {
      result = Tensor.zeros(batchShape + [n, m], dtype: dtype)
    } else {
      let kept = s .> s.max(axes: [-1], keepDims: true) * tolerance
      let scale = Tensor.select(kept, s.reciprocal(), Tensor.zeros([], dtype: dtype))
      result = (vh.transposed() * scale.expandedDimensions(axis: -2)).matmul(u.transposed())
    }
    let a = self
    return recorded("pinv", from: self, result, keepingOutput: true) { gradient, output in
      Self.pinvGradient(gradient, a, output!)
    }
  }

  /// With B = A⁺: A̅ = −Bᵀ B̅ Bᵀ + (I − A B) B̅ᵀ B Bᵀ + Bᵀ B B̅ᵀ (I − B A) (Golub and Pereyra, "The
  /// differentiation of pseudo-inverses", 1973, eq. 4.12).
  static func pinvGradient(_ gradient: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
    let (g, bt) = (gradient.transposed(), b.transposed())
    let inner = g.matmul(b)
    let right = (inner - a.matmul(b.matmul(inner))).matmul(bt)
    let outer = b.matmul(g)
    let left = bt.matmul(outer - outer.matmul(b).matmul(a))
    return right + left - bt.matmul(gradient).matmul(bt)
  }
}
