import Checkpoint
import Foundation

/// Every key of a `tokenizer.json` with what may stand under it, looked at before anything is made of the
/// file.
///
/// What depends on other keys is left to the readers; types of steps that are not known are refused there.
/// As in configurations null is as good as absent, and a key that is not known could change ids.
struct TokenizerSchema {
  let file: String

  /// What may stand under a key.
  enum Rule {
    case flag
    case text
    case character
    case whole(ClosedRange<Int>)
    case real(ClosedRange<Double>)
    case choice([String])
    /// `{"String": …}` or `{"Regex": …}`.
    case pattern
    /// A piece and its id.
    case token
    case list
    /// Read, and refused where need be, by whoever makes something of it.
    case read
    /// Of no effect on ids and texts.
    case ignored
  }

  private static let behaviors = [
    "Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous",
  ]
  private static let metaspace: [String: Rule] = [
    "replacement": .character, "prepend_scheme": .choice(["first", "always", "never"]), "split": .flag,
    "add_prefix_space": .flag,
    // Of releases before 0.15, which wrote the replacement twice.
    "str_rep": .text,
  ]
  // Offsets into the text, which `trim_offsets` changes, are given to nobody here.
  private static let byteLevel: [String: Rule] = [
    "add_prefix_space": .flag, "trim_offsets": .flag, "use_regex": .flag,
  ]
  private static let frame: [String: Rule] = [
    "cls": .token, "sep": .token, "trim_offsets": .flag, "add_prefix_space": .flag,
  ]
  private static let replace: [String: Rule] = ["pattern": .pattern, "content": .text]

  /// The keys of the steps of each section, by their types.
  private static let steps: [(section: String, list: String, types: [String: [String: Rule]])] = [
    (
      "normalizer", "normalizers",
      [
        "NFC": [:], "NFD": [:], "NFKC": [:], "NFKD": [:], "Lowercase": [:], "StripAccents": [:], "Nmt": [:],
        "Strip": ["strip_left": .flag, "strip_right": .flag], "Replace": replace,
        "Prepend": ["prepend": .text], "Precompiled": ["precompiled_charsmap": .text],
        "BertNormalizer": [
          "clean_text": .flag, "handle_chinese_chars": .flag, "strip_accents": .flag, "lowercase": .flag,
        ],
      ]
    ),
    (
      "pre_tokenizer", "pretokenizers",
      [
        "Split": ["pattern": .pattern, "behavior": .choice(behaviors), "invert": .flag],
        "ByteLevel": byteLevel, "Metaspace": metaspace, "Whitespace": [:], "WhitespaceSplit": [:],
        "Digits": ["individual_digits": .flag], "Punctuation": ["behavior": .choice(behaviors)],
        "BertPreTokenizer": [:], "CharDelimiterSplit": ["delimiter": .character],
      ]
    ),
    (
      "post_processor", "processors",
      [
        "ByteLevel": byteLevel, "RobertaProcessing": frame, "BertProcessing": frame,
        // Pairs of texts are encoded by nobody here.
        "TemplateProcessing": ["single": .list, "pair": .ignored, "special_tokens": .read],
      ]
    ),
    (
      "decoder", "decoders",
      [
        "ByteLevel": byteLevel, "ByteFallback": [:], "Fuse": [:], "Replace": replace, "Metaspace": metaspace,
        "Strip": ["content": .character, "start": .whole(0...1 << 20), "stop": .whole(0...1 << 20)],
        "WordPiece": ["prefix": .text, "cleanup": .flag], "BPEDecoder": ["suffix": .text],
      ]
    ),
  ]

  private static let models: [String: [String: Rule]] = [
    "BPE": [
      "vocab": .read, "merges": .read, "dropout": .real(0...1), "unk_token": .text,
      "continuing_subword_prefix": .text, "end_of_word_suffix": .text, "fuse_unk": .flag,
      "byte_fallback": .flag, "ignore_merges": .flag,
    ],
    "Unigram": ["vocab": .read, "unk_id": .whole(0...1 << 24), "byte_fallback": .flag],
    "WordPiece": [
      "vocab": .read, "unk_token": .text, "continuing_subword_prefix": .text,
      "max_input_chars_per_word": .whole(1...1 << 20),
    ],
    "WordLevel": ["vocab": .read, "unk_token": .text],
  ]

  private static let addedToken: [String: Rule] = [
    "id": .whole(0...TokenizerJSON.largestID), "content": .text, "single_word": .flag, "lstrip": .flag,
    "rstrip": .flag, "normalized": .flag, "special": .flag,
  ]

