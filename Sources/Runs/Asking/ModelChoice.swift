import Checkpoint
import Foundation
import LVLM
import Tensor

/// Where the model lies that a command was given: a model directory or a GGUF file, a run's directory, or a
/// checkpoint of a run.
///
/// Of a run it is the trained model (`train/model`, or `train/adapter` on the model that the run began with);
/// where training is not finished the newest checkpoint, and before training the base model.
public struct ModelChoice: Sendable {
  /// A model directory or a GGUF file.
  public let model: URL
  /// A PEFT directory, or a checkpoint, to put on it.
  public let adapter: URL?
  /// The run that it comes from.
  public let run: URL?
  /// Whether it is what came out of the run.
  public let isResult: Bool
  /// What was found where a run was given, for people.
  public let notes: [String]
  /// Whether the checkpoint was found and not asked for, so that it may be one without adapters.
  let mayBeWhole: Bool

  /// Finds the model that a path means.
  ///
  /// - Parameters:
  ///   - path: what the command was given.
  ///   - adapter: a PEFT directory or a checkpoint (`step-N.h5`) to put on the model; of a run it goes on the
  ///     model that the run began with.
  /// - Throws: ``ModelChoiceError``; `ConfigurationError` for a run whose configuration cannot be read;
  ///   `CheckpointError`.
  public init(model path: String, adapter: String? = nil) throws {
    let url = URL(fileURLWithPath: path)
    let given = adapter.map { URL(fileURLWithPath: $0) }
    if url.pathExtension == "h5" {
      guard given == nil else {
        throw ModelChoiceError(path: path, found: "a checkpoint beside --adapter", expected: "one of them")
      }
      let run = url.deletingLastPathComponent().deletingLastPathComponent()
      guard Self.has("config.yaml", run) else {
        throw ModelChoiceError(
          path: path, found: "a checkpoint outside a run's folder checkpoints",
          expected: "the model that it belongs on, with it as --adapter")
      }
      self.init(try Self.start(of: run), url, run: run, mayBeWhole: true)
      return
    }
    guard Self.isOfRun(path) else {
      let run = url.deletingLastPathComponent().deletingLastPathComponent()
      let isPart = Self.has("config.yaml", run)
      self.init(
        url, given, run: isPart ? run : nil,
        isResult: isPart && given == nil && url.deletingLastPathComponent().lastPathComponent == "train")
      return
    }
    if let given {
      self.init(try Self.start(of: url), given, run: url)
      return
    }
    let trained = url.appending(path: "train/model")
    if Self.has("config.json", trained) {
      self.init(trained, nil, run: url, isResult: true, notes: ["\(path): its model is train/model"])
      return
    }
    let peft = url.appending(path: "train/adapter")
    if Self.has("adapter_config.json", peft) {
      let start = try Self.start(of: url)
      self.init(
        start, peft, run: url, isResult: true,
        notes: ["\(path): its model is train/adapter on \(start.path)"])
      return
    }
    let checkpoints = CheckpointDirectory(url.appending(component: "checkpoints"))
    if Self.has("checkpoints", url), let (step, newest) = try checkpoints.newest() {
      self.init(
        try Self.start(of: url), newest, run: url,
        notes: ["\(path): its training is not finished; its newest checkpoint is of step \(step)"],
        mayBeWhole: true)
      return
    }
    let start = try Self.start(of: url)
    let words = "nothing is trained yet; its base model is"
    self.init(start, nil, run: url, notes: ["\(path): \(words) \(start.path)"])
  }

  init(
    _ model: URL, _ adapter: URL?, run: URL? = nil, isResult: Bool = false, notes: [String] = [],
    mayBeWhole: Bool = false
  ) {
    (self.model, self.adapter, self.run, self.isResult) = (model, adapter, run, isResult)
    (self.notes, self.mayBeWhole) = (notes, mayBeWhole)
  }

  /// Whether a path is a run's directory or a checkpoint, of which an adapter may come.
  public static func isOfRun(_ path: String) -> Bool {
    let url = URL(fileURLWithPath: path)
    return url.pathExtension == "h5" || has("config.yaml", url) && !has("config.json", url)
  }

  private static func has(_ name: String, _ folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: folder.appending(component: name).path)
  }

  /// The model that a run's preference optimization started from.
  private static func start(of run: URL) throws -> URL {
    let file = run.appending(component: "config.yaml")
    let text = String(decoding: try StoredBytes.read(file, expected: "a run's configuration"), as: UTF8.self)
    let model = try RunConfiguration(yaml: text, file: file.path).startingModel(in: run)
    guard FileManager.default.fileExists(atPath: model.path) else {
      throw ModelChoiceError(
        path: run.path, found: "no \(model.path), the model that the run began with",
        expected: "it there, or another copy of it as --model")
    }
    return model
  }

  /// Opens the model and puts the adapter on it.
  ///
  /// - Returns: the model, and the parameters beside the adapters that a checkpoint changed.
  /// - Throws: as ``PretrainedModel/load(from:weights:template:option:trainable:projector:)`` and
  ///   ``AdaptedCheckpoint/put(on:base:)``.
  public func open(
    weights: WeightStorage = .float32, template: ChatTemplate? = nil, projector: String? = nil
  ) throws -> (loaded: PretrainedModel, changed: [String]) {
    let loaded = try PretrainedModel.load(
      from: model, weights: weights, template: template,
      projector: projector.map { URL(fileURLWithPath: $0) })
    guard let adapter else { return (loaded, []) }
    guard adapter.pathExtension == "h5" else {
      try loaded.model.loadAdapter(from: adapter)
      return (loaded, [])
    }
    let checkpoint = try AdaptedCheckpoint(reading: adapter, requiresAdapters: !mayBeWhole)
    return (loaded, try checkpoint.put(on: loaded.model, base: model))
  }
}

/// A path that names no model.
public struct ModelChoiceError: Error, Equatable, CustomStringConvertible, Sendable {
  /// The path.
  public var path: String
  /// What is there.
  public var found: String
  /// What should be.
  public var expected: String

  /// An error about a path.
  public init(path: String, found: String, expected: String) {
    (self.path, self.found, self.expected) = (path, found, expected)
  }

  /// One line.
  public var description: String { "\(path): found \(found), expected \(expected)" }
}
