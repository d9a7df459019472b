import CTensorKernels

/// Steps of one size in the direction of an interpolated momentum's sign (Chen et al., "Symbolic discovery of
/// optimization algorithms", 2023), with decoupled weight decay.
public final class Lion: Optimizer, StatefulOptimizer {
  public var learningRate: Double
  /// Weight of the momentum in the direction of a step.
  public let beta1: Double
  /// Decay of the momentum.
  public let beta2: Double
  /// Each step first multiplies a parameter by `1 − learningRate · weightDecay`.
  public var weightDecay: Double
  var state = OptimizerState("Lion", slots: ["exp_avg"])

  /// Creates an optimizer without history.
  public init(
    learningRate: Double = 1e-4, beta1: Double = 0.9, beta2: Double = 0.99, weightDecay: Double = 0
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.weightDecay = weightDecay
  }

  public var stepCount: Int { state.stepCount }

  public func step(
    _ parameters: [NamedParameter], _ gradients: Gradients, gradientScale: Double = 1,
    isDecayed: (NamedParameter) -> Bool = { _ in true }
  ) {
    state.update(parameters, gradients, decayed: parameters.map(isDecayed)) { update in
      let decay = update.isDecayed ? weightDecay : 0
      update.run {
        tk_lion_f32(
          $0.target, $0.gradient, $0[0], $0.count, learningRate, beta1, beta2, decay, gradientScale)
      } _: {
        tk_lion_f64(
          $0.target, $0.gradient, $0[0], $0.count, learningRate, beta1, beta2, decay, gradientScale)
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
