/// Group normalization: the channels are cut into groups, and every group of an example is normalized over
/// its channels and positions; then every channel is scaled and shifted (Wu and He, "Group normalization",
/// 2018).
/// - Parameters:
///   - x: `[batch, channels, ...]`.
///   - groups: how many groups; divides the channels. As many as channels make an instance normalization.
///   - weight: `[channels]`, nil for ones.
///   - bias: `[channels]`, nil for zeros.
///   - epsilon: added to the variance.
public func groupNorm(
  _ x: Tensor, groups: Int, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5
) -> Tensor {
  tensorRequire(
    x.rank >= 2 && groups > 0 && x.shape[1] % groups == 0, "groupNorm",
    "\(groups) groups do not divide the channels of shape \(x.shape)")
  let width = x.shape.dropFirst().reduce(1, *) / groups
  let rows = x.reshaped([x.shape[0] * groups, width])
  return layerNorm(rows, epsilon: epsilon).reshaped(x.shape)
    .scaledChannels(weight, bias, "groupNorm")
}

/// Batch normalization: every channel is normalized over the batch and its positions, then scaled and shifted
/// (Ioffe and Szegedy, "Batch normalization", 2015).
/// - Parameters:
///   - x: `[batch, channels, ...]`.
///   - mean: `[channels]` to subtract, as in evaluation; nil for the mean of the batch.
///   - variance: `[channels]` to divide by the root of; nil for the variance of the batch, with the count as
///     denominator.
///   - weight: `[channels]`, nil for ones.
///   - bias: `[channels]`, nil for zeros.
///   - epsilon: added to the variance.
public func batchNorm(
  _ x: Tensor, mean: Tensor? = nil, variance: Tensor? = nil, weight: Tensor? = nil, bias: Tensor? = nil,
  epsilon: Double = 1e-5
) -> Tensor {
  tensorRequire(x.rank >= 2, "batchNorm", "needs [batch, channels, ...], found shape \(x.shape)")
  if x.dtype.isHalfPrecision {
    return batchNorm(
      x.to(.float32), mean: mean, variance: variance, weight: weight, bias: bias, epsilon: epsilon
    ).to(x.dtype)
  }
  let axes = x.shape.indices.filter { $0 != 1 }
  let center =
    mean.map { $0.alongChannels(of: x, "batchNorm") } ?? x.mean(axes: axes, keepDims: true)
  let centered = x - center
  let spread =
    variance.map { $0.alongChannels(of: x, "batchNorm") }
    ?? (mean == nil ? centered : x - x.mean(axes: axes, keepDims: true)).square().mean(
      axes: axes, keepDims: true)
  return (centered * (spread + epsilon).rsqrt()).scaledChannels(weight, bias, "batchNorm")
}

extension Tensor {
  /// A vector of one number for each channel, shaped to broadcast against `x`.
  fileprivate func alongChannels(of x: Tensor, _ operation: String) -> Tensor {
    tensorRequire(
      shape == [x.shape[1]], operation,
      "a vector of shape \(shape) does not fit the channels of shape \(x.shape)")
    return reshaped([count] + [Int](repeating: 1, count: x.rank - 2))
  }

  fileprivate func scaledChannels(_ weight: Tensor?, _ bias: Tensor?, _ operation: String) -> Tensor {
    var result = self
    if let weight { result *= weight.alongChannels(of: self, operation) }
    if let bias { result += bias.alongChannels(of: self, operation) }
    return result
  }
}
