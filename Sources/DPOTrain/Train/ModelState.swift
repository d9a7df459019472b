import Checkpoint
import Foundation
import LVLM
import Tensor

/// A model's parameters in checkpoints.
enum ModelState {
  /// What a checkpoint holds, in the model's order: every parameter; of a model with adapters those that are
  /// trained, because the others stay what they are in the base model.
  static func entries(of model: LlavaModel) -> [TrainingCheckpoint.Entry] {
    let parameters = model.namedParameters()
    let held = model.hasAdapters ? parameters.filter(\.parameter.isTrainable) : parameters
    return held.map { ($0.name, $0.parameter.tensor.detached()) }
  }

  /// Sets every parameter that ``entries(of:)`` would hold, and those others that an earlier version's file
  /// has.
  /// - Throws: `CheckpointError` naming the file and the first parameter that is missing or of another shape.
  static func load(_ entries: [TrainingCheckpoint.Entry], into model: LlavaModel, from file: URL) throws {
    let tensors = Dictionary(entries.map { ($0.name, $0.tensor) }) { first, _ in first }
    let needed = Set(Self.entries(of: model).map(\.name))
    let parameters = model.namedParameters().filter { needed.contains($0.name) || tensors[$0.name] != nil }
    for (name, parameter) in parameters {
      guard let tensor = tensors[name] else {
        throw CheckpointError(
          .missing, file: file.path, at: "/model/\(name)", found: "no such parameter",
          expected: "\(parameter.shape)")
      }
      try requireShape(tensor, parameter, name, file)
    }
    for (name, parameter) in parameters {
      if let tensor = tensors[name] { parameter.tensor = tensor }
    }
  }

  /// - Throws: `CheckpointError` of kind `mismatch` unless a tensor of a file has the shape of the parameter.
  static func requireShape(_ tensor: Tensor, _ parameter: Parameter, _ name: String, _ file: URL) throws {
    guard tensor.shape == parameter.shape else {
      throw CheckpointError(
        .mismatch, file: file.path, at: "/model/\(name)", found: "shape \(tensor.shape)",
        expected: "\(parameter.shape)")
    }
  }

  /// A hash of the weights in a model directory: names, types, shapes and values, whatever the layout of the
  /// names and of the files. A GGUF file counts as it is.
  /// - Throws: `CheckpointError`, or `ModelDirectoryError` for a directory without weights.
  static func digest(ofModelAt url: URL) throws -> String {
    if url.pathExtension == "gguf" { return try Digest.of(file: url) }
    var digest = Digest()
    try WeightBytes.forEach(of: url) { name, description in
      digest.update("\(name) \(description)")
    } bytes: {
      digest.update($0)
    }
    return digest.finalize()
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
