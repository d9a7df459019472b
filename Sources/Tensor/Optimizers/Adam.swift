import CTensorKernels

#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// Adam (Kingma and Ba, 2015), with PyTorch's formulas and defaults: weight decay is added to the gradient.
public class Adam: Optimizer, StatefulOptimizer {
  public var learningRate: Double
  /// Decay of the first moment.
  public let beta1: Double
  /// Decay of the second moment.
  public let beta2: Double
  /// Added to the root of the second moment.
  public let epsilon: Double
  /// How strongly a step draws parameters towards zero: here `weightDecay · parameter` is added to the
  /// gradient, in ``AdamW`` a step first multiplies the parameter by `1 − learningRate · weightDecay`.
  public var weightDecay: Double
  /// Whether the largest second moment so far takes the place of the present one (Reddi et al., 2018).
  public let amsgrad: Bool
  private let decouplesDecay: Bool
  var state: OptimizerState

  /// Creates an optimizer without history.
  public convenience init(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0, amsgrad: Bool = false
  ) {
    self.init(
      "Adam", decouplesDecay: false, learningRate: learningRate, beta1: beta1, beta2: beta2,
      epsilon: epsilon, weightDecay: weightDecay, amsgrad: amsgrad)
  }

  init(
    _ name: String, decouplesDecay: Bool, learningRate: Double, beta1: Double, beta2: Double,
    epsilon: Double, weightDecay: Double, amsgrad: Bool
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.amsgrad = amsgrad
    self.decouplesDecay = decouplesDecay
    state = OptimizerState(
      name, slots: ["exp_avg", "exp_avg_sq"] + (amsgrad ? ["max_exp_avg_sq"] : []))
  }

  public var stepCount: Int { state.stepCount }

  public func step(
    _ parameters: [NamedParameter], _ gradients: Gradients, gradientScale: Double = 1,
    isDecayed: (NamedParameter) -> Bool = { _ in true }
  ) {
    state.update(parameters, gradients, decayed: parameters.map(isDecayed)) { update in
      let decay = update.isDecayed ? weightDecay : 0
      let (coupled, decoupled) = decouplesDecay ? (0, decay) : (decay, 0)
      let correction1 = 1 - pow(beta1, Double(update.steps))
      let correction2 = 1 - pow(beta2, Double(update.steps))
      let largest = amsgrad ? 2 : nil
      update.run {
        tk_adam_f32(
          $0.target, $0.gradient, $0[0], $0[1], $0.slot(largest), $0.count, learningRate, beta1, beta2,
          epsilon, coupled, decoupled, correction1, correction2, gradientScale)
      } _: {
        tk_adam_f64(
          $0.target, $0.gradient, $0[0], $0[1], $0.slot(largest), $0.count, learningRate, beta1, beta2,
          epsilon, coupled, decoupled, correction1, correction2, gradientScale)
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
