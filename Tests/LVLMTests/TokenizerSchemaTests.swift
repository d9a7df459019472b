import Foundation
import LVLM
import TestSupport
import Testing

/// Every key of a `tokenizer.json` with what makes no sense under it: refused by its path, with what was
/// found.
@Suite struct TokenizerSchemaTests {
  private typealias Object = [String: Any]

  private static var base: Object {
    [
      "version": "1.0",
      "added_tokens": ["<unk>", "<s>", "</s>"].enumerated().map {
        ["id": $0, "content": $1, "special": true, "normalized": false] as Object
      },
      "model": [
        "type": "WordLevel", "vocab": ["<unk>": 0, "<s>": 1, "</s>": 2, "a": 3], "unk_token": "<unk>",
      ],
    ]
  }

  /// What is said of a file; nil where it is taken.
  private func message(_ object: Object) throws -> String? {
    try message(JSONSerialization.data(withJSONObject: object))
  }

  private func message(_ bytes: Data) -> String? {
    do {
      _ = try Tokenizer(json: bytes, name: "x.json", bos: "<s>", eos: "</s>")
      return nil
    } catch { return "\(error)" }
  }

  // What is no value of each kind.
  private static var flag: [Any] {
    [1, 0, "true", -1, [Any](), Object()]
  }
  private static var text: [Any] {
    [7, true, -1.5, [Any](), Object()]
  }
  private static var character: [Any] {
    ["", "ab", 7, false, [Any]()]
  }
  private static var whole: [Any] {
    [
      -1, -4, 1.5, 1e10, 1e30, 10_000_000_000_000, "1", true, [Any](), Object(),
    ]
  }
  private static var choice: [Any] {
    ["", "Sometimes", 7, true, [Any](), Object()]
  }
  private static var pattern: [Any] {
    [
      "a", 7, Object(), ["String": 7] as Object, ["Regex": [Any]()] as Object, ["Text": "a"] as Object,
      ["String": "a", "Regex": "a"] as Object,
    ]
  }
  private static var token: [Any] {
    [
      "<s>", 7, ["<s>"], ["<s>", "1"], ["<s>", -1], ["<s>", 1.5], ["<s>", 1e10], [1, "<s>"], ["<s>", 1, 2],
      ["<s>", 3],
    ]
  }
  private static var unknownKey: [Any] {
    [1, "x", true]
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var section: String
    var type: String
    /// The other keys that a step of this type needs.
    var needs: String
    var keys: String

    init(_ section: String, _ type: String, _ keys: String, needs: String = "{}") {
      (self.section, self.type, self.keys, self.needs) = (section, type, keys, needs)
    }

    var testDescription: String { "\(section) \(type)" }
  }

  private static var kinds: [String: [Any]] {
    [
      "flag": flag, "text": text, "character": character, "whole": whole, "choice": choice,
      "pattern": pattern,
      "token": token, "unknown": unknownKey,
    ]
  }

  private static let replace = #"{"pattern": {"String": "a"}, "content": "b"}"#
  private static let metaspace =
    "replacement:character prepend_scheme:choice split:flag add_prefix_space:flag str_rep:text other:unknown"
  private static let bytes = "add_prefix_space:flag trim_offsets:flag use_regex:flag other:unknown"
  private static let frame = #"{"cls": ["<s>", 1], "sep": ["</s>", 2]}"#
  private static let framed = "cls:token sep:token trim_offsets:flag add_prefix_space:flag other:unknown"

