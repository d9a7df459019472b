/// Layer normalization of the last axis with a learned scale and shift; see
/// ``layerNorm(_:weight:bias:epsilon:)``.
public final class LayerNorm: Module {
  /// `[width]`, starts as ones.
  public let weight: Parameter
  /// `[width]`, starts as zeros.
  public let bias: Parameter
  /// Added to the variance.
  public let epsilon: Double

  /// A layer for rows of `width` elements.
  public init(_ width: Int, epsilon: Double = 1e-5) {
    Initialization.requireExtents([width], "LayerNorm")
    weight = Parameter(Tensor.ones([width]))
    bias = Parameter(Tensor.zeros([width]))
    self.epsilon = epsilon
  }

  /// Maps `[..., width]` to `[..., width]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    layerNorm(x, weight: weight.tensor, bias: bias.tensor, epsilon: epsilon)
  }

  public func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.add("weight", weight)
    visitor.add("bias", bias)
  }
}

/// Root-mean-square normalization of the last axis with a learned scale; see ``rmsNorm(_:weight:epsilon:)``.
public final class RMSNorm: Module {
  /// `[width]`, starts as ones.
  public let weight: Parameter
  /// Added to the mean square.
  public let epsilon: Double

  /// A layer for rows of `width` elements.
  public init(_ width: Int, epsilon: Double = 1e-6) {
    Initialization.requireExtents([width], "RMSNorm")
    weight = Parameter(Tensor.ones([width]))
    self.epsilon = epsilon
  }

  /// Maps `[..., width]` to `[..., width]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    rmsNorm(x, weight: weight.tensor, epsilon: epsilon)
  }

  public func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.add("weight", weight)
  }
}
