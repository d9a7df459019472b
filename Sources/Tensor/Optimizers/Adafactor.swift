#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

private func power(_ x: Double, _ exponent: Double) -> Double { pow(x, exponent) }

/// Adafactor (Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018), as
/// `torch.optim.Adafactor` computes it.
///
/// Of a parameter's second moments only the means of rows and of columns are kept, in the last two axes, and
/// their product stands for the whole: slots `row_var` and `col_var`. Parameters with fewer axes keep all of
/// them, slot `variance`. Step `t` takes `t^beta2Decay` of the new squares and moves a parameter by
/// `max(epsilon2, RMS(parameter)) · min(learningRate, 1/√t)` times the scaled gradient, whose own RMS is cut
/// off at `clippingThreshold`.
public final class Adafactor: Optimizer, StatefulOptimizer {
  /// The largest relative step size.
  public var learningRate: Double
  /// The exponent of the share of new squares, PyTorch's `beta2_decay`; negative.
  public let beta2Decay: Double
  /// The smallest root of a second moment, PyTorch's `eps[0]`; nil for the distance between 1 and the next
  /// number in the type of the state.
  public let epsilon1: Double?
  /// The smallest RMS of a parameter that steps are relative to, PyTorch's `eps[1]`.
  public let epsilon2: Double
  /// The largest RMS of a scaled gradient, PyTorch's `d`.
  public let clippingThreshold: Double
  /// Each step first multiplies a parameter by `1 − learningRate · weightDecay`.
  public var weightDecay: Double
  var state = OptimizerState("Adafactor", slots: ["row_var", "col_var", "variance"]) { slot, shape in
    guard shape.count > 1 else { return slot == "variance" ? shape : nil }
    var result = shape
    switch slot {
    case "row_var": result[shape.count - 1] = 1
    case "col_var": result[shape.count - 2] = 1
    default: return nil
    }
    return result
  }

  /// Creates an optimizer without history.
  ///
  /// Fails with a ``TensorError`` unless `beta2Decay` is at most 0, `clippingThreshold` at least 1, and the
  /// others not negative.
  public init(
    learningRate: Double = 1e-2, beta2Decay: Double = -0.8, epsilon1: Double? = nil, epsilon2: Double = 1e-3,
    clippingThreshold: Double = 1, weightDecay: Double = 0
  ) {
    tensorRequire(
      learningRate >= 0 && beta2Decay <= 0 && epsilon1 ?? 0 >= 0 && epsilon2 >= 0 && clippingThreshold >= 1
        && weightDecay >= 0, "Adafactor",
      "rate \(learningRate), epsilons \(epsilon1 ?? 0) and \(epsilon2) and decay \(weightDecay) must not be "
        + "negative, beta2Decay \(beta2Decay) at most 0, clippingThreshold \(clippingThreshold) at least 1")
    self.learningRate = learningRate
    self.beta2Decay = beta2Decay
    self.epsilon1 = epsilon1
    self.epsilon2 = epsilon2
    self.clippingThreshold = clippingThreshold
    self.weightDecay = weightDecay
  }

  public var stepCount: Int { state.stepCount }

  public func step(
    _ parameters: [NamedParameter], _ gradients: Gradients, gradientScale: Double = 1,
    isDecayed: (NamedParameter) -> Bool = { _ in true }
  ) {
    state.update(parameters, gradients, decayed: parameters.map(isDecayed)) { update in
      noGradient { change(update, gradientScale) }
    }
  }

  private func change(_ update: OptimizerUpdate, _ gradientScale: Double) {
    let (target, step) = (update.target, Double(update.steps))
    if target.count == 0 { return }
    let gradient = gradientScale == 1 ? update.gradient : update.gradient * gradientScale
    let smallest = epsilon1 ?? (target.dtype == .float64 ? Double.ulpOfOne : Double(Float.ulpOfOne))
    let share = power(step, beta2Decay)
    let size = max(epsilon2, rootMeanSquare(target)) * min(learningRate, 1 / step.squareRoot())
    let squares = gradient.square()
    let variance: Tensor
    if target.rank > 1 {
      let rows = update.slots[0].lerp(squares.mean(axis: -1, keepDims: true), share)
      let columns = update.slots[1].lerp(squares.mean(axis: -2, keepDims: true), share)
      update.write(rows, to: update.slots[0])
      update.write(columns, to: update.slots[1])
      variance = rows / rows.mean(axis: -2, keepDims: true).maximum(smallest) * columns
    } else {
      variance = update.slots[0].lerp(squares, share)
      update.write(variance, to: update.slots[0])
    }
    // The square is cut off, so that the root is not smaller than `epsilon1`.
    let scaled = gradient * variance.maximum(smallest * smallest).rsqrt()
    let cut = max(1, rootMeanSquare(scaled) / clippingThreshold)
    let kept = update.isDecayed ? 1 - learningRate * weightDecay : 1
    update.write((kept == 1 ? target : target * kept) - scaled * (size / cut), to: target)
  }

  private func rootMeanSquare(_ x: Tensor) -> Double {
    x.norm().item() / Double(x.count).squareRoot()
  }

  public func namedState() -> [(name: String, tensor: Tensor)] { state.named() }

  public func load(
    state saved: [(name: String, tensor: Tensor)], stepCount: Int, parameters: [NamedParameter]
  ) throws {
    try state.load(saved, stepCount: stepCount, parameters: parameters)
  }
}
