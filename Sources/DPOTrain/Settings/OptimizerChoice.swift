import Tensor

/// An optimizer by its name in Hugging Face's `optim`.
public enum OptimizerChoice: String, CaseIterable, Sendable {
  /// Adam with decoupled weight decay.
  case adamW = "adamw_torch"
  /// Adam with weight decay added to the gradient; it has no name there.
  case adam
  /// Steps along the gradient, without momentum.
  case sgd
  /// Gradients over the root of the sum of their squares.
  case adagrad
  /// Gradients over the root of their running mean square.
  case rmsprop
  /// Steps of one size along the sign of the momentum.
  case lion = "lion_32bit"

  /// Whether β₁ and β₂ change its steps.
  public var readsBetas: Bool { [.adamW, .adam, .lion].contains(self) }

  /// Whether ε of Adam changes its steps; what others add to their roots is PyTorch's.
  public var readsEpsilon: Bool { [.adamW, .adam].contains(self) }

  /// Numbers it keeps for each that it trains.
  public var slotCount: Int {
    switch self {
    case .adamW, .adam: 2
    case .adagrad, .rmsprop, .lion: 1
    case .sgd: 0
    }
  }

  /// An optimizer without history.
  func optimizer(
    learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double
  ) -> any Optimizer {
    switch self {
    case .adamW:
      AdamW(
        learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay)
    case .adam:
      Adam(
        learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay)
    case .sgd: SGD(learningRate: learningRate, weightDecay: weightDecay)
    case .adagrad: Adagrad(learningRate: learningRate, weightDecay: weightDecay)
    case .rmsprop: RMSprop(learningRate: learningRate, weightDecay: weightDecay)
    case .lion: Lion(learningRate: learningRate, beta1: beta1, beta2: beta2, weightDecay: weightDecay)
    }
  }
}
