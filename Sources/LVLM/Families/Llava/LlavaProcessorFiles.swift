import Checkpoint
import Foundation

/// What a model directory says about pictures, in `preprocessor_config.json` (transformers 4), in the
/// `image_processor` of `processor_config.json` (transformers 5), or in both.
enum LlavaProcessorFiles {
  static let imageName = "preprocessor_config.json"
  static let name = "processor_config.json"

  /// Keys of `processor_config.json`.
  private static let keys = KnownKeys(
    computed: [
      "image_processor", "patch_size", "vision_feature_select_strategy", "num_additional_image_tokens",
      "image_token", "chat_template", "processor_class",
    ],
    harmless: ["transformers_version", "_name_or_path", "image_seq_length"])

  /// The image settings of a directory, nil where no file has any.
  ///
  /// - Throws: ``ModelConfigurationError`` for settings that are not computed here, ``ModelDirectoryError``
  ///   for two files that differ.
  static func image(of directory: URL) throws -> ImageProcessorConfiguration? {
    let errors = ErrorCollection()
    func settings(_ name: String, _ json: JSONValue?) -> ImageProcessorConfiguration? {
      guard let json else { return nil }
      return errors.attempt {
        try ImageProcessorConfiguration(json, file: directory.appending(component: name).path)
      }
    }
    let own = errors.attempt { try ModelJSON.ifPresent(imageName, in: directory) } ?? nil
    let nested = errors.attempt { try ModelJSON.ifPresent(name, in: directory) } ?? nil
    let nestedImage = nested?["image_processor"].flatMap { $0 == .null ? nil : $0 }
    let (first, second) = (settings(imageName, own), settings(name, nestedImage))
    guard errors.isEmpty else { throw errors.error }
    if let first, let second, let difference = first.differences(from: second).first {
      throw ModelDirectoryError(
        file: directory.path,
        unusable: [
          "\(imageName) and \(name) (\(difference.key) is \(difference.own) in one and \(difference.other) "
            + "in the other, expected one meaning)"
        ])
    }
    return first ?? second
  }

  /// Compares what `processor_config.json` says beside the image settings with the model.
  static func check(
    _ configuration: LlavaConfiguration, directory: URL
  ) throws {
    guard let json = try ModelJSON.ifPresent(name, in: directory) else { return }
    var problems = keys.problems(in: json)
    func require(_ key: String, _ expected: JSONValue, _ source: String) {
      guard let found = json[key], found != .null, !found.isSame(as: expected) else { return }
      problems.append(
        .init(key: key, found: found.brief, expected: "\(expected.brief), \(source) in config.json"))
    }
    require("patch_size", .integer(configuration.vision.patchSize), "vision_config.patch_size")
    require(
      "vision_feature_select_strategy", .string(configuration.featureSelection.rawValue),
      "vision_feature_select_strategy")
    if let found = json["processor_class"], found != .null, found != .string("LlavaProcessor") {
      problems.append(.init(key: "processor_class", found: found.brief, expected: "\"LlavaProcessor\""))
    }
    require("image_token", .string(Tokenizer.imageMark), "the token of image_token_index")
    require("num_additional_image_tokens", .integer(1), "the class token of the vision tower")
    guard problems.isEmpty else {
      throw ModelConfigurationError(file: directory.appending(component: name).path, problems: problems)
    }
  }

  /// The bytes of a `processor_config.json` that transformers' `LlavaProcessor` reads. The image settings
  /// stand in the other file, which every release reads: releases before 5 cannot open a processor whose file
  /// has them inside.
  static func json(_ configuration: LlavaConfiguration) throws -> Data {
    let keys: [String: Any] = [
      "processor_class": "LlavaProcessor", "patch_size": configuration.vision.patchSize,
      "vision_feature_select_strategy": configuration.featureSelection.rawValue,
      "num_additional_image_tokens": 1, "image_token": Tokenizer.imageMark,
    ]
    return try JSONSerialization.data(
      withJSONObject: keys, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
  }
}
