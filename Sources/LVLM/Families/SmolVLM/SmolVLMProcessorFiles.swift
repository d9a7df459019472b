import Checkpoint
import Foundation

/// What a directory of SmolVLM or Idefics3 says about pictures, in `preprocessor_config.json`, in the
/// `image_processor` of `processor_config.json`, or in both.
enum SmolVLMProcessorFiles {
  static let imageName = "preprocessor_config.json"
  static let name = "processor_config.json"

  /// Keys of `processor_config.json`.
  private static let keys = KnownKeys(
    computed: ["image_processor", "image_seq_len", "processor_class", "chat_template"],
    harmless: [
      "transformers_version", "_name_or_path", "auto_map",
      // Films are not read here.
      "video_processor",
    ])

  /// The image settings of a directory, nil where no file has any.
  ///
  /// - Throws: ``ModelConfigurationError`` for settings that are not computed here, ``ModelDirectoryError``
  ///   for two files that differ.
  static func image(of directory: URL) throws -> SmolVLMImageConfiguration? {
    let errors = ErrorCollection()
    func settings(_ name: String, _ json: JSONValue?) -> SmolVLMImageConfiguration? {
      guard let json, json != .null else { return nil }
      return errors.attempt {
        try SmolVLMImageConfiguration(json, file: directory.appending(component: name).path)
      }
    }
    let own = errors.attempt { try ModelJSON.ifPresent(imageName, in: directory) } ?? nil
    let nested = errors.attempt { try ModelJSON.ifPresent(name, in: directory) } ?? nil
    let (first, second) = (settings(imageName, own), settings(name, nested?["image_processor"]))
    guard errors.isEmpty else { throw errors.error }
    if let first, let second, first != second {
      let (a, b) = (first.object(isSmolVLM: true), second.object(isSmolVLM: true))
      let key = a.keys.sorted().first { "\(a[$0] ?? 0)" != "\(b[$0] ?? 0)" } ?? "a setting"
      throw ModelDirectoryError(
        file: directory.path,
        unusable: ["\(imageName) and \(name) (\(key) is not the same in both, expected one meaning)"])
    }
    return first ?? second
  }

  /// Compares what `processor_config.json` says beside the image settings with the model.
  static func check(_ configuration: SmolVLMConfiguration, directory: URL) throws {
    guard let json = try ModelJSON.ifPresent(name, in: directory) else { return }
    var problems = keys.problems(in: json)
    let features = configuration.featuresPerSide * configuration.featuresPerSide
    if let found = json["image_seq_len"], found != .null, found.whole != features {
      problems.append(
        .init(
          key: "image_seq_len", found: found.brief,
          expected: "\(features), which image_size, patch_size and scale_factor in config.json make"))
    }
    let classes = [SmolVLMConfiguration.ModelType.smolVLM, .idefics3].map(\.processorClass)
    if let found = json["processor_class"], found != .null, !classes.contains(found.text ?? "") {
      problems.append(
        .init(
          key: "processor_class", found: found.brief,
          expected: classes.map { "\"\($0)\"" }.joined(separator: " or ")))
    }
    guard problems.isEmpty else {
      throw ModelConfigurationError(file: directory.appending(component: name).path, problems: problems)
    }
  }

  /// The bytes of a `processor_config.json` that transformers reads.
  static func json(_ configuration: SmolVLMConfiguration) throws -> Data {
    try bytes([
      "processor_class": configuration.modelType.processorClass,
      "image_seq_len": configuration.featuresPerSide * configuration.featuresPerSide,
    ])
  }

  /// The bytes of a `preprocessor_config.json` that transformers reads.
  static func imageJSON(
    _ settings: SmolVLMImageConfiguration, _ configuration: SmolVLMConfiguration
  ) throws -> Data {
    try bytes(settings.object(isSmolVLM: configuration.modelType == .smolVLM))
  }

  private static func bytes(_ keys: [String: Any]) throws -> Data {
    try JSONSerialization.data(
      withJSONObject: keys, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
  }
}
