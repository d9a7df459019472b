/// The distances between all vectors of two lists, SciPy's and PyTorch's `cdist`: `[..., m, d]` and
/// `[..., n, d]` to `[..., m, n]`; leading axes are broadcast.
///
/// Differences are taken before they are squared, so that near vectors keep their digits. At distance 0 the
/// gradient is zero. Integers become float32.
/// - Parameters:
///   - a: the vectors of the rows.
///   - b: the vectors of the columns.
///   - order: the order of the norm, as ``Tensor/norm(_:axes:keepDims:)`` takes it: 2 for Euclidean
///     distances, 1 for those along the axes, infinity for the largest difference.
/// - Complexity: O(m n d); an order other than 2 takes as much memory.
public func cdist(_ a: Tensor, _ b: Tensor, order: Double = 2) -> Tensor {
  tensorRequire(
    a.rank >= 2 && b.rank >= 2 && a.shape[a.rank - 1] == b.shape[b.rank - 1], "cdist",
    "needs lists of vectors of one length, found shapes \(a.shape) and \(b.shape)")
  tensorRequire(order >= 0, "cdist", "the order must not be negative, found \(order)")
  return tensorOperation("cdist") {
    let type = DType.promoted(a.dtype, b.dtype)
    // A Float does not hold the square of 16 bits.
    if type.isInteger {
      return cdist(a.to(.float64), b.to(.float64), order: order).to(.float32)
    }
    if type != .float32 && type != .float64 {
      return cdist(a.to(.float32), b.to(.float32), order: order).to(type.isFloatingPoint ? type : .float32)
    }
    let batch = Tensor.broadcastShape(Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)), "cdist")
    let x = a.to(type).expanded(to: batch + a.shape.suffix(2))
    let y = b.to(type).expanded(to: batch + b.shape.suffix(2))
    if order == 2 { return x.euclideanDistances(to: y) }
    return x.differences(from: y).norm(order, axes: [-1])
  }
}

extension Tensor {
  /// `[..., m, n, d]`.
  fileprivate func differences(from other: Tensor) -> Tensor {
    expandedDimensions(axis: -2) - other.expandedDimensions(axis: -3)
  }

  fileprivate func euclideanDistances(to other: Tensor) -> Tensor {
    let (x, y) = (self, other)
    func measured<T: BinaryFloatingPoint>(_: T.Type) -> Tensor {
      Self.distances(x.detached().contiguous(), y.detached().transposed().contiguous(), T.self)
    }
    let result = dtype == .float32 ? measured(Float.self) : measured(Double.self)
    return Tensor.recorded("cdist", from: x, y, result, keepingOutput: true) { gradient, output in
      let length = output.unsafelyUnwrapped
      let isZero = length.detached() .== 0
      let (zero, one) = (Tensor.zeros([], dtype: length.dtype), Tensor.ones([], dtype: length.dtype))
      let share = Tensor.select(isZero, zero, gradient / Tensor.select(isZero, one, length))
      if GradientMode.isEnabled {
        let parts = share.expandedDimensions(axis: -1) * x.differences(from: y)
        return [parts.sum(axes: [-2]), -parts.sum(axes: [-3])]
      }
      func pulled<T: BinaryFloatingPoint>(_: T.Type) -> [Tensor?] {
        let (a, b) = (x.detached().contiguous(), y.detached().contiguous())
        return [
          x.requiresGradient ? Self.pulls(share.contiguous(), a, b, T.self) : nil,
          y.requiresGradient ? Self.pulls(share.transposed().contiguous(), b, a, T.self) : nil,
        ]
      }
      return length.dtype == .float32 ? pulled(Float.self) : pulled(Double.self)
    }
  }

  /// The distances of rows `[..., m, d]` from columns `[..., d, n]`. A whole row of results is added up at
  /// once: neighbours in memory need no order of additions of their own.
  private static func distances<T: BinaryFloatingPoint>(_ x: Tensor, _ y: Tensor, _: T.Type) -> Tensor {
    let (m, d, n) = (x.shape[x.rank - 2], x.shape[x.rank - 1], y.shape[y.rank - 1])
    let result = Tensor.zeros(x.shape.dropLast(2) + [m, n], dtype: x.dtype)
    if result.count == 0 { return result }
    let (rows, columns, output) = (x.pointer(T.self), y.pointer(T.self), result.pointer(T.self))
    Threads.parallel(result.count / n, grain: Swift.max(1, (1 << 14) / Swift.max(n * d, 1))) { range in
      for row in range {
        let (sums, matrix) = (output + row * n, columns + row / m * d * n)
        for k in 0..<d {
          let (value, column) = (rows[row * d + k], matrix + k * n)
          for j in 0..<n {
            let difference = value - column[j]
            sums[j] += difference * difference
          }
        }
        for j in 0..<n { sums[j] = sums[j].squareRoot() }
      }
    }
    return result
  }

  /// `Σ_j share_ij (a_i − b_j)` for shares `[..., m, n]`: `[..., m, d]`.
  private static func pulls<T: BinaryFloatingPoint>(_ share: Tensor, _ a: Tensor, _ b: Tensor, _: T.Type)
    -> Tensor
  {
    let (m, d, n) = (a.shape[a.rank - 2], a.shape[a.rank - 1], b.shape[b.rank - 2])
    let result = Tensor.zeros(a.shape, dtype: a.dtype)
    if result.count == 0 { return result }
    let (weights, own, others) = (share.pointer(T.self), a.pointer(T.self), b.pointer(T.self))
    let output = result.pointer(T.self)
    Threads.parallel(result.count / d, grain: Swift.max(1, (1 << 14) / Swift.max(n * d, 1))) { range in
      for row in range {
        let (sums, vector, matrix) = (output + row * d, own + row * d, others + row / m * n * d)
        for j in 0..<n {
          let (weight, other) = (weights[row * n + j], matrix + j * d)
          for k in 0..<d { sums[k] += weight * (vector[k] - other[k]) }
        }
      }
    }
    return result
  }
}
