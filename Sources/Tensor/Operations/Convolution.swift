/// The two-dimensional convolution of deep learning (a cross-correlation), PyTorch's `conv2d`.
///
/// `out[b, o, i, j] = bias[o] + Σ_{c, y, x} weight[o, c, y, x] · x[b, c, i·stride + y·dilation − padding,
/// …]`, where elements outside of the input are zero.
/// - Parameters:
///   - x: `[batch, channels, height, width]`, or one picture without the first axis.
///   - weight: `[outputs, channels / groups, kernel height, kernel width]`.
///   - bias: `[outputs]`.
///   - stride: the distance between neighbouring windows, for rows and columns.
///   - padding: how many zeros surround the input on each side, for rows and columns.
///   - dilation: the distance between neighbouring elements of a window, for rows and columns.
///   - groups: the channels are cut into that many groups, each with outputs of its own.
/// - Returns: `[batch, outputs, (height + 2 padding − dilation (kernel − 1) − 1) / stride + 1, …]`.
public func conv2d(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, stride: (Int, Int) = (1, 1), padding: (Int, Int) = (0, 0),
  dilation: (Int, Int) = (1, 1), groups: Int = 1
) -> Tensor {
  if x.rank == 3 {
    return conv2d(
      x.expandedDimensions(axis: 0), weight: weight, bias: bias, stride: stride, padding: padding,
      dilation: dilation, groups: groups
    ).squeezed(axis: 0)
  }
  let geometry = tensorChecked { () throws(TensorError) in
    try convolutionGeometry(
      x, weight, bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
  }
  return inOneType(x, weight, bias, outputs: weight.shape[0], "conv2d") { x, weight, bias in
    convolved(x, weight, bias, geometry)
  }
}

/// As ``conv2d(_:weight:bias:stride:padding:dilation:groups:)``, for operands and sizes that come from data.
/// - Throws: ``TensorError`` when they do not fit.
public func conv2d(
  validating x: Tensor, weight: Tensor, bias: Tensor? = nil, stride: (Int, Int) = (1, 1),
  padding: (Int, Int) = (0, 0), dilation: (Int, Int) = (1, 1), groups: Int = 1
) throws(TensorError) -> Tensor {
  _ = try convolutionGeometry(
    x.rank == 3 ? x.expandedDimensions(axis: 0) : x, weight, bias, stride: stride, padding: padding,
    dilation: dilation, groups: groups)
  return conv2d(
    x, weight: weight, bias: bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
}

/// The sizes of a convolution of `[batch, channels, height, width]`, checked.
private func convolutionGeometry(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, stride: (Int, Int), padding: (Int, Int),
  dilation: (Int, Int),
  groups: Int
) throws(TensorError) -> ConvolutionGeometry {
  try checkConvolution(
    "conv2d", x, weight, stride: stride, padding: padding, dilation: dilation, groups: groups)
  try tensorCheck(
    weight.shape[1].multipliedReportingOverflow(by: groups) == (x.shape[1], false)
      && weight.shape[0] % groups == 0, "conv2d",
    "input of shape \(x.shape) does not fit a weight of shape \(weight.shape) in \(groups) groups")
  let (height, width) = (x.shape[2], x.shape[3])
  let kernel = (height: weight.shape[2], width: weight.shape[3])
  let geometry = ConvolutionGeometry(
    batch: x.shape[0], groups: groups, channels: weight.shape[1], outputs: weight.shape[0] / groups,
    input: (height, width), kernel: kernel,
    output: (
      ConvolutionGeometry.outputExtent(
        height, kernel: kernel.height, stride: stride.0, padding: padding.0, dilation: dilation.0),
      ConvolutionGeometry.outputExtent(
        width, kernel: kernel.width, stride: stride.1, padding: padding.1, dilation: dilation.1)
    ), stride: stride, padding: padding, dilation: dilation)
  try tensorCheck(
    geometry.output.height > 0 && geometry.output.width > 0, "conv2d",
    "a kernel of shape \(weight.shape) with dilation \(dilation) is larger than input of shape \(x.shape) "
      + "with padding \(padding)")
  try tensorCheck(
    bias.map { $0.shape == [weight.shape[0]] } ?? true, "conv2d",
    "bias of shape \(bias?.shape ?? []) does not fit \(weight.shape[0]) outputs of shape \(weight.shape)")
  return geometry
}

/// The transposed convolution, PyTorch's `conv_transpose2d`: the map from the output's gradient to the
/// input's of the ``conv2d(_:weight:bias:stride:padding:dilation:groups:)`` with the same arguments.
/// - Parameters:
///   - x: `[batch, channels, height, width]`, or one picture without the first axis.
///   - weight: `[channels, outputs / groups, kernel height, kernel width]`.
///   - bias: `[outputs]`.
///   - stride: the distance of the windows that neighbouring input elements are spread over.
///   - padding: how much is cut off the output on each side.
///   - outputPadding: rows and columns added at the end, of those that the stride makes ambiguous.
///   - dilation: the distance between neighbouring elements of a window.
///   - groups: the channels are cut into that many groups, each with outputs of its own.
/// - Returns: `[batch, outputs, (height − 1) stride − 2 padding + dilation (kernel − 1) + outputPadding + 1,
///   …]`.
public func convTransposed2d(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, stride: (Int, Int) = (1, 1), padding: (Int, Int) = (0, 0),
  outputPadding: (Int, Int) = (0, 0), dilation: (Int, Int) = (1, 1), groups: Int = 1
) -> Tensor {
  if x.rank == 3 {
    return convTransposed2d(
      x.expandedDimensions(axis: 0), weight: weight, bias: bias, stride: stride, padding: padding,
      outputPadding: outputPadding, dilation: dilation, groups: groups
    ).squeezed(axis: 0)
  }
  let name = "convTransposed2d"
  tensorChecked { () throws(TensorError) in
    try checkConvolution(
      name, x, weight, stride: stride, padding: padding, dilation: dilation, groups: groups)
  }
  tensorRequire(
    weight.shape[0] == x.shape[1] && weight.shape[0] % groups == 0, name,
    "input of shape \(x.shape) does not fit a weight of shape \(weight.shape) in \(groups) groups")
  tensorRequire(
    outputPadding.0 >= 0 && outputPadding.1 >= 0 && outputPadding.0 < max(stride.0, dilation.0)
      && outputPadding.1 < max(stride.1, dilation.1), name,
    "output padding \(outputPadding) must be smaller than stride \(stride) or dilation \(dilation)")
  func extent(_ n: Int, _ kernel: Int, _ stride: Int, _ padding: Int, _ dilation: Int, _ extra: Int) -> Int {
    (n - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1
  }
  let (height, width) = (x.shape[2], x.shape[3])
  let geometry = ConvolutionGeometry(
    batch: x.shape[0], groups: groups, channels: weight.shape[1], outputs: weight.shape[0] / groups,
    input: (
      extent(height, weight.shape[2], stride.0, padding.0, dilation.0, outputPadding.0),
      extent(width, weight.shape[3], stride.1, padding.1, dilation.1, outputPadding.1)
    ), kernel: (weight.shape[2], weight.shape[3]), output: (height, width), stride: stride, padding: padding,
    dilation: dilation)
  tensorRequire(
    height > 0 && width > 0 && geometry.input.height > 0 && geometry.input.width > 0, name,
    "input of shape \(x.shape), a weight of shape \(weight.shape) and padding \(padding) leave nothing")
  return inOneType(x, weight, bias, outputs: weight.shape[1] * groups, name) { x, weight, bias in
    let result = convolutionInputGradient(x, weight, geometry)
    return bias.map { result + $0.reshaped([$0.count, 1, 1]) } ?? result
  }
}

/// The convolution of sequences, PyTorch's `conv1d`; see
/// ``conv2d(_:weight:bias:stride:padding:dilation:groups:)``.
/// - Parameters:
///   - x: `[batch, channels, length]`, or one sequence without the first axis.
///   - weight: `[outputs, channels / groups, kernel]`.
///   - bias: `[outputs]`.
///   - stride: the distance between neighbouring windows.
///   - padding: how many zeros are put before and after the input.
///   - dilation: the distance between neighbouring elements of a window.
///   - groups: the channels are cut into that many groups, each with outputs of its own.
/// - Returns: `[batch, outputs, (length + 2 padding − dilation (kernel − 1) − 1) / stride + 1]`.
public func conv1d(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
  groups: Int = 1
) -> Tensor {
  requireSequence("conv1d", x, weight)
  return tensorOperation("conv1d") {
    conv2d(
      x.expandedDimensions(axis: -2), weight: weight.expandedDimensions(axis: 2), bias: bias,
      stride: (1, stride), padding: (0, padding), dilation: (1, dilation), groups: groups
    ).squeezed(axis: -2)
  }
}

/// The transposed convolution of sequences, PyTorch's `conv_transpose1d`; see
/// ``convTransposed2d(_:weight:bias:stride:padding:outputPadding:dilation:groups:)``.
/// - Parameters:
///   - x: `[batch, channels, length]`, or one sequence without the first axis.
///   - weight: `[channels, outputs / groups, kernel]`.
///   - bias: `[outputs]`.
///   - stride: the distance of the windows that neighbouring input elements are spread over.
///   - padding: how much is cut off the output on both ends.
///   - outputPadding: elements added at the end, of those that the stride makes ambiguous.
///   - dilation: the distance between neighbouring elements of a window.
///   - groups: the channels are cut into that many groups, each with outputs of its own.
public func convTransposed1d(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0,
  dilation: Int = 1, groups: Int = 1
) -> Tensor {
  requireSequence("convTransposed1d", x, weight)
  return tensorOperation("convTransposed1d") {
    convTransposed2d(
      x.expandedDimensions(axis: -2), weight: weight.expandedDimensions(axis: 2), bias: bias,
      stride: (1, stride), padding: (0, padding), outputPadding: (0, outputPadding), dilation: (1, dilation),
      groups: groups
    ).squeezed(axis: -2)
  }
}

/// Strides, dilations, kernels and paddings whose products and sums with any extent fit into an `Int`.
let windowExtents = 1...1 << 28

private func requireSequence(_ operation: String, _ x: Tensor, _ weight: Tensor) {
  tensorRequire(
    (x.rank == 2 || x.rank == 3) && weight.rank == 3, operation,
    "needs [batch, channels, length] and a weight with three axes, found \(x.shape) and \(weight.shape)")
}

private func checkConvolution(
  _ operation: String, _ x: Tensor, _ weight: Tensor, stride: (Int, Int), padding: (Int, Int),
  dilation: (Int, Int), groups: Int
) throws(TensorError) {
  try tensorCheck(
    x.rank == 4 && weight.rank == 4, operation,
    "needs [batch, channels, height, width] and a weight with four axes, found \(x.shape) and \(weight.shape)"
  )
  try tensorCheck(
    [stride.0, stride.1, dilation.0, dilation.1, weight.shape[2], weight.shape[3]].allSatisfy(
      windowExtents.contains)
      && groups > 0 && [padding.0, padding.1].allSatisfy { $0 == 0 || windowExtents.contains($0) }, operation,
    "stride \(stride), dilation \(dilation), groups \(groups) and the kernel of \(weight.shape) must be "
      + "positive, padding \(padding) not negative, and none above \(windowExtents.upperBound)")
}

/// Brings the operands to one contiguous floating-point type and the result back to the promoted one.
private func inOneType(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, outputs: Int, _ operation: String,
  _ body: (Tensor, Tensor, Tensor?) -> Tensor
) -> Tensor {
  if let bias {
    tensorRequire(
      bias.shape == [outputs], operation,
      "bias of shape \(bias.shape) does not fit \(outputs) outputs of shape \(weight.shape)")
  }
  let promoted = DType.promoted(x.dtype, weight.dtype)
  let type: DType = promoted == .float64 ? .float64 : .float32
  let result = body(x.to(type).contiguous(), weight.to(type).contiguous(), bias?.to(type).contiguous())
  return promoted.isFloatingPoint ? result.to(promoted) : result
}

// The convolution is linear in the input and in the weight. Its two derivatives are linear in both of their
// operands, too, and the derivatives of each of the three are the other two: so derivatives of every order
// exist.

private func convolved(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ geometry: ConvolutionGeometry)
  -> Tensor
{
  let (source, matrix) = (x.detached().contiguous(), weight.detached().contiguous())
  let shift = bias?.detached().contiguous()
  let result = Tensor(uninitialized: geometry.outputShape, dtype: x.dtype)
  if x.dtype == .float32 {
    (geometry.suitsPlanes && !geometry.cutsPatches
      ? ConvolutionKernels<Float>.planes : ConvolutionKernels<Float>.forward)(
        geometry, source.pointer(), matrix.pointer(), shift?.pointer(), result.pointer())
  } else {
    ConvolutionKernels<Double>.forward(
      geometry, input: source.pointer(), weight: matrix.pointer(), bias: shift?.pointer(),
      output: result.pointer())
  }
  let inputs = [x, weight] + (bias.map { [$0] } ?? [])
  return Tensor.recorded("convolution", from: inputs, result) { gradient, _ in
    [
      x.requiresGradient ? convolutionInputGradient(gradient, weight, geometry) : nil,
      weight.requiresGradient ? convolutionWeightGradient(gradient, x, geometry) : nil,
    ] + (bias.map { [$0.requiresGradient ? gradient.sum(axes: [0, 2, 3]) : nil] } ?? [])
  }
}

private func convolutionInputGradient(_ gradient: Tensor, _ weight: Tensor, _ geometry: ConvolutionGeometry)
  -> Tensor
{
  let (source, matrix) = (gradient.detached().contiguous(), weight.detached().contiguous())
  let turned = gradient.dtype == .float32 ? geometry.ofInputGradient : nil
  // Beside the output, zeros are multiplied that no window has: not by infinity.
  let usesPlanes = turned?.suitsPlanes ?? false && isFinite(matrix)
  let result =
    usesPlanes
    ? Tensor(uninitialized: geometry.inputShape, dtype: .float32)
    : Tensor.zeros(geometry.inputShape, dtype: gradient.dtype)
  if let turned, usesPlanes {
    let exchanged = noGradient {
      matrix.reshaped([
        geometry.groups, geometry.outputs, geometry.channels, geometry.kernel.height, geometry.kernel.width,
      ]).transposed(1, 2).flipped(axes: [3, 4]).contiguous()
    }
    ConvolutionKernels<Float>.planes(
      turned, input: source.pointer(), weight: exchanged.pointer(), bias: nil, output: result.pointer())
  } else if gradient.dtype == .float32 {
    ConvolutionKernels<Float>.inputGradient(
      geometry, gradient: source.pointer(), weight: matrix.pointer(), input: result.pointer())
  } else {
    ConvolutionKernels<Double>.inputGradient(
      geometry, gradient: source.pointer(), weight: matrix.pointer(), input: result.pointer())
  }
  return Tensor.recorded("convolutionInputGradient", from: [gradient, weight], result) { upper, _ in
    [
      gradient.requiresGradient ? convolved(upper, weight, nil, geometry) : nil,
      weight.requiresGradient ? convolutionWeightGradient(gradient, upper, geometry) : nil,
    ]
  }
}

private func convolutionWeightGradient(_ gradient: Tensor, _ x: Tensor, _ geometry: ConvolutionGeometry)
  -> Tensor
{
  let (left, source) = (gradient.detached().contiguous(), x.detached().contiguous())
  if geometry.batch == 0 { return Tensor.zeros(geometry.weightShape, dtype: x.dtype) }
  let result = Tensor(uninitialized: geometry.weightShape, dtype: x.dtype)
  if x.dtype == .float32 {
    let usesPlanes = geometry.suitsPlaneSums && !geometry.cutsPatches
    if usesPlanes {
      ConvolutionKernels<Float>.planeSums(
        geometry, gradient: left.pointer(), input: source.pointer(), weight: result.pointer())
    }
    // Between rows of windows, zeros are multiplied by elements that no window has there.
    if !usesPlanes || !isFinite(result) {
      ConvolutionKernels<Float>.weightGradient(
        geometry, gradient: left.pointer(), input: source.pointer(), weight: result.pointer())
    }
  } else {
    ConvolutionKernels<Double>.weightGradient(
      geometry, gradient: left.pointer(), input: source.pointer(), weight: result.pointer())
  }
  return Tensor.recorded("convolutionWeightGradient", from: [gradient, x], result) { upper, _ in
    [
      gradient.requiresGradient ? convolved(x, upper, nil, geometry) : nil,
      x.requiresGradient ? convolutionInputGradient(gradient, upper, geometry) : nil,
    ]
  }
}

private func isFinite(_ tensor: Tensor) -> Bool { noGradient { tensor.isFinite().all().item() } != 0 }
