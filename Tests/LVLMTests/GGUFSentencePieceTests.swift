import Checkpoint
import Foundation
import LVLM
import TestSupport
import Testing

/// SentencePiece's vocabularies in GGUF files against what the library gives for their models.
@Suite struct GGUFSentencePieceTests {
  private static let file = Fixtures.url("gguf_vision/llava/model-f32.gguf")

  @Test func theIDsOfTheModel() throws {
    struct Cases: Decodable {
      struct Case: Decodable {
        var text: String
        /// Nothing where a text spells a control piece.
        var sp_ids: [Int32]?
      }
      var cases: [Case]
    }
    let tokenizer = try Tokenizer(contentsOf: Self.file)
    let model = try Tokenizer(contentsOf: Fixtures.url("verification/llava_tiny/tokenizer.model"))
    let cases = try JSONDecoder().decode(
      Cases.self, from: Data(contentsOf: Fixtures.url("verification/tokenizer_cases.json"))
    ).cases
    #expect(cases.count > 20)
    for entry in cases {
      let ids = try tokenizer.encode(entry.text)
      #expect(try ids == entry.sp_ids ?? model.encode(entry.text), "\(entry.text)")
      #expect(tokenizer.decode(ids) == model.decode(ids), "\(entry.text)")
      #expect(
        try tokenizer.encode(parsingTokens: entry.text) == model.encode(parsingTokens: entry.text),
        "\(entry.text)")
    }
    #expect(
      (tokenizer.bosID, tokenizer.eosID, tokenizer.unknownID, tokenizer.imageID, tokenizer.padID)
        == (1, 2, 0, 330, 331))
    #expect(tokenizer.addsBOS && model.addsBOS)
  }

  @Test func wordsOfItsOwn() throws {
    struct Cases: Decodable {
      struct Case: Decodable {
        var text: String
        var ids: [Int32]
        var text_of_ids: String
      }
      var cases: [Case]
    }
    let tokenizer = try Tokenizer(contentsOf: Fixtures.url("gguf_vision/words.gguf"))
    let cases = try JSONDecoder().decode(
      Cases.self, from: Data(contentsOf: Fixtures.url("gguf_vision/words.json"))
    ).cases
    for entry in cases {
      #expect(try tokenizer.encode(entry.text) == entry.ids, "\(entry.text)")
      #expect(tokenizer.decode(entry.ids) == entry.text_of_ids, "\(entry.text)")
    }
    let mark = try #require(tokenizer.id(of: "<mark>"))
    #expect(try tokenizer.encode("a <mark>b").contains(mark))
    #expect(tokenizer.imageID == -100 && tokenizer.padID == tokenizer.eosID)
  }

  @Test func withoutABlankInFront() throws {
    try Fixtures.withTemporaryDirectory { folder in
      var file = try EditedGGUF(Self.file)
      file.values.append(.init(key: "tokenizer.ggml.add_space_prefix", type: 7, bytes: Data([0])))
      file.values.removeAll { $0.key == "tokenizer.ggml.add_bos_token" }
      let url = folder.appending(component: "model.gguf")
      try file.encoded().write(to: url)
      let (own, usual) = (try Tokenizer(contentsOf: url), try Tokenizer(contentsOf: Self.file))
      #expect(try own.encode(" red") == usual.encode("red"))
      #expect(try own.encode("red") != usual.encode("red"))
      #expect(own.addsBOS)
      #expect(try PretrainedModel.load(from: url).processor == nil)
    }
  }

  @Test func whatCannotBeRead() throws {
    func message(_ change: (inout EditedGGUF) throws -> Void) throws -> String {
      try Fixtures.withTemporaryDirectory { folder in
        var file = try EditedGGUF(Self.file)
        try change(&file)
        let url = folder.appending(component: "changed.gguf")
        try file.encoded().write(to: url)
        do {
          _ = try PretrainedModel.load(from: url)
          return "no error"
        } catch {
          #expect("\(error)".contains("changed.gguf"))
          return "\(error)"
        }
      }
    }
    func without(_ key: String) throws -> String {
      try message { $0.values.removeAll { $0.key == "tokenizer.ggml.\(key)" } }
    }
    #expect(try without("scores").contains("no tokenizer.ggml.scores"))
    #expect(try without("token_type").contains("no tokenizer.ggml.token_type"))
    #expect(try without("eos_token_id").contains("eos"))
    #expect(try without("model").contains("tokenizer.ggml.model nothing"))
    #expect(try message { $0.set("tokenizer.ggml.bos_token_id", 334) }.contains("an id below 334"))
    #expect(
      try message { file in
        let index = try #require(file.values.firstIndex { $0.key == "tokenizer.ggml.scores" })
        var bytes = file.values[index].bytes
        // Behind the type of the elements and their number.
        let first = bytes.startIndex + 12
        bytes.replaceSubrange(first..., with: [UInt8](repeating: 0, count: bytes.endIndex - first))
        file.values[index].bytes = bytes
      }.contains("tokenizer.ggml.scores 0.0 for all of"))
    #expect(
      try message { file in
        let index = try #require(file.values.firstIndex { $0.key == "tokenizer.ggml.token_type" })
        let first = file.values[index].bytes.startIndex + 12
        file.values[index].bytes[first] = 9
      }.contains("tokenizer.ggml.token_type 9 of 0, expected 1 to 6"))
    #expect(
      try message {
        $0.values.append(.init(key: "tokenizer.ggml.remove_extra_whitespaces", type: 7, bytes: Data([1])))
      }.contains("tokenizer.ggml.remove_extra_whitespaces: found true"))
  }
}
