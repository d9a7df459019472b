import Foundation
import LVLM
import TestSupport
import Testing

/// What a `tokenizer.json` can ask of a text: no file takes more than the text's length times its own.
@Suite struct TokenizerWorkTests {
  private typealias Steps = [[String: Any]]

  /// A vocabulary of words, so that the steps before the model are all that costs.
  private func tokenizer(
    normalizers: Steps = [], cutters: Steps = [], decoders: Steps = []
  ) throws -> Tokenizer {
    func sequence(_ steps: Steps, _ list: String) -> Any {
      steps.isEmpty ? NSNull() : ["type": "Sequence", list: steps] as [String: Any]
    }
    let marks = ["<unk>", "<s>", "</s>"].enumerated().map {
      ["id": $0, "content": $1, "special": true, "normalized": false] as [String: Any]
    }
    let object: [String: Any] = [
      "added_tokens": marks, "normalizer": sequence(normalizers, "normalizers"),
      "pre_tokenizer": sequence(cutters, "pretokenizers"), "decoder": sequence(decoders, "decoders"),
      "model": [
        "type": "WordLevel", "vocab": ["<unk>": 0, "<s>": 1, "</s>": 2, "a": 3], "unk_token": "<unk>",
      ],
    ]
    return try Tokenizer(
      json: JSONSerialization.data(withJSONObject: object), name: "x.json", bos: "<s>", eos: "</s>")
  }

  private func split(_ pattern: String) -> [String: Any] {
    ["type": "Split", "pattern": ["Regex": pattern], "behavior": "Isolated", "invert": false]
  }

  private static let rest = #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let llama3 =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"# + rest
  private static let upper = #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
  private static let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
  private static let contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
  /// The rules of published vocabularies.
  private static let rules = [
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#, llama3,
    llama3.replacing("{1,3}", with: ""),
    "\(upper)*\(lower)+\(contraction)|\(upper)+\(lower)*\(contraction)|"
      + #"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*"# + rest,
  ]

  /// A megabyte of one kind of character, which is one word for most rules.
  @Test(arguments: [
    ("a", [1, 1, 1, 1]), (" ", [1, 1, 1, 1]), ("7", [1, 349_526, 1 << 20, 349_526]),
    ("\u{1F600}", [1, 1, 1, 1]), ("aB", [1, 1, 1, 524_289]),
  ]) func rulesOfVocabulariesOnLongTexts(unit: String, counts: [Int]) throws {
    let text = String(repeating: unit, count: (1 << 20) / unit.utf8.count)
    for (rule, count) in zip(Self.rules, counts) {
      let words = try tokenizer(cutters: [split(rule)]).encode(text)
      #expect(words.count == count, "\(unit.debugDescription) \(rule)")
    }
  }

