/// The sum of products over pairs of axes, NumPy's `tensordot`.
/// - Parameters:
///   - a: the left operand.
///   - b: the right operand.
///   - axes: the axes of `a` and of `b` that are summed over, in pairs of one extent.
/// - Returns: the other axes of `a`, then the other axes of `b`.
public func tensordot(_ a: Tensor, _ b: Tensor, axes: (a: [Int], b: [Int])) -> Tensor {
  let inA = axes.a.map { a.normalizedAxis($0, "tensordot") }
  let inB = axes.b.map { b.normalizedAxis($0, "tensordot") }
  tensorRequire(
    inA.count == inB.count && Set(inA).count == inA.count && Set(inB).count == inB.count
      && zip(inA, inB).allSatisfy { a.shape[$0] == b.shape[$1] }, "tensordot",
    "axes \(axes.a) of shape \(a.shape) and \(axes.b) of shape \(b.shape) do not agree")
  let rows = a.shape.indices.filter { !inA.contains($0) }
  let columns = b.shape.indices.filter { !inB.contains($0) }
  let inner = inA.reduce(1) { $0 * a.shape[$1] }
  let rowShape = rows.map { a.shape[$0] }
  let columnShape = columns.map { b.shape[$0] }
  let left = a.permuted(rows + inA).reshaped([rowShape.reduce(1, *), inner])
  let right = b.permuted(inB + columns).reshaped([inner, columnShape.reduce(1, *)])
  return left.matmul(right).reshaped(rowShape + columnShape)
}

/// The sum of products over the last `axes` axes of `a` and the first of `b`, NumPy's `tensordot` with a
/// number.
public func tensordot(_ a: Tensor, _ b: Tensor, axes: Int = 2) -> Tensor {
  tensorRequire(
    axes >= 0 && axes <= a.rank && axes <= b.rank, "tensordot",
    "\(axes) axes of shapes \(a.shape) and \(b.shape)")
  return tensordot(a, b, axes: (Array(a.rank - axes..<a.rank), Array(0..<axes)))
}

extension Tensor {
  /// All products of an element of this tensor with an element of `other`, both flattened: `[count,
  /// other.count]`.
  public func outer(_ other: Tensor) -> Tensor {
    tensorRequire(
      Tensor.elementCount([count, other.count]) != nil, "outer",
      "all products of shapes \(shape) and \(other.shape) are beyond all memory")
    return tensorOperation("outer") { reshaped([count, 1]) * other.reshaped([1, other.count]) }
  }
}
