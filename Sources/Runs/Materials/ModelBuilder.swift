import Checkpoint
import DPOTrain
import Foundation
import LVLM
import Records
import Tensor

/// Makes models from configurations, and opens those of finished stages.
enum ModelBuilder {
  /// The file of a vocabulary trained on the run's own texts.
  static let tokenizerName = "tokenizer.model"

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
  static func configuration(_ section: RunConfiguration.Model, tokenizer: Tokenizer) -> LlavaConfiguration {
    var configuration = shape(section, vocabularySize: tokenizer.vocabularySize)
    configuration.text.bosTokenID = Int(tokenizer.bosID)
    configuration.text.eosTokenID = Int(tokenizer.eosID)
    configuration.text.padTokenID = Int(tokenizer.padID)
    configuration.imageTokenIndex = Int(tokenizer.imageID)
    return configuration
  }

  /// A new model with random weights from the run's seed.
  ///
  /// - Parameter folder: where the files of its vocabulary are.
  static func fresh(
    _ run: RunConfiguration, tokenizer: Tokenizer, in folder: URL
  ) throws -> PretrainedModel {
    var generator = RandomGenerator(seed: run.run.seed, stream: 0x4D4F_4445_4C)
    let model = try VisionLanguageModel(configuration(run.model, tokenizer: tokenizer), using: &generator)
    ModelInitialization.apply(to: model, includesDecoder: true, seed: run.run.seed)
    return try PretrainedModel(
      new: model, tokenizerIn: folder, template: run.tokenizer.template?.chatTemplate ?? .plain)
  }

  /// The language model of a GGUF file behind a new vision tower and projector with random weights.
  ///
  /// - Parameter folder: gets the vocabulary as `tokenizer.json`.
  /// - Throws: ``DataError`` when there is no such file, `CheckpointError` for a damaged one, and the errors
  ///   of `VisionLanguageModel` and `Tokenizer` for another kind of model.
  static func fresh(
    _ run: RunConfiguration, languageModel path: String, tokenizerTo folder: URL
  ) throws -> PretrainedModel {
    try requireLanguageModel(path)
    let file = try GGUFFile(reading: URL(fileURLWithPath: path))
    let tokenizer = try Tokenizer(gguf: file)
    var generator = RandomGenerator(seed: run.run.seed, stream: 0x4D4F_4445_4C)
    let model = try VisionLanguageModel(
      vision: vision(run.model), visionFeatureLayer: run.model.visionFeatureLayer, languageModel: file,
      tokenizer: tokenizer, using: &generator)
    ModelInitialization.apply(to: model, includesDecoder: false, seed: run.run.seed)
    try Tokenizer.writeJSON(of: file, to: folder)
    // The decoder's first, random weights.
    TensorRuntime.trim()
    let jinja = file.metadata["tokenizer.chat_template"]?.asString
    let own = jinja.flatMap(ChatTemplate.init(jinja:))
    let template = run.tokenizer.template?.chatTemplate ?? own ?? .plain
    let notes =
      jinja == nil || own == template
      ? [] : ["\(path): its chat template is \(own?.name ?? "another"); \(template.name) takes its place"]
    return try PretrainedModel(
      new: model, tokenizerIn: folder, template: template, notes: PretrainedModel.notes(on: file) + notes)
  }

  /// - Throws: ``DataError`` that says how to get the file when it is not there.
  static func requireLanguageModel(_ path: String) throws {
    guard !FileManager.default.fileExists(atPath: path) else { return }
    throw DataError(
      file: path,
      problem: "no such file (model.language_model); scripts/smollm2 downloads SmolLM2-135M-Instruct")
  }

  /// The model in a directory, with the run's chat template where the configuration names one.
  ///
  /// - Parameters:
  ///   - template: takes the place of the run's, for the answers of a stage.
  ///   - trainable: the parts that will be trained, the others being kept as `train.frozen_dtype` says from
  ///     the start; everything is Float32 when nil.
  static func open(
    _ directory: URL, run: RunConfiguration, template: RunConfiguration.Tokenizer.Template? = nil,
    trainable: Set<VisionLanguageModel.Part>? = nil
  ) throws -> PretrainedModel {
    // What an earlier model left is not kept beside the new one.
    TensorRuntime.trim()
    let isHalved = trainable != nil && run.train.frozenDtype == .bfloat16
    let loaded = try PretrainedModel.load(
      from: directory, weights: isHalved ? .bfloat16 : .float32,
      template: (template ?? run.tokenizer.template)?.chatTemplate,
      option: template == nil ? "tokenizer.template" : "select.template", trainable: trainable ?? [])
    TensorRuntime.trim()
    return loaded
  }

  /// Writes a model so that ``open(_:run:template:trainable:)`` and Hugging Face's transformers read it.
  static func save(_ loaded: PretrainedModel, to directory: URL) throws {
    TensorRuntime.trim()
    try loaded.save(to: directory)
    try ChecksumList.write(of: directory)
  }
}
