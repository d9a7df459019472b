/// The convolution of volumes, PyTorch's `conv3d`; see
/// ``conv2d(_:weight:bias:stride:padding:dilation:groups:)``.
///
/// Slices under the kernel's depth become channels of one convolution of pictures: the input is copied once
/// for each element of that depth.
///
/// Fails with a ``TensorError`` where the operands or sizes do not fit.
/// - Parameters:
///   - x: `[batch, channels, depth, height, width]`, or one volume without the first axis.
///   - weight: `[outputs, channels / groups, kernel depth, kernel height, kernel width]`.
///   - bias: `[outputs]`.
///   - stride: the distance between neighbouring windows, for slices, rows and columns.
///   - padding: how many zeros surround the input on each side.
///   - dilation: the distance between neighbouring elements of a window.
///   - groups: the channels are cut into that many groups, each with outputs of its own.
/// - Returns: `[batch, outputs, (depth + 2 padding − dilation (kernel − 1) − 1) / stride + 1, …]`.
public func conv3d(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, stride: (Int, Int, Int) = (1, 1, 1),
  padding: (Int, Int, Int) = (0, 0, 0), dilation: (Int, Int, Int) = (1, 1, 1), groups: Int = 1
) -> Tensor {
  tensorOperation("conv3d") {
    tensorRequire(
      (x.rank == 4 || x.rank == 5) && weight.rank == 5, "conv3d",
      "needs [batch, channels, depth, height, width] and a weight with five axes, found \(x.shape) and "
        + "\(weight.shape)")
    if x.rank == 4 {
      return conv3d(
        x.expandedDimensions(axis: 0), weight: weight, bias: bias, stride: stride, padding: padding,
        dilation: dilation, groups: groups
      ).squeezed(axis: 0)
    }
    let (batch, channels, depth) = (x.shape[0], x.shape[1], x.shape[2])
    let (outputs, kernel) = (weight.shape[0], weight.shape[2])
    tensorRequire(
      [stride.0, dilation.0, kernel].allSatisfy(windowExtents.contains) && groups > 0
        && (padding.0 == 0 || windowExtents.contains(padding.0)), "conv3d",
      "stride \(stride), dilation \(dilation), groups \(groups) and the kernel of \(weight.shape) must be "
        + "positive, padding \(padding) not negative, and none above \(windowExtents.upperBound)")
    tensorRequire(
      weight.shape[1].multipliedReportingOverflow(by: groups) == (channels, false) && outputs % groups == 0,
      "conv3d",
      "input of shape \(x.shape) does not fit a weight of shape \(weight.shape) in \(groups) groups")
    let slices = ConvolutionGeometry.outputExtent(
      depth, kernel: kernel, stride: stride.0, padding: padding.0, dilation: dilation.0)
    tensorRequire(
      slices > 0, "conv3d",
      "a kernel of shape \(weight.shape) with dilation \(dilation) is larger than input of shape \(x.shape) "
        + "with padding \(padding)")
    let planes = x.slicesUnderDepth(
      kernel, count: slices, stride: stride.0, padding: padding.0, dilation: dilation.0)
    let flat = weight.reshaped([outputs, weight.shape[1] * kernel] + weight.shape[3...])
    let result = conv2d(
      planes, weight: flat, bias: bias, stride: (stride.1, stride.2), padding: (padding.1, padding.2),
      dilation: (dilation.1, dilation.2), groups: groups)
    return result.reshaped([batch, slices] + result.shape[1...]).transposed(1, 2)
  }
}

extension Tensor {
  /// `[batch, channels, depth, height, width]` as `[batch · count, channels · kernel, height, width]`: for
  /// each place along the depth the slices that lie under the kernel there, beside each other as channels.
  fileprivate func slicesUnderDepth(
    _ kernel: Int, count: Int, stride: Int, padding: Int, dilation: Int
  ) -> Tensor {
    let (batch, channels) = (shape[0], shape[1])
    var order = self
    if padding > 0 {
      var widths = [(before: Int, after: Int)](repeating: (0, 0), count: 5)
      widths[2] = (padding, padding)
      order = padded(widths)
    }
    // A kernel of one slice that does not skip any takes them as they are.
    if kernel > 1 || stride > 1 {
      let places = (0..<count).flatMap { place in
        (0..<kernel).map { Int64(place * stride + $0 * dilation) }
      }
      order = order.indexSelect(axis: 2, Tensor(places))
    }
    let rest = Array(shape[3...])
    return order.reshaped([batch, channels, count, kernel] + rest).permuted([0, 2, 1, 3, 4, 5])
      .reshaped([batch * count, channels * kernel] + rest)
  }
}
