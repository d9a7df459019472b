import Checkpoint
import Foundation
import LVLM
import TestSupport
import Testing

/// Words and conversations of InternLM-XComposer2.5, against SentencePiece and the published wrappers.
@Suite struct XComposerPromptTests {
  private struct TokenizerCase: Decodable {
    var text: String
    // Absent where a special token is written in the text, which SentencePiece alone does not know.
    var sp_ids: [Int32]?
    var sp_pieces: [String]?
    var sp_decode: String?
    var hf_ids: [Int32]
    var hf_ids_with_special: [Int32]
    var out_of_table: [Int32]?
  }

  private struct PromptCase: Decodable {
    var name: String
    var text: String
    var tokens: [Int]
    var order: String
    var ids: [Int32]
    var spans: [[Int]]
    var labels: [Int32]?
  }

  private static func cases<Case: Decodable>(_ name: String) throws -> [Case] {
    try JSONDecoder().decode([Case].self, from: Data(contentsOf: Fixtures.url("xcomposer/\(name).json")))
  }

  private static func tokenizer() throws -> Tokenizer {
    let folder = Fixtures.url("xcomposer/model")
    let added = try JSONDecoder().decode(
      [String: Int32].self, from: Data(contentsOf: folder.appending(component: "added_tokens.json")))
    return try Tokenizer(
      model: Data(contentsOf: folder.appending(component: "tokenizer.model")),
      added: added.map { (text: $0.key, id: $0.value) }, image: -100)
  }

  @Test func referenceEncodings() throws {
    let tokenizer = try Self.tokenizer()
    #expect(tokenizer.pieceCount == 363 && tokenizer.vocabularySize == 363)
    #expect((tokenizer.bosID, tokenizer.eosID, tokenizer.padID, tokenizer.imageID) == (1, 2, 2, -100))
    let cases: [TokenizerCase] = try Self.cases("tokenizer_cases")
    #expect(cases.count > 40)
    for item in cases {
      if let expected = item.sp_ids {
        let ids = try tokenizer.encode(item.text)
        #expect(ids == expected, "\(item.text)")
        #expect(ids.compactMap(tokenizer.piece) == item.sp_pieces, "\(item.text)")
        #expect(tokenizer.decode(ids, showsSpecialTokens: true) == item.sp_decode, "\(item.text)")
      }
      let parsed = try tokenizer.encode(parsingTokens: item.text)
      #expect(parsed == item.hf_ids, "\(item.text)")
      #expect(try tokenizer.encode(parsingTokens: item.text, isFramed: true) == item.hf_ids_with_special)
      #expect(parsed.filter { $0 >= 363 } == item.out_of_table ?? [], "\(item.text)")
    }
  }

  private static func encoder(_ template: ChatTemplate = .xComposer) throws -> PromptEncoder {
    PromptEncoder(
      tokenizer: try tokenizer(), template: template, configuration: XComposerConfiguration(),
      geometry: XComposerGeometry(XComposerPictureTests.configuration))
  }

  /// Grids of so many features, whatever they stand for.
  private static func grids(_ counts: [Int]) -> [FeatureGrid] {
    counts.map { FeatureGrid(rows: 1, columns: $0) }
  }

  private static func marked(_ text: String) -> String {
    text.replacing("<ImageHere>", with: Tokenizer.imageMark)
  }

  @Test func wholePrompts() throws {
    let encoder = try Self.encoder()
    let cases: [PromptCase] = try Self.cases("prompts")
    // A text without pictures gets two bos from the published code, and one here.
    for item in cases where item.order == "chat" {
      let ids = try encoder.encode(Self.marked(item.text), grids: Self.grids(item.tokens))
      #expect(ids == item.ids, "\(item.name)")
      for span in item.spans { #expect(ids[span[0]..<span[1]].allSatisfy { $0 == -100 }) }
    }
    #expect(cases.count { $0.order == "chat" } == 10)
  }

  /// Conversations as they are learned, put together of questions and answers.
  @Test func learnedConversations() throws {
    let encoder = try Self.encoder()
    let cases: [PromptCase] = try Self.cases("prompts")
    let turns: [String: [(question: String, answer: String)]] = [
      "train_single_no_placeholder": [("What is shown?", "A red bus.")],
      "train_two": [("Image1 <image>; Image2 <image>; Same?", "Yes, the same bridge.")],
      "train_turns": [("Image1 <image>; Colour?", "Red."), ("Image2 <image>; And here?", "Blue.")],
      "train_text_only": [("Hello", "Hi.")],
    ]
    for item in cases where item.order == "train" {
      let turns = try #require(turns[item.name])
      let expected = try #require(item.labels)
      var (ids, learned): ([Int32], [Bool]) = ([], [])
      for (index, turn) in turns.enumerated() {
        // A further question shows no pictures here: it is encoded as the text that it is.
        let template = encoder.template
        let text = (index == 0 ? template.beforeQuestion : template.beforeLaterQuestion) + turn.question
        let marks = turn.question.split(separator: "<image>", omittingEmptySubsequences: false).count - 1
        let grids = Self.grids(Array(item.tokens.dropFirst(index).prefix(marks)))
        var question = try encoder.encode(text + template.afterQuestion, grids: grids)
        if index > 0 { question.removeFirst() }
        let answer = try encoder.encode(answer: turn.answer, isLast: index == turns.count - 1)
        ids += question + answer
        learned += question.map { _ in false } + answer.map { _ in true }
      }
      var labels = zip(ids, learned).map { $1 ? $0 : -100 }
      // The published finetuning puts a picture that begins the text before bos.
      if item.name == "train_single_no_placeholder" {
        let picture = [Int32](repeating: -100, count: item.tokens[0])
        (ids, labels) = (picture + ids, picture + labels)
      }
      #expect(ids == item.ids && labels == expected, "\(item.name)")
    }
  }

  @Test func systemText() throws {
    let cases: [PromptCase] = try Self.cases("prompts")
    let item = try #require(cases.first { $0.name == "chat_single_meta" })
    let system = "You are an AI assistant.\n- You answer questions about the provided images."
    let own = try #require(
      ChatTemplate.xComposerSystem.beforeQuestion.split(separator: "system\n").last?
        .split(separator: "[UNUSED_TOKEN_145]").first)
    #expect(own.split(separator: "\n").count == 4)
    let prompt = ChatTemplate.xComposerSystem.prompt("<image>What is shown?")
    #expect(prompt.replacing(own, with: system) == Self.marked(item.text))
    #expect(ChatTemplate(jinja: ChatTemplate.xComposer.jinja) == .xComposer)
    #expect(ChatTemplate(jinja: ChatTemplate.xComposerSystem.jinja) == .xComposerSystem)
  }

  @Test func errors() throws {
    let encoder = try Self.encoder()
    #expect(throws: PromptError.imageCount(marks: 1, images: 0, prompt: "<image>")) {
      try encoder.encode("<image>", grids: [])
    }
    #expect(throws: PromptError.self) { try encoder.example(question: "Why?", images: [], answers: [" "]) }
    let answer = try encoder.example(question: "Why?", images: [], answers: ["Red."]).completions[0]
    #expect(answer.suffix(3) == [361, 13, 2])
  }
}
