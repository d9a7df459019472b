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
    vocabulary.normalizers = try steps("normalizer", "normalizers").map(normalizer)
    for step in steps("pre_tokenizer", "pretokenizers") {
      guard !vocabulary.writesBytes else {
        throw unsupported("pre_tokenizer", "\(step["type"]?.text ?? "nothing") behind ByteLevel", "nothing")
      }
      vocabulary.cutters.append(try cutter(step))
      if step["type"]?.text == "ByteLevel" { vocabulary.writesBytes = true }
    }
    let joiners = try steps("decoder", "decoders").map(joiner)
    vocabulary.joiners = (json["decoder"] ?? .null) == .null ? nil : joiners
    var words: Set<Int32> = []
    if !vocabulary.normalizers.isEmpty, case .array(let tokens)? = json["added_tokens"] {
      let normalized = Set(
        tokens.filter { $0["normalized"] == .boolean(true) }.compactMap { $0["content"]?.text })
      var found: [AddedTokens.Token] = []
      for var token in added where normalized.contains(token.text) {
        let text = vocabulary.normalizers.reduce(token.text) { $1($0) }
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

  private func steps(_ key: String, _ list: String) -> [JSONValue] {
    func flat(_ value: JSONValue) -> [JSONValue] {
      guard value["type"]?.text == "Sequence", case .array(let steps)? = value[list] else { return [value] }
      return steps.flatMap(flat)
    }
    guard let value = json[key], value != .null else { return [] }
    return flat(value)
  }

  private func flag(_ step: JSONValue, _ key: String, _ usual: Bool) throws -> Bool {
    switch step[key] {
    case nil, .null?: usual
    case .boolean(let flag)?: flag
    case let other?: throw unsupported("\(step["type"]?.text ?? "").\(key)", other.brief, "true or false")
    }
  }

  private func text(_ step: JSONValue, _ key: String, _ usual: String? = nil) throws -> String {
    guard let text = step[key]?.text ?? usual else {
      throw unsupported("\(step["type"]?.text ?? "").\(key)", step[key]?.brief ?? "nothing", "a text")
    }
    return text
  }

  private func mark(_ step: JSONValue, _ key: String, _ usual: String) throws -> Unicode.Scalar {
    let text = try text(step, key, usual)
    guard text.unicodeScalars.count == 1, let mark = text.unicodeScalars.first else {
      throw unsupported("\(step["type"]?.text ?? "").\(key)", "\"\(text)\"", "one character")
    }
    return mark
  }

  private func pattern(_ step: JSONValue) throws -> ScalarPattern {
    if let text = step["pattern"]?["String"]?.text { return ScalarPattern(literal: text) }
    guard let regex = step["pattern"]?["Regex"]?.text else {
      throw unsupported(
        "\(step["type"]?.text ?? "").pattern", step["pattern"]?.brief ?? "nothing", "String or Regex")
    }
    do {
      return try ScalarPattern(regex)
    } catch let error as TokenizerPatternError {
      throw unsupported(
        "\(step["type"]?.text ?? "").pattern", "\"\(regex)\" with \(error.problem)", "a pattern without it")
    }
  }

  private func behavior(_ step: JSONValue, _ usual: String?) throws -> TextCutter.Behavior {
    let text = try text(step, "behavior", usual)
    guard let behavior = TextCutter.Behavior(rawValue: text) else {
      throw unsupported("\(step["type"]?.text ?? "").behavior", "\"\(text)\"", "one of five")
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
        throw TokenizerError.missingToken(file: name, token: mark)
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
      if let id = section["unk_id"]?.whole, entries.indices.contains(id) { unknown = Int32(id) }
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
      let longest = section["max_input_chars_per_word"]?.whole ?? 100
      guard longest > 0 else {
        throw unsupported("model.max_input_chars_per_word", "\(longest)", "one above 0")
      }
      return .wordPiece(prefix: section["continuing_subword_prefix"]?.text ?? "##", longest: longest)
    case "WordLevel":
      unknown = try named()
      return .words
    case let other: throw unsupported("model", other, "BPE, Unigram, WordPiece or WordLevel")
    }
  }

  // MARK: Steps

  private func normalizer(_ step: JSONValue) throws -> TextNormalizer {
    switch step["type"]?.text {
    case "NFC"?: return .nfc
    case "NFD"?: return .nfd
    case "NFKC"?: return .nfkc
    case "NFKD"?: return .nfkd
    case "Lowercase"?: return .lowercase
    case "Strip"?:
      return .strip(left: try flag(step, "strip_left", true), right: try flag(step, "strip_right", true))
    case "StripAccents"?: return .stripAccents
    case "Replace"?: return .replace(try pattern(step), with: try text(step, "content"))
    case "Prepend"?: return .prepend(try text(step, "prepend"))
    case "Nmt"?: return .nmt
    case "BertNormalizer"?:
      let lowers = try flag(step, "lowercase", true)
      return .bert(
        cleans: try flag(step, "clean_text", true),
        spacesChinese: try flag(step, "handle_chinese_chars", true),
        stripsAccents: try flag(step, "strip_accents", lowers), lowers: lowers)
    case "Precompiled"?:
      guard let bytes = Data(base64Encoded: try text(step, "precompiled_charsmap")),
        let map = PrecompiledMap(Array(bytes))
      else { throw unsupported("Precompiled.precompiled_charsmap", "that is damaged", "a map of characters") }
      return .precompiled(map)
    case let other:
      throw unsupported(
        "normalizer", other ?? "nothing",
        "NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace, Prepend, Nmt, BertNormalizer or "
          + "Precompiled")
    }
  }

  private func cutter(_ step: JSONValue) throws -> TextCutter {
    switch step["type"]?.text {
    case "Split"?:
      return .split(try pattern(step), try behavior(step, nil), isInverted: try flag(step, "invert", false))
    case "ByteLevel"?:
      return .byteLevel(
        addsSpace: try flag(step, "add_prefix_space", true), cuts: try flag(step, "use_regex", true))
    case "Metaspace"?:
      var prefix = MetaspaceVocabulary.Prefix.always
      switch step["prepend_scheme"]?.text {
      case "first"?: prefix = .first
      case "never"?: prefix = .never
      case "always"?, nil:
        // Files of earlier releases have the second key alone.
        if try !flag(step, "add_prefix_space", true) { prefix = .never }
      case let other?: throw unsupported("Metaspace.prepend_scheme", "\"\(other)\"", "first, always or never")
      }
      return .metaspace(
        try mark(step, "replacement", "\u{2581}"), prefix, cuts: try flag(step, "split", true))
    case "Whitespace"?: return .words
    case "WhitespaceSplit"?: return .spaces
    case "Digits"?: return .digits(single: try flag(step, "individual_digits", false))
    case "Punctuation"?: return .punctuation(try behavior(step, "Isolated"))
    case "BertPreTokenizer"?: return .bert
    case "CharDelimiterSplit"?: return .character(try mark(step, "delimiter", ""))
    case let other:
      throw unsupported(
        "pre_tokenizer", other ?? "nothing",
        "Split, ByteLevel, Metaspace, Whitespace, WhitespaceSplit, Digits, Punctuation, BertPreTokenizer or "
          + "CharDelimiterSplit")
    }
  }

  private func joiner(_ step: JSONValue) throws -> TextJoiner {
    switch step["type"]?.text {
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
        || (step["prepend_scheme"] == nil && step["add_prefix_space"] == .boolean(false))
      return .metaspace(try mark(step, "replacement", "\u{2581}"), hasPrefix: !isNever)
    case "WordPiece"?:
      return .wordPiece(prefix: try text(step, "prefix", "##"), cleans: try flag(step, "cleanup", true))
    case "BPEDecoder"?: return .suffix(try text(step, "suffix", "</w>"))
    case let other:
      throw unsupported(
        "decoder", other ?? "nothing",
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
