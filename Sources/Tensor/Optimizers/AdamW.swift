import CTensorKernels

#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019), with
/// PyTorch's formulas and defaults.
///
/// The moments of a parameter are kept under its name, so they can be saved and found again.
public final class AdamW: Optimizer {
  public var learningRate: Double
  /// Decay of the first moment.
  public let beta1: Double
  /// Decay of the second moment.
  public let beta2: Double
  /// Added to the root of the second moment.
  public let epsilon: Double
  /// Each step first multiplies a parameter by `1 − learningRate · weightDecay`.
  public let weightDecay: Double
  /// Whether the largest second moment so far takes the place of the present one (Reddi et al., 2018).
  public let amsgrad: Bool
  private var state: OptimizerState

  /// Creates an optimizer without history.
  public init(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0.01, amsgrad: Bool = false
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.amsgrad = amsgrad
    state = OptimizerState("AdamW", slots: adamSlots(amsgrad: amsgrad))
  }

  public var stepCount: Int { state.stepCount }

  public func step(
    _ parameters: [NamedParameter], _ gradients: Gradients, gradientScale: Double = 1,
    isDecayed: (NamedParameter) -> Bool = { _ in true }
  ) {
    state.update(parameters, gradients, decayed: parameters.map(isDecayed)) { update in
      let decay = update.isDecayed ? weightDecay : 0
      let (correction1, correction2) = update.biasCorrections(beta1, beta2)
      let largest = amsgrad ? 2 : nil
      update.run {
        guard let largest = $0.slot(largest) else {
          return tk_adamw_f32(
            $0.target, $0.gradient, $0[0], $0[1], $0.count, learningRate, beta1, beta2, epsilon, decay,
            correction1, correction2, gradientScale)
        }
        tk_adam_f32(
          $0.target, $0.gradient, $0[0], $0[1], largest, $0.count, learningRate, beta1, beta2, epsilon, 0,
          decay, correction1, correction2, gradientScale)
      } _: {
        guard let largest = $0.slot(largest) else {
          return tk_adamw_f64(
            $0.target, $0.gradient, $0[0], $0[1], $0.count, learningRate, beta1, beta2, epsilon, decay,
            correction1, correction2, gradientScale)
        }
        tk_adam_f64(
          $0.target, $0.gradient, $0[0], $0[1], largest, $0.count, learningRate, beta1, beta2, epsilon, 0,
          decay, correction1, correction2, gradientScale)
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

/// The slots of Adam in the order its kernels take them.
func adamSlots(amsgrad: Bool) -> [String] {
  ["exp_avg", "exp_avg_sq"] + (amsgrad ? ["max_exp_avg_sq"] : [])
}

extension OptimizerUpdate {
  /// `1 − β^steps` for both moments: what their start at zero has taken from them.
  func biasCorrections(_ beta1: Double, _ beta2: Double) -> (Double, Double) {
    (1 - pow(beta1, Double(steps)), 1 - pow(beta2, Double(steps)))
  }
}
