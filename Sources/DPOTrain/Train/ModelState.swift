import Checkpoint
import Foundation
import LVLM
import Records
import Tensor

/// A model's parameters in checkpoints.
package enum ModelState {
  /// What a checkpoint holds, in the model's order: every parameter; of a model with adapters those that are
  /// trained, because the others stay what they are in the base model.
  static func entries(of model: VisionLanguageModel) -> [TrainingCheckpoint.Entry] {
    let parameters = model.namedParameters()
    let held = model.hasAdapters ? parameters.filter(\.parameter.isTrainable) : parameters
    return held.map { ($0.name, $0.parameter.tensor.detached()) }
  }

  /// Sets the parameters of a model one after the other: those that ``entries(of:)`` would hold, and others
  /// that an earlier version's file has.
  struct Loader {
    private let file: URL
    private let parameters: [String: Parameter]
    private var missing: [NamedParameter]

    init(_ model: VisionLanguageModel, from file: URL) {
      self.file = file
      let all = model.namedParameters()
      parameters = Dictionary(all.map { ($0.name, $0.parameter) }) { first, _ in first }
      let needed = Set(ModelState.entries(of: model).map(\.name))
      missing = all.filter { needed.contains($0.name) }
    }

    /// Takes an entry of the file; nothing when the model has no such parameter.
    /// - Throws: `CheckpointError` of kind `mismatch` for another shape.
    mutating func take(_ entry: TrainingCheckpoint.Entry) throws {
      guard let parameter = parameters[entry.name] else { return }
      try ModelState.requireShape(entry.tensor, parameter, entry.name, file)
      parameter.tensor = entry.tensor
      missing.removeAll { $0.name == entry.name }
    }

    /// - Throws: `CheckpointError` naming the first parameter that the file did not have.
    func finish() throws {
      guard let (name, parameter) = missing.first else { return }
      throw CheckpointError(
        .missing, file: file.path, at: "/model/\(name)", found: "no such parameter",
        expected: "\(parameter.shape)")
    }
  }

  /// - Throws: `CheckpointError` of kind `mismatch` unless a tensor of a file has the shape of the parameter.
  package static func requireShape(_ tensor: Tensor, _ parameter: Parameter, _ name: String, _ file: URL)
    throws
  {
    guard tensor.shape == parameter.shape else {
      throw CheckpointError(
        .mismatch, file: file.path, at: "/model/\(name)", found: "shape \(tensor.shape)",
        expected: "\(parameter.shape)")
    }
  }

  /// A hash of the weights in a model directory: names, types, shapes and values, whatever the layout of the
  /// names and of the files. A GGUF file counts as it is, with the projector beside it.
  /// - Throws: `CheckpointError`, or `ModelDirectoryError` for a directory without weights.
  package static func digest(ofModelAt url: URL) throws -> String {
    if url.pathExtension == "gguf" {
      let own = try Digest.of(file: url)
      guard let projector = try? PretrainedModel.projector(beside: url) else { return own }
      return Digest.of(own + "\n" + (try Digest.of(file: projector)))
    }
    var digest = Digest()
    try WeightBytes.forEach(of: url) { name, description in
      digest.update("\(name) \(description)")
    } bytes: {
      digest.update($0)
    }
    return digest.finalize()
  }

  /// A hash of all weights.
  package static func digest(_ model: VisionLanguageModel) -> String {
    var digest = Digest()
    for (name, parameter) in model.namedParameters() {
      digest.update(name)
      parameter.tensor.withElementBytes { digest.update($0) }
    }
    return digest.finalize()
  }
}
