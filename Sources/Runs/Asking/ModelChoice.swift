import Checkpoint
import Foundation
import LVLM
import Records

/// A model as the options of a command name it: a directory, a GGUF file, or a run.
public struct ModelChoice {
  /// Model directory, GGUF file, or directory of a run, which stands for the model it trained.
  public var path: String
  /// Vision tower and projector of a GGUF file.
  public var projector: String?
  /// PEFT directory, or checkpoint of a LoRA run (`step-N.h5`).
  public var adapter: String?
  /// How weights are kept.
  public var weights: WeightStorage
  /// Takes the place of the model's own chat template.
  public var template: ChatTemplate?

  /// A model.
  public init(
    _ path: String, projector: String? = nil, adapter: String? = nil, weights: WeightStorage = .auto,
    template: ChatTemplate? = nil
  ) {
    self.path = path
    self.projector = projector
    self.adapter = adapter
    self.weights = weights
    self.template = template
  }

  /// Opens the model and puts the adapter on it.
  /// - Parameter warn: told what whoever opens it should know.
  /// - Throws: what ``PretrainedModel/load(from:weights:template:option:trainable:projector:)`` and the
  ///   adapter's files throw.
  public func open(_ warn: (String) -> Void) throws -> PretrainedModel {
    let source = try RunModels(of: URL(fileURLWithPath: path)).map { $0.newest } ?? URL(fileURLWithPath: path)
    let loaded = try PretrainedModel.load(
      from: source, weights: weights, template: template,
      projector: projector.map { URL(fileURLWithPath: $0) })
    for note in loaded.notes { warn(note) }
    guard let adapter = adapter.map({ URL(fileURLWithPath: $0) }) else { return loaded }
    if adapter.pathExtension == "h5" {
      _ = try AdaptedCheckpoint(reading: adapter).put(on: loaded.model, base: source)
    } else {
      try loaded.model.loadAdapter(from: adapter)
    }
    return loaded
  }
}
