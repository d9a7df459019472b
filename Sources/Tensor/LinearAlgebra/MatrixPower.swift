extension Tensor {
  /// Square matrices multiplied with themselves, NumPy's `linalg.matrix_power`: `[..., n, n]` to `[..., n,
  /// n]`. To the power of 0 they are identities; a negative exponent takes the inverse. Integers stay
  /// integers.
  /// - Throws: ``LinearAlgebraError`` from ``inverse()`` for a negative exponent of a singular matrix.
  /// - Precondition: square matrices, in float32 or float64 for a negative exponent.
  /// - Complexity: O(log |exponent|) products.
  public func matrixPower(_ exponent: Int) throws(LinearAlgebraError) -> Tensor {
    tensorRequire(
      rank >= 2 && shape[rank - 1] == shape[rank - 2], "matrixPower",
      "needs square matrices, found shape \(shape)")
    if dtype.isHalfPrecision { return try to(.float32).matrixPower(exponent).to(dtype) }
    return try tensorOperation("matrixPower") { () throws(LinearAlgebraError) -> Tensor in
      if exponent == 0 { return Tensor.eye(shape[rank - 1], dtype: dtype).expanded(to: shape).contiguous() }
      var base = exponent < 0 ? try inverse() : self
      var rest = exponent.magnitude
      while rest % 2 == 0 {
        base = base.matmul(base)
        rest /= 2
      }
      var result = base
      while rest > 1 {
        base = base.matmul(base)
        rest /= 2
        if rest % 2 == 1 { result = result.matmul(base) }
      }
      return result
    }
  }
}
