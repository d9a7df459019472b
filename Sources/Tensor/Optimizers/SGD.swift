import CTensorKernels

/// Stochastic gradient descent with momentum, as PyTorch computes it:
/// `b ← momentum · b + (1 − dampening) · g` (the first step sets `b ← g`), then `p ← p − learningRate · b`.
public final class SGD: Optimizer, StatefulOptimizer {
  public var learningRate: Double
  /// How much of the previous step is kept; 0 keeps no state.
  public let momentum: Double
  /// How much of the gradient is left out of the momentum, from the second step on.
  public let dampening: Double
  /// `weightDecay · parameter` is added to the gradient.
  public var weightDecay: Double
  /// Whether the step looks ahead: `g + momentum · b` in place of `b` (Sutskever et al., 2013).
  public let nesterov: Bool
  var state: OptimizerState

  /// Creates an optimizer without history.
  /// - Precondition: `nesterov` needs momentum and no dampening.
  public init(
    learningRate: Double = 1e-3, momentum: Double = 0, dampening: Double = 0, weightDecay: Double = 0,
    nesterov: Bool = false
  ) {
    tensorRequire(
      !nesterov || (momentum > 0 && dampening == 0), "SGD",
      "nesterov needs momentum and no dampening, found \(momentum) and \(dampening)")
    self.learningRate = learningRate
    self.momentum = momentum
    self.dampening = dampening
    self.weightDecay = weightDecay
    self.nesterov = nesterov
    state = OptimizerState("SGD", slots: momentum != 0 ? ["momentum_buffer"] : [])
  }

  public var stepCount: Int { state.stepCount }

  public func step(
    _ parameters: [NamedParameter], _ gradients: Gradients, gradientScale: Double = 1,
    isDecayed: (NamedParameter) -> Bool = { _ in true }
  ) {
    state.update(parameters, gradients, decayed: parameters.map(isDecayed)) { update in
      let decay = update.isDecayed ? weightDecay : 0
      let damping = update.steps == 1 ? 0 : dampening
      let buffer = momentum != 0 ? 0 : nil
      update.run {
        tk_sgd_f32(
          $0.target, $0.gradient, $0.slot(buffer), $0.count, learningRate, momentum, damping,
          nesterov ? 1 : 0, decay, gradientScale)
      } _: {
        tk_sgd_f64(
          $0.target, $0.gradient, $0.slot(buffer), $0.count, learningRate, momentum, damping,
          nesterov ? 1 : 0, decay, gradientScale)
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
