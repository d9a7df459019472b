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

  /// The shape of a new model with the ids of its vocabulary.
  static func configuration(
    _ section: RunConfiguration.Model, tokenizer: Tokenizer
  ) -> any FamilyConfiguration {
    var configuration = section.shape(vocabularySize: tokenizer.vocabularySize)
    configuration.text.bosTokenID = Int(tokenizer.bosID)
    configuration.text.eosTokenID = Int(tokenizer.eosID)
    configuration.text.padTokenID = Int(tokenizer.padID)
    // InternLM-XComposer2.5 has no token for pictures.
    if section.modelType != .xComposer { configuration.imageTokenIndex = Int(tokenizer.imageID) }
    return configuration
  }

  /// Writes what stands beside the vocabulary of a family that has a class of its own for it.
  static func writeVocabularySettings(_ section: RunConfiguration.Model, to folder: URL) throws {
    guard section.modelType == .xComposer else { return }
    let settings: [String: Any] = [
      "tokenizer_class": "InternLM2Tokenizer", "bos_token": "<s>", "eos_token": "</s>",
      "unk_token": "<unk>", "pad_token": "</s>",
    ]
    let json = try JSONSerialization.data(withJSONObject: settings, options: [.prettyPrinted, .sortedKeys])
    try AtomicFile.write(json, to: folder.appendingPathComponent("tokenizer_config.json"))
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
      new: model, tokenizerIn: folder, template: run.tokenizer.template?.chatTemplate ?? .plain,
      processor: run.model.pictureProcessor(model.configuration))
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
      vision: run.model.clip, visionFeatureLayer: run.model.visionFeatureLayer, languageModel: file,
      tokenizer: tokenizer, using: &generator)
    ModelInitialization.apply(to: model, includesDecoder: false, seed: run.run.seed)
    try Tokenizer.writeJSON(of: file, to: folder)
    // The decoder's first, random weights.
    TensorRuntime.trim()
    let chat = try PretrainedModel.chatTemplate(
      of: file, tokenizer, instead: run.tokenizer.template?.chatTemplate, "tokenizer.template")
    return try PretrainedModel(
      new: model, tokenizerIn: folder, template: chat.template ?? .plain,
      notes: PretrainedModel.notes(on: file) + chat.notes)
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
  ///     the start, quantised matrices of a GGUF file as they are; everything is Float32 when nil.
  static func open(
    _ directory: URL, run: RunConfiguration, template: RunConfiguration.Tokenizer.Template? = nil,
    trainable: Set<VisionLanguageModel.Part>? = nil
  ) throws -> PretrainedModel {
    // What an earlier model left is not kept beside the new one.
    TensorRuntime.trim()
    let isHalved = trainable != nil && run.train.frozenDtype == .bfloat16
    let isBlocks = trainable != nil && directory.pathExtension == "gguf"
    let loaded = try PretrainedModel.load(
      from: directory, weights: isBlocks ? .auto : isHalved ? .bfloat16 : .float32,
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
