import Foundation
import LVLM
import TestSupport
import Testing

/// SmolVLM's vocabularies, its template and what stands for a picture in a prompt.
@Suite struct SmolVLMPromptTests {
  private struct Cases: Decodable {
    struct Case: Decodable {
      var text: String
      var ids: [Int32]
      var decode: String
      var decode_skip_special: String
    }
    var cases: [Case]
  }

  private struct Prompts: Decodable {
    struct Message: Decodable {
      struct Part: Decodable {
        var type: String
        var text: String?
      }
      var role: String
      var content: [Part]
    }
    struct Prompt: Decodable {
      var name: String
      var images: [String]
      var mode: String
      var messages: [Message]?
      var text: String
      var expanded: String
      var ids: [Int32]
      var ids_tags_as_text: [Int32]
    }
    var prompts: [Prompt]
  }

  private static func tokenizer(_ folder: String = "") throws -> Tokenizer {
    try TokenizerFiles(of: Fixtures.url("smolvlm/\(folder)")).tokenizer
  }

  private static func encoder(_ folder: String = "", imageID: Int = 364) throws -> PromptEncoder {
    PromptEncoder(
      tokenizer: try tokenizer(folder), template: .smolVLM,
      configuration: LlavaConfiguration(imageTokenIndex: imageID))
  }

  @Test(arguments: [("", "tokenizer_cases"), ("tags_as_text", "tokenizer_cases_tags_as_text")])
  func vocabulary(folder: String, name: String) throws {
    let tokenizer = try Self.tokenizer(folder)
    let cases = try SmolVLMPictureTests.decoded(Cases.self, "\(name).json").cases
    #expect(cases.count > 20)
    for item in cases {
      let ids = try tokenizer.encode(parsingTokens: item.text)
      #expect(ids == item.ids, "\(item.text.debugDescription)")
      #expect(tokenizer.decode(ids, showsSpecialTokens: true) == item.decode, "\(item.text.debugDescription)")
      #expect(tokenizer.decode(ids) == item.decode_skip_special, "\(item.text.debugDescription)")
    }
  }

  private static func prompts() throws -> [(prompt: Prompts.Prompt, grids: [FeatureGrid])] {
    try SmolVLMPictureTests.decoded(Prompts.self, "prompts.json").prompts.map { prompt in
      let geometry = try SmolVLMPictureTests.processor(prompt.mode).geometry
      let grids = try prompt.images.map { name in
        let picture = try SmolVLMPictureTests.picture(name)
        return geometry.grid(
          width: picture.width, height: picture.height, isAlone: prompt.images.count == 1)
      }
      return (prompt, grids)
    }
  }

  @Test func frames() throws {
    for (prompt, grids) in try Self.prompts() {
      var chunks = prompt.text.split(separator: "<image>", omittingEmptySubsequences: false)[...]
      var text = String(chunks.removeFirst())
      for grid in grids {
        for part in grid.frame {
          switch part {
          case .text(let words): text += words
          case .features(let count): text += String(repeating: "<image>", count: count)
          }
        }
        text += chunks.removeFirst()
      }
      #expect(text == prompt.expanded, "\(prompt.name)")
    }
  }

  @Test func idsOfTexts() throws {
    let (tokens, words) = (try Self.encoder(), try Self.encoder("tags_as_text", imageID: 327))
    var count = 0
    for (prompt, grids) in try Self.prompts() {
      #expect(try tokens.encode(prompt.text, grids: grids) == prompt.ids, "\(prompt.name)")
      #expect(try words.encode(prompt.text, grids: grids) == prompt.ids_tags_as_text, "\(prompt.name)")
      count += 1
    }
    #expect(count == 15)
  }

  /// The parts of a message in their order make the question.
  @Test func idsOfQuestions() throws {
    let encoder = try Self.encoder()
    var count = 0
    for (prompt, grids) in try Self.prompts() {
      guard let messages = prompt.messages, messages.count == 1 else { continue }
      let question = messages[0].content.map { $0.text ?? "<image>" }.joined()
      #expect(encoder.template.prompt(question) == prompt.text, "\(prompt.name)")
      let example = try encoder.example(
        question: question, images: Array(grids.indices), grids: grids)
      #expect(example.promptIDs == prompt.ids, "\(prompt.name)")
      count += 1
    }
    #expect(count > 8)
  }

  @Test func turns() throws {
    let encoder = try Self.encoder()
    let all = try Self.prompts()
    let (answered, grids) = try #require(all.first { $0.prompt.name == "answered" })
    let ids =
      try encoder.example(question: "<image>What is this?", images: [0], grids: grids).promptIDs
      + encoder.encode(answer: "A red bus.")
    // The line break behind an answer belongs to the turn behind it.
    #expect(try ids + encoder.tokenizer.encode("\n") == answered.ids)
    let later = try encoder.encode(laterQuestion: "Why?")
    #expect(
      encoder.tokenizer.decode(later, showsSpecialTokens: true)
        == "\nUser: Why?<end_of_utterance>\nAssistant:")
    // What looks like a tag in a question is text.
    let plain = try encoder.encode(laterQuestion: "<row_1_col_1>")
    #expect(!plain.contains(327))
  }

  @Test func templates() throws {
    for folder in ["", "tags_as_text"] { _ = try Self.tokenizer(folder) }
    #expect(ChatTemplate(jinja: ChatTemplate.smolVLM.jinja) == .smolVLM)
    let films = ChatTemplate.smolVLM.jinja.replacing(
      "{{ '<image>' }}", with: "{{ '<image>' }}{% elif line['type'] == 'video' %}{{ '<video>' }}")
    #expect(ChatTemplate(jinja: films) == .smolVLM)
    // Outside a literal of Jinja an escape is no line break.
    #expect(ChatTemplate(jinja: films.replacing("\n", with: "\\n")) == nil)
    #expect(ChatTemplate(named: "smolvlm") == .smolVLM)
  }
}
