extension Tensor {
  /// What ``lstsq(_:relativeTolerance:)`` finds.
  public struct LeastSquares: Sendable {
    /// The `x` of smallest norm among those for which `|A x − b|` is smallest: `[..., n, k]`, or `[..., n]`.
    public let solution: Tensor
    /// The sums of the squares of `A x − b` for every column of `b`: `[..., k]`, or `[...]`.
    public let residuals: Tensor
    /// The number of singular values above the tolerance, int64 `[...]`.
    public let rank: Tensor
    /// The singular values of `A` in descending order, `[..., min(m, n)]`, without a gradient.
    public let singularValues: Tensor
  }

  /// Solves `A x ≈ b` in the sense of least squares, NumPy's `linalg.lstsq`, for any shape and rank of `A`
  /// (this tensor).
  ///
  /// Of an under-determined system it gives the solution of smallest norm. The gradient is that of
  /// `pinv() · b` and holds where the rank does not change.
  /// - Parameters:
  ///   - b: `[..., m, k]`, or `[m]` for one vector; leading axes broadcast.
  ///   - relativeTolerance: singular values up to this times the largest count as zero; the type's precision
  ///     times `max(m, n)` when omitted.
  /// - Throws: ``LinearAlgebraError`` when a matrix has an element that is not finite or the iteration fails.
  /// - Precondition: float32 or float64 matrices `[..., m, n]` whose rows agree with `b`.
  public func lstsq(_ b: Tensor, relativeTolerance: Double? = nil) throws(LinearAlgebraError) -> LeastSquares
  {
    let (m, n) = matrixSize("lstsq")
    if b.rank == 1 {
      let found = try lstsq(b.expandedDimensions(axis: 1), relativeTolerance: relativeTolerance)
      return LeastSquares(
        solution: found.solution.squeezed(axis: -1), residuals: found.residuals.squeezed(axis: -1),
        rank: found.rank, singularValues: found.singularValues)
    }
    tensorRequire(
      b.rank >= 2 && b.shape[b.rank - 2] == m, "lstsq",
      "matrices of shape \(shape) do not fit a right-hand side of shape \(b.shape)")
    let type = DType.promoted(dtype, b.dtype)
    let batch = Self.broadcastShape(batchShape, b.batchShape, "lstsq")
    let (a, b) = (
      to(type).expanded(to: batch + [m, n]), b.to(type).expanded(to: batch + [m, b.shape[b.rank - 1]])
    )
    let tolerance = relativeTolerance ?? Self.defaultTolerance(m, n, type)
    let (x, rank, values) = try Self.smallestNorm(a, b, tolerance)
    let solution = Tensor.recorded("lstsq", from: [a, b], x) { gradient, _ in
      guard let inverse = try? a.pinv(relativeTolerance: tolerance) else { return [a * .nan, b * .nan] }
      return [
        a.requiresGradient
          ? Self.pinvGradient(gradient.matmul(b.transposed()), a, inverse) : nil,
        b.requiresGradient ? inverse.transposed().matmul(gradient) : nil,
      ]
    }
    let residuals = (a.matmul(solution) - b).square().sum(axes: [-2])
    return LeastSquares(solution: solution, residuals: residuals, rank: rank, singularValues: values)
  }

  /// The relative tolerance of NumPy and PyTorch: the distance from 1 to the next number, times the larger
  /// extent.
  static func defaultTolerance(_ m: Int, _ n: Int, _ type: DType) -> Double {
    Double(Swift.max(m, n)) * (type == .float32 ? Double(Float.ulpOfOne) : Double.ulpOfOne)
  }

  private static func smallestNorm(_ a: Tensor, _ b: Tensor, _ tolerance: Double) throws(LinearAlgebraError)
    -> (x: Tensor, rank: Tensor, values: Tensor)
  {
    let (m, n) = (a.shape[a.rank - 2], a.shape[a.rank - 1])
    let (k, columns, height) = (Swift.min(m, n), b.shape[b.rank - 1], Swift.max(m, n))
    let batch = a.batchShape
    let rank = Tensor.zeros(batch, dtype: .int64)
    let values = Tensor(uninitialized: batch + [k], dtype: a.dtype)
    if values.count == 0 { return (Tensor.zeros(batch + [n, columns], dtype: a.dtype), rank, values) }
    try a.detached().contiguous().requireFinite("lstsq")
    try b.detached().contiguous().requireFinite("lstsq")
    // Columns as rows; the right-hand sides have room for the longer solutions.
    let matrices = a.detached().transposed().materialized()
    let sides = Tensor.zeros(batch + [columns, height], dtype: a.dtype)
    b.detached().transposed().write(into: sides.slice(axis: -1, 0..<m))
    func run<T: LAPACKScalar>(_: T.Type) throws(LinearAlgebraError) {
      let (left, right, s) = (matrices.pointer(T.self), sides.pointer(T.self), values.pointer(T.self))
      let ranks = rank.pointer(Int64.self)
      var (integerSize, unused): (Int32, Int32) = (0, 0)
      let size = T.workspaceSize {
        T.gelsd(m, n, columns, left, m, right, height, s, T(tolerance), &unused, $0, -1, &integerSize)
      }
      let integers = Swift.max(1, Int(integerSize))
      try MatrixBatch.run("lstsq", batch: batch, work: 12 * m * n * k) { range, report in
        MemoryPool.withScratch(T.self, count: size) { space in
          MemoryPool.withScratch(Int32.self, count: integers) { integerSpace in
            for i in range {
              var found: Int32 = 0
              let info = T.gelsd(
                m, n, columns, left + i * m * n, m, right + i * columns * height, height, s + i * k,
                T(tolerance), &found, space, size, integerSpace)
              ranks[i] = Int64(found)
              if info > 0 { report(i, .notConverged(remaining: info)) }
            }
          }
        }
      }
    }
    try a.withLAPACK { type throws(LinearAlgebraError) in try run(type) }
    return (sides.slice(axis: -1, 0..<n).transposed().contiguous(), rank, values)
  }
}
