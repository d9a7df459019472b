import Checkpoint
import Foundation

/// Reads the steps of a `tokenizer.json` that has none of the forms with a vocabulary of their own here.
///
/// Whatever would change ids or texts and is not computed is an error that names its key.
struct TokenizerPipelineReader {
  let json: JSONValue
  let name: String
  /// All pieces, those that were added among them.
  let pieces: [String]
  let added: [AddedTokens.Token]

  func unsupported(_ key: String, _ found: String, _ expected: String) -> TokenizerError {
    .unsupported(file: name, found: "\(key) \(found)", expected: expected)
  }

  /// The vocabulary; and the added words that it finds itself, which are not to be looked for before it.
  func vocabulary() throws -> (PipelineVocabulary, words: Set<Int32>) {
    guard let section = json["model"] else { throw unsupported("model", "nothing", "one") }
    let table = PieceTable(pieces)
    let special = Set(added.filter(\.isSpecial).map(\.id))
    // Special tokens are no text.
    let texts = PieceTable(pieces.enumerated().map { special.contains(Int32($0)) ? "" : $1 })
    var unknown: Int32?
    let model = try model(section, texts, &unknown)
    let digits = Array("0123456789ABCDEF")
    let bytes = (0..<256).compactMap { table.id(of: "<0x\(digits[$0 >> 4])\(digits[$0 & 15])>") }
    let spellsBytes = section["byte_fallback"] == .boolean(true)
    guard !spellsBytes || bytes.isEmpty || bytes.count == 256 else {
      throw unsupported("model.byte_fallback", "with pieces for \(bytes.count) bytes", "all 256, or none")
    }
    var vocabulary = PipelineVocabulary(table: table, texts: texts, model: model)
    vocabulary.unknown = unknown
    vocabulary.bytes = spellsBytes ? bytes : []
    vocabulary.normalizers = TextNormalizers(
      try steps("normalizer", "normalizers").map { ($0.path, try normalizer($0)) }, file: name)
    for step in steps("pre_tokenizer", "pretokenizers") {
      guard !vocabulary.writesBytes else {
        throw unsupported(step.path, "\(step.type ?? "nothing") behind ByteLevel", "nothing")
      }
      vocabulary.cutters.append(try cutter(step))
      if step.type == "ByteLevel" { vocabulary.writesBytes = true }
    }
    let joiners = try joiners()
    vocabulary.joiners = (json["decoder"] ?? .null) == .null ? nil : joiners
    var words: Set<Int32> = []
    if !vocabulary.normalizers.isEmpty, case .array(let tokens)? = json["added_tokens"] {
      let normalized = Set(
        tokens.filter { $0["normalized"] == .boolean(true) }.compactMap { $0["content"]?.text })
      var found: [AddedTokens.Token] = []
      for var token in added where normalized.contains(token.text) {
        let text = try vocabulary.normalizers.normalized(token.text)
        // Special tokens are looked for in the text as it is.
        guard token.text != Tokenizer.imageMark, !token.isSpecial || text.utf8.elementsEqual(token.text.utf8)
        else { throw unsupported("added_tokens", "\(token.text) with normalized", "normalized false") }
        if token.isSpecial { continue }
        words.insert(token.id)
        token.text = text
        if !token.text.isEmpty { found.append(token) }
      }
      vocabulary.words = AddedTokens(found)
    }
    return (vocabulary, words)
  }

  /// A step with its path; its keys have been looked at by ``TokenizerSchema``.
  private struct Step {
    let path: String
    let value: JSONValue

    subscript(key: String) -> JSONValue? { value[key].flatMap { $0 == .null ? nil : $0 } }
    var type: String? { value["type"]?.text }
  }

  private func steps(_ key: String, _ list: String) -> [Step] {
    TokenizerSchema.steps(json[key] ?? .null, path: key, list: list).map { Step(path: $0, value: $1) }
  }

  private func flag(_ step: Step, _ key: String, _ usual: Bool) -> Bool {
    step[key].map { $0 == .boolean(true) } ?? usual
  }

  private func text(_ step: Step, _ key: String, _ usual: String? = nil) throws -> String {
    guard let text = step[key]?.text ?? usual else {
      throw unsupported("\(step.path).\(key)", step.value[key]?.brief ?? "nothing", "a text")
    }
    return text
  }

  private func mark(_ step: Step, _ key: String, _ usual: String) throws -> Unicode.Scalar {
    let text = try text(step, key, usual)
    guard text.unicodeScalars.count == 1, let mark = text.unicodeScalars.first else {
      throw unsupported("\(step.path).\(key)", "\"\(text)\"", "one character")
    }
    return mark
  }

