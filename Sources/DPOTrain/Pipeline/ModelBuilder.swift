import Checkpoint
import Foundation
import LVLM
import Tensor

/// A model with what belongs to it: vocabulary, template, image processing.
public struct LoadedModel {
  /// The model.
  public var model: LlavaModel
  /// Vocabulary and chat template.
  public var encoder: PromptEncoder
  /// What happens to a picture before the vision tower.
  public var processor: ImageProcessor
}

/// Makes models from configurations, and opens those of finished stages.
enum ModelBuilder {
  /// The file of a vocabulary trained on the run's own texts.
  static let tokenizerName = "tokenizer.model"
  /// Every file that a vocabulary beside a model can consist of.
  private static let tokenizerNames = [tokenizerName] + Tokenizer.jsonNames

  /// The shape of a new vision tower.
  private static func vision(_ section: RunConfiguration.Model) -> VisionConfiguration {
    let vision = section.visionConfig
    return VisionConfiguration(
      hiddenSize: vision.hiddenSize, intermediateSize: vision.intermediateSize,
      hiddenLayerCount: vision.numHiddenLayers, attentionHeadCount: vision.numAttentionHeads,
      imageSize: vision.imageSize, patchSize: vision.patchSize,
      activation: vision.hiddenAct == .gelu ? .gelu : .quickGELU, projectionSize: vision.hiddenSize)
  }

  /// The shape of a new model.
  static func shape(_ section: RunConfiguration.Model, vocabularySize: Int) -> LlavaConfiguration {
    let text = section.textConfig
    return LlavaConfiguration(
      vision: vision(section),
      text: TextConfiguration(
        vocabularySize: vocabularySize, hiddenSize: text.hiddenSize,
        intermediateSize: text.intermediateSize, hiddenLayerCount: text.numHiddenLayers,
        attentionHeadCount: text.numAttentionHeads, keyValueHeadCount: text.numKeyValueHeads,
        contextLength: text.maxPositionEmbeddings, rmsNormEpsilon: text.rmsNormEps,
        ropeTheta: text.ropeTheta, tiesWordEmbeddings: text.tieWordEmbeddings),
      visionFeatureLayer: section.visionFeatureLayer)
  }

  /// The shape of a new model with the ids of its vocabulary.
  private static func configuration(_ section: RunConfiguration.Model, tokenizer: Tokenizer)
    -> LlavaConfiguration
  {
    var configuration = shape(section, vocabularySize: tokenizer.vocabularySize)
    configuration.text.bosTokenID = Int(tokenizer.bosID)
    configuration.text.eosTokenID = Int(tokenizer.eosID)
    configuration.text.padTokenID = Int(tokenizer.padID)
    configuration.imageTokenIndex = Int(tokenizer.imageID)
    return configuration
  }

  /// A new model with random weights from the run's seed.
  static func fresh(_ run: RunConfiguration, tokenizer: Tokenizer) throws -> LoadedModel {
    var generator = RandomGenerator(seed: run.run.seed, stream: 0x4D4F_4445_4C)
    let model = try LlavaModel(configuration(run.model, tokenizer: tokenizer), using: &generator)
    ModelInitialization.apply(to: model, includesDecoder: true, seed: run.run.seed)
    return loaded(model, tokenizer: tokenizer, run: run)
  }

  /// The language model of a GGUF file behind a new vision tower and projector with random weights.
  ///
  /// - Parameter folder: gets the vocabulary as `tokenizer.json`.
  /// - Throws: ``DataError`` when there is no such file, `CheckpointError` for a damaged one, and the errors of
  ///   `LlavaModel` and `Tokenizer` for another kind of model.
  static func fresh(
    _ run: RunConfiguration, languageModel path: String, tokenizerTo folder: URL
  ) throws -> LoadedModel {
    try requireLanguageModel(path)
    let file = try GGUFFile(reading: URL(fileURLWithPath: path))
    let tokenizer = try Tokenizer(gguf: file)
    var generator = RandomGenerator(seed: run.run.seed, stream: 0x4D4F_4445_4C)
    let model = try LlavaModel(
      vision: vision(run.model), visionFeatureLayer: run.model.visionFeatureLayer, languageModel: file,
      tokenizer: tokenizer, using: &generator)
    ModelInitialization.apply(to: model, includesDecoder: false, seed: run.run.seed)
    try Tokenizer.writeJSON(of: file, to: folder)
    // The decoder's first, random weights.
    TensorRuntime.trim()
    return loaded(model, tokenizer: tokenizer, run: run)
  }

  /// - Throws: ``DataError`` that says how to get the file when it is not there.
  static func requireLanguageModel(_ path: String) throws {
    guard !FileManager.default.fileExists(atPath: path) else { return }
    throw DataError(
      file: path,
      problem: "no such file (model.language_model); scripts/smollm2 downloads SmolLM2-135M-Instruct")
  }

  /// The model in a directory with `config.json`, `model.safetensors` and a vocabulary.
  static func open(_ directory: URL, run: RunConfiguration) throws -> LoadedModel {
    let tokenizer = try PretrainedModel.tokenizer(of: directory)
    // What an earlier model left is not kept beside the new one.
    TensorRuntime.trim()
    let model = try LlavaModel.load(from: directory)
    TensorRuntime.trim()
    return loaded(model, tokenizer: tokenizer, run: run)
  }

  /// Writes a model so that ``open(_:run:)`` and Hugging Face's transformers read it.
  ///
  /// - Parameter folder: where the files of its vocabulary are.
  static func save(_ loaded: LoadedModel, tokenizerFrom folder: URL, to directory: URL) throws {
    TensorRuntime.trim()
    try loaded.model.save(to: directory)
    guard folder.standardizedFileURL != directory.standardizedFileURL else { return }
    for name in tokenizerNames {
      guard let data = FileManager.default.contents(atPath: folder.appendingPathComponent(name).path) else {
        continue
      }
      try data.write(to: directory.appendingPathComponent(name), options: .atomic)
    }
  }

  private static func loaded(_ model: LlavaModel, tokenizer: Tokenizer, run: RunConfiguration) -> LoadedModel
  {
    let template: ChatTemplate =
      switch run.tokenizer.template {
      case .plain: .plain
      case .vicunaV1: .vicunaV1
      case .llavaV0: .llavaV0
      case .chatML: .chatML
      }
    return LoadedModel(
      model: model,
      encoder: PromptEncoder(tokenizer: tokenizer, template: template, configuration: model.configuration),
      processor: ImageProcessor(ImageProcessorConfiguration(size: model.configuration.vision.imageSize)))
  }
}
