/// The largest element of every window of a volume, PyTorch's `max_pool3d`; the gradient goes to the first of
/// equals. See ``maxPool2d(_:kernel:stride:padding:dilation:ceilMode:)``: it is that of every slice, and then
/// along the depth.
///
/// Fails with a ``TensorError`` where sizes do not fit.
/// - Parameters:
///   - x: `[batch, channels, depth, height, width]`, or one volume without the first axis.
///   - kernel: the depth, height and width of a window.
///   - stride: the distance between neighbouring windows; nil for the kernel.
///   - padding: how far windows reach over the edge on each side, at most half of the kernel.
///   - dilation: the distance between neighbouring elements of a window.
///   - ceilMode: whether a window that is only partly inside counts at the end.
public func maxPool3d(
  _ x: Tensor, kernel: (Int, Int, Int), stride: (Int, Int, Int)? = nil, padding: (Int, Int, Int) = (0, 0, 0),
  dilation: (Int, Int, Int) = (1, 1, 1), ceilMode: Bool = false
) -> Tensor {
  let stride = stride ?? kernel
  return x.asVolumes("maxPool3d") { slices in
    maxPool2d(
      slices, kernel: (kernel.1, kernel.2), stride: (stride.1, stride.2), padding: (padding.1, padding.2),
      dilation: (dilation.1, dilation.2), ceilMode: ceilMode)
  } _: { columns in
    maxPool2d(
      columns, kernel: (kernel.0, 1), stride: (stride.0, 1), padding: (padding.0, 0),
      dilation: (dilation.0, 1), ceilMode: ceilMode)
  }
}

/// The mean of every window of a volume, PyTorch's `avg_pool3d`; see
/// ``averagePool2d(_:kernel:stride:padding:ceilMode:countsPadding:divisor:)``.
///
/// Fails with a ``TensorError`` where sizes do not fit.
/// - Parameters:
///   - x: `[batch, channels, depth, height, width]`, or one volume without the first axis.
///   - kernel: the depth, height and width of a window.
///   - stride: the distance between neighbouring windows; nil for the kernel.
///   - padding: how many zeros surround the input on each side, at most half of the kernel.
///   - ceilMode: whether a window that is only partly inside counts at the end.
///   - countsPadding: whether the zeros around the input count in the denominator.
///   - divisor: divides the sums instead of the number of elements; not 0.
public func averagePool3d(
  _ x: Tensor, kernel: (Int, Int, Int), stride: (Int, Int, Int)? = nil,
  padding: (Int, Int, Int) = (0, 0, 0), ceilMode: Bool = false, countsPadding: Bool = true,
  divisor: Double? = nil
) -> Tensor {
  tensorRequire(divisor != 0, "averagePool3d", "the divisor must not be 0")
  let stride = stride ?? kernel
  // A mean of means is the mean, as the number of elements in a window is a product.
  return x.asVolumes("averagePool3d") { slices in
    averagePool2d(
      slices, kernel: (kernel.1, kernel.2), stride: (stride.1, stride.2), padding: (padding.1, padding.2),
      ceilMode: ceilMode, countsPadding: countsPadding, divisor: divisor)
  } _: { columns in
    averagePool2d(
      columns, kernel: (kernel.0, 1), stride: (stride.0, 1), padding: (padding.0, 0), ceilMode: ceilMode,
      countsPadding: countsPadding, divisor: divisor.map { _ in 1 })
  }
}

extension Tensor {
  /// Runs one function on the slices of volumes, `[volumes · depth, 1, height, width]`, and another on what
  /// they are along the depth, `[volumes, 1, depth, height · width]`.
  fileprivate func asVolumes(
    _ operation: StaticString, _ inSlices: (Tensor) -> Tensor, _ alongDepth: (Tensor) -> Tensor
  ) -> Tensor {
    tensorRequire(
      rank == 4 || rank == 5, "\(operation)",
      "needs [batch, channels, depth, height, width], found shape \(shape)")
    return tensorOperation(operation) {
      let lead = Array(shape.dropLast(3))
      let (volumes, depth) = (lead.reduce(1, *), shape[rank - 3])
      let slices = inSlices(reshaped([volumes * depth, 1] + shape.suffix(2)))
      let (height, width) = (slices.shape[2], slices.shape[3])
      let result = alongDepth(slices.reshaped([volumes, 1, depth, height * width]))
      return result.reshaped(lead + [result.shape[2], height, width])
    }
  }
}
