import Checkpoint
import Foundation

/// Models from llama.cpp's files: a language model, and the file of its vision tower and projector.
extension PretrainedModel {
  /// What such files say of a model beside its weights.
  struct GGUFDescription {
    let file: GGUFFile
    let projector: GGUFProjector?
    let tokenizer: Tokenizer
    let template: ChatTemplate
    let configuration: any FamilyConfiguration
    let processor: (any PictureProcessor)?
    let notes: [String]

    /// Vocabulary and chat template.
    var encoder: PromptEncoder {
      PromptEncoder(
        tokenizer: tokenizer, template: template, configuration: configuration,
        geometry: processor?.geometry)
    }
  }

  /// - Throws: As ``load(from:weights:template:option:trainable:projector:)``.
  static func description(
    gguf url: URL, projector chosen: URL? = nil, template: ChatTemplate?, option: String = "--template"
  ) throws -> GGUFDescription {
    let file = try GGUFFile(reading: url)
    if file.metadata["general.architecture"]?.asString == GGUFProjector.architecture {
      throw ModelConfigurationError(
        file: url.path,
        problems: [
          .init(
            key: "general.architecture", found: "\"\(GGUFProjector.architecture)\", a projector",
            expected: "the language model that it belongs to, with it as the projector (--projector)")
        ])
    }
    let tokenizer = try Tokenizer(gguf: file)
    let chat = try chatTemplate(of: file, tokenizer, instead: template, option)
    let usual = chat.template ?? usualTemplate(of: tokenizer)
    let beside = chosen == nil ? try projector(beside: url) : nil
    var notes = chat.notes + notes(on: file)
    guard let place = chosen ?? beside else {
      return GGUFDescription(
        file: file, projector: nil, tokenizer: tokenizer, template: usual,
        configuration: try VisionLanguageModel.languageModelShape(of: file, tokenizer: tokenizer),
        processor: nil, notes: notes)
    }
    let projector = try GGUFProjector(GGUFFile(reading: place))
    let configuration = try projector.configuration(
      before: TextConfiguration(gguf: file, tokenizer: tokenizer), imageTokenIndex: Int(tokenizer.imageID))
    if chat.template == nil {
      notes.append("\(url.path): no chat template; \(usual.name) is used, which fits its vocabulary")
    }
    if let beside { notes.append("\(url.path): its pictures are read by \(beside.lastPathComponent)") }
    return GGUFDescription(
      file: file, projector: projector, tokenizer: tokenizer, template: usual, configuration: configuration,
      processor: try projector.pictureProcessor(for: configuration), notes: notes + projector.notes)
  }

  static func load(
    gguf url: URL, projector chosen: URL?, weights: WeightStorage, template: ChatTemplate?, option: String
  ) throws -> PretrainedModel {
    let found = try description(gguf: url, projector: chosen, template: template, option: option)
    let model =
      try found.projector.map {
        try VisionLanguageModel(
          languageModel: found.file, projector: $0, tokenizer: found.tokenizer, weights: weights)
      }
      ?? VisionLanguageModel.languageModel(from: found.file, tokenizer: found.tokenizer, weights: weights)
    var loaded = PretrainedModel(
      model: model, tokenizer: TokenizerFiles(found.tokenizer, gguf: found.file), template: found.template,
      processor: found.processor)
    loaded.notes = found.notes
    return loaded
  }

  /// The one `*mmproj*.gguf` in the folder of a GGUF file; nil where there is none.
  ///
  /// - Throws: ``ModelDirectoryError`` that names them where there are several.
  package static func projector(beside url: URL) throws -> URL? {
    let folder = url.deletingLastPathComponent()
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let names = files.filter { name in
      let lower = name.lowercased()
      return lower.hasSuffix(".gguf") && lower.contains("mmproj") && !name.hasPrefix(".")
        && name != url.lastPathComponent
    }
    guard names.count < 2 else {
      let list = names.sorted().joined(separator: ", ")
      throw ModelDirectoryError(
        file: folder.path,
        unusable: [
          "\(list) (\(names.count) projectors for \(url.lastPathComponent), expected one; --projector "
            + "chooses)"
        ])
    }
    return names.first.map { folder.appending(component: $0) }
  }

  /// What is missing in a GGUF file and has a usual value.
  package static func notes(on file: GGUFFile) -> [String] {
    let metadata = file.metadata
    guard metadata["tokenizer.ggml.model"]?.asString == "gpt2", metadata["tokenizer.ggml.pre"] == nil else {
      return []
    }
    return [
      "\(file.url.path): no tokenizer.ggml.pre; words are cut by GPT-2's rule, which may not be this "
        + "vocabulary's"
    ]
  }

  /// The chat template of a GGUF file: one known here, or its own, which is run.
  ///
  /// - Parameters:
  ///   - chosen: takes its place.
  ///   - option: what notes and errors call that choice.
  /// - Throws: ``ModelConfigurationError`` for one that cannot be run.
  package static func chatTemplate(
    of file: GGUFFile, _ tokenizer: Tokenizer, instead chosen: ChatTemplate?, _ option: String
  ) throws -> (template: ChatTemplate?, notes: [String]) {
    let key = "tokenizer.chat_template"
    guard let jinja = file.metadata[key]?.asString else { return (chosen, []) }
    let own = ChatTemplate(jinja: jinja)
    guard let template = chosen ?? own else {
      let template = try ChatTemplate(
        running: jinja, names: tokenizer.templateNames, specials: tokenizer.specialTexts,
        file: file.url.path, key: key, option: option)
      return (template, template.notes(file.url.path))
    }
    guard own != template else { return (template, []) }
    return (
      template,
      [
        "\(file.url.path): its chat template is \(own?.name ?? "another"); \(option) \(template.name) takes "
          + "its place"
      ]
    )
  }
}
