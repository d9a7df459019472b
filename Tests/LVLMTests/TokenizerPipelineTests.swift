import Checkpoint
import Foundation
import LVLM
import TestSupport
import Testing

/// Every step that a `tokenizer.json` can name, as the tokenizers library takes it
/// (`tokenizers/pipelines.json`).
@Suite struct TokenizerPipelineTests {
  /// Syllables at both ends of their letters, whole, in letters, and a final behind a composed one.
  @Test func hangulIsComposedAsTheStandardSays() throws {
    func text(_ numbers: UInt32...) -> String {
      var view = String.UnicodeScalarView()
      for number in numbers { Unicode.Scalar(number).map { view.append($0) } }
      return String(view)
    }
    func scalars(_ text: String) -> [UInt32] { text.unicodeScalars.map(\.value) }
    let leading: ClosedRange<UInt32> = 0x1100...0x1112
    let vowels: ClosedRange<UInt32> = 0x1161...0x1175
    let finals: ClosedRange<UInt32> = 0x11A8...0x11C2
    for l: UInt32 in [0x10FF, 0x1100, 0x1108, 0x1112, 0x1113] {
      for v: UInt32 in [0x1160, 0x1161, 0x116A, 0x1175, 0x1176] {
        for t: UInt32 in [0x11A7, 0x11A8, 0x11B5, 0x11C2, 0x11C3] {
          var expected = [l, v, t]
          if leading.contains(l), vowels.contains(v) {
            let syllable = 0xAC00 + ((l - leading.lowerBound) * 21 + (v - vowels.lowerBound)) * 28
            expected = finals.contains(t) ? [syllable + t - 0x11A7] : [syllable, t]
            #expect(scalars(text(syllable, t).canonicallyComposed) == expected)
            // A whole syllable takes no second final.
            #expect(scalars(text(syllable + 1, t).canonicallyComposed) == [syllable + 1, t])
          }
          for form in [text(l, v, t).canonicallyComposed, text(l, v, t).compatiblyComposed] {
            #expect(scalars(form) == expected, "\([l, v, t].map { String($0, radix: 16) })")
          }
        }
      }
    }
    // What has more than 16 bits is no letter with as many, and composes with its own kind.
    for plane: UInt32 in 1...16 {
      #expect(scalars(text(plane << 16 | 0x41, 0x300).canonicallyComposed) == [plane << 16 | 0x41, 0x300])
    }
    #expect(scalars(text(0x1D400, 0x300).compatiblyComposed) == [0xC0])
    #expect(scalars(text(0x11099, 0x110BA).canonicallyComposed) == [0x1109A])
    // What stands around the cuts is composed as without them.
    #expect(scalars(text(0x65, 0x301, 0x1176, 0x65, 0x301).canonicallyComposed) == [0xE9, 0x1176, 0xE9])
    #expect(
      scalars(text(0x1113, 0x300, 0x316, 0x65, 0x301).canonicallyComposed) == [0x1113, 0x316, 0x300, 0xE9])
  }

  private let json: JSONValue

  init() throws {
    let bytes = try Data(contentsOf: Fixtures.url("tokenizers/pipelines.json"))
    json = try bytes.withUnsafeBytes { try JSONReader.read($0) }
  }

  private func text(_ value: JSONValue?) -> String {
    if case .string(let text)? = value { text } else { "" }
  }

  private func ids(_ value: JSONValue?) -> [Int32] {
    guard case .array(let values)? = value else { return [] }
    return values.compactMap { if case .integer(let id) = $0 { Int32(id) } else { nil } }
  }

  private func object(_ value: JSONValue) -> Any {
    switch value {
    case .object(let members):
      Dictionary(members.map { ($0.key, object($0.value)) }, uniquingKeysWith: { first, _ in first })
    case .array(let values): values.map(object)
    case .string(let text): text
    case .integer(let value): value
    case .real(let value): value
    case .boolean(let flag): flag
    case .null: NSNull()
    }
  }

  /// A `tokenizer.json` of a case.
  private func file(_ item: JSONValue, changing changes: [String: Any] = [:]) throws -> Data {
    let model = try #require(json["models"]?[text(item["model"])])
    let count =
      switch model["vocab"] {
      case .object(let members)?: members.count
      case .array(let list)?: list.count
      default: 0
      }
    var added: [Any] = ["<unk>", "<s>", "</s>"].enumerated().map {
      ["id": $0, "content": $1, "special": true, "normalized": false] as [String: Any]
    }
    if case .array(let tokens)? = item["added"] {
      for (place, token) in tokens.enumerated() {
        var members = object(token) as? [String: Any] ?? [:]
        members["id"] = count + place
        added.append(members)
      }
    }
    var object: [String: Any] = ["added_tokens": added, "model": self.object(model)]
    for key in ["normalizer", "pre_tokenizer", "post_processor", "decoder"] {
      object[key] = item[key].map(self.object) ?? NSNull()
    }
    return try JSONSerialization.data(withJSONObject: object.merging(changes) { $1 })
  }

  @Test func everyStep() throws {
    guard case .object(let cases)? = json["cases"], case .array(let texts)? = json["texts"] else {
      Issue.record("no cases")
      return
    }
    #expect(cases.count > 70 && texts.count > 40)
    for (name, item) in cases {
      let tokenizer = try Tokenizer(json: file(item), name: name, bos: "<s>", eos: "</s>")
      guard case .array(let rows)? = item["rows"] else { continue }
      #expect(rows.count == texts.count)
      #expect(try tokenizer.encode(parsingTokens: "a", isFramed: true) == ids(item["framed"]), "\(name)")
      for (entry, row) in zip(texts, rows) {
        guard case .array(let parts) = row, parts.count == 2 else { continue }
        let found = try tokenizer.encode(parsingTokens: text(entry))
        #expect(found == ids(parts[0]), "\(name): \(text(entry).debugDescription)")
        #expect(
          Array(tokenizer.decode(ids(parts[0])).utf8) == Array(text(parts[1]).utf8),
          "\(name): \(text(entry).debugDescription)")
      }
    }
  }

  /// What is not computed is named with its key.
  @Test func refusals() throws {
    let item = try #require(json["cases"]?["bert"])
    for (changes, words) in [
      (["normalizer": ["type": "Strange"]], "normalizer.type Strange"),
      (["pre_tokenizer": ["type": "UnicodeScripts"]], "pre_tokenizer.type UnicodeScripts"),
      (["decoder": ["type": "CTC"]], "decoder.type CTC"),
      (["post_processor": ["type": "Strange"]], "post_processor Strange"),
      (
        ["pre_tokenizer": ["type": "Split", "pattern": ["Regex": #"(?<=a)b"#], "behavior": "Isolated"]],
        "a group (?<"
      ),
      (
        ["pre_tokenizer": ["type": "Split", "pattern": ["Regex": #"\p{Han}+"#], "behavior": "Isolated"]],
        #"\p{Han}"#
      ),
      (
        ["pre_tokenizer": ["type": "Split", "pattern": ["Regex": "a"], "behavior": "Sometimes"]],
        "pre_tokenizer.behavior \"Sometimes\""
      ),
      (
        ["normalizer": ["type": "Precompiled", "precompiled_charsmap": "AAAA"]],
        "normalizer.precompiled_charsmap that is damaged"
      ),
      (["model": ["type": "Strange", "vocab": [String: Int]()]], "model Strange"),
      (["model": ["type": "Unigram", "vocab": [["<unk>", 0], ["a"]]]], "model.vocab[1]"),
    ] as [([String: Any], String)] {
      #expect {
        _ = try Tokenizer(json: file(item, changing: changes), name: "x.json", bos: "<s>", eos: "</s>")
      } throws: { error in
        "\(error)".hasPrefix("x.json: found ") && "\(error)".contains(words)
      }
    }
  }

  /// The rules that llama.cpp names give what the same patterns give in a `tokenizer.json`.
  @Test(arguments: [
    ("llama-bpe", "llama3"), ("gpt-4o", "o200k"), ("deepseek-v3", "deepseek3"), ("deepseek-r1-qwen", "qwen2"),
    ("gpt-2", "gpt2"),
  ]) func rulesOfGGUF(pre: String, name: String) throws {
    let item = try #require(json["cases"]?[name])
    let model = try #require(json["models"]?[text(item["model"])])
    guard case .object(let vocabulary)? = model["vocab"], case .array(let merges)? = model["merges"],
      case .array(let texts)? = json["texts"]
    else { return }
    var pieces = [String](repeating: "", count: vocabulary.count)
    for (piece, id) in vocabulary { if case .integer(let id) = id { pieces[id] = piece } }
    let pairs = merges.map { merge -> String in
      guard case .array(let pair) = merge else { return text(merge) }
      return text(pair[0]) + " " + text(pair[1])
    }
    let folder = try TemporaryFolder()
    let url = folder.url.appending(component: "a.gguf")
    var edited = try EditedGGUF(Fixtures.url("tokenizers/tiny.gguf"))
    edited.values.removeAll { $0.key.hasPrefix("tokenizer.") }
    edited.setText("tokenizer.ggml.model", "gpt2")
    edited.setText("tokenizer.ggml.pre", pre)
    edited.setTexts("tokenizer.ggml.tokens", pieces)
    edited.setTexts("tokenizer.ggml.merges", pairs)
    edited.setNumbers("tokenizer.ggml.token_type", pieces.indices.map { $0 < 3 ? Int32(3) : 1 }, type: 5)
    edited.set("tokenizer.ggml.bos_token_id", 1)
    edited.set("tokenizer.ggml.eos_token_id", 2)
    try edited.encoded().write(to: url)
    let gguf = try Tokenizer(contentsOf: url)
    #expect(gguf.addsBOS == (pre == "llama-bpe"))
    let tokenizer = try Tokenizer(json: file(item), bos: "<s>", eos: "</s>")
    for entry in texts {
      #expect(
        try gguf.encode(parsingTokens: text(entry)) == tokenizer.encode(parsingTokens: text(entry)),
        "\(text(entry).debugDescription)")
    }
    let files = try Tokenizer.files(of: GGUFFile(reading: url))
    let written = try Tokenizer(
      json: #require(files["tokenizer.json"]), bos: "<s>", eos: "</s>")
    for entry in texts { #expect(try written.encode(text(entry)) == gguf.encode(text(entry))) }
  }

  /// T5's unigram vocabulary, its map of characters included.
  @Test func unigramOfGGUF() throws {
    let item = try #require(json["cases"]?["t5 alone"])
    let model = try #require(json["models"]?["unigram"])
    guard case .array(let vocabulary)? = model["vocab"], case .array(let texts)? = json["texts"] else {
      return
    }
    var (pieces, scores): ([String], [Double]) = ([], [])
    for entry in vocabulary {
      guard case .array(let pair) = entry else { continue }
      pieces.append(text(pair[0]))
      switch pair[1] {
      case .real(let score): scores.append(score)
      case .integer(let score): scores.append(Double(score))
      default: Issue.record("no score")
      }
    }
    let folder = try TemporaryFolder()
    let url = folder.url.appending(component: "a.gguf")
    var edited = try EditedGGUF(Fixtures.url("tokenizers/tiny.gguf"))
    edited.values.removeAll { $0.key.hasPrefix("tokenizer.") }
    edited.setText("tokenizer.ggml.model", "t5")
    edited.setTexts("tokenizer.ggml.tokens", pieces)
    edited.setNumbers("tokenizer.ggml.scores", scores.map(\.bitPattern), type: 12)
    edited.setNumbers(
      "tokenizer.ggml.token_type", pieces.indices.map { $0 == 0 ? Int32(2) : $0 < 3 ? 3 : 1 }, type: 5)
    let map = try #require(Data(base64Encoded: text(item["normalizer"]?["precompiled_charsmap"])))
    edited.setNumbers("tokenizer.ggml.precompiled_charsmap", Array(map), type: 0)
    edited.set("tokenizer.ggml.bos_token_id", 1)
    edited.set("tokenizer.ggml.eos_token_id", 2)
    try edited.encoded().write(to: url)
    let gguf = try Tokenizer(contentsOf: url)
    let tokenizer = try Tokenizer(json: file(item), bos: "<s>", eos: "</s>")
    #expect(!gguf.addsBOS && gguf.unknownID == 0)
    for entry in texts {
      let ids = try tokenizer.encode(text(entry))
      #expect(try gguf.encode(text(entry)) == ids, "\(text(entry).debugDescription)")
      #expect(gguf.decode(ids) == tokenizer.decode(ids))
    }
  }
}

extension EditedGGUF {
  private mutating func put(_ key: String, _ type: UInt32, _ bytes: Data) {
    values.removeAll { $0.key == key }
    values.append(Value(key: key, type: type, bytes: bytes))
  }

  private func little<T: FixedWidthInteger>(_ value: T) -> Data {
    withUnsafeBytes(of: value.littleEndian) { Data($0) }
  }

  fileprivate mutating func setText(_ key: String, _ text: String) {
    put(key, 8, little(UInt64(text.utf8.count)) + Data(text.utf8))
  }

  fileprivate mutating func setTexts(_ key: String, _ texts: [String]) {
    let list = texts.reduce(Data()) { $0 + little(UInt64($1.utf8.count)) + Data($1.utf8) }
    put(key, 9, little(UInt32(8)) + little(UInt64(texts.count)) + list)
  }

  fileprivate mutating func setNumbers<T: FixedWidthInteger>(_ key: String, _ values: [T], type: UInt32) {
    put(key, 9, little(type) + little(UInt64(values.count)) + values.reduce(Data()) { $0 + little($1) })
  }
}