  @Test(arguments: [
    Case("normalizer", "NFC", "other:unknown"), Case("normalizer", "Nmt", "other:unknown"),
    Case("normalizer", "Strip", "strip_left:flag strip_right:flag other:unknown"),
    Case("normalizer", "Replace", "pattern:pattern content:text other:unknown", needs: replace),
    Case("normalizer", "Prepend", "prepend:text other:unknown", needs: #"{"prepend": "a"}"#),
    Case("normalizer", "Precompiled", "precompiled_charsmap:text"),
    Case(
      "normalizer", "BertNormalizer",
      "clean_text:flag handle_chinese_chars:flag strip_accents:flag lowercase:flag other:unknown"),
    Case(
      "pre_tokenizer", "Split", "pattern:pattern behavior:choice invert:flag other:unknown",
      needs: #"{"pattern": {"Regex": "a"}, "behavior": "Isolated"}"#),
    Case("pre_tokenizer", "ByteLevel", bytes), Case("pre_tokenizer", "Metaspace", metaspace),
    Case("pre_tokenizer", "Whitespace", "other:unknown"),
    Case("pre_tokenizer", "Digits", "individual_digits:flag other:unknown"),
    Case("pre_tokenizer", "Punctuation", "behavior:choice other:unknown"),
    Case("pre_tokenizer", "CharDelimiterSplit", "delimiter:character", needs: #"{"delimiter": "a"}"#),
    Case("post_processor", "ByteLevel", bytes),
    Case("post_processor", "RobertaProcessing", framed, needs: frame),
    Case("post_processor", "BertProcessing", framed, needs: frame),
    Case("post_processor", "TemplateProcessing", "other:unknown", needs: #"{"single": []}"#),
    Case("decoder", "ByteLevel", bytes), Case("decoder", "Fuse", "other:unknown"),
    Case("decoder", "Metaspace", metaspace),
    Case("decoder", "Replace", "pattern:pattern content:text other:unknown", needs: replace),
    Case("decoder", "Strip", "content:character start:whole stop:whole other:unknown"),
    Case("decoder", "WordPiece", "prefix:text cleanup:flag other:unknown"),
    Case("decoder", "BPEDecoder", "suffix:text other:unknown"),
  ]) func stepsWithNonsense(one: Case) throws {
    let needs = try JSONSerialization.jsonObject(with: Data(one.needs.utf8)) as? Object ?? [:]
    let step = needs.merging(["type": one.type]) { $1 }
    func file(_ step: Object) -> Object { Self.base.merging([one.section: step]) { $1 } }
    if one.type != "Precompiled" { #expect(try message(file(step)) == nil) }
    for entry in one.keys.split(separator: " ") {
      let (key, kind) = (String(entry.prefix { $0 != ":" }), String(entry.drop { $0 != ":" }.dropFirst()))
      for value in try #require(Self.kinds[kind]) {
        let words = try message(file(step.merging([key: value]) { $1 })) ?? "taken"
        #expect(words.hasPrefix("x.json: found \(one.section).\(key) "), "\(one) \(key) \(value): \(words)")
        #expect(words.contains(", expected "), "\(words)")
      }
      // As in configurations null is as good as absent.
      if needs[key] == nil, one.type != "Precompiled" {
        #expect(try message(file(step.merging([key: NSNull()]) { $1 })) == nil, "\(one) \(key)")
      }
    }
    // Within a sequence the path says which step it is.
    let list = ["normalizer": "normalizers", "pre_tokenizer": "pretokenizers", "decoder": "decoders"][
      one.section]
    if let list {
      let inner: Object = ["type": "Sequence", list: [step.merging(["nonsense": 1]) { $1 }]]
      let words = try message(file(["type": "Sequence", list: [inner]]))
      #expect(
        words?.contains("found \(one.section).\(list)[0].\(list)[0].nonsense 1") == true, "\(words ?? "")")
    }
  }

  /// Steps and sections that are no steps and sections.
  @Test(arguments: ["normalizer", "pre_tokenizer", "post_processor", "decoder"])
  func sectionsWithNonsense(section: String) throws {
    for value in [7, "NFC", true, [Any](), [Object()], Object(), ["type": 7], ["type": "Strange"]] as [Any] {
      let words = try message(Self.base.merging([section: value]) { $1 }) ?? "taken"
      #expect(words.contains("found \(section)"), "\(value): \(words)")
    }
    let words = try message(Self.base.merging([section: ["type": "Sequence"]]) { $1 }) ?? "taken"
    #expect(words.contains("found \(section)"), "\(words)")
  }

  @Test func theFileItself() throws {
    for (key, values) in [
      ("version", ["", "2.0", 1, true]), ("other", Self.unknownKey),
      ("added_tokens", [7, "a", Object(), true]),
      ("model", [7, "BPE", [Any](), Object(), ["type": "Strange"] as Object]),
      ("truncation", [7, true, "Left", [Any](), ["direction": "Up"], ["max_length": -1], ["stride": 1.5]]),
      (
        "padding",
        [7, true, "Left", [Any](), ["direction": "Up"], ["pad_id": -4], ["pad_id": 1e10], ["pad_token": 7]]
      ),
    ] as [(String, [Any])] {
      for value in values {
        let words = try message(Self.base.merging([key: value]) { $1 }) ?? "taken"
        #expect(words.hasPrefix("x.json: found \(key)"), "\(key) \(value): \(words)")
      }
    }
    for text in ["{\"version\": NaN}", "[]", "7", "null", "", "{\"model\": {\"dropout\": NaN}}"] {
      #expect(message(Data(text.utf8))?.hasPrefix("x.json: found ") == true, "\(text)")
    }
  }

  /// transformers calls neither unless it is asked to: a text is as long as it is.
  @Test func lengthsAreNotTheFile() throws {
    let file = Self.base.merging([
      "truncation": ["direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0]
        as Object,
      "padding": [
        "strategy": ["Fixed": 16], "direction": "Right", "pad_to_multiple_of": NSNull(), "pad_id": 0,
        "pad_type_id": 0, "pad_token": "<unk>",
      ] as Object,
      "pre_tokenizer": ["type": "Whitespace"],
    ]) { $1 }
    let tokenizer = try Tokenizer(
      json: JSONSerialization.data(withJSONObject: file), name: "x.json", bos: "<s>", eos: "</s>")
    #expect(try tokenizer.encode(parsingTokens: "a a a a", isFramed: true) == [3, 3, 3, 3])
  }

  @Test func addedTokensWithNonsense() throws {
    let token: Object = ["id": 4, "content": "<x>", "special": true, "normalized": false]
    func file(_ token: Any) -> Object {
      Self.base.merging(["added_tokens": (Self.base["added_tokens"] as? [Any] ?? []) + [token]]) { $1 }
    }
    #expect(try message(file(token)) == nil)
    for (key, values) in [
      ("id", Self.whole + [NSNull(), 1 << 24]), ("content", Self.text + [NSNull()]), ("special", Self.flag),
      ("normalized", Self.flag), ("lstrip", Self.flag), ("rstrip", Self.flag), ("single_word", Self.flag),
      ("other", Self.unknownKey),
    ] as [(String, [Any])] {
      for value in values {
        let words = try message(file(token.merging([key: value]) { $1 })) ?? "taken"
        #expect(words.hasPrefix("x.json: found added_tokens[3].\(key) "), "\(key) \(value): \(words)")
      }
    }
    for value in [7, "a", [Any](), Object()] as [Any] {
      let words = try message(file(value)) ?? "taken"
      #expect(words.hasPrefix("x.json: found added_tokens[3]"), "\(value): \(words)")
    }
  }

  @Test func modelsWithNonsense() throws {
    let vocabulary: Object = ["<unk>": 0, "<s>": 1, "</s>": 2, "a": 3, "b": 4, "ab": 5, "##a": 6]
    let list: [Any] = [["<unk>", 0], ["<s>", 0], ["</s>", 0], ["a", -1.5]]
    let models: [(Object, [(String, [Any])])] = [
      (
        ["type": "BPE", "vocab": vocabulary, "merges": [["a", "b"]], "unk_token": "<unk>"],
        [
          ("dropout", [-0.5, 1.5, 0.1, "0", true]), ("unk_token", Self.text + ["<other>", ""]),
          ("continuing_subword_prefix", Self.text + ["##"]), ("end_of_word_suffix", Self.text + ["</w>"]),
          ("fuse_unk", Self.flag), ("byte_fallback", Self.flag), ("ignore_merges", Self.flag),
          ("vocab", [7, "a", true, NSNull(), ["a": "b"], ["a": -1], ["a": 1.5], ["a": 10_000_000_000]]),
          ("merges", [7, "a b", NSNull(), [7], ["ab"], ["a b c"], [["a"]], [["a", 1]], [["a", "c"]]]),
          ("other", Self.unknownKey),
        ]
      ),
      (
        ["type": "Unigram", "vocab": list, "unk_id": 0],
        [
          ("unk_id", Self.whole + [4, 1 << 30]), ("byte_fallback", Self.flag),
          ("vocab", [7, [["a"]], [["<unk>", "b"]], [[1, 1]], ["a"], NSNull()]), ("other", Self.unknownKey),
        ]
      ),
      (
        ["type": "WordPiece", "vocab": vocabulary, "unk_token": "<unk>"],
        [
          ("unk_token", Self.text + ["<other>"]), ("continuing_subword_prefix", Self.text),
          ("max_input_chars_per_word", Self.whole + [0]), ("other", Self.unknownKey),
        ]
      ),
      (
        ["type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"],
        [("unk_token", Self.text + ["<other>"]), ("other", Self.unknownKey)]
      ),
    ]
    for (model, keys) in models {
      #expect(try message(Self.base.merging(["model": model]) { $1 }) == nil, "\(model)")
      for (key, values) in keys {
        for value in values {
          let changed = model.merging([key: value]) { $1 }
          let words = try message(Self.base.merging(["model": changed]) { $1 }) ?? "taken"
          #expect(words.hasPrefix("x.json: found "), "\(key) \(value): \(words)")
          #expect(
            words.contains("model.\(key)") || (key == "merges" && words.contains("a merge of")),
            "\(key) \(value): \(words)")
        }
      }
    }
  }

  /// What a template puts around a text is stated twice.
  @Test func templatesWithNonsense() throws {
    let item: Object = ["SpecialToken": ["id": "<s>", "type_id": 0] as Object]
    let text: Object = ["Sequence": ["id": "A", "type_id": 0] as Object]
    let special: Object = ["<s>": ["id": "<s>", "ids": [1], "tokens": ["<s>"]] as Object]
    func words(_ single: Any, _ special: Any) throws -> String? {
      let step: Object = ["type": "TemplateProcessing", "single": single, "special_tokens": special]
      return try message(Self.base.merging(["post_processor": step]) { $1 })
    }
    #expect(try words([item, text], special) == nil)
    for (single, place) in [
      (7 as Any, ".single 7"), (NSNull(), ".single null"), ([7], ".single[0] 7"),
      ([item, text, text], ".single[2]"),
      ([["Sequence": ["id": "B", "type_id": 0] as Object]], ".single[0]"), ([Object()], ".single[0] {}"),
    ] as [(Any, String)] {
      let found = try words(single, special) ?? "taken"
      #expect(found.contains("found post_processor\(place)"), "\(found)")
    }
    for ids in [[2], [1, 2], [Any](), "1"] as [Any] {
      let found = try words([item, text], ["<s>": ["id": "<s>", "ids": ids] as Object]) ?? "taken"
      #expect(found.contains("post_processor.special_tokens <s> with ids"), "\(found)")
    }
  }
}
