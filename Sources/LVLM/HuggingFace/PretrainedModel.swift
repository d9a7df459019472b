import Checkpoint
import Foundation
import Tensor

/// A model with everything that belongs to it, opened from a directory or from a GGUF file and checked to fit
/// together.
///
/// Every command and every stage opens models here, and whatever is written carries all four: weights,
/// vocabulary, image settings and chat template.
public struct PretrainedModel {
  /// The model.
  public var model: VisionLanguageModel
  /// Vocabulary and chat template, which turn questions into ids.
  public private(set) var encoder: PromptEncoder
  /// What it does with pictures; nil for a language model alone.
  public var processor: (any PictureProcessor)?
  /// What whoever opened it should be told: settings that were not there, or that others took the place of.
  public internal(set) var notes: [String] = []
  /// The files of its vocabulary.
  let tokenizerFiles: TokenizerFiles
  /// `generation_config.json` as it was.
  private var generation: Data?

  /// Its vocabulary.
  public var tokenizer: Tokenizer { encoder.tokenizer }
  /// How its questions are framed.
  public var template: ChatTemplate { encoder.template }

  /// Opens a model directory (see ``VisionLanguageModel/load(from:)``) with its vocabulary, its image
  /// settings (`preprocessor_config.json`, or `processor_config.json` of transformers 5) and its chat
  /// template; or a GGUF file of a language model, with the file of its vision tower and projector.
  ///
  /// A directory that says nothing of pictures pads them to squares and uses CLIP's statistics, which
  /// ``notes`` tell; one that says two things is an error.
  /// - Parameters:
  ///   - weights: how matrices are kept; anything but ``WeightStorage/float32`` freezes the model.
  ///   - template: takes the place of the model's own chat template, which ``notes`` tell where they differ.
  ///   - option: what notes call that choice.
  ///   - trainable: parts of a model directory that stay in Float32 and trainable, whatever `weights` is.
  ///   - projector: llama.cpp's `mmproj` file of a GGUF file; when nil the one `*mmproj*.gguf` beside it, and
  ///     where there is none it is a language model alone.
  /// - Throws: ``ModelConfigurationError``, ``ModelDirectoryError``, ``TokenizerError`` or `CheckpointError`;
  ///   ``ModelErrors`` where there are several.
  public static func load(
    from url: URL, weights: WeightStorage = .float32, template: ChatTemplate? = nil,
    option: String = "--template", trainable: Set<VisionLanguageModel.Part> = [], projector: URL? = nil
  ) throws -> PretrainedModel {
    if url.pathExtension == "gguf" {
      return try load(gguf: url, projector: projector, weights: weights, template: template, option: option)
    }
    if let projector {
      throw ModelDirectoryError(
        file: projector.path,
        unusable: ["the projector (for \(url.path), expected a GGUF file as the model)"])
    }
    guard weights != .quantized else {
      throw ModelDirectoryError(
        file: url.path, unusable: ["its weights (safetensors, expected a GGUF file to keep quantised)"])
    }
    func open<Family: FamilyConfiguration>(_ family: Family.Type) throws -> PretrainedModel {
      try load(
        family, from: url, weights: weights, template: template, option: option, trainable: trainable)
    }
    // What is wrong with the file itself is told beside what is wrong with the others.
    guard let file = try? ModelFile.inside(url, "config.json") else {
      return try open(LlavaConfiguration.self)
    }
    return try open(FamilyRegistry.family(of: file))
  }

  private static func load<Family: FamilyConfiguration>(
    _ family: Family.Type, from url: URL, weights: WeightStorage, template: ChatTemplate?, option: String,
    trainable: Set<VisionLanguageModel.Part>
  ) throws -> PretrainedModel {
    let errors = ErrorCollection()
    let tokenizer = errors.attempt { try TokenizerFiles(of: url) }
    let chat = errors.attempt { try chatTemplate(of: url, tokenizer?.tokenizer, instead: template, option) }
    _ = errors.attempt { try WeightFiles.check(model: url) }
    let read = Result { try Family.read(from: ModelFile.inside(url, "config.json")) }
    let processing = errors.attempt { try Family.pictureProcessor(of: url, try? read.get()) }
    let model = errors.attempt {
      try VisionLanguageModel.load(from: url, weights: weights, trainable: trainable) {
        let configuration = try read.get()
        _ = errors.attempt {
          try check(configuration, tokenizer?.tokenizer, processing ?? nil, directory: url)
        }
        _ = errors.attempt { try configuration.check(processing ?? nil, directory: url) }
        _ = errors.attempt { try checkGeneration(configuration, directory: url) }
        return configuration
      }
    }
    guard let tokenizer, let processing, let chat, let model, errors.isEmpty else { throw errors.error }
    let usual = chat.template ?? usualTemplate(of: tokenizer.tokenizer)
    var loaded = PretrainedModel(
      model: model, tokenizer: tokenizer, template: usual,
      processor: processing ?? model.configuration.usualPictureProcessor)
    loaded.notes = tokenizer.notes + chat.notes
    if processing == nil {
      loaded.notes.append(
        "\(url.path): neither \(LlavaProcessorFiles.imageName) nor \(LlavaProcessorFiles.name) "
          + "says what becomes of pictures; " + model.configuration.usualPictureWords)
    }
    if chat.template == nil {
      loaded.notes.append("\(url.path): no chat template; \(usual.name) is used, which fits its vocabulary")
    }
    loaded.generation = FileManager.default.contents(
      atPath: try ModelFile.inside(url, "generation_config.json").path)
    return loaded
  }