  private func pattern(_ step: Step) throws -> ScalarPattern {
    let key = "\(step.path).pattern"
    let origin = ScalarPattern.Origin(file: name, key: key)
    if let text = step["pattern"]?["String"]?.text { return ScalarPattern(literal: text, origin) }
    guard let regex = step["pattern"]?["Regex"]?.text else {
      throw unsupported(key, step.value["pattern"]?.brief ?? "nothing", "String or Regex")
    }
    do {
      return try ScalarPattern(regex, origin)
    } catch let error as TokenizerPatternError {
      throw unsupported(key, "\"\(regex)\" with \(error.problem)", "a pattern without it")
    }
  }

  private func behavior(_ step: Step, _ usual: String?) throws -> TextCutter.Behavior {
    let text = try text(step, "behavior", usual)
    guard let behavior = TextCutter.Behavior(rawValue: text) else {
      throw unsupported("\(step.path).behavior", "\"\(text)\"", "one of five")
    }
    return behavior
  }

  // MARK: Models

  private func model(_ section: JSONValue, _ table: PieceTable, _ unknown: inout Int32?) throws -> WordModel {
    func refuse(_ keys: [String]) throws {
      for key in keys where !(section[key]?.text ?? "").isEmpty {
        throw unsupported("model.\(key)", "\"\(section[key]?.text ?? "")\"", "null")
      }
    }
    func named() throws -> Int32? {
      guard let mark = section["unk_token"]?.text else { return nil }
      guard let place = pieces.firstIndex(where: { $0.utf8.elementsEqual(mark.utf8) }) else {
        throw unsupported("model.unk_token", "\"\(mark)\"", "one of the pieces")
      }
      return Int32(place)
    }
    switch section["type"]?.text ?? (section["merges"] == nil ? "nothing" : "BPE") {
    case "BPE":
      try refuse(["continuing_subword_prefix", "end_of_word_suffix"])
      if let dropout = section["dropout"], dropout != .null, dropout != .real(0), dropout != .integer(0) {
        throw unsupported("model.dropout", dropout.brief, "null")
      }
      unknown = try named()
      let merges = try BytePairMerges(TokenizerJSON.merges(section, name), PieceTable(pieces), file: name)
      return .bytePairs(
        merges,
        .init(
          joinsWholeWords: section["ignore_merges"] == .boolean(true),
          spellsBytes: section["byte_fallback"] == .boolean(true),
          joinsUnknown: section["fuse_unk"] == .boolean(true)))
    case "Unigram":
      guard case .array(let entries)? = section["vocab"] else {
        throw unsupported("model.vocab", section["vocab"]?.brief ?? "nothing", "a list of pieces with scores")
      }
      if let value = section["unk_id"], value != .null {
        guard let id = value.whole, entries.indices.contains(id) else {
          throw unsupported("model.unk_id", value.brief, "one of the \(entries.count) pieces")
        }
        unknown = Int32(id)
      }
      let scores = try entries.enumerated().map { index, entry in
        guard case .array(let pair) = entry, pair.count == 2, let score = pair[1].real else {
          throw unsupported("model.vocab[\(index)]", entry.brief, "a piece and its score")
        }
        return score
      }
      return .unigram(
        UnigramModel(
          scores: scores, pieces: Array(pieces.prefix(scores.count)),
          spellsBytes: section["byte_fallback"] == .boolean(true)))
    case "WordPiece":
      unknown = try named()
      return .wordPiece(
        prefix: section["continuing_subword_prefix"]?.text ?? "##",
        longest: section["max_input_chars_per_word"]?.whole ?? 100)
    case "WordLevel":
      unknown = try named()
      return .words
    case let other: throw unsupported("model", other, "BPE, Unigram, WordPiece or WordLevel")
    }
  }

  // MARK: Steps

  private func normalizer(_ step: Step) throws -> TextNormalizer {
    switch step.type {
    case "NFC"?: return .nfc
    case "NFD"?: return .nfd
    case "NFKC"?: return .nfkc
    case "NFKD"?: return .nfkd
    case "Lowercase"?: return .lowercase
    case "Strip"?:
      return .strip(left: flag(step, "strip_left", true), right: flag(step, "strip_right", true))
    case "StripAccents"?: return .stripAccents
    case "Replace"?: return .replace(try pattern(step), with: try text(step, "content"))
    case "Prepend"?: return .prepend(try text(step, "prepend"))
    case "Nmt"?: return .nmt
    case "BertNormalizer"?:
      let lowers = flag(step, "lowercase", true)
      return .bert(
        cleans: flag(step, "clean_text", true),
        spacesChinese: flag(step, "handle_chinese_chars", true),
        stripsAccents: flag(step, "strip_accents", lowers), lowers: lowers)
    case "Precompiled"?:
      guard let bytes = Data(base64Encoded: try text(step, "precompiled_charsmap")),
        let map = PrecompiledMap(Array(bytes))
      else {
        throw unsupported("\(step.path).precompiled_charsmap", "that is damaged", "a map of characters")
      }
      return .precompiled(map)
    case let other:
      throw unsupported(
        "\(step.path).type", other ?? "nothing",
        "NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace, Prepend, Nmt, BertNormalizer or "
          + "Precompiled")
    }
  }

