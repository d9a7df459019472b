/// The norms of ``Tensor/matrixNorm(_:)`` and ``Tensor/cond(_:)``.
public enum MatrixNorm: Sendable {
  /// The root of the sum of squares of the elements.
  case frobenius
  /// The sum of the singular values.
  case nuclear
  /// The largest singular value, the 2-norm.
  case spectral
  /// The largest sum of absolute values in a column, the 1-norm.
  case one
  /// The largest sum of absolute values in a row, the ∞-norm.
  case infinity
}

extension Tensor {
  /// Norms of matrices: `[..., m, n]` to `[...]`, PyTorch's `linalg.matrix_norm`. A matrix without elements
  /// has norm 0; the gradient of the Frobenius norm at a matrix of zeros is zero.
  /// - Throws: ``LinearAlgebraError`` from ``svdvals()`` for the nuclear and the spectral norm.
  /// - Precondition: float32 or float64 matrices.
  public func matrixNorm(_ norm: MatrixNorm = .frobenius) throws(LinearAlgebraError) -> Tensor {
    let (m, n) = matrixSize("matrixNorm")
    if m == 0 || n == 0 { return sum(axes: [-2, -1]) }
    switch norm {
    case .frobenius: return self.norm(2, axes: [-2, -1])
    case .nuclear: return try svdvals().sum(axes: [-1])
    case .spectral: return try svdvals().slice(axis: -1, 0..<1).squeezed(axis: -1)
    case .one: return abs().sum(axes: [-2]).max(axes: [-1])
    case .infinity: return abs().sum(axes: [-1]).max(axes: [-1])
    }
  }

  /// Condition numbers: `[..., n, n]` to `[...]`; for the spectral norm also of matrices that are not square,
  /// NumPy's `linalg.cond`. A singular matrix has an infinite spectral condition number.
  /// - Throws: ``LinearAlgebraError`` from ``svdvals()`` for the spectral norm, from ``inverse()`` for the
  ///   others.
  /// - Precondition: float32 or float64 matrices with at least one element.
  public func cond(_ norm: MatrixNorm = .spectral) throws(LinearAlgebraError) -> Tensor {
    let (m, n) = matrixSize("cond")
    tensorRequire(m > 0 && n > 0, "cond", "needs matrices with elements, found shape \(shape)")
    guard case .spectral = norm else { return try matrixNorm(norm) * inverse().matrixNorm(norm) }
    let s = try svdvals()
    let k = Swift.min(m, n)
    return (s.slice(axis: -1, 0..<1) / s.slice(axis: -1, k - 1..<k)).squeezed(axis: -1)
  }

  /// The number of singular values above a tolerance: `[..., m, n]` to int64 `[...]`, NumPy's
  /// `linalg.matrix_rank`.
  /// - Parameters:
  ///   - absoluteTolerance: singular values up to this count as zero.
  ///   - relativeTolerance: so do those up to this times the largest. When omitted: the type's precision
  ///     times `max(m, n)` if there is no absolute tolerance, else 0.
  /// - Throws: ``LinearAlgebraError`` from ``svdvals()``.
  /// - Precondition: float32 or float64 matrices.
  public func matrixRank(absoluteTolerance: Double = 0, relativeTolerance: Double? = nil)
    throws(LinearAlgebraError) -> Tensor
  {
    let (m, n) = matrixSize("matrixRank")
    let s = try detached().svdvals()
    if s.count == 0 { return Tensor.zeros(batchShape, dtype: .int64) }
    let relative = relativeTolerance ?? (absoluteTolerance > 0 ? 0 : Self.defaultTolerance(m, n, dtype))
    let limit = (s.max(axes: [-1], keepDims: true) * relative).maximum(
      Tensor(absoluteTolerance, dtype: dtype))
    return (s .> limit).sum(axes: [-1])
  }
}
