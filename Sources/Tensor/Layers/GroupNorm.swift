/// Group normalization with a learned scale and shift for every channel; see
/// ``groupNorm(_:groups:weight:bias:epsilon:)``.
public final class GroupNorm: Layer {
  /// How many groups the channels are cut into.
  public let groups: Int
  /// `[channels]`, starts as ones.
  public let weight: Parameter
  /// `[channels]`, starts as zeros.
  public let bias: Parameter
  /// Added to the variance.
  public let epsilon: Double

  /// A layer for `channels` channels.
  /// - Precondition: `groups` divides `channels`.
  public init(_ groups: Int, _ channels: Int, epsilon: Double = 1e-5) {
    tensorRequire(
      groups > 0 && channels % groups == 0, "GroupNorm", "\(groups) groups do not divide \(channels) channels"
    )
    Initialization.requireExtents([channels], "GroupNorm")
    self.groups = groups
    weight = Parameter(Tensor.ones([channels]))
    bias = Parameter(Tensor.zeros([channels]))
    self.epsilon = epsilon
  }

  /// Maps `[batch, channels, ...]` to its shape.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    groupNorm(x, groups: groups, weight: weight.tensor, bias: bias.tensor, epsilon: epsilon)
  }

  public func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.add("weight", weight)
    visitor.add("bias", bias)
  }
}
