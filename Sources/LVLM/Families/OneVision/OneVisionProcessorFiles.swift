import Checkpoint
import Foundation

/// What a directory of LLaVA-OneVision says about pictures, in `preprocessor_config.json` (transformers 4),
/// in the `image_processor` of `processor_config.json` (transformers 5), or in both.
enum OneVisionProcessorFiles {
  static let imageName = "preprocessor_config.json"
  static let name = "processor_config.json"

  private static let className = "LlavaOnevisionProcessor"

  /// Keys of `processor_config.json`.
  private static let keys = KnownKeys(
    computed: [
      "image_processor", "vision_aspect_ratio", "vision_feature_select_strategy", "num_image_tokens",
      "image_token", "chat_template", "processor_class",
    ],
    // Films are not read here.
    harmless: ["video_processor", "video_token", "transformers_version", "_name_or_path"])

  /// The image settings of a directory, nil where no file has any.
  ///
  /// - Throws: ``ModelConfigurationError`` for settings that are not computed here, ``ModelDirectoryError``
  ///   for two files that differ.
  static func image(of directory: URL) throws -> AnyResolutionConfiguration? {
    let errors = ErrorCollection()
    func settings(_ name: String, _ json: JSONValue?) -> AnyResolutionConfiguration? {
      guard let json, json != .null else { return nil }
      return errors.attempt {
        try AnyResolutionConfiguration(json, file: directory.appending(component: name).path)
      }
    }
    let own = errors.attempt { try ModelJSON.ifPresent(imageName, in: directory) } ?? nil
    let nested = errors.attempt { try ModelJSON.ifPresent(name, in: directory) } ?? nil
    let (first, second) = (settings(imageName, own), settings(name, nested?["image_processor"]))
    guard errors.isEmpty else { throw errors.error }
    if let first, let second, let key = first.difference(from: second) {
      throw ModelDirectoryError(
        file: directory.path,
        unusable: ["\(imageName) and \(name) (\(key) is not the same in both, expected one meaning)"])
    }
    return first ?? second
  }

  /// Compares the settings with the model. What is absent in `processor_config.json` has the value of its
  /// class, which is not what `config.json` says: transformers would count other image tokens than there are
  /// features.
  static func check(
    _ configuration: OneVisionConfiguration, _ processor: AnyResolutionProcessor?, directory: URL
  ) throws {
    let errors = ErrorCollection()
    if let processor, processor.configuration.canvases != configuration.canvases {
      let found = processor.configuration.canvases.map { [$0.height, $0.width] }
      errors.add(
        ModelConfigurationError(
          file: directory.path,
          problems: [
            .init(
              key: "image_grid_pinpoints", found: "\(found) for pictures",
              expected: "those of image_grid_pinpoints in config.json")
          ]))
    }
    if let json = try ModelJSON.ifPresent(name, in: directory) {
      var problems = keys.problems(in: json)
      func require(_ key: String, _ expected: JSONValue, else usual: JSONValue? = nil, _ source: String) {
        let stated = json[key].flatMap { $0 == .null ? nil : $0 }
        guard let found = stated ?? usual, !found.isSame(as: expected) else { return }
        problems.append(
          .init(
            key: key, found: (stated == nil ? "nothing, which is " : "") + found.brief,
            expected: "\(expected.brief), \(source)"))
      }
      require(
        "vision_aspect_ratio", .string(OneVisionConfiguration.aspectRatio(limit: configuration.tileLimit)),
        else: .string(OneVisionConfiguration.aspectRatio(limit: 9)), "vision_aspect_ratio in config.json")
      require(
        "vision_feature_select_strategy", .string("full"), "vision_feature_select_strategy in config.json")
      require(
        "num_image_tokens", .integer(configuration.vision.patchCount), "the patches of a view in config.json")
      require("image_token", .string(Tokenizer.imageMark), "the token of image_token_index in config.json")
      require("processor_class", .string(className), "the class of the family")
      if !problems.isEmpty {
        errors.add(
          ModelConfigurationError(file: directory.appending(component: name).path, problems: problems))
      }
    }
    guard errors.isEmpty else { throw errors.error }
  }

  /// The bytes of a `processor_config.json` that transformers reads.
  static func json(_ configuration: OneVisionConfiguration) throws -> Data {
    try bytes([
      "processor_class": className, "num_image_tokens": configuration.vision.patchCount,
      "vision_feature_select_strategy": "full", "image_token": Tokenizer.imageMark,
      "vision_aspect_ratio": OneVisionConfiguration.aspectRatio(limit: configuration.tileLimit),
    ])
  }

  /// The bytes of a `preprocessor_config.json` that transformers reads.
  static func json(_ settings: AnyResolutionConfiguration) throws -> Data { try bytes(settings.object) }

  private static func bytes(_ keys: [String: Any]) throws -> Data {
    try JSONSerialization.data(
      withJSONObject: keys, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
  }
}
