import Foundation
import LVLM
import TestSupport
import Testing

/// Byte-level vocabularies and `tokenizer.json` against Hugging Face's tokenizers.
@Suite struct ByteLevelTokenizerTests {
  private struct Case: Decodable {
    var text: String
    var ids: [Int32]
    var decode: String
    var decode_skip_special: String
  }

  private func open(_ name: String) throws -> Tokenizer {
    try Tokenizer(
      json: Data(contentsOf: Fixtures.url("tokenizers/\(name).json")), name: name, bos: "<|endoftext|>",
      eos: "<|endoftext|>")
  }

  @Test(arguments: ["smollm", "gpt2"]) func referenceEncodings(name: String) throws {
    let cases = try JSONDecoder().decode(
      [String: [Case]].self, from: Data(contentsOf: Fixtures.url("tokenizers/cases.json")))
    let tokenizer = try open(name)
    let own = try #require(cases[name])
    #expect(own.count == 20)
    for item in own {
      #expect(try tokenizer.encode(parsingTokens: item.text) == item.ids, "\(item.text)")
      #expect(
        tokenizer.decode(item.ids, showsSpecialTokens: true).utf8.elementsEqual(item.decode.utf8),
        "\(item.text)")
      #expect(tokenizer.decode(item.ids).utf8.elementsEqual(item.decode_skip_special.utf8), "\(item.text)")
    }
  }

  @Test func plainEncodingMakesNoSpecialTokens() throws {
    let tokenizer = try open("smollm")
    let mark = try #require(tokenizer.id(of: "<|im_end|>"))
    #expect(try tokenizer.encode(parsingTokens: "a<|im_end|>").last == mark)
    #expect(try !tokenizer.encode("a<|im_end|>").contains(mark))
    #expect(try tokenizer.decode(tokenizer.encode("a<|im_end|>")) == "a<|im_end|>")
  }

  /// Long words are merged in another order of looking, to the same pieces.
  @Test func longWords() throws {
    let tokenizer = try open("gpt2")
    // Twice what is looked through for every merge is merged as two halves are: each piece doubles.
    let half = try tokenizer.encode(String(repeating: "a", count: 2048))
    #expect(try tokenizer.encode(String(repeating: "a", count: 4096)) == half + half)
    var state: UInt64 = 7
    let letters = (0..<100_000).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Character(Unicode.Scalar(UInt8(ascii: "a") + UInt8((state >> 33) % 26)))
    }
    let ids = try tokenizer.encode(String(letters))
    #expect(tokenizer.decode(ids) == String(letters))
    // As many as the tokenizers package makes of them.
    #expect(ids.count == 93_808)
    // What a word begins with does not depend on how it ends, but for the last few merges.
    let start = try tokenizer.encode(String(letters.prefix(2000)))
    #expect(ids.starts(with: start.dropLast(8)))
  }

  @Test func imageAndPaddingComeBehindThePieces() throws {
    let tokenizer = try open("gpt2")
    #expect(tokenizer.imageID == Int32(tokenizer.pieceCount))
    #expect(tokenizer.padID == Int32(tokenizer.pieceCount + 1))
    #expect(tokenizer.vocabularySize == tokenizer.pieceCount + 2)
    #expect(tokenizer.piece(tokenizer.imageID) == "<image>")
    #expect(tokenizer.id(of: "<image>") == tokenizer.imageID)
    #expect(!tokenizer.addsBOS)
  }

  @Test func whatIsNotComputedIsAnError() throws {
    let text = try String(contentsOf: Fixtures.url("tokenizers/gpt2.json"), encoding: .utf8)
    func message(_ old: String, _ new: String) throws -> String? {
      #expect(text.contains(old), "\(old)")
      let bytes = Data(text.replacing(old, with: new).utf8)
      return #expect(throws: TokenizerError.self) { try Tokenizer(json: bytes, name: "t.json") }?.description
    }
    #expect(
      try message("\"normalizer\":null", "\"normalizer\":{\"type\":\"Strange\"}")?.hasPrefix(
        "t.json: found normalizer.type Strange, expected NFC, ") == true)
    #expect(try message("\"type\":\"BPE\"", "\"type\":\"Strange\"")?.contains("model Strange") == true)
    #expect(try message("\"type\":\"BPE\"", "\"type\":\"Unigram\"")?.contains("model.fuse_unk") == true)
    #expect(try message("\"merges\":[[\"", "\"merges\":[[\"no such piece")?.contains("merge of") == true)
    #expect(throws: TokenizerError.self) { try Tokenizer(json: Data("{".utf8), name: "t.json") }
    let error = #expect(throws: TokenizerError.self) {
      try Tokenizer(json: Data(text.utf8), name: "t.json", eos: "<|nothing|>")
    }
    #expect(error == .missingToken(file: "t.json", token: "<|nothing|>"))
  }

  /// Words that were added to a vocabulary are one token each wherever text has them, as in transformers.
  @Test func addedWords() throws {
    for file in ["tokenizers/gpt2.json", "qwen2/tokenizer.json"] {
      let text = try String(contentsOf: Fixtures.url(file), encoding: .utf8)
      func tokenizer(_ flags: String) throws -> Tokenizer {
        let words = ["colour", "red", " blue"].enumerated().map { index, word in
          #"{"id": \#(600 + index), "content": "\#(word)", "single_word": false, "#
            + #""lstrip": false, "rstrip": false, \#(flags)}"#
        }.joined(separator: ", ")
        let place = try #require(text.firstRange(of: #/"added_tokens":\s*\[/#))
        let json = text[..<place.upperBound] + words + ", " + text[place.upperBound...]
        return try Tokenizer(json: Data(json.utf8), bos: "<|endoftext|>", eos: "<|endoftext|>")
      }
      let plain = try Tokenizer(json: Data(text.utf8), bos: "<|endoftext|>", eos: "<|endoftext|>")
      let own = try tokenizer(#""normalized": false, "special": false"#)
      #expect(
        try own.encode("What colour? redder blue") == plain.encode("What ") + [600] + plain.encode("? ") + [
          601
        ]
          + plain.encode("der") + [602], "\(file)")
      #expect(try own.encode("What?") == plain.encode("What?"))
      #expect(own.decode([601, 602]) == "red blue")
      // What looks like a special token is text.
      let special = try tokenizer(#""normalized": false, "special": true"#)
      #expect(try special.encode("What colour?") == plain.encode("What colour?"))
      let normalized = #""normalized": true, "special": false"#
      #expect(try tokenizer(normalized).encode("red") == [601])
    }
  }
}
