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
public final class AdamW {
  /// The step size; set it before every step when a schedule is in use.
  public var learningRate: Double
  /// Decay of the first moment.
  public let beta1: Double
  /// Decay of the second moment.
  public let beta2: Double
  /// Added to the root of the second moment.
  public let epsilon: Double
  /// Each step first multiplies a parameter by `1 − learningRate · weightDecay`.
  public let weightDecay: Double
  /// The number of steps taken.
  public private(set) var stepCount = 0

  private struct Moments {
    var first: Tensor
    var second: Tensor
    var steps: Int
  }
  private var moments: [String: Moments] = [:]

  /// Creates an optimizer without history.
  public init(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0.01
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  /// Changes every parameter that has a gradient; the others are left alone, decay included.
  /// - Parameters:
  ///   - parameters: the parameters with the names their moments are kept under.
  ///   - gradients: their gradients.
  ///   - gradientScale: multiplies every gradient first, as clipping and accumulation need.
  ///   - isDecayed: whether weight decay applies to a parameter; all of them when omitted.
  public func step(
    _ parameters: [NamedParameter], _ gradients: Gradients, gradientScale: Double = 1,
    isDecayed: (NamedParameter) -> Bool = { _ in true }
  ) {
    stepCount += 1
    for entry in parameters {
      guard let found = gradients[entry.parameter] else { continue }
      let gradient = found.detached().contiguous()
      var state =
        moments.removeValue(forKey: entry.name)
        ?? Moments(
          first: Tensor.zeros(gradient.shape, dtype: gradient.dtype),
          second: Tensor.zeros(gradient.shape, dtype: gradient.dtype), steps: 0)
      state.steps += 1
      state.first.makeUnique()
      state.second.makeUnique()
      let (correction1, correction2) = (
        1 - pow(beta1, Double(state.steps)), 1 - pow(beta2, Double(state.steps))
      )
      let decay = isDecayed(entry) ? weightDecay : 0
      entry.parameter.update { value in
        let target = value
        Threads.parallel(target.count, grain: 1 << 14) { range in
          let (start, count) = (range.lowerBound, Int64(range.count))
          if target.dtype == .float32 {
            tk_adamw_f32(
              target.pointer(Float.self) + start, gradient.pointer(Float.self) + start,
              state.first.pointer(Float.self) + start, state.second.pointer(Float.self) + start, count,
              learningRate, beta1, beta2, epsilon, decay, correction1, correction2, gradientScale)
          } else {
            tk_adamw_f64(
              target.pointer(Double.self) + start, gradient.pointer(Double.self) + start,
              state.first.pointer(Double.self) + start, state.second.pointer(Double.self) + start, count,
              learningRate, beta1, beta2, epsilon, decay, correction1, correction2, gradientScale)
          }
        }
      }
      moments[entry.name] = state
    }
  }

  /// Everything a checkpoint needs, sorted by name: `<parameter>.exp_avg`, `<parameter>.exp_avg_sq` and
  /// `<parameter>.step`, as PyTorch names them.
  public func namedState() -> [(name: String, tensor: Tensor)] {
    moments.keys.sorted().flatMap { name -> [(name: String, tensor: Tensor)] in
      let state = moments[name]!
      return [
        ("\(name).exp_avg", state.first), ("\(name).exp_avg_sq", state.second),
        ("\(name).step", Tensor([Int64(state.steps)], shape: [])),
      ]
    }
  }

  /// Takes over a state saved by ``namedState()``.
  /// - Throws: ``TensorError`` when an entry is missing or does not fit its parameter.
  public func load(
    state: [(name: String, tensor: Tensor)], stepCount: Int, parameters: [NamedParameter]
  ) throws {
    let entries = Dictionary(state.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
    var loaded: [String: Moments] = [:]
    for (name, parameter) in parameters {
      guard entries["\(name).step"] != nil || entries["\(name).exp_avg"] != nil else { continue }
      guard let first = entries["\(name).exp_avg"], let second = entries["\(name).exp_avg_sq"],
        let steps = entries["\(name).step"]
      else {
        throw TensorError(operation: "AdamW", message: "the saved state of \(name) is incomplete")
      }
      guard first.shape == parameter.shape, second.shape == parameter.shape, steps.count == 1 else {
        throw TensorError(
          operation: "AdamW",
          message: "the saved state of \(name) has shape \(first.shape), the parameter \(parameter.shape)")
      }
      loaded[name] = Moments(
        first: first.contiguous(), second: second.contiguous(), steps: Int(steps.item()))
    }
    moments = loaded
    self.stepCount = stepCount
  }
}
