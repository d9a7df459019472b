import CTensorKernels

/// Gradients divided by the root of the sum of their squares (Duchi et al., 2011), as PyTorch computes it.
public final class Adagrad: Optimizer, StatefulOptimizer {
  public var learningRate: Double
  /// Step `t`, from 0, uses `learningRate / (1 + t · learningRateDecay)`.
  public let learningRateDecay: Double
  /// `weightDecay · parameter` is added to the gradient.
  public var weightDecay: Double
  /// What the sums of squares start at.
  public let initialAccumulator: Double
  /// Added to the root.
  public let epsilon: Double
  var state = OptimizerState("Adagrad", slots: ["sum"])

  /// Creates an optimizer without history.
  public init(
    learningRate: Double = 1e-2, learningRateDecay: Double = 0, weightDecay: Double = 0,
    initialAccumulator: Double = 0, epsilon: Double = 1e-10
  ) {
    self.learningRate = learningRate
    self.learningRateDecay = learningRateDecay
    self.weightDecay = weightDecay
    self.initialAccumulator = initialAccumulator
    self.epsilon = epsilon
  }

  public var stepCount: Int { state.stepCount }

  public func step(
    _ parameters: [NamedParameter], _ gradients: Gradients, gradientScale: Double = 1,
    isDecayed: (NamedParameter) -> Bool = { _ in true }
  ) {
    state.update(parameters, gradients, decayed: parameters.map(isDecayed), initialValue: initialAccumulator)
    { update in
      let decay = update.isDecayed ? weightDecay : 0
      let rate = learningRate / (1 + Double(update.steps - 1) * learningRateDecay)
      update.run {
        tk_adagrad_f32($0.target, $0.gradient, $0[0], $0.count, rate, epsilon, decay, gradientScale)
      } _: {
        tk_adagrad_f64($0.target, $0.gradient, $0[0], $0.count, rate, epsilon, decay, gradientScale)
      }
    }
  }

  public func namedState() -> [(name: String, tensor: Tensor)] { state.named() }

  public func load(
    state saved: [(name: String, tensor: Tensor)], stepCount: Int, parameters: [NamedParameter]
  ) throws {
    try state.load(saved, stepCount: stepCount, parameters: parameters)
  }
}