  /// As the file is read by transformers, whose tokenizers neither cut nor fill up a text unless a call says
  /// so: `PreTrainedTokenizerFast` calls `no_truncation` and `no_padding` for one that does not.
  private static let lengths: [(key: String, keys: [String: Rule])] = [
    (
      "truncation",
      [
        "direction": .choice(["Left", "Right"]), "max_length": .whole(0...Int.max),
        "strategy": .choice(["LongestFirst", "OnlyFirst", "OnlySecond"]), "stride": .whole(0...Int.max),
      ]
    ),
    (
      "padding",
      [
        // A name, or an object with a length.
        "strategy": .ignored, "direction": .choice(["Left", "Right"]),
        "pad_to_multiple_of": .whole(0...Int.max), "pad_id": .whole(0...TokenizerJSON.largestID),
        "pad_type_id": .whole(0...Int.max), "pad_token": .text,
      ]
    ),
  ]

  /// The steps of a section and of the sequences in it, each with its path.
  static func steps(_ value: JSONValue, path: String, list: String) -> [(path: String, value: JSONValue)] {
    guard value != .null else { return [] }
    guard value["type"]?.text == "Sequence", case .array(let steps)? = value[list] else {
      return [(path, value)]
    }
    return steps.enumerated().flatMap { index, step in
      Self.steps(step, path: "\(path).\(list)[\(index)]", list: list)
    }
  }

  // MARK: Looking

  private func refusal(_ path: String, _ found: JSONValue?, _ expected: String) -> TokenizerError {
    .unsupported(file: file, found: "\(path) \(found?.brief ?? "nothing")", expected: expected)
  }

  /// Looks at a whole file.
  ///
  /// - Throws: ``TokenizerError`` that names the key, what is there and what was expected.
  func check(_ json: JSONValue) throws(TokenizerError) {
    let sections = Self.steps.map(\.section) + Self.lengths.map(\.key)
    var known: [String: Rule] = ["version": .choice(["1.0"]), "added_tokens": .read, "model": .read]
    for section in sections { known[section] = .read }
    try check(json, "", known)
    for (key, keys) in Self.lengths where json[key] ?? .null != .null { try check(json[key]!, key, keys) }
    if let tokens = json["added_tokens"], tokens != .null {
      guard case .array(let tokens) = tokens else {
        throw refusal("added_tokens", tokens, "a list of tokens")
      }
      for (index, token) in tokens.enumerated() {
        let path = "added_tokens[\(index)]"
        try check(token, path, Self.addedToken)
        for key in ["id", "content"] where token[key] ?? .null == .null {
          throw refusal("\(path).\(key)", token[key], "one for each token")
        }
      }
    }
    if let model = json["model"] {
      let type = model["type"]?.text ?? (model["merges"] == nil ? "" : "BPE")
      try check(model, "model", Self.models[type].map { $0.merging(["type": .text]) { $1 } })
    }
    for (section, list, types) in Self.steps {
      for (path, step) in Self.steps(json[section] ?? .null, path: section, list: list) {
        guard case .object = step else { throw refusal(path, step, "an object with a type") }
        let type = step["type"]?.text
        guard type != "Sequence" else { throw refusal("\(path).\(list)", step[list], "a list of steps") }
        try check(step, path, type.flatMap { types[$0] }?.merging(["type": .text]) { $1 })
      }
    }
  }

  /// Looks at the keys of an object; at none of one of a type that is not known.
  private func check(
    _ json: JSONValue, _ path: String, _ rules: [String: Rule]?
  ) throws(TokenizerError) {
    guard case .object(let members) = json else {
      throw refusal(path.isEmpty ? "the file" : path, json, "an object")
    }
    guard let rules else { return }
    for (key, value) in members where value != .null {
      let name = path.isEmpty ? key : "\(path).\(key)"
      guard let rule = rules[key] else {
        throw refusal(name, value, "no such key: what it changes is not computed here")
      }
      if let expected = mistake(value, rule) { throw refusal(name, value, expected) }
    }
  }

  /// What was expected, where a value is something else.
  private func mistake(_ value: JSONValue, _ rule: Rule) -> String? {
    switch rule {
    case .flag: if case .boolean = value { return nil } else { return "true or false" }
    case .text: return value.text == nil ? "a text" : nil
    case .character: return value.text?.unicodeScalars.count == 1 ? nil : "one character"
    case .whole(let range):
      guard let whole = value.whole, range.contains(whole) else {
        return range.upperBound == .max
          ? "a whole number from \(range.lowerBound)"
          : "a whole number from \(range.lowerBound) to \(range.upperBound)"
      }
      return nil
    case .real(let range):
      return value.number.map(range.contains) ?? false
        ? nil : "a number from \(range.lowerBound) to \(range.upperBound)"
    case .choice(let names):
      return value.text.map(names.contains) ?? false ? nil : names.joined(separator: ", ")
    case .pattern:
      guard case .object(let members) = value, members.count == 1,
        ["String", "Regex"].contains(members[0].key), members[0].value.text != nil
      else { return "String or Regex with a text" }
      return nil
    case .token:
      guard case .array(let pair) = value, pair.count == 2, pair[0].text != nil, let id = pair[1].whole,
        (0...TokenizerJSON.largestID).contains(id)
      else { return "a piece and its id" }
      return nil
    case .list: if case .array = value { return nil } else { return "a list" }
    case .read, .ignored: return nil
    }
  }
}