  private func cutter(_ step: Step) throws -> TextCutter {
    switch step.type {
    case "Split"?:
      return .split(try pattern(step), try behavior(step, nil), isInverted: flag(step, "invert", false))
    case "ByteLevel"?:
      return .byteLevel(
        addsSpace: flag(step, "add_prefix_space", true), cuts: flag(step, "use_regex", true))
    case "Metaspace"?:
      var prefix = MetaspaceVocabulary.Prefix.always
      switch step["prepend_scheme"]?.text {
      case "first"?: prefix = .first
      case "never"?: prefix = .never
      case "always"?, nil:
        // Files of earlier releases have the second key alone.
        if !flag(step, "add_prefix_space", true) { prefix = .never }
      case let other?:
        throw unsupported("\(step.path).prepend_scheme", "\"\(other)\"", "first, always or never")
      }
      return .metaspace(
        try mark(step, "replacement", "\u{2581}"), prefix, cuts: flag(step, "split", true))
    case "Whitespace"?: return .words
    case "WhitespaceSplit"?: return .spaces
    case "Digits"?: return .digits(single: flag(step, "individual_digits", false))
    case "Punctuation"?: return .punctuation(try behavior(step, "Isolated"))
    case "BertPreTokenizer"?: return .bert
    case "CharDelimiterSplit"?: return .character(try mark(step, "delimiter", ""))
    case let other:
      throw unsupported(
        "\(step.path).type", other ?? "nothing",
        "Split, ByteLevel, Metaspace, Whitespace, WhitespaceSplit, Digits, Punctuation, BertPreTokenizer or "
          + "CharDelimiterSplit")
    }
  }

  /// The steps from pieces to text. A text is made of ids whatever they are: what could make too much of it
  /// is refused beforehand.
  private func joiners() throws -> [TextJoiner] {
    let most = 1000
    var growth = 1
    return try steps("decoder", "decoders").map { step in
      let joiner = try joiner(step)
      if case .replace(let pattern, let content) = joiner {
        guard pattern.isShort else {
          throw unsupported(
            "\(step.path).pattern", "\"\(pattern.source)\"", "a shorter pattern, which looks nowhere else")
        }
        let length = max(1, pattern.literal?.count ?? 1)
        growth *= min(most + 1, max(1, (content.unicodeScalars.count + length - 1) / length))
        guard growth <= most else {
          throw unsupported(
            "\(step.path).content", "\"\(content.prefix(40))\", which makes a text \(growth) times as long",
            "at most \(most) times with what is before it")
        }
      }
      return joiner
    }
  }

  private func joiner(_ step: Step) throws -> TextJoiner {
    switch step.type {
    case "ByteLevel"?: return .byteLevel
    case "ByteFallback"?: return .byteFallback
    case "Fuse"?: return .fuse
    case "Strip"?:
      return .strip(
        try mark(step, "content", " "), start: step["start"]?.whole ?? 0, stop: step["stop"]?.whole ?? 0)
    case "Replace"?: return .replace(try pattern(step), with: try text(step, "content"))
    case "Metaspace"?:
      let isNever =
        step["prepend_scheme"]?.text == "never"
        || (step["prepend_scheme"] == nil && !flag(step, "add_prefix_space", true))
      return .metaspace(try mark(step, "replacement", "\u{2581}"), hasPrefix: !isNever)
    case "WordPiece"?:
      return .wordPiece(prefix: try text(step, "prefix", "##"), cleans: flag(step, "cleanup", true))
    case "BPEDecoder"?: return .suffix(try text(step, "suffix", "</w>"))
    case let other:
      throw unsupported(
        "\(step.path).type", other ?? "nothing",
        "ByteLevel, ByteFallback, Fuse, Strip, Replace, Metaspace, WordPiece or BPEDecoder")
    }
  }
}

extension JSONValue {
  fileprivate var real: Double? {
    switch self {
    case .real(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }
}
