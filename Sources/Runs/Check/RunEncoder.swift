import Checkpoint
import DPOTrain
import Foundation
import LVLM

/// The vocabulary and the shape of the model that a run will train or ask, before there is a model.
final class RunEncoder {
  private let configuration: RunConfiguration
  private let vocabulary: OwnVocabulary?
  private let directory: URL
  private var made: PromptEncoder?

  /// - Parameters:
  ///   - vocabulary: the one the run makes of its own texts, if it does.
  ///   - directory: the run's.
  init(_ configuration: RunConfiguration, vocabulary: OwnVocabulary?, directory: URL) {
    self.configuration = configuration
    self.vocabulary = vocabulary
    self.directory = directory
  }

  /// How many features pictures have.
  func geometry() throws -> any PictureGeometry {
    if let path = configuration.model.path {
      return try PretrainedModel.shape(of: URL(fileURLWithPath: path, isDirectory: true)).processor.geometry
    }
    return configuration.model.pictureProcessor(try shape()).geometry
  }

  /// The shape; of an existing model its configuration is all that is read.
  func shape() throws -> any FamilyConfiguration {
    if let path = configuration.model.path {
      return try FamilyRegistry.configuration(
        from: URL(fileURLWithPath: path, isDirectory: true).appendingPathComponent("config.json"))
    }
    var shape = configuration.model.shape(vocabularySize: configuration.tokenizer.vocabSize)
    if let path = configuration.model.languageModel {
      try ModelBuilder.requireLanguageModel(path)
      let file = try GGUFFile(reading: URL(fileURLWithPath: path))
      if let context = file.metadata["llama.context_length"]?.asInt { shape.text.contextLength = context }
    }
    return shape
  }

  /// The encoder with a template; the vocabulary is opened or made when this is first asked for.
  func encoder(_ template: ChatTemplate) throws -> PromptEncoder {
    if made == nil { made = try make() }
    var encoder = made!
    encoder.template = template
    return encoder
  }

  /// How questions are framed: as the configuration says, else as the model does.
  func template() throws -> ChatTemplate {
    if let template = configuration.tokenizer.template { return template.chatTemplate }
    if vocabulary != nil { return .plain }
    if made == nil { made = try make() }
    return made!.template
  }

  private func make() throws -> PromptEncoder {
    let template = configuration.tokenizer.template?.chatTemplate
    if let vocabulary {
      let tokenizer = try vocabulary.tokenizer
      return PromptEncoder(
        tokenizer: tokenizer, template: template ?? .plain,
        configuration: ModelBuilder.configuration(configuration.model, tokenizer: tokenizer),
        geometry: try geometry())
    }
    if let path = configuration.model.languageModel {
      let url = URL(fileURLWithPath: path)
      let file = try GGUFFile(reading: url)
      let tokenizer = try Tokenizer(contentsOf: url)
      // What a run makes is a directory, with files for its vocabulary.
      _ = try Tokenizer.files(of: file)
      var shape = try shape()
      shape.imageTokenIndex = Int(tokenizer.imageID)
      let chat = try PretrainedModel.chatTemplate(
        of: file, tokenizer, instead: template, "tokenizer.template")
      return PromptEncoder(tokenizer: tokenizer, template: chat.template ?? .plain, configuration: shape)
    }
    return try PretrainedModel.encoder(
      of: configuration.model.path.map { URL(fileURLWithPath: $0, isDirectory: true) }
        ?? configuration.baseModel(in: directory), template: template)
  }
}
