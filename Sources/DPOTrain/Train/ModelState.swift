import Checkpoint
import Foundation
import LVLM
import Tensor

/// A model's parameters in checkpoints.
enum ModelState {
  /// All parameters, in the model's order.
  static func entries(of model: LlavaModel) -> [TrainingCheckpoint.Entry] {
    model.namedParameters().map { ($0.name, $0.parameter.tensor.detached()) }
  }

  /// Sets every parameter.
  /// - Throws: `CheckpointError` naming the file and the first parameter that is missing or of another shape.
  static func load(_ entries: [TrainingCheckpoint.Entry], into model: LlavaModel, from file: URL) throws {
    let tensors = Dictionary(entries.map { ($0.name, $0.tensor) }) { first, _ in first }
    let parameters = model.namedParameters()
    for (name, parameter) in parameters {
      guard let tensor = tensors[name] else {
        throw CheckpointError(
          .missing, file: file.path, at: "/model/\(name)", found: "no such parameter",
          expected: "\(parameter.shape)")
      }
      guard tensor.shape == parameter.shape else {
        throw CheckpointError(
          .mismatch, file: file.path, at: "/model/\(name)", found: "shape \(tensor.shape)",
          expected: "\(parameter.shape)")
      }
    }
    for (name, parameter) in parameters {
      if let tensor = tensors[name] { parameter.tensor = tensor }
    }
  }

  /// A hash of all weights.
  static func digest(_ model: LlavaModel) -> String {
    var digest = Digest()
    for (name, parameter) in model.namedParameters() {
      digest.update(name)
      digest.update(StoredArray(parameter.tensor).bytes)
    }
    return digest.finalize()
  }
}
