/// Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019),
/// with PyTorch's formulas and defaults: each step first multiplies a parameter by
/// `1 − learningRate · weightDecay`.
public final class AdamW: Adam {
  /// Creates an optimizer without history.
  public init(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0.01, amsgrad: Bool = false
  ) {
    super.init(
      "AdamW", decouplesDecay: true, learningRate: learningRate, beta1: beta1, beta2: beta2,
      epsilon: epsilon, weightDecay: weightDecay, amsgrad: amsgrad)
  }
}
