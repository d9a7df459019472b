import Checkpoint
import DPOTrain
import Foundation
import LVLM
import Tensor

/// A checkpoint of a run with LoRA adapters (`train.adapter: lora`), to be put on the model that the run
/// began with.
public struct AdaptedCheckpoint {
  private let file: URL
  private let checkpoint: TrainingCheckpoint
  private let alpha: Double

  /// Reads `step-<n>.h5`.
  /// - Parameter requiresAdapters: whether one without adapters is refused, in which a run trained the
  ///   weights themselves.
  /// - Throws: `CheckpointError` for a file that is no such checkpoint or holds no adapters, or
  ///   `ConfigurationError`.
  public init(reading file: URL, requiresAdapters: Bool = true) throws {
    let checkpoint = try TrainingCheckpoint(reading: file)
    guard !requiresAdapters || checkpoint.model.contains(where: { Self.isAdapter($0.name) }) else {
      throw CheckpointError(
        .missing, file: file.path, at: "/model",
        found: "\(checkpoint.model.count) parameters and no lora_A or lora_B among them",
        expected: "the adapters of a run with train.adapter: lora")
    }
    self.file = file
    self.checkpoint = checkpoint
    alpha = try RunConfiguration(yaml: checkpoint.configuration, file: file.path).train.adapterAlpha
  }

  private static func isAdapter(_ name: String) -> Bool { name.contains(".lora_") }

  /// Gives the model the adapters and every other parameter of the checkpoint.
  /// - Parameter base: the directory that the model was read from, which has to be the one the run began
  ///   with.
  /// - Returns: the parameters beside the adapters whose values were others in the model: those the run
  ///   trained as well, such as the projector's.
  /// - Throws: `ModelDirectoryError` or `CheckpointError` naming what is missing, unexpected or of another
  ///   shape, or the hashes of both base models where they differ.
  /// - Precondition: the model has no adapters yet.
  public func put(on model: VisionLanguageModel, base: URL) throws -> [String] {
    if !checkpoint.baseHash.isEmpty {
      try checkpoint.requireBase(hash: ModelState.digest(ofModelAt: base), named: base.path, in: file)
    }
    // Weights as they were trained, not their average.
    let parameters = checkpoint.model.filter { !AveragedWeights.has($0.name) }
    let matrices = parameters.filter { Self.isAdapter($0.name) }
    if !matrices.isEmpty { try model.setAdapter(matrices, alpha: alpha, source: file.path) }
    let own = Dictionary(uniqueKeysWithValues: model.namedParameters().map { ($0.name, $0.parameter) })
    var given: [(name: String, parameter: Parameter, tensor: Tensor)] = []
    for (name, tensor) in parameters where !Self.isAdapter(name) {
      guard let parameter = own[name] else {
        throw CheckpointError(
          .mismatch, file: file.path, at: "/model/\(name)", found: "\(tensor.shape)",
          expected: "no such parameter: the model has none")
      }
      try ModelState.requireShape(tensor, parameter, name, file)
      given.append((name, parameter, tensor))
    }
    return given.compactMap { name, parameter, tensor in
      let before = StoredArray(parameter.tensor.to(.float32)).bytes
      guard StoredArray(tensor.to(.float32)).bytes != before else { return nil }
      // Not rounded to the type in which the base model's weights are kept.
      parameter.replace(with: tensor)
      return name
    }
  }
}
