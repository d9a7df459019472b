import Foundation

/// The models of a run's directory.
public struct RunModels {
  /// What the run began with: the model that its supervised stage made, or the one its configuration names.
  public var base: URL?
  /// What preference training made of it.
  public var trained: URL?

  /// The models of a folder that is a run, nil for any other.
  /// - Throws: `ConfigurationError` where the run's `config.yaml` cannot be read.
  public init?(of folder: URL) throws {
    let files = FileManager.default
    func model(_ path: String) -> URL? {
      let found = folder.appending(path: path)
      return files.fileExists(atPath: found.appending(component: "config.json").path) ? found : nil
    }
    guard !files.fileExists(atPath: folder.appending(component: "config.json").path) else { return nil }
    trained = model("train/model")
    base = model("sft/model")
    let settings = folder.appending(component: "config.yaml")
    if base == nil, let yaml = try? String(contentsOf: settings, encoding: .utf8) {
      base = try RunConfiguration(yaml: yaml, file: settings.path).model.path.map { URL(fileURLWithPath: $0) }
    }
    guard newestIfAny != nil else { return nil }
  }

  private var newestIfAny: URL? { trained ?? base }

  /// The trained model, or the base where there is none yet.
  public var newest: URL { newestIfAny ?? URL(fileURLWithPath: "") }
}