  /// The vocabulary and the chat template of a directory, its weights left where they are.
  ///
  /// - Parameter template: takes the place of the directory's own.
  /// - Throws: As ``load(from:weights:template:option:trainable:projector:)``.
  package static func encoder(of url: URL, template: ChatTemplate? = nil) throws -> PromptEncoder {
    if url.pathExtension == "gguf" { return try description(gguf: url, template: template).encoder }
    let tokenizer = try TokenizerFiles(of: url).tokenizer
    let chat = try chatTemplate(of: url, tokenizer, instead: template, "--template")
    let shape = try shape(of: url)
    return PromptEncoder(
      tokenizer: tokenizer, template: chat.template ?? usualTemplate(of: tokenizer),
      configuration: shape.configuration, geometry: shape.processor.geometry)
  }

  /// What the files of a directory say of its model beside its weights and words: its configuration, and what
  /// is done with pictures.
  ///
  /// - Throws: As ``load(from:weights:template:option:trainable:projector:)``.
  package static func shape(
    of url: URL
  ) throws -> (configuration: any FamilyConfiguration, processor: any PictureProcessor) {
    if url.pathExtension == "gguf" {
      let found = try description(gguf: url, template: .plain)
      return (found.configuration, found.processor ?? found.configuration.usualPictureProcessor)
    }
    func shape<Family: FamilyConfiguration>(
      _ family: Family.Type
    ) throws -> (any FamilyConfiguration, any PictureProcessor) {
      let configuration = try Family.read(from: ModelFile.inside(url, "config.json"))
      let processor = try Family.pictureProcessor(of: url, configuration)
      return (configuration, processor ?? configuration.usualPictureProcessor)
    }
    return try shape(FamilyRegistry.family(of: ModelFile.inside(url, "config.json")))
  }

  init(
    model: VisionLanguageModel, tokenizer: TokenizerFiles, template: ChatTemplate,
    processor: (any PictureProcessor)?
  ) {
    self.model = model
    tokenizerFiles = tokenizer
    encoder = PromptEncoder(
      tokenizer: tokenizer.tokenizer, template: template, configuration: model.configuration,
      geometry: processor?.geometry)
    self.processor = processor
  }

  /// A model that was made here, with the files of its vocabulary in `folder`.
  ///
  /// - Parameter processor: what it does with pictures; what is usual in its family when nil.
  /// - Throws: ``TokenizerError`` or ``ModelDirectoryError`` for files that are no vocabulary.
  package init(
    new model: VisionLanguageModel, tokenizerIn folder: URL, template: ChatTemplate, notes: [String] = [],
    processor: (any PictureProcessor)? = nil
  ) throws {
    self.init(
      model: model, tokenizer: try TokenizerFiles(of: folder), template: template,
      processor: processor ?? model.configuration.usualPictureProcessor)
    self.notes = notes
  }

  /// Writes a directory that ``load(from:weights:template:option:trainable:projector:)`` and Hugging Face's
  /// transformers read, `AutoProcessor` included; adapters are merged into the weights that are written.
  ///
  /// - Parameters:
  ///   - directory: made when absent.
  ///   - layout: how the parameters are named.
  ///   - type: the type of the weights in the files.
  ///   - shardBytes: a file of weights ends before it would become larger.
  /// - Throws: `CheckpointError`, ``TokenizerError`` or a file error; ``ModelDirectoryError`` for values that
  ///   `type` cannot hold.
  public func save(
    to directory: URL, layout: ParameterNames.Layout = .saved, type: SavedType = .exact,
    shardBytes: Int = 5_000_000_000
  ) throws {
    var files = try tokenizerFiles.complete()
    try model.save(to: directory, layout: layout, type: type, shardBytes: shardBytes)
    files.merge(try model.configuration.processorFiles(processor)) { $1 }
    files[ChatTemplateFiles.name] = Data(template.jinja.utf8)
    files["generation_config.json"] = try generation ?? generationJSON()
    for (name, bytes) in files {
      try bytes.write(to: directory.appending(component: name), options: .atomic)
    }
  }

  private func generationJSON() throws -> Data {
    try JSONSerialization.data(
      withJSONObject: [
        "bos_token_id": Int(tokenizer.bosID), "eos_token_id": Int(tokenizer.eosID),
        "pad_token_id": Int(tokenizer.padID),
      ], options: [.prettyPrinted, .sortedKeys])
  }

  // MARK: Chat templates

