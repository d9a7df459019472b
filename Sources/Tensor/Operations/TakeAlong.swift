extension Tensor {
  /// Picks elements by their numbers along an axis, NumPy's `take_along_axis`: as ``gather(axis:_:)``, but
  /// this tensor and the indices are broadcast beside the axis.
  ///
  ///     x.takeAlong(axis: 1, x.argsort(axis: 1))   // x sorted
  ///
  /// - Parameters:
  ///   - axis: the axis the indices run along.
  ///   - indices: integers with this tensor's rank; negative ones count from the back.
  public func takeAlong(axis: Int, _ indices: Tensor) -> Tensor {
    let axis = normalizedAxis(axis, "takeAlong")
    tensorRequire(
      indices.rank == rank, "takeAlong",
      "indices of shape \(indices.shape) have not as many axes as shape \(shape)")
    return tensorOperation("takeAlong") {
      var (from, at) = (shape, indices.shape)
      (from[axis], at[axis]) = (1, 1)
      var outer = Self.broadcastShape(from, at, "takeAlong")
      outer[axis] = shape[axis]
      let source = expanded(to: outer)
      outer[axis] = indices.shape[axis]
      return source.gather(axis: axis, indices.expanded(to: outer))
    }
  }
}
