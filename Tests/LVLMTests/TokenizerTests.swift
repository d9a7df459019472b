import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

@Suite struct TokenizerTests {
  private struct Cases: Decodable {
    struct Case: Decodable {
      var text: String
      var ids: [Int32]?
      var pieces: [String]?
      var decoded: String?
      enum CodingKeys: String, CodingKey {
        case text
        case ids = "sp_ids"
        case pieces = "sp_pieces"
        case decoded = "sp_decode"
      }
    }
    var pieces: Int
    var imageID: Int32
    var padID: Int32
    var cases: [Case]
    enum CodingKeys: String, CodingKey {
      case pieces, cases
      case imageID = "image_token_id"
      case padID = "pad_token_id"
    }
  }

  @Test func referenceEncodings() throws {
    let tokenizer = try Golden.tokenizer()
    let cases = try JSONDecoder().decode(
      Cases.self, from: Data(contentsOf: Fixtures.url("golden/tokenizer_cases.json")))
    #expect(tokenizer.pieceCount == cases.pieces)
    #expect(tokenizer.imageID == cases.imageID)
    #expect(tokenizer.padID == cases.padID)
    #expect(tokenizer.vocabularySize == cases.pieces + 2)
    var checked = 0
    for item in cases.cases {
      guard let ids = item.ids else { continue }
      checked += 1
      #expect(try tokenizer.encode(item.text) == ids, "\(item.text)")
      #expect(ids.compactMap(tokenizer.piece) == item.pieces, "\(item.text)")
      #expect(tokenizer.decode(ids) == item.decoded, "\(item.text)")
    }
    #expect(checked == 29)
  }

  @Test func specialTokens() throws {
    let tokenizer = try Golden.tokenizer()
    #expect((tokenizer.unknownID, tokenizer.bosID, tokenizer.eosID) == (0, 1, 2))
    #expect(tokenizer.piece(376) == "<image>")
    #expect(tokenizer.piece(377) == "<pad>")
    #expect(tokenizer.piece(378) == nil)
    #expect(tokenizer.piece(-1) == nil)
    #expect(tokenizer.id(of: "</s>") == 2)
    #expect(tokenizer.id(of: "<image>") == 376)
    #expect(tokenizer.id(of: "no such piece") == nil)
    #expect(try tokenizer.decode([1] + tokenizer.encode("two dogs") + [376, 377, 999, 2]) == "two dogs")
  }

