extension Tensor {
  /// A view of all windows of `size` elements along an axis, `step` apart; the elements of a window are a new
  /// last axis (PyTorch's `Tensor.unfold`). The gradient adds up where windows overlap.
  /// - Parameters:
  ///   - axis: the axis that is cut into windows.
  ///   - size: the length of a window, at most the axis.
  ///   - step: the distance between the starts of two windows.
  public func unfolded(axis: Int, size: Int, step: Int = 1) -> Tensor {
    let axis = normalizedAxis(axis, "unfolded")
    tensorRequire(
      size >= 0 && size <= shape[axis] && step > 0, "unfolded",
      "windows of \(size) with step \(step) do not fit axis \(axis) of shape \(shape)")
    let count = (shape[axis] - size) / step + 1
    var (newShape, newStrides) = (shape, strides)
    newShape[axis] = count
    newStrides[axis] *= step
    let result = view(shape: newShape + [size], strides: newStrides + [strides[axis]])
    let original = shape
    let type = dtype
    return recorded("unfolded", from: self, result) { gradient, _ in
      // Element i of every window lies on one slice of the axis.
      let last = newShape.count
      return (0..<size).reduce(Tensor.zeros(original, dtype: type)) { sum, i in
        let part = gradient.slice(axis: last, i..<i + 1).squeezed(axis: last)
        return sum
          + part.scattered(intoAxis: axis, i..<i + (count - 1) * step + 1, step: step, of: original)
      }
    }
  }
}