  /// Patterns that go back without end: they find nothing, or are refused by their key.
  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      (#"(x+x+)+y"#, false), (#"(x|x)*y"#, false), (#"(x+)+$y"#, false), (#"(x|xx|xxx)*y"#, false),
      (#"(.+)(.+)(.+)(.+)y"#, false), (#"(?=(x+)+y)x"#, false), (#"(?!(x+x+)+y)y"#, false),
      (#"(x{0,100}x{0,100})y"#, false), (#"(x*?x*?)x*?y"#, false), (#"(?i:(X+X+)+Y)"#, false),
      (#"(?>(x+)+)y"#, true), (#"(?=x*)y"#, true), (#"x*+y"#, true), (#"x{100}y"#, false),
    ]) func patternsWithoutEnd(pattern: String, isRefused: Bool) throws
  {
    let text = String(repeating: "x", count: 20_000)
    for (key, tokenizer) in [
      ("pre_tokenizer.pretokenizers[0].pattern", try tokenizer(cutters: [split(pattern)])),
      (
        "normalizer.normalizers[1].pattern",
        try tokenizer(normalizers: [
          ["type": "NFC"], ["type": "Replace", "pattern": ["Regex": pattern], "content": "z"],
        ])
      ),
    ] {
      guard isRefused else {
        #expect(try tokenizer.encode(text) == [0])
        continue
      }
      #expect {
        _ = try tokenizer.encode(text)
      } throws: { error in
        "\(error)".hasPrefix("x.json: found \(key) \"\(pattern)\", which takes more than")
      }
      #expect(try tokenizer.encode("xxx") == [0])
    }
  }

  /// A text, and not an expression, that almost repeats itself.
  @Test func longLiterals() throws {
    let part = String(repeating: "x", count: 50_000) + "y"
    let cutter: [String: Any] = ["type": "Split", "pattern": ["String": part], "behavior": "Isolated"]
    let text = String(repeating: "x", count: 100_000)
    #expect(try tokenizer(cutters: [cutter]).encode(text) == [0])
    #expect(try tokenizer(cutters: [cutter]).encode(text + "y") == [0, 0])
  }

  /// Patterns that are themselves too much are refused when a file is read.
  @Test(arguments: [
    ("a{1001}", "the count {1001}"), ("a{99999999}", "the count {99999999}"),
    ("a{99999999999999999999}", "the count {99999999999999999999}"), ("a{0,1001}", "the count {0,1001}"),
    ("a{2,1}", "the count {2,1}"), ("a{,99999999999}", "the count {,99999999999}"),
    ("a{9999999999,}", "the count {9999999999,}"), ("(a{1000}){1000}", "more than 20000 steps"),
    ("(?>(?>(?>a{1000}){1000}){1000}){1000}", "more than 20000 steps"),
    ("((?=a{1000})b){1000}", "more than 20000 steps"),
    (String(repeating: "(", count: 5000), "within each other"),
    (String(repeating: "[", count: 5000), "within each other"),
    ("a" + String(repeating: "+", count: 5000), "repetitions of one another"),
    ("a" + String(repeating: "{1}", count: 5000), "repetitions of one another"),
    ("[" + String(repeating: #"\s"#, count: 300) + "]", "classes with more than"),
    (String(repeating: "a", count: 70_000), "70000 characters"),
  ]) func patternsThatAreTooMuch(pattern: String, words: String) throws {
    #expect {
      _ = try tokenizer(cutters: [split(pattern)])
    } throws: { error in
      "\(error)".hasPrefix("x.json: found pre_tokenizer.pretokenizers[0].pattern \"")
        && "\(error)".contains(words)
    }
  }

  /// Steps that multiply a text, each by little.
  @Test func normalizersThatGrow() throws {
    func replace(_ pattern: [String: Any], _ count: Int) -> [String: Any] {
      ["type": "Replace", "pattern": pattern, "content": String(repeating: "a", count: count)]
    }
    for (steps, place) in [
      (Steps(repeating: replace(["String": "a"], 1000), count: 6), 1),
      (Steps(repeating: replace(["Regex": "."], 1000), count: 6), 1),
      (Steps(repeating: replace(["Regex": "a"], 3), count: 40), 8),
      ([["type": "Prepend", "prepend": String(repeating: "a", count: 1 << 17)]], 0),
      ([["type": "Lowercase"], replace(["String": "a"], 100_000_000)], 1),
    ] {
      let tokenizer = try tokenizer(normalizers: steps)
      #expect {
        _ = try tokenizer.encode("aaaa")
      } throws: { error in
        "\(error)".hasPrefix("x.json: found normalizer.normalizers[\(place)]")
          && "\(error)".contains("which makes more than 65792 bytes of a text of 4")
      }
      #expect(try tokenizer.encode("").isEmpty)
    }
    // What no text makes much of goes on: the longest of Unicode's own forms, and a sign spelled out.
    let name = ":smiling_face_with_open_mouth:"
    let usual = try tokenizer(normalizers: [
      ["type": "Replace", "pattern": ["String": "\u{1F603}"], "content": name], ["type": "NFKD"],
      ["type": "Lowercase"],
    ])
    for text in ["\u{FDFA}", "\u{1F603}"] {
      #expect(try usual.encode(String(repeating: text, count: 100_000)) == [0])
    }
  }

  /// Steps from pieces to text cannot refuse one, so they are refused.
  @Test func decodersThatGrow() throws {
    func replace(_ pattern: [String: Any], _ content: String) -> [String: Any] {
      ["type": "Replace", "pattern": pattern, "content": content]
    }
    let long = String(repeating: "a", count: 100)
    for (steps, words) in [
      (
        [replace(["String": "a"], long), replace(["String": "a"], long)], "decoder.decoders[1].content \"aaa"
      ),
      ([replace(["Regex": "(x+x+)+y"], "")], "decoder.decoders[0].pattern \"(x+x+)+y\""),
      ([replace(["Regex": "(?=a)a"], "")], "decoder.decoders[0].pattern \"(?=a)a\""),
    ] {
      #expect {
        _ = try tokenizer(decoders: steps)
      } throws: { error in
        "\(error)".contains(words)
      }
    }
    let usual = try tokenizer(decoders: [
      replace(["String": "a"], "\u{2581}"), replace(["Regex": " {2,}"], " "),
    ])
    #expect(usual.decode([3]) == "\u{2581}")
  }
}