  @Test func trainingIsRepeatable() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let text = try String(contentsOf: Fixtures.url("golden/corpus.txt"), encoding: .utf8)
      let lines = text.split(separator: "\n").map(String.init)
      let urls = ["a.model", "b.model"].map { folder.appending(component: $0) }
      let tokenizers = try urls.map { try Tokenizer.train(texts: lines, vocabularySize: 376, to: $0) }
      #expect(try Data(contentsOf: urls[0]) == Data(contentsOf: urls[1]))
      #expect(tokenizers[0].pieceCount == 376)
      let golden = try Golden.tokenizer()
      for id in 0..<Int32(376) { #expect(tokenizers[0].piece(id) == golden.piece(id)) }
      let opened = try Tokenizer(contentsOf: urls[0])
      #expect(try opened.encode("Compare 12 naïve pictures") == golden.encode("Compare 12 naïve pictures"))
    }
  }

  @Test func smallCorpusGivesFewerPieces() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appending(component: "tokenizer.model")
      let tokenizer = try Tokenizer.train(
        texts: ["red square", "", "blue circle\nand a long line " + String(repeating: "x", count: 9000)],
        vocabularySize: 4000, to: url)
      #expect(tokenizer.pieceCount < 4000)
      #expect(tokenizer.pieceCount > 259)
      #expect(try tokenizer.decode(tokenizer.encode("blue square 42 ü")) == "blue square 42 ü")
    }
  }

  @Test func trainingErrors() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appending(component: "tokenizer.model")
      func message(_ texts: [String], _ size: Int, _ url: URL) -> String? {
        #expect(throws: TokenizerError.self) {
          try Tokenizer.train(texts: texts, vocabularySize: size, to: url)
        }?.description
      }
      #expect(message(["", ""], 400, url)?.contains("found no text") == true)
      #expect(message(["red"], 200, url)?.contains("found a vocabulary size of 200") == true)
      #expect(message(["The quick brown fox jumps"], 262, url)?.contains("262") == true)
      #expect(!FileManager.default.fileExists(atPath: url.path))
      let nowhere = folder.appending(component: "no/such/folder/tokenizer.model")
      #expect(message(["red"], 400, nowhere)?.hasPrefix(nowhere.path) == true)
    }
  }

  @Test func filesThatAreNoVocabulary() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appending(component: "tokenizer.model")
      #expect(throws: TokenizerError.unreadable(file: url.path, reason: "nothing readable")) {
        try Tokenizer(contentsOf: url)
      }
      let whole = try Data(contentsOf: Golden.modelDirectory.appending(component: "tokenizer.model"))
      for bytes in [Data(), Data("not a model".utf8), whole.prefix(2000)] {
        try bytes.write(to: url)
        let error = #expect(throws: TokenizerError.self) { try Tokenizer(contentsOf: url) }
        #expect(error?.description.hasPrefix("\(url.path): expected a SentencePiece model") == true)
      }
    }
  }

  /// libsentencepiece opens all of these and then fails on, or reads beyond its memory for, ordinary text.
  @Test func modelsThatTheLibraryCannotUse() throws {
    let whole = try Data(contentsOf: Golden.modelDirectory.appending(component: "tokenizer.model"))
    func message(_ bytes: Data) -> String? {
      do {
        _ = try Tokenizer(model: bytes).encode("a text")
        return nil
      } catch { return "\(error)" }
    }
    /// A length-delimited field of a protocol buffer.
    func field(_ number: UInt8, _ body: [UInt8]) -> [UInt8] {
      let length = body.count
      return [number << 3 | 2]
        + (length < 128 ? [UInt8(length)] : [UInt8(length & 127 | 128), UInt8(length >> 7)])
        + body
    }
    func control(_ piece: String) -> Data { whole + field(1, field(1, Array(piece.utf8)) + [3 << 3, 3]) }
    #expect(message(control("<extra>")) == nil)
    let both = "is a piece of text too"
    #expect(message(control("e"))?.contains("the control piece \"e\" \(both)") == true)
    #expect(message(control("\u{2581}t"))?.contains(both) == true)
    #expect(message(whole + field(2, [3 << 3, 3]))?.contains("its model type is word") == true)

    /// A map of 256 units whose root leads to `a`, at the place its label says, with one replacement.
    func map(
      root: UInt32 = 1 << 10, a: UInt32 = 0x100 | 97 | 2 << 10, value: UInt32 = 0x8000_0000
    ) -> Data {
      var units = [UInt32](repeating: 0x8000_0000, count: 256)
      units[0] = root
      units[1 ^ 97] = a
      units[1 ^ 97 ^ 2] = value
      let bytes = ([UInt32(1024)] + units).flatMap { unit in (0..<4).map { UInt8(unit >> (8 * $0) & 255) } }
      let map = bytes + [UInt8(ascii: "b"), 0]
      let length = [UInt8(map.count & 127 | 128), UInt8(map.count >> 7)]
      let body = [2 << 3 | 2] + length + map
      return whole + [3 << 3 | 2, UInt8(body.count & 127 | 128), UInt8(body.count >> 7)] + body
    }
    let damaged = "its map of characters is damaged"
    #expect(message(map()) == nil)
    #expect(message(map(value: 0x8000_0005))?.contains(damaged) == true)
    #expect(message(map(root: 1 << 20))?.contains(damaged) == true)
    #expect(message(map(a: 0x100 | 97 | 1 << 20))?.contains(damaged) == true)
    // A key that leads back to itself matches more often than the library has room for.
    #expect(message(map(a: 0x100 | 97 | 97 << 10))?.contains(damaged) == true)
  }

  @Test func changedModelsAreRefusedOrUsed() throws {
    let whole = try Data(contentsOf: Golden.modelDirectory.appending(component: "tokenizer.model"))
    var generator = RandomGenerator(seed: 5)
    var used = 0
    for _ in 0..<300 {
      var bytes = whole
      let place = Int(generator.next() % UInt64(bytes.count))
      bytes[place] ^= UInt8(1 << (generator.next() % 8))
      guard let tokenizer = try? Tokenizer(model: bytes) else { continue }
      used += 1
      let ids = try tokenizer.encode("Compare the two pictures. 12 naïve 世界\n \u{2581} </s>")
      #expect(ids.allSatisfy { (0..<Int32(tokenizer.pieceCount)).contains($0) })
      _ = tokenizer.decode(ids + Array(0..<Int32(tokenizer.pieceCount)))
    }
    #expect(used > 20)
  }
}
