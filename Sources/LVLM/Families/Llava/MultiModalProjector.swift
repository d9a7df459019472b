public import Tensor

/// The two layers that carry vision features into the embedding space of the decoder.
public final class MultiModalProjector: Connector {
  var first: Linear
  var second: Linear
  private let activation: Activation

  init(
    from inner: Int, to outer: Int, activation: Activation, bias: Bool, using generator: inout RandomGenerator
  ) {
    first = Linear(inner, outer, bias: bias, using: &generator)
    second = Linear(outer, outer, bias: bias, using: &generator)
    self.activation = activation
  }

  /// Visits the parameters under their Hugging Face names.
  public func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("linear_1", first)
    visitor.child("linear_2", second)
  }

  /// `[…, vision width]` to `[…, text width]`.
  public func callAsFunction(_ features: Tensor) -> Tensor {
    var shape = features.shape
    let rows = features.reshaped([-1, shape.removeLast()])
    let projected = second(activation(first(rows)))
    return projected.reshaped(shape + [projected.shape[1]])
  }

  /// The features of every picture are those of its one view.
  public func callAsFunction(_ selected: Tensor, layout: FeatureLayout) -> Tensor {
    let projected = self(selected)
    return projected.reshaped([layout.rowCount, projected.shape[projected.rank - 1]])
  }
}
