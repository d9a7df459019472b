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

  private let average: ExponentialMovingAverage
  /// Those that are averaged, as the model lists them; none before the first step.
  private var parameters: [NamedParameter] = []

  /// - Precondition: the decay is above 0 and below 1.
  init(decay: Double) {
    tensorRequire(
      decay > 0 && decay < 1, "WeightAverage", "a decay above 0 and below 1 is needed, found \(decay)")
    average = ExponentialMovingAverage(decay: decay)
  }

  /// d of the update after the n-th step: `min(decay, n / (9 + n))`, and 0 after the first, so that a short
  /// run is no average of where it began (TensorFlow's `num_updates`, as diffusers counts them).
  static func decay(_ decay: Double, afterStep step: Int) -> Double {
    step <= 1 ? 0 : min(decay, Double(step) / Double(9 + step))
  }

  /// Takes in the weights after a step.
  /// - Parameter step: steps that were taken, from 1.
  func update(_ model: VisionLanguageModel, afterStep step: Int) {
    parameters = model.trainableParameters()
    average.update(parameters, decay: Self.decay(average.decay, afterStep: step))
  }

  /// Runs something while the model has the averaged weights.
  func inPlace<Result>(of model: VisionLanguageModel, _ body: () throws -> Result) rethrows -> Result {
    try average.withAverages(in: model.trainableParameters(), body)
  }

  /// Gives the model the averaged weights; nothing before the first step.
  func put(into model: VisionLanguageModel) { average.put(into: model.trainableParameters()) }

  /// The averaged weights, as a checkpoint holds them.
  var entries: [TrainingCheckpoint.Entry] {
    parameters.compactMap { name, parameter in average[parameter].map { (Self.prefix + name, $0) } }
  }

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
      let averages = try parameters.map { name, parameter in
        guard let tensor = found[name] else {
          throw CheckpointError(
            .missing, file: file.path, at: "/model/\(WeightAverage.prefix)\(name)",
            found: "no such parameter", expected: "\(parameter.shape)")
        }
        return (name: "\(name).ema", tensor: tensor)
      }
      try average.average.load(
        state: averages + [("n_averaged", Tensor([Int64(step)]))], parameters: parameters)
      average.parameters = parameters
    }
  }
}

/// Weights of checkpoints that are no weights of the model itself.
package enum AveragedWeights {
  /// Whether an entry of a checkpoint is an averaged weight.
  package static func has(_ name: String) -> Bool { name.hasPrefix(WeightAverage.prefix) }
}
