import Checkpoint
import Foundation
import LVLM
import Tensor

/// A checkpoint of a run with LoRA adapters (`train.adapter: lora`), to be put on the model that the run began with.
public struct AdaptedCheckpoint {
  private let file: URL
  private let parameters: [TrainingCheckpoint.Entry]
  private let alpha: Double

  /// Reads `step-<n>.h5`.
  /// - Throws: `CheckpointError` for a file that is no such checkpoint or holds no adapters, or `ConfigurationError`.
  public init(reading file: URL) throws {
    let checkpoint = try TrainingCheckpoint(reading: file)
    guard checkpoint.model.contains(where: { Self.isAdapter($0.name) }) else {
      throw CheckpointError(
        .missing, file: file.path, at: "/model",
        found: "\(checkpoint.model.count) parameters and no lora_A or lora_B among them",
        expected: "the adapters of a run with train.adapter: lora")
    }
    self.file = file
    parameters = checkpoint.model
    alpha = Double(try RunConfiguration(yaml: checkpoint.configuration, file: file.path).train.loraAlpha)
  }

  private static func isAdapter(_ name: String) -> Bool { name.contains(".lora_") }

  /// Gives the model the adapters and every other parameter of the checkpoint.
  /// - Returns: the parameters beside the adapters whose values were others in the model: those the run trained as well, such
  ///   as the projector's.
  /// - Throws: `ModelDirectoryError` or `CheckpointError` naming what is missing, unexpected or of another shape.
  /// - Precondition: the model has no adapters yet.
  public func put(on model: LlavaModel) throws -> [String] {
    try model.setAdapter(parameters.filter { Self.isAdapter($0.name) }, alpha: alpha, source: file.path)
    let before = Dictionary(uniqueKeysWithValues: ModelState.entries(of: model).map { ($0.name, $0.tensor) })
    if let (name, tensor) = parameters.first(where: { before[$0.name] == nil }) {
      throw CheckpointError(
        .mismatch, file: file.path, at: "/model/\(name)", found: "\(tensor.shape)",
        expected: "no such parameter: the model has none")
    }
    try ModelState.load(parameters, into: model, from: file)
    return parameters.filter { StoredArray($0.tensor).bytes != before[$0.name].map { StoredArray($0).bytes } }
      .map(\.name)
  }
}
