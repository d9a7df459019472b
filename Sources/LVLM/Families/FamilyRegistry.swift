public import Foundation
import Checkpoint

/// The families of models that are known, by the `model_type` of their `config.json`.
public enum FamilyRegistry {
  /// All families.
  public static let all: [any FamilyConfiguration.Type] = [
    LlavaConfiguration.self, SmolVLMConfiguration.self, OneVisionConfiguration.self,
    XComposerConfiguration.self,
  ]

  /// The family of a `config.json`; LLaVA's where it names none, as its first files do.
  ///
  /// - Throws: ``ModelConfigurationError`` with the known families for another one, and for a file that is no
  ///   JSON.
  static func family(of url: URL) throws -> any FamilyConfiguration.Type {
    guard FileManager.default.fileExists(atPath: url.path), let json = try? ModelJSON.read(url),
      case .string(let type)? = json["model_type"]
    else { return LlavaConfiguration.self }
    var known: [String] = []
    for family in all {
      if family.modelTypes.contains(type) { return family }
      known += family.modelTypes.map { "\"\($0)\"" }
    }
    throw ModelConfigurationError(
      file: url.path,
      problems: [
        .init(
          key: "model_type", found: "\"\(type)\"", expected: "one of \(known.joined(separator: ", "))")
      ])
  }

  /// Reads the `config.json` of a model of any family.
  ///
  /// - Throws: ``ModelConfigurationError``.
  public static func configuration(from url: URL) throws -> any FamilyConfiguration {
    try family(of: url).read(from: url)
  }
}
