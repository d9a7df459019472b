import Foundation
import LVLM

/// What transformers' `LlavaProcessor` reads beside a model: how many tokens a picture takes, and the chat template.
struct ProcessorFiles {
  private let processor: [String: Any]
  private let chatTemplate: String

  /// - Parameter template: the template of the model's conversations; what fits its vocabulary when nil.
  init(_ loaded: PretrainedModel, template: ChatTemplate?) {
    let vision = loaded.model.configuration.vision
    processor = [
      "processor_class": "LlavaProcessor", "patch_size": vision.patchSize,
      "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1,
      "image_token": Tokenizer.imageMark,
    ]
    chatTemplate = Self.jinja(template ?? loaded.usualTemplate)
  }

  /// Writes the files that are not there.
  func write(to folder: URL) throws {
    func isThere(_ name: String) -> Bool {
      FileManager.default.fileExists(atPath: folder.appending(component: name).path)
    }
    if !isThere("processor_config.json") {
      let data = try JSONSerialization.data(
        withJSONObject: processor, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
      try data.write(to: folder.appending(component: "processor_config.json"), options: .atomic)
    }
    if !isThere("chat_template.jinja"), !isThere("chat_template.json") {
      try Data(chatTemplate.utf8).write(
        to: folder.appending(component: "chat_template.jinja"), options: .atomic)
    }
  }

  /// A template in transformers' language: pictures as `<image>` and a line break, in the order of the message.
  private static func jinja(_ template: ChatTemplate) -> String {
    func literal(_ text: String) -> String {
      "'"
        + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'").replacing("\n", with: "\\n") + "'"
    }
    let content =
      "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
      + "{% if part['type'] == 'image' %}{{ \(literal(Tokenizer.imageMark + "\n")) }}{% else %}{{ part['text'] }}"
      + "{% endif %}{% endfor %}{% endif %}"
    // Where an answer is encoded on its own, it begins with a SentencePiece vocabulary's space.
    let answer = template.afterQuestion + (template.afterQuestion.hasSuffix("\n") ? "" : " ")
    return
      "{% for message in messages %}{% if message['role'] == 'user' %}"
      + "{% if loop.first %}{{ \(literal(template.beforeQuestion)) }}{% else %}"
      + "{{ \(literal(template.beforeLaterQuestion)) }}{% endif %}\(content)"
      + "{% else %}{{ \(literal(answer)) }}\(content){{ eos_token }}{% endif %}{% endfor %}"
      + "{% if add_generation_prompt %}{{ \(literal(template.afterQuestion)) }}{% endif %}"
  }
}
