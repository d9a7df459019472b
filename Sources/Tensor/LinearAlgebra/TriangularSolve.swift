extension Tensor {
  /// Solves `A x = b` for triangular matrices `A` (this tensor), or `x A = b`.
  ///
  /// The other triangle is not read and gets no gradient.
  /// - Parameters:
  ///   - b: `[..., n, k]` (`[..., k, n]` from the right), or `[n]` for one vector; leading axes broadcast.
  ///   - upper: `A` is upper triangular.
  ///   - left: `A` is on the left of the unknown.
  ///   - unitDiagonal: the diagonal of `A` counts as ones and is not read.
  /// - Returns: `x`, of the shape of `b` after broadcasting.
  /// - Throws: ``LinearAlgebraError`` when there is a zero on the diagonal.
  /// - Precondition: square matrices whose size agrees with `b`.
  public func triangularSolve(
    _ b: Tensor, upper: Bool = false, left: Bool = true, unitDiagonal: Bool = false
  ) throws(LinearAlgebraError) -> Tensor {
    let n = squareSize("triangularSolve")
    if !unitDiagonal {
      let zeros = (detached().diagonal() .== 0).array(of: Bool.self)
      if let index = zeros.firstIndex(of: true) {
        throw LinearAlgebraError(
          operation: "triangularSolve", matrix: index / n, batchShape: batchShape,
          reason: .singular(pivot: index % n))
      }
    }
    if b.rank == 1 {
      return try triangularSolve(
        b.expandedDimensions(axis: left ? 1 : 0), upper: upper, left: left, unitDiagonal: unitDiagonal
      ).squeezed(axis: left ? -1 : -2)
    }
    tensorRequire(
      b.rank >= 2 && b.shape[b.rank - (left ? 2 : 1)] == n, "triangularSolve",
      "matrices of shape \(shape) do not fit a \(left ? "right" : "left")-hand side of shape \(b.shape)")
    if left { return triangularSolved(b, upper: upper, unitDiagonal: unitDiagonal) }
    // x A = b is Aᵀ xᵀ = bᵀ.
    return transposed().triangularSolved(b.transposed(), upper: !upper, unitDiagonal: unitDiagonal)
      .transposed()
  }

  /// As ``triangularSolve(_:upper:left:unitDiagonal:)`` from the left; a zero on the diagonal gives
  /// infinities.
  func triangularSolved(_ b: Tensor, upper: Bool, unitDiagonal: Bool = false) -> Tensor {
    let type = DType.promoted(dtype, b.dtype)
    let (a, b) = (to(type), b.to(type))
    let (n, columns) = (a.shape[a.rank - 1], b.shape[b.rank - 1])
    let batch = Self.broadcastShape(a.batchShape, b.batchShape, "triangularSolve")
    let result = b.detached().expanded(to: batch + [n, columns]).materialized()
    let isTransposed = !a.isContiguous && a.transposed().isContiguous
    let matrices = isTransposed ? a.detached().transposed() : a.detached().contiguous()
    let numbers = a.matrixNumbers(broadcastTo: batch)
    func solve<T: LAPACKScalar>(_: T.Type) {
      let (values, unknowns) = (matrices.pointer(T.self), result.pointer(T.self))
      let chunks = MatrixBatch.columnChunks(n, columns)
      let count = result.count == 0 ? 0 : numbers.count * chunks.count
      MatrixBatch.forEachRange(count, work: n * n * columns / chunks.count) { range in
        for task in range {
          let (i, chunk) = (task / chunks.count, chunks[task % chunks.count])
          T.trsm(
            upper: upper != isTransposed, transposed: isTransposed, unit: unitDiagonal, n, chunk.count,
            values + numbers[i] * n * n, n, unknowns + i * n * columns + chunk.lowerBound, columns)
        }
      }
    }
    a.withLAPACK { solve($0) }
    return Tensor.recorded("triangularSolve", from: [a, b], result, keepingOutput: true) {
      gradient, output in
      // b̅ = A⁻ᵀ x̅ and A̅ = −b̅ xᵀ inside the triangle (Giles 2008, section 2.3.1).
      let right = a.transposed().triangularSolved(gradient, upper: !upper, unitDiagonal: unitDiagonal)
      guard a.requiresGradient else { return [nil, right.reduced(to: b.shape)] }
      let full = -right.matmul(output!.transposed())
      let edge = unitDiagonal ? 1 : 0
      let inside = upper ? full.upperTriangle(diagonal: edge) : full.lowerTriangle(diagonal: -edge)
      return [inside.reduced(to: a.shape), b.requiresGradient ? right.reduced(to: b.shape) : nil]
    }
  }
}
