import Checkpoint
import Foundation
import Tensor

/// A model with everything that belongs to it, opened from a directory or from a GGUF file and checked to fit together.
public struct PretrainedModel {
  /// The model.
  public var model: LlavaModel
  /// Its vocabulary.
  public var tokenizer: Tokenizer
  /// What it does with pictures; nil for a language model alone.
  public var processor: ImageProcessor?

  /// Opens a model directory (see ``LlavaModel/load(from:)``), with `tokenizer.model` or `tokenizer.json` and, where it
  /// is there, `preprocessor_config.json`; or a GGUF file of a language model.
  ///
  /// A directory without `preprocessor_config.json` pads pictures to squares and uses CLIP's statistics.
  /// - Parameter weights: how matrices are kept; anything but ``WeightStorage/float32`` freezes the model.
  /// - Throws: ``ModelConfigurationError``, ``ModelDirectoryError``, ``TokenizerError`` or `CheckpointError`;
  ///   ``ModelErrors`` where there are several.
  public static func load(from url: URL, weights: WeightStorage = .float32) throws -> PretrainedModel {
    if url.pathExtension == "gguf" {
      let file = try GGUFFile(reading: url)
      let tokenizer = try Tokenizer(gguf: file)
      return PretrainedModel(
        model: try LlavaModel.languageModel(from: file, tokenizer: tokenizer, weights: weights),
        tokenizer: tokenizer)
    }
    guard weights != .quantized else {
      throw ModelDirectoryError(
        file: url.path, unusable: ["its weights (safetensors, expected a GGUF file to keep quantised)"])
    }
    let errors = ErrorCollection()
    let tokenizer = errors.attempt { try Self.tokenizer(of: url) }
    let processing = errors.attempt { try imageProcessing(of: url) }
    let model = errors.attempt {
      try LlavaModel.load(from: url) {
        let configuration = try LlavaConfiguration.read(from: ModelFile.inside(url, "config.json"))
        _ = errors.attempt { try check(configuration, tokenizer, processing ?? nil, directory: url) }
        return configuration
      }
    }
    guard let tokenizer, let processing, let model, errors.isEmpty else { throw errors.error }
    if weights == .bfloat16 {
      model.setTrainable(false, .vision, .projector, .decoder)
      model.storeFrozenWeights(as: .bfloat16)
    }
    return PretrainedModel(
      model: model, tokenizer: tokenizer,
      processor: ImageProcessor(
        processing ?? ImageProcessorConfiguration(size: model.configuration.vision.imageSize)))
  }

  /// The template that the vocabulary was made for, as far as it shows: ChatML where it has ChatML's tokens.
  public var usualTemplate: ChatTemplate {
    ChatTemplate.chatML.marks.allSatisfy { tokenizer.id(of: $0) != nil } ? .chatML : .vicunaV1
  }

  /// The image features of pictures.
  ///
  /// - Throws: ``PromptError/imageCount(marks:images:prompt:)`` when the model has no vision tower.
  public func imageFeatures(_ pictures: [RGBImage]) throws -> Tensor {
    guard let processor else {
      if pictures.isEmpty { return .zeros([0, 1, model.configuration.text.hiddenSize]) }
      throw PromptError.imageCount(
        marks: 0, images: pictures.count, prompt: "of a model without vision tower")
    }
    guard !pictures.isEmpty else {
      return .zeros([0, model.configuration.tokensPerImage, model.configuration.text.hiddenSize])
    }
    return noGradient { model.imageFeatures(processor(pictures)) }
  }

  /// The vocabulary of a model directory: `tokenizer.model`, or `tokenizer.json` with `tokenizer_config.json`.
  package static func tokenizer(of directory: URL) throws -> Tokenizer {
    struct Names: Decodable {
      struct Token: Decodable {
        var content: String
        init(from decoder: any Decoder) throws {
          if let plain = try? decoder.singleValueContainer().decode(String.self) {
            content = plain
          } else {
            content = try decoder.container(keyedBy: Key.self).decode(String.self, forKey: .content)
          }
        }
        enum Key: String, CodingKey { case content }
      }
      var bos_token: Token?
      var eos_token: Token?
      var pad_token: Token?
    }
    let pieces = try ModelFile.inside(directory, "tokenizer.model")
    let json = try ModelFile.inside(directory, "tokenizer.json")
    if FileManager.default.fileExists(atPath: pieces.path)
      || !FileManager.default.fileExists(atPath: json.path)
    {
      return try Tokenizer(contentsOf: pieces)
    }
    let data = try? Data(contentsOf: ModelFile.inside(directory, "tokenizer_config.json"))
    let names = data.flatMap { try? JSONDecoder().decode(Names.self, from: $0) }
    return try Tokenizer(
      json: Data(contentsOf: json), name: json.path, bos: names?.bos_token?.content,
      eos: names?.eos_token?.content, pad: names?.pad_token?.content)
  }

  /// What `preprocessor_config.json` says, nil where there is none.
  private static func imageProcessing(of directory: URL) throws -> ImageProcessorConfiguration? {
    let file = try ModelFile.inside(directory, "preprocessor_config.json")
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    return try ImageProcessorConfiguration.read(from: file)
  }

  private static func check(
    _ configuration: LlavaConfiguration, _ tokenizer: Tokenizer?, _ processing: ImageProcessorConfiguration?,
    directory: URL
  ) throws {
    var checks = ConfigurationChecks()
    let text = configuration.text
    if let tokenizer {
      checks.require(
        text.vocabularySize >= tokenizer.vocabularySize, "text_config.vocab_size",
        found: "\(text.vocabularySize)",
        expected: "at least the \(tokenizer.vocabularySize) ids of the tokenizer")
      checks.require(
        configuration.imageTokenIndex == Int(tokenizer.imageID), "image_token_index",
        found: "\(configuration.imageTokenIndex)", expected: "\(tokenizer.imageID), the tokenizer's <image>")
      checks.require(
        text.eosTokenID == Int(tokenizer.eosID), "text_config.eos_token_id", found: "\(text.eosTokenID)",
        expected: "\(tokenizer.eosID), the tokenizer's")
    }
    if let processing {
      checks.require(
        processing.size == configuration.vision.imageSize, "vision_config.image_size",
        found: "\(configuration.vision.imageSize)",
        expected: "\(processing.size), the size in preprocessor_config.json")
    }
    guard checks.problems.isEmpty else {
      throw ModelConfigurationError(file: directory.path, problems: checks.problems)
    }
  }
}
