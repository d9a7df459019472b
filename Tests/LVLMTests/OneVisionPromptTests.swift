import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// LLaVA-OneVision's chat templates and what they become.
@Suite struct OneVisionPromptTests {
  private struct Prompts: Decodable {
    struct Prompt: Decodable {
      struct Message: Decodable {
        struct Part: Decodable {
          var type: String
          var text: String?
        }
        var role: String
        var content: [Part]
      }
      var name: String
      var images: [String]
      var mode: String
      var messages: [Message]?
      var text: String
      var text_older_template: String?
      var tokens: [Int]
      var ids: [Int32]
      var spans: [[Int]]
    }
    var image_token_id: Int32
    var prompts: [Prompt]
  }

  private static func encoder(_ template: ChatTemplate) throws -> PromptEncoder {
    var configuration = TinyModel.configuration
    (configuration.text.contextLength, configuration.text.vocabularySize) = (4096, 416)
    configuration.imageTokenIndex = 403
    let directory = OneVision.directory
    return PromptEncoder(
      tokenizer: try Tokenizer(contentsOf: directory.appending(component: "tokenizer.json")),
      template: template, configuration: configuration)
  }

  @Test func ids() throws {
    let (encoder, geometry) = (try Self.encoder(.oneVision), try OneVision.processor().geometry)
    let prompts: Prompts = try OneVision.json("prompts.json")
    #expect(prompts.prompts.count == 17)
    for prompt in prompts.prompts {
      let grids = try prompt.images.map { file in
        let picture = try OneVision.picture(file)
        return geometry.grid(
          width: picture.width, height: picture.height, isAlone: prompt.mode == "anyres")
      }
      #expect(grids.map(\.count) == prompt.tokens, "\(prompt.name)")
      let ids = try encoder.encode(prompt.text, grids: grids)
      #expect(ids == prompt.ids, "\(prompt.name)")
      let image = prompts.image_token_id
      for (span, grid) in zip(prompt.spans, grids) {
        #expect(span[1] - span[0] == grid.count && ids[span[0]..<span[1]].allSatisfy { $0 == image })
      }
    }
  }

  /// A question in words and marks is the same as the message with the same pictures and words.
  @Test func questions() throws {
    let encoders = [try Self.encoder(.oneVision), try Self.encoder(.oneVisionChatML)]
    var compared = 0
    for prompt in try OneVision.json("prompts.json", as: Prompts.self).prompts {
      guard let messages = prompt.messages, messages.count == 1 else { continue }
      let words = messages[0].content.filter { $0.type == "text" }.compactMap(\.text)
      let marks = String(repeating: "<image>\n", count: messages[0].content.count - words.count)
      let older = try #require(prompt.text_older_template)
      for (encoder, text, between) in zip3(encoders, [prompt.text, older], ["\n", ""]) {
        let question = marks + words.joined(separator: between)
        #expect(encoder.template.prompt(question) == text, "\(prompt.name)")
        let images = Array(prompt.images.indices)
        let grids = images.map { _ in TinyModel.grid }
        let example = try encoder.example(question: question, images: images, grids: grids)
        #expect(example.promptIDs == (try encoder.encode(text, grids: grids)), "\(prompt.name)")
      }
      compared += 1
    }
    #expect(compared == 11)
    // Marks among the words stay there.
    let template = ChatTemplate.oneVision
    #expect(
      template.prompt("Image1: <image>\nImage2: <image>\nWhich?")
        == "<|im_start|>user \nImage1: <image>\nImage2: <image>\nWhich?<|im_end|><|im_start|>assistant\n")
    #expect(
      template.prompt("<image><image>\n<image> and <image>")
        == "<|im_start|>user <image><image><image>\n and <image><|im_end|><|im_start|>assistant\n")
    #expect(template.prompt("<image>") == "<|im_start|>user <image><|im_end|><|im_start|>assistant\n")
  }

  /// What follows an answer in a conversation.
  @Test func laterQuestions() throws {
    let encoder = try Self.encoder(.oneVision)
    let later = try encoder.encode(answer: "A red bus.") + encoder.encode(laterQuestion: "And?")
    #expect(
      encoder.tokenizer.decode(later, showsSpecialTokens: true)
        == "A red bus.<|im_end|><|im_start|>user \nAnd?<|im_end|><|im_start|>assistant\n")
    let older = try Self.encoder(.oneVisionChatML)
    #expect(
      try older.tokenizer.decode(older.encode(laterQuestion: "And?"), showsSpecialTokens: true)
        == "\n<|im_start|>user\nAnd?<|im_end|>\n<|im_start|>assistant\n")
  }

  @Test func templatesAreRecognised() throws {
    struct File: Decodable { var chat_template: String }
    let file = OneVision.directory.appending(component: "chat_template.json")
    let text = try JSONDecoder().decode(File.self, from: Data(contentsOf: file)).chat_template
    #expect(ChatTemplate(jinja: text) == .oneVision)
    let published = ChatTemplate.oneVision.jinja
    #expect(ChatTemplate(jinja: published) == .oneVision)
    #expect(ChatTemplate(jinja: ChatTemplate.oneVisionChatML.jinja) == .oneVisionChatML)
    #expect(published.contains("{{'<|im_start|>' + message['role'] + ' '}}{# Render all images first #}"))
    #expect(ChatTemplate(jinja: published.replacing("Render all", with: "All")) == nil)
  }
}

/// The elements of three lists side by side.
private func zip3<A, B, C>(_ a: [A], _ b: [B], _ c: [C]) -> [(A, B, C)] {
  zip(a, zip(b, c)).map { ($0, $1.0, $1.1) }
}
