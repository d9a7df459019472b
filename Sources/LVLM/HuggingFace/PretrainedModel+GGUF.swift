import Checkpoint
import Foundation

/// Models from llama.cpp's files: a language model, and the file of its vision tower and projector.
extension PretrainedModel {
  static func load(
    gguf url: URL, projector chosen: URL?, weights: WeightStorage, template: ChatTemplate?, option: String
  ) throws -> PretrainedModel {
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
    let chat = try chatTemplate(of: file, instead: template, option)
    let usual = chat.template ?? usualTemplate(of: tokenizer)
    let beside = chosen == nil ? try projector(beside: url) : nil
    guard let place = chosen ?? beside else {
      var loaded = PretrainedModel(
        model: try VisionLanguageModel.languageModel(from: file, tokenizer: tokenizer, weights: weights),
        tokenizer: TokenizerFiles(tokenizer, gguf: file), template: usual, processor: nil)
      loaded.notes = chat.notes + notes(on: file)
      return loaded
    }
    let projector = try GGUFProjector(GGUFFile(reading: place))
    let model = try VisionLanguageModel(
      languageModel: file, projector: projector, tokenizer: tokenizer, weights: weights)
    let processor = try projector.pictureProcessor(for: model.configuration)
    var loaded = PretrainedModel(
      model: model, tokenizer: TokenizerFiles(tokenizer, gguf: file), template: usual, processor: processor)
    loaded.notes = chat.notes + notes(on: file)
    if chat.template == nil {
      loaded.notes.append("\(url.path): no chat template; \(usual.name) is used, which fits its vocabulary")
    }
    if let beside { loaded.notes.append("\(url.path): its pictures are read by \(beside.lastPathComponent)") }
    loaded.notes += projector.notes
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

  private static func chatTemplate(
    of file: GGUFFile, instead chosen: ChatTemplate?, _ option: String
  ) throws -> (template: ChatTemplate?, notes: [String]) {
    let key = "tokenizer.chat_template"
    guard let jinja = file.metadata[key]?.asString else { return (chosen, []) }
    let own = ChatTemplate(jinja: jinja)
    guard let template = chosen ?? own else {
      let known = ChatTemplate.all.map(\.name).joined(separator: ", ")
      throw ModelConfigurationError(
        file: file.url.path,
        problems: [
          .init(
            key: key, found: "\"\(jinja.prefix(60))…\"",
            expected: "what one of \(known) writes; \(option) chooses one of them")
        ])
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
