/// The LU factors of square matrices, as `getrf` leaves them, of the transposes: row-major memory read by
/// columns.
struct LUFactors: @unchecked Sendable {
  let size: Int
  let factors: Tensor
  let pivots: [Int32]
  /// The first matrix with a pivot of exactly zero, and which pivot.
  let singular: (matrix: Int, pivot: Int)?

  /// Factors every matrix of `a`.
  init(_ a: Tensor, _ operation: String) {
    let n = a.squareSize(operation)
    let result = a.detached().materialized()
    let count = a.batchShape.reduce(1, *)
    var pivots = [Int32](repeating: 0, count: count * n)
    var infos = [Int](repeating: 0, count: count)
    func factor<T: LAPACKScalar>(_: T.Type) {
      let values = result.pointer(T.self)
      pivots.withUnsafeMutableBufferPointer { pivots in
        infos.withUnsafeMutableBufferPointer { infos in
          guard let pivots = pivots.baseAddress else { return }
          MatrixBatch.forEachRange(n == 0 ? 0 : count, work: n * n * n) { range in
            for i in range { infos[i] = T.getrf(n, n, values + i * n * n, n, pivots + i * n) }
          }
        }
      }
    }
    a.withLAPACK { factor($0) }
    size = n
    factors = result
    self.pivots = pivots
    singular = infos.firstIndex { $0 > 0 }.map { ($0, infos[$0] - 1) }
  }

  /// Throws when a matrix is singular.
  func requireRegular(_ operation: String) throws(LinearAlgebraError) {
    guard let singular else { return }
    throw LinearAlgebraError(
      operation: operation, matrix: singular.matrix, batchShape: factors.batchShape,
      reason: .singular(pivot: singular.pivot))
  }

  /// Solves `a x = b`, or `aᵀ x = b`, where `a` is the tensor that was factored; `b` is `[..., n, k]`.
  ///
  /// A matrix that is singular gives infinities or NaN.
  func solve(_ a: Tensor, _ b: Tensor, transposed: Bool = false) -> Tensor {
    let n = size
    let columns = b.shape[b.rank - 1]
    let batch = Tensor.broadcastShape(a.batchShape, b.batchShape, "solve")
    // Every right-hand side as a row, which LAPACK reads as a column.
    let rows = b.detached().expanded(to: batch + [n, columns]).transposed().materialized()
    let numbers = a.matrixNumbers(broadcastTo: batch)
    func run<T: LAPACKScalar>(_: T.Type) {
      let (values, unknowns) = (factors.pointer(T.self), rows.pointer(T.self))
      pivots.withUnsafeBufferPointer { pivots in
        guard let pivots = pivots.baseAddress else { return }
        let chunks = MatrixBatch.columnChunks(n, columns)
        let count = rows.count == 0 ? 0 : numbers.count * chunks.count
        MatrixBatch.forEachRange(count, work: 2 * n * n * columns / chunks.count) { range in
          for task in range {
            let (i, chunk) = (task / chunks.count, chunks[task % chunks.count])
            T.getrs(
              transposed ? .plain : .transposed, n, chunk.count, values + numbers[i] * n * n, n,
              pivots + numbers[i] * n, unknowns + (i * columns + chunk.lowerBound) * n, n)
          }
        }
      }
    }
    a.withLAPACK { run($0) }
    let result = rows.transposed().contiguous()
    return Tensor.recorded("solve", from: [a, b], result, keepingOutput: true) { gradient, output in
      // b̅ = A⁻ᵀ x̅ and A̅ = −b̅ xᵀ (Giles 2008, section 2.3.1).
      let right = solve(a, gradient, transposed: !transposed)
      var matrix: Tensor?
      if a.requiresGradient {
        matrix =
          transposed
          ? -output!.matmul(right.transposed()) : -right.matmul(output!.transposed())
      }
      return [matrix?.reduced(to: a.shape), b.requiresGradient ? right.reduced(to: b.shape) : nil]
    }
  }
}

extension Tensor {
  /// Solves the linear systems `A x = b` for square matrices `A` (this tensor), NumPy's `linalg.solve`.
  /// - Parameter b: `[..., n, k]`, or `[n]` for one vector; leading axes broadcast.
  /// - Returns: `x`: `[..., n, k]`, or `[..., n]` when `b` is a vector.
  /// - Throws: ``LinearAlgebraError`` when a matrix is singular.
  /// - Precondition: square float32 or float64 matrices whose size agrees with `b`.
  public func solve(_ b: Tensor) throws(LinearAlgebraError) -> Tensor {
    let n = squareSize("solve")
    if b.rank == 1 { return try solve(b.expandedDimensions(axis: 1)).squeezed(axis: -1) }
    tensorRequire(
      b.rank >= 2 && b.shape[b.rank - 2] == n, "solve",
      "matrices of shape \(shape) do not fit a right-hand side of shape \(b.shape)")
    let type = DType.promoted(dtype, b.dtype)
    let a = to(type)
    let factors = LUFactors(a, "solve")
    try factors.requireRegular("solve")
    return factors.solve(a, b.to(type))
  }

  /// The inverses of square matrices.
  /// - Throws: ``LinearAlgebraError`` when a matrix is singular.
  /// - Precondition: square float32 or float64 matrices `[..., n, n]`.
  public func inverse() throws(LinearAlgebraError) -> Tensor {
    let n = squareSize("inverse")
    let factored = LUFactors(self, "inverse")
    try factored.requireRegular("inverse")
    let result = factored.factors
    let count = n == 0 ? 0 : batchShape.reduce(1, *)
    func invert<T: LAPACKScalar>(_: T.Type) {
      let values = result.pointer(T.self)
      factored.pivots.withUnsafeBufferPointer { pivots in
        guard let pivots = pivots.baseAddress, count > 0 else { return }
        let size = T.workspaceSize { T.getri(n, values, n, pivots, $0, -1) }
        MatrixBatch.forEachRange(count, work: 2 * n * n * n) { range in
          MemoryPool.withScratch(T.self, count: size) { work in
            for i in range { _ = T.getri(n, values + i * n * n, n, pivots + i * n, work, size) }
          }
        }
      }
    }
    withLAPACK { invert($0) }
    return recorded("inverse", from: self, result, keepingOutput: true) { gradient, output in
      // A̅ = −Cᵀ C̅ Cᵀ with C = A⁻¹ (Giles 2008, section 2.2.3).
      let transposed = output!.transposed()
      return -transposed.matmul(gradient).matmul(transposed)
    }
  }
}
