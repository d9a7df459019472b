import CTensorKernels

/// Gradients divided by the root of their running mean square (Hinton, lecture 6e, 2012), as PyTorch computes
/// it.
public final class RMSprop: Optimizer, StatefulOptimizer {
  public var learningRate: Double
  /// Decay of the mean square, PyTorch's `alpha`.
  public let smoothing: Double
  /// Added to the root.
  public let epsilon: Double
  /// `weightDecay · parameter` is added to the gradient.
  public var weightDecay: Double
  /// How much of the previous step is kept.
  public let momentum: Double
  /// Whether the mean's square is taken off first, which leaves the variance (Graves, 2013).
  public let centered: Bool
  var state: OptimizerState

  /// Creates an optimizer without history.
  public init(
    learningRate: Double = 1e-2, smoothing: Double = 0.99, epsilon: Double = 1e-8, weightDecay: Double = 0,
    momentum: Double = 0, centered: Bool = false
  ) {
    self.learningRate = learningRate
    self.smoothing = smoothing
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.momentum = momentum
    self.centered = centered
    state = OptimizerState(
      "RMSprop",
      slots: ["square_avg"] + (centered ? ["grad_avg"] : []) + (momentum > 0 ? ["momentum_buffer"] : []))
  }

  public var stepCount: Int { state.stepCount }

  public func step(
    _ parameters: [NamedParameter], _ gradients: Gradients, gradientScale: Double = 1,
    isDecayed: (NamedParameter) -> Bool = { _ in true }
  ) {
    let average = centered ? 1 : nil
    let buffer = momentum > 0 ? (centered ? 2 : 1) : nil
    state.update(parameters, gradients, decayed: parameters.map(isDecayed)) { update in
      let decay = update.isDecayed ? weightDecay : 0
      update.run {
        tk_rmsprop_f32(
          $0.target, $0.gradient, $0[0], $0.slot(average), $0.slot(buffer), $0.count, learningRate, smoothing,
          epsilon, momentum, decay, gradientScale)
      } _: {
        tk_rmsprop_f64(
          $0.target, $0.gradient, $0[0], $0.slot(average), $0.slot(buffer), $0.count, learningRate, smoothing,
          epsilon, momentum, decay, gradientScale)
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
