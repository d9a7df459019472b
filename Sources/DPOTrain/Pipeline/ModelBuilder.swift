import Foundation
import LVLM
import Tensor

/// A model with what belongs to it: vocabulary, template, image processing.
public struct LoadedModel {
  public var model: LlavaModel
  public var encoder: PromptEncoder
  public var processor: ImageProcessor
}

/// Makes models from configurations, and opens those of finished stages.
enum ModelBuilder {
  /// The file of the vocabulary beside a model.
  static let tokenizerName = "tokenizer.model"

  /// The shape of a new model.
  static func configuration(_ section: RunConfiguration.Model, tokenizer: Tokenizer) -> LlavaConfiguration {
    let (vision, text) = (section.visionConfig, section.textConfig)
    return LlavaConfiguration(
      vision: VisionConfiguration(
        hiddenSize: vision.hiddenSize, intermediateSize: vision.intermediateSize,
        hiddenLayerCount: vision.numHiddenLayers, attentionHeadCount: vision.numAttentionHeads,
        imageSize: vision.imageSize, patchSize: vision.patchSize,
        activation: vision.hiddenAct == .gelu ? .gelu : .quickGELU, projectionSize: vision.hiddenSize),
      text: TextConfiguration(
        vocabularySize: tokenizer.vocabularySize, hiddenSize: text.hiddenSize,
        intermediateSize: text.intermediateSize, hiddenLayerCount: text.numHiddenLayers,
        attentionHeadCount: text.numAttentionHeads, keyValueHeadCount: text.numKeyValueHeads,
        contextLength: text.maxPositionEmbeddings, rmsNormEpsilon: text.rmsNormEps,
        ropeTheta: text.ropeTheta, tiesWordEmbeddings: text.tieWordEmbeddings,
        bosTokenID: Int(tokenizer.bosID), eosTokenID: Int(tokenizer.eosID),
        padTokenID: Int(tokenizer.padID)),
      imageTokenIndex: Int(tokenizer.imageID), visionFeatureLayer: section.visionFeatureLayer)
  }

  /// A new model with random weights from the run's seed.
  static func fresh(_ run: RunConfiguration, tokenizer: Tokenizer) throws -> LoadedModel {
    var generator = RandomGenerator(seed: run.run.seed, stream: 0x4D4F_4445_4C)
    let model = try LlavaModel(configuration(run.model, tokenizer: tokenizer), using: &generator)
    ModelInitialization.apply(to: model, seed: run.run.seed)
    return loaded(model, tokenizer: tokenizer, run: run)
  }

  /// The model in a directory with `config.json`, `model.safetensors` and `tokenizer.model`.
  static func open(_ directory: URL, run: RunConfiguration) throws -> LoadedModel {
    let tokenizer = try Tokenizer(contentsOf: directory.appendingPathComponent(tokenizerName))
    return loaded(try LlavaModel.load(from: directory), tokenizer: tokenizer, run: run)
  }

  /// Writes a model so that ``open(_:run:)`` and Hugging Face's transformers read it.
  static func save(_ loaded: LoadedModel, tokenizer: URL, to directory: URL) throws {
    try loaded.model.save(to: directory)
    let copy = directory.appendingPathComponent(tokenizerName)
    if copy.standardizedFileURL != tokenizer.standardizedFileURL {
      try Data(contentsOf: tokenizer).write(to: copy, options: .atomic)
    }
  }

  private static func loaded(_ model: LlavaModel, tokenizer: Tokenizer, run: RunConfiguration) -> LoadedModel
  {
    let template: ChatTemplate =
      switch run.tokenizer.template {
      case .plain: .plain
      case .vicunaV1: .vicunaV1
      case .llavaV0: .llavaV0
      }
    return LoadedModel(
      model: model,
      encoder: PromptEncoder(tokenizer: tokenizer, template: template, configuration: model.configuration),
      processor: ImageProcessor(ImageProcessorConfiguration(size: model.configuration.vision.imageSize)))
  }
}
