import Checkpoint
import Foundation

/// The places of a model directory in which a chat template can stand.
struct ChatTemplateFiles {
  /// A template and where it stands.
  struct Found {
    var place: String
    var jinja: String
    /// Nil when it is none of those known here.
    var template: ChatTemplate?
  }

  static let name = "chat_template.jinja"

  private let directory: URL
  /// Every template of the directory, in the order in which transformers looks.
  let all: [Found]

  /// Looks into `chat_template.jinja`, `chat_template.json`, `processor_config.json` and
  /// `tokenizer_config.json`.
  ///
  /// - Throws: ``ModelConfigurationError`` or ``ModelDirectoryError`` for a file that cannot be read.
  init(of directory: URL) throws {
    self.directory = directory
    var all: [Found] = []
    func add(_ jinja: String, _ place: String) {
      all.append(Found(place: place, jinja: jinja, template: ChatTemplate(jinja: jinja)))
    }
    let file = try ModelFile.inside(directory, Self.name)
    if FileManager.default.fileExists(atPath: file.path) {
      guard let data = try? Data(contentsOf: file), !GitLFSPointer.isPointer(data, count: data.count),
        let text = String(validating: data.withoutByteOrderMark, as: UTF8.self)
      else {
        let found = GitLFSPointer.isPointer(file) ? GitLFSPointer.words : "nothing readable"
        throw ModelConfigurationError(
          file: file.path, problems: [.init(key: "file", found: found, expected: "a template in UTF-8")])
      }
      add(text, Self.name)
    }
    for place in ["chat_template.json", "processor_config.json", "tokenizer_config.json"] {
      guard let value = try ModelJSON.ifPresent(place, in: directory)?["chat_template"] else { continue }
      if let jinja = Self.main(value) { add(jinja, place) }
    }
    self.all = all
  }

  /// The template of conversations: alone, or the one of several that is called default. What has none is
  /// given as it stands, which is no template known here.
  private static func main(_ value: JSONValue) -> String? {
    switch value {
    case .null: nil
    case .string(let text): text
    case .array(let entries):
      entries.first { $0["name"]?.text == "default" }?["template"]?.text ?? value.brief
    default: value["default"]?.text ?? value.brief
    }
  }

  /// The one template that all places agree on, nil when there is none. One that is not known here is run.
  ///
  /// - Parameter tokenizer: has the tokens that the template names; nil where it could not be opened.
  /// - Throws: ``ModelDirectoryError`` for two that differ, ``ModelConfigurationError`` for one that cannot
  ///   be run.
  func agreed(_ tokenizer: Tokenizer?) throws -> ChatTemplate? {
    guard let first = all.first else { return nil }
    if let other = all.first(where: {
      $0.template != first.template || ($0.template == nil && $0.jinja != first.jinja)
    }) {
      let names = [first, other].map { "\($0.place) (\($0.template?.name ?? "\"\($0.jinja.prefix(60))…\""))" }
      throw ModelDirectoryError(
        file: directory.path,
        unusable: [
          "the chat templates in \(names.joined(separator: " and ")), expected one; --template chooses"
        ])
    }
    if let template = first.template { return template }
    guard let tokenizer else { return nil }
    let names = tokenizer.templateNames.merging(try SpecialTokenNames(of: directory).written) { $1 }
    return try ChatTemplate(
      running: first.jinja, names: names, specials: tokenizer.specialTexts,
      file:
        directory.appending(component: first.place).path, key: "chat_template", option: "--template")
  }
}
