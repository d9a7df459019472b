/// A convolution of pictures with learned kernels; see
/// ``conv2d(_:weight:bias:stride:padding:dilation:groups:)``.
public final class Conv2d: Layer {
  /// `[outputs, channels / groups, kernel height, kernel width]`.
  public let weight: Parameter
  /// `[outputs]`.
  public let bias: Parameter?
  /// The distance between neighbouring windows, for rows and columns.
  public let stride: (Int, Int)
  /// How many zeros surround the input on each side, for rows and columns.
  public let padding: (Int, Int)
  /// The distance between neighbouring elements of a window, for rows and columns.
  public let dilation: (Int, Int)
  /// How many groups the channels are cut into.
  public let groups: Int

  /// Kernels and biases from a uniform distribution over ±1/√fan-in, as PyTorch initialises them.
  /// - Precondition: `groups` divides both counts of channels.
  public init(
    _ channels: Int, _ outputs: Int, kernel: (Int, Int), stride: (Int, Int) = (1, 1),
    padding: (Int, Int) = (0, 0), dilation: (Int, Int) = (1, 1), groups: Int = 1, bias: Bool = true,
    using generator: inout RandomGenerator
  ) {
    (weight, self.bias) = convolutionParameters(
      channels, outputs, [kernel.0, kernel.1], groups, bias, "Conv2d", &generator)
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
  }

  /// Maps `[batch, channels, height, width]` to `[batch, outputs, ...]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    conv2d(
      x, weight: weight.tensor, bias: bias?.tensor, stride: stride, padding: padding, dilation: dilation,
      groups: groups)
  }

  public func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.add("weight", weight)
    visitor.add("bias", bias)
  }
}

/// A convolution of sequences with learned kernels; see
/// ``conv1d(_:weight:bias:stride:padding:dilation:groups:)``.
public final class Conv1d: Layer {
  /// `[outputs, channels / groups, kernel]`.
  public let weight: Parameter
  /// `[outputs]`.
  public let bias: Parameter?
  /// The distance between neighbouring windows.
  public let stride: Int
  /// How many zeros are put before and after the input.
  public let padding: Int
  /// The distance between neighbouring elements of a window.
  public let dilation: Int
  /// How many groups the channels are cut into.
  public let groups: Int

  /// Kernels and biases from a uniform distribution over ±1/√fan-in, as PyTorch initialises them.
  /// - Precondition: `groups` divides both counts of channels.
  public init(
    _ channels: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
    groups: Int = 1, bias: Bool = true, using generator: inout RandomGenerator
  ) {
    (weight, self.bias) = convolutionParameters(
      channels, outputs, [kernel], groups, bias, "Conv1d", &generator)
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
  }

  /// Maps `[batch, channels, length]` to `[batch, outputs, ...]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    conv1d(
      x, weight: weight.tensor, bias: bias?.tensor, stride: stride, padding: padding, dilation: dilation,
      groups: groups)
  }

  public func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.add("weight", weight)
    visitor.add("bias", bias)
  }
}

/// A convolution of volumes with learned kernels; see
/// ``conv3d(_:weight:bias:stride:padding:dilation:groups:)``.
public final class Conv3d: Layer {
  /// `[outputs, channels / groups, kernel depth, kernel height, kernel width]`.
  public let weight: Parameter
  /// `[outputs]`.
  public let bias: Parameter?
  /// The distance between neighbouring windows, for slices, rows and columns.
  public let stride: (Int, Int, Int)
  /// How many zeros surround the input on each side, for slices, rows and columns.
  public let padding: (Int, Int, Int)
  /// The distance between neighbouring elements of a window, for slices, rows and columns.
  public let dilation: (Int, Int, Int)
  /// How many groups the channels are cut into.
  public let groups: Int

  /// Kernels and biases from a uniform distribution over ±1/√fan-in, as PyTorch initialises them.
  /// - Precondition: `groups` divides both counts of channels.
  public init(
    _ channels: Int, _ outputs: Int, kernel: (Int, Int, Int), stride: (Int, Int, Int) = (1, 1, 1),
    padding: (Int, Int, Int) = (0, 0, 0), dilation: (Int, Int, Int) = (1, 1, 1), groups: Int = 1,
    bias: Bool = true, using generator: inout RandomGenerator
  ) {
    (weight, self.bias) = convolutionParameters(
      channels, outputs, [kernel.0, kernel.1, kernel.2], groups, bias, "Conv3d", &generator)
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
  }

  /// Maps `[batch, channels, depth, height, width]` to `[batch, outputs, ...]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    conv3d(
      x, weight: weight.tensor, bias: bias?.tensor, stride: stride, padding: padding, dilation: dilation,
      groups: groups)
  }

  public func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.add("weight", weight)
    visitor.add("bias", bias)
  }
}

private func convolutionParameters(
  _ channels: Int, _ outputs: Int, _ kernel: [Int], _ groups: Int, _ hasBias: Bool, _ operation: String,
  _ generator: inout RandomGenerator
) -> (Parameter, Parameter?) {
  tensorRequire(
    groups > 0 && channels % groups == 0 && outputs % groups == 0 && kernel.allSatisfy { $0 > 0 }, operation,
    "\(groups) groups do not divide \(channels) channels and \(outputs) outputs, or the kernel \(kernel) is "
      + "empty"
  )
  Initialization.requireExtents([channels, outputs] + kernel, operation)
  let inputs = channels / groups
  let bound = 1 / Double(max(1, inputs * kernel.reduce(1, *))).squareRoot()
  let weight = Tensor.randomUniform([outputs, inputs] + kernel, in: -bound..<bound, using: &generator)
  return (
    Parameter(weight),
    hasBias ? Parameter(Tensor.randomUniform([outputs], in: -bound..<bound, using: &generator)) : nil
  )
}
