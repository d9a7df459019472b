import Checkpoint
import Foundation
import LVLM
import Tensor

/// An exponential moving average of the weights that are trained (Polyak averaging; `EMAModel` of diffusers):
/// after every step `ŵ ← d ŵ + (1 − d) w`, where d grows with the step up to the decay that is asked for.
///
/// Looks at pairs held out see the averaged weights, and the model that is left has them; training itself
/// goes on with its own.
final class WeightAverage {
  /// What its weights are called in checkpoints, before their names in the model.
  static let prefix = "ema."

  private let decay: Double
  /// In the order of the parameters that are trained; none before the first step.
  private var values: [(name: String, tensor: Tensor)] = []

  /// - Precondition: the decay is above 0 and below 1.
  init(decay: Double) {
    tensorRequire(
      decay > 0 && decay < 1, "WeightAverage", "a decay above 0 and below 1 is needed, found \(decay)")
    self.decay = decay
  }

  /// d of the update after the n-th step: `min(decay, n / (9 + n))`, and 0 after the first, so that a short
  /// run is no average of where it began (TensorFlow's `num_updates`, as diffusers counts them).
  static func decay(_ decay: Double, afterStep step: Int) -> Double {
    step <= 1 ? 0 : min(decay, Double(step) / Double(9 + step))
  }

  /// Takes in the weights after a step.
  /// - Parameter step: steps that were taken, from 1.
  func update(_ model: VisionLanguageModel, afterStep step: Int) {
    let own = model.trainableParameters()
    let share = 1 - Self.decay(decay, afterStep: step)
    values = noGradient {
      own.enumerated().map { index, one in
        let new = one.parameter.tensor.detached()
        // A product is memory of its own: the trained weights go on changing.
        guard share < 1 else { return (one.name, new * 1) }
        let old = values[index].tensor
        return (one.name, old + (new - old) * share)
      }
    }
  }

  /// Runs something while the model has the averaged weights.
  func inPlace<Result>(of model: VisionLanguageModel, _ body: () throws -> Result) rethrows -> Result {
    let own = model.trainableParameters().map { ($0.parameter, $0.parameter.tensor.detached()) }
    put(into: model)
    defer { for (parameter, tensor) in own { parameter.tensor = tensor } }
    return try body()
  }

  /// Gives the model the averaged weights; nothing before the first step.
  func put(into model: VisionLanguageModel) {
    for (own, average) in zip(model.trainableParameters(), values) { own.parameter.tensor = average.tensor }
  }

  /// The averaged weights, as a checkpoint holds them.
  var entries: [TrainingCheckpoint.Entry] { values.map { (Self.prefix + $0.name, $0.tensor) } }

  /// Takes the weights of a checkpoint one after the other.
  struct Loader {
    private let average: WeightAverage
    private let file: URL
    private let parameters: [NamedParameter]
    private var found: [String: Tensor] = [:]

    init(_ average: WeightAverage, of model: VisionLanguageModel, from file: URL) {
      self.average = average
      self.file = file
      parameters = model.trainableParameters()
    }

    /// Takes an entry of the file.
    /// - Returns: whether it is one of the average.
    mutating func take(_ entry: TrainingCheckpoint.Entry) throws -> Bool {
      guard entry.name.hasPrefix(WeightAverage.prefix) else { return false }
      let name = String(entry.name.dropFirst(WeightAverage.prefix.count))
      guard let own = parameters.first(where: { $0.name == name }) else { return true }
      try ModelState.requireShape(entry.tensor, own.parameter, entry.name, file)
      found[name] = entry.tensor
      return true
    }

    /// - Parameter step: the checkpoint's; there is no average before the first.
    /// - Throws: `CheckpointError` naming a weight that the file did not have.
    func finish(step: Int) throws {
      guard step > 0 else { return }
      average.values = try parameters.map { name, parameter in
        guard let tensor = found[name] else {
          throw CheckpointError(
            .missing, file: file.path, at: "/model/\(WeightAverage.prefix)\(name)",
            found: "no such parameter", expected: "\(parameter.shape)")
        }
        return (name, tensor)
      }
    }
  }
}

/// Weights of checkpoints that are no weights of the model itself.
package enum AveragedWeights {
  /// Whether an entry of a checkpoint is an averaged weight.
  package static func has(_ name: String) -> Bool { name.hasPrefix(WeightAverage.prefix) }
}
