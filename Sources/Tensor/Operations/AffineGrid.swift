/// The places that affine maps take a picture's elements from, PyTorch's `affine_grid`: what
/// ``gridSample(_:grid:mode:padding:alignsCorners:)`` needs to rotate, scale or shift pictures.
///
/// Fails with a ``TensorError`` where shapes do not fit.
/// - Parameters:
///   - maps: `[batch, 2, 3]` for pictures, `[batch, 3, 4]` for volumes, in floating point: each row gives a
///     coordinate of the place from those of the element and a 1.
///   - size: the shape of the result of the sampling, `[batch, channels, height, width]` or `[batch,
///     channels, depth, height, width]`.
///   - alignsCorners: whether −1 and 1 are the centres of the outermost elements rather than their outer
///     edges.
/// - Returns: `[batch, height, width, 2]` or `[batch, depth, height, width, 3]`.
public func affineGrid(_ maps: Tensor, size: [Int], alignsCorners: Bool = false) -> Tensor {
  let axes = size.count - 2
  tensorRequire(
    (axes == 2 || axes == 3) && maps.shape == [size[0], axes, axes + 1] && maps.dtype.isFloatingPoint
      && Tensor.elementCount(size) != nil && Tensor.elementCount(size.dropFirst(2) + [axes + 1]) != nil,
    "affineGrid",
    "maps of \(maps.dtype) \(maps.shape) do not fit size \(size): [batch, 2, 3] or [batch, 3, 4] is needed")
  return tensorOperation("affineGrid") {
    let extents = Array(size.dropFirst(2))
    let type: DType = maps.dtype == .float64 ? .float64 : .float32
    // The first of an element's coordinates belongs to the last axis.
    let coordinates = (0..<axes).reversed().map { axis in
      let n = extents[axis]
      let scale = alignsCorners ? 1 : Double(n - 1) / Double(max(n, 1))
      let steps = Tensor.arange(n, dtype: .float64)
      let numbers = n > 1 ? (steps * 2.0 / Double(n - 1) - 1.0) * scale : steps * 0.0
      var shape = [Int](repeating: 1, count: axes)
      shape[axis] = n
      return numbers.to(type).reshaped(shape).expanded(to: extents)
    }
    let elements = Tensor.stacked(coordinates + [Tensor.ones(extents, dtype: type)], axis: axes)
      .reshaped([extents.reduce(1, *), axes + 1])
    let grid = elements.matmul(maps.to(type).transposed(1, 2))
    return grid.reshaped([size[0]] + extents + [axes]).to(maps.dtype)
  }
}
