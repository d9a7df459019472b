extension Tensor {
  /// The differences of neighbours along an axis, NumPy's `diff`; of bools whether neighbours differ.
  /// - Parameters:
  ///   - order: how often differences are taken.
  ///   - axis: the axis, which becomes shorter by `order`, or empty.
  ///   - first: what stands before the elements, a tensor that can be concatenated or one without axes.
  ///   - last: what stands behind them.
  public func diff(
    _ order: Int = 1, axis: Int = -1, prepending first: Tensor? = nil, appending last: Tensor? = nil
  ) -> Tensor {
    tensorRequire(order >= 0, "diff", "the order must not be negative, found \(order)")
    let axis = normalizedAxis(axis, "diff")
    return tensorOperation("diff") {
      if order == 0 { return self }
      let ends = [first, last].map { $0.map { value in edge(of: value, along: axis) } }
      let parts = [ends[0], self, ends[1]].compactMap { $0 }
      let joined = parts.count == 1 ? self : Tensor.concatenated(parts, axis: axis)
      let type = joined.dtype
      // The differences in between are not rounded to a half.
      var result = type.isHalfPrecision && order > 1 ? joined.to(.float32) : joined
      for _ in 0..<Swift.min(order, result.shape[axis]) {
        let extent = result.shape[axis]
        result = result.slice(axis: axis, 1..<extent) - result.slice(axis: axis, 0..<extent - 1)
      }
      return result.to(type)
    }
  }

  /// An edge as it is concatenated; one number stands beside every row.
  private func edge(of value: Tensor, along axis: Int) -> Tensor {
    let value = value.literal.map { $0.tensor(as: DType.promoted(dtype, kind: $0.kind), "diff") } ?? value
    if value.rank > 0 { return value }
    var single = shape
    single[axis] = 1
    return value.expanded(to: single)
  }
}
