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
        let ids = tokenizer.encode(item.text)
        #expect(ids == expected, "\(item.text)")
        #expect(ids.compactMap(tokenizer.piece) == item.sp_pieces, "\(item.text)")
        #expect(tokenizer.decode(ids, showsSpecialTokens: true) == item.sp_decode, "\(item.text)")
      }
      let parsed = tokenizer.encode(parsingTokens: item.text)
      #expect(parsed == item.hf_ids, "\(item.text)")
      #expect(tokenizer.encode(parsingTokens: item.text, isFramed: true) == item.hf_ids_with_special)
      #expect(parsed.filter { $0 >= 363 } == item.out_of_table ?? [], "\(item.text)")
    }
  }

  @Test func referencePrompts() throws {
    let tokenizer = try Self.tokenizer()
    let encoder = try XComposerEncoder(tokenizer)
    let cases: [PromptCase] = try Self.cases("prompts")
    // A text without pictures gets two bos from the published code, and one here.
    for item in cases where item.order != "published" {
      let isFinished = item.text.hasSuffix("</s>")
      let text = (isFinished ? String(item.text.dropLast(4)) : item.text)
        .replacing("<ImageHere>", with: Tokenizer.imageMark)
      let ids = try encoder.encode(
        text, features: item.tokens, beginning: item.order == "train" ? .beforeWords : .first,
        isFinished: isFinished)
      #expect(ids == item.ids, "\(item.name)")
      for span in item.spans { #expect(ids[span[0]..<span[1]].allSatisfy { $0 == -100 }) }
      guard let labels = item.labels else { continue }
      let learned = encoder.isLearned(ids)
      #expect(zip(learned, ids).map { $0 ? $1 : -100 } == labels, "\(item.name)")
    }
    #expect(cases.count > 12)
  }

  @Test func textOfConversations() throws {
    let cases: [PromptCase] = try Self.cases("prompts")
    func text(_ name: String) -> String? {
      cases.first { $0.name == name }?.text.replacing("<ImageHere>", with: Tokenizer.imageMark)
    }
    let meta = "You are an AI assistant.\n- You answer questions about the provided images."
    #expect(
      XComposerDialogue(system: meta, [.init("<image>What is shown?")]).text == text("chat_single_meta"))
    let history = XComposerDialogue([
      .init("Image1 <image>; Image2 <image>; Compare.", "They are alike."),
      .init("Image3 <image>; How about Image3?"),
    ])
    #expect(history.text == text("chat_history"))
    let learned = XComposerDialogue([
      .init("Image1 <image>; Colour?", "Red."), .init("Image2 <image>; And here?", "Blue."),
    ])
    #expect(learned.text + "</s>" == text("train_turns"))
    #expect(XComposerDialogue.published.split(separator: "\n").count == 4)
  }

  @Test func errors() throws {
    let encoder = try XComposerEncoder(Self.tokenizer())
    let error = #expect(throws: PromptError.self) {
      try encoder.encode("<image> and <image>", features: [13])
    }
    #expect(error == .imageCount(marks: 2, images: 1, prompt: "<image> and <image>"))
    #expect(throws: TokenizerError.self) { try XComposerEncoder(Golden.tokenizer()) }
  }
}