  /// The template that a vocabulary was made for, as far as it shows: SmolVLM's, InternLM-XComposer2.5's or
  /// ChatML where it has their tokens.
  static func usualTemplate(of tokenizer: Tokenizer) -> ChatTemplate {
    [ChatTemplate.smolVLM, .xComposer, .chatML].first { template in
      template.marks.allSatisfy { tokenizer.id(of: $0) != nil }
    } ?? .vicunaV1
  }

  private static func chatTemplate(
    of directory: URL, _ tokenizer: Tokenizer?, instead chosen: ChatTemplate?, _ option: String
  ) throws -> (template: ChatTemplate?, notes: [String]) {
    let files = try ChatTemplateFiles(of: directory)
    guard let chosen else {
      let own = try files.agreed(tokenizer)
      return (own, own?.notes(directory.path) ?? [])
    }
    return (
      chosen,
      files.all.filter { $0.template != chosen }.prefix(1).map {
        let own = $0.template.map(\.name) ?? "another"
        return
          "\(directory.path): its chat template is \(own) (\($0.place)); \(option) \(chosen.name) takes its "
          + "place"
      }
    )
  }

  /// The image features of pictures.
  ///
  /// - Parameter isAlone: whether the prompt of each shows no other picture; all are those of one prompt when
  ///   nil.
  /// - Throws: ``PromptError/imageCount(marks:images:prompt:)`` when the model has no vision tower.
  public func imageFeatures(_ pictures: [RGBImage], isAlone: [Bool]? = nil) throws -> ImageFeatures {
    let none = ImageFeatures(.zeros([0, model.configuration.text.hiddenSize]), layout: FeatureLayout([]))
    guard let processor else {
      if pictures.isEmpty { return none }
      throw PromptError.imageCount(
        marks: 0, images: pictures.count, prompt: "of a model without vision tower")
    }
    guard !pictures.isEmpty else { return none }
    let shown = Array(
      zip(pictures, isAlone ?? Array(repeating: pictures.count == 1, count: pictures.count)))
    let layout = FeatureLayout(
      try shown.enumerated().map { index, shown in
        try processor.geometry.grid(
          of: "picture \(index)", width: shown.0.width, height: shown.0.height, isAlone: shown.1)
      })
    let pixels = Tensor.concatenated(shown.map { processor.pixels($0, isAlone: $1) }, axis: 0)
    return noGradient { model.imageFeatures(pixels, layout: layout) }
  }

  /// Compares what `generation_config.json` and the outer section of `config.json` say of the end of an
  /// answer with the text section, and refuses what would change answers and is not computed here.
  private static func checkGeneration(_ configuration: any FamilyConfiguration, directory: URL) throws {
    let (name, outer) = ("generation_config.json", "config.json")
    let generation = try ModelJSON.ifPresent(name, in: directory)
    let eos = configuration.text.eosTokenID
    func other(_ json: JSONValue?) -> ModelConfigurationError.Problem? {
      guard let found = json?["eos_token_id"], found != .null else { return nil }
      let ids = if case .array(let ids) = found { ids } else { [found] }
      guard ids != [.integer(eos)] else { return nil }
      return .init(
        key: "eos_token_id", found: found.brief,
        expected: "\(eos), text_config.eos_token_id in config.json")
    }
    let errors = ErrorCollection()
    let problems =
      (generation.map { KnownKeys.generation.problems(in: $0) } ?? [])
      + [other(generation)].compactMap(\.self)
    if !problems.isEmpty {
      errors.add(
        ModelConfigurationError(file: directory.appending(component: name).path, problems: problems))
    }
    if let problem = other(try ModelJSON.ifPresent(outer, in: directory)) {
      errors.add(
        ModelConfigurationError(file: directory.appending(component: outer).path, problems: [problem]))
    }
    guard errors.isEmpty else { throw errors.error }
  }

  private static func check(
    _ configuration: any FamilyConfiguration, _ tokenizer: Tokenizer?,
    _ processor: (any PictureProcessor)?, directory: URL
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
    if let processor {
      checks.require(
        processor.viewSide == configuration.viewSide, "vision_config.image_size",
        found: "\(configuration.viewSide)",
        expected: "\(processor.viewSide), the side of the square that the image settings make")
      let most = processor.geometry.largest(isAlone: true).count
      checks.require(
        most < text.contextLength, "text_config.max_position_embeddings", found: "\(text.contextLength)",
        expected: "more than the \(most) tokens that the image settings let one picture have")
    }
    guard checks.problems.isEmpty else {
      throw ModelConfigurationError(file: directory.path, problems: checks.problems)
    }
  }
}

extension PretrainedModel {
  /// The settings of a model that brings every picture to one square.
  package var squareSettings: ImageProcessorConfiguration? { (processor as? ImageProcessor)?.configuration }

  /// Text that differs where pictures are treated in another way.
  package func pictureSettings() throws -> String {
    if let squareSettings { return "\(squareSettings)" }
    return try model.configuration.processorFiles(processor).sorted { $0.key < $1.key }
      .map { String(decoding: $0.value, as: UTF8.self) }.joined(separator: "\n")
  }
}
