import Checkpoint
import Foundation

/// A `tokenizer.json` of Hugging Face's tokenizers: BPE over bytes (GPT-2, SmolLM2, Qwen2) or over ▁-marked
/// text (LLaMA).
///
/// Whatever would change ids and is not computed here is an error, never ignored.
struct TokenizerJSON {
  /// Ids are below 2²⁴: a list with a place for each of them is made.
  static let largestID = 1 << 24 - 1

  var vocabulary: any Vocabulary
  var added: [AddedTokens.Token] = []
  /// Ids that `encode` puts around a text when special tokens are asked for.
  var before: [Int32] = []
  var after: [Int32] = []
  /// Whether the pieces are bytes.
  var isByteLevel: Bool
  /// Stands for what the vocabulary cannot spell.
  var unknown: Int32?

  init(_ bytes: Data, name: String) throws {
    guard !GitLFSPointer.isPointer(bytes, count: bytes.count) else {
      throw TokenizerError.unsupported(file: name, found: GitLFSPointer.words, expected: "JSON")
    }
    let json: JSONValue
    do {
      json = try bytes.withoutByteOrderMark.withUnsafeBytes { try JSONReader.read($0) }
    } catch let error as JSONSyntaxError {
      throw TokenizerError.unsupported(
        file: name, found: "\(error.message) at byte \(error.offset)", expected: "JSON")
    }
    try self.init(value: json, name)
  }

  /// The same of what the file says.
  init(value json: JSONValue, _ name: String) throws {
    try TokenizerSchema(file: name).check(json)
    guard let model = json["model"] else {
      throw TokenizerError.unsupported(file: name, found: "no model", expected: "one")
    }
    do {
      try self.init(known: json, model, name)
    } catch is TokenizerError {
      try self.init(steps: json, model, name)
    }
  }

  /// A file whose steps are taken one by one.
  private init(steps json: JSONValue, _ model: JSONValue, _ name: String) throws {
    let added = try Self.added(json, name)
    let reader = TokenizerPipelineReader(
      json: json, name: name, pieces: try Self.pieces(model, added, name), added: added)
    let (pipeline, words) = try reader.vocabulary()
    vocabulary = pipeline
    unknown = pipeline.unknown
    isByteLevel = true
    self.added = added.filter { !words.contains($0.id) }
    try readTemplate(json["post_processor"], name)
  }

  /// A file in one of the forms that have a vocabulary of their own here.
  private init(known json: JSONValue, _ model: JSONValue, _ name: String) throws {
    func unsupported(_ key: String, _ found: String, _ expected: String) -> TokenizerError {
      .unsupported(file: name, found: "\(key) \(found)", expected: expected)
    }
    guard model["type"]?.text ?? "BPE" == "BPE" else {
      throw unsupported("model", model["type"]?.text ?? "nothing", "BPE")
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] where !(model[key]?.text ?? "").isEmpty {
      throw unsupported("model.\(key)", "\"\(model[key]?.text ?? "")\"", "null")
    }
    if let dropout = model["dropout"], dropout != .null, dropout != .real(0) {
      throw unsupported("model.dropout", dropout.kind, "null")
    }
    added = try Self.added(json, name)
    // It would be looked for among what the normalizer makes of the text.
    if json["normalizer"] ?? .null != .null, case .array(let tokens)? = json["added_tokens"],
      let image = tokens.first(where: { $0["content"]?.text == Tokenizer.imageMark }),
      image["normalized"] == .boolean(true)
    {
      throw unsupported("added_tokens", "\(Tokenizer.imageMark) with normalized", "normalized false")
    }
    try Self.refuseNormalizedWords(json, name)
    let pieces = try Self.pieces(model, added, name)
    if let mark = model["unk_token"]?.text, !pieces.contains(where: { $0.utf8.elementsEqual(mark.utf8) }) {
      throw unsupported("model.unk_token", "\"\(mark)\"", "one of the pieces")
    }
    let merges = try Self.merges(model, name)

    var splitter = ByteLevelSplitter()
    var isCut = false
    var byteLevel: (addsSpace: Bool, Bool)?
    var prefix: MetaspaceVocabulary.Prefix?
    for step in Self.steps(json["pre_tokenizer"], "pretokenizers") {
      switch step["type"]?.text {
      case "ByteLevel"?:
        // Its own rule is GPT-2's; without it the text has to be cut already.
        guard (step["use_regex"] ?? .boolean(true)) == .boolean(!isCut) else {
          throw unsupported(
            "ByteLevel", isCut ? "with its rule behind another" : "without its rule",
            isCut ? "use_regex false" : "use_regex")
        }
        byteLevel = (step["add_prefix_space"] == .boolean(true), true)
      case "Split"? where byteLevel == nil && !isCut && !splitter.isolatesDigits:
        guard step["pattern"]?["Regex"]?.text == ByteLevelSplitter.qwen2Pattern,
          step["behavior"]?.text == "Isolated", step["invert"] ?? .boolean(false) == .boolean(false)
        else {
          throw unsupported(
            "Split", "with \(step["pattern"]?.brief ?? "no pattern")", "Qwen2's rule, each match isolated")
        }
        (splitter.rule, isCut) = (.qwen2, true)
      case "Digits"? where step["individual_digits"] == .boolean(true) && byteLevel == nil:
        splitter.isolatesDigits = true
      case "Metaspace"?:
        guard step["split"] == .boolean(false) else {
          throw unsupported("Metaspace", "with split", "split false")
        }
        if let mark = step["replacement"], mark.text != "\u{2581}" {
          throw unsupported("Metaspace", "with the replacement \(mark.brief)", "\"\u{2581}\"")
        }
        switch step["prepend_scheme"]?.text {
        case "first"?: prefix = .first
        case "never"?: prefix = .never
        default: prefix = .always
        }
      default:
        throw unsupported(
          "pre_tokenizer", step["type"]?.text ?? "nothing", "ByteLevel, Split, Digits or Metaspace")
      }
    }
    for step in Self.steps(json["normalizer"], "normalizers") {
      switch step["type"]?.text {
      case "Prepend"? where step["prepend"]?.text == "\u{2581}": prefix = .doubled
      case "Replace"? where step["content"]?.text == "\u{2581}" && step["pattern"]?["String"]?.text == " ":
        prefix = prefix ?? .never
      case "NFC"? where byteLevel != nil: splitter.composes = true
      default:
        throw unsupported(
          "normalizer", step["type"]?.text ?? "nothing", "none, NFC over bytes, or those of LLaMA")
      }
    }
    let joiners = Self.steps(json["decoder"], "decoders").compactMap { $0["type"]?.text }
    let usual = byteLevel != nil ? ["ByteLevel"] : ["Replace", "ByteFallback", "Fuse", "Strip"]
    guard joiners.isEmpty || joiners == usual || (prefix == .never && joiners == usual.dropLast()) else {
      throw unsupported("decoder", joiners.joined(separator: ", "), usual.joined(separator: ", "))
    }
    switch (byteLevel, prefix) {
    case (let level?, nil):
      vocabulary = try ByteLevelVocabulary(
        pieces: pieces, merges: merges, splitter: splitter, addsSpace: level.addsSpace,
        joinsWholeWords: model["ignore_merges"] == .boolean(true), file: name)
      isByteLevel = true
    case (nil, let prefix?):
      vocabulary = try MetaspaceVocabulary(
        pieces: pieces, merges: merges, prefix: prefix, unknown: model["unk_token"]?.text,
        spellsBytes: model["byte_fallback"] == .boolean(true),
        joinsUnknown: model["fuse_unk"] == .boolean(true), file: name)
      isByteLevel = false
    default:
      throw unsupported("pre_tokenizer", "neither ByteLevel nor Metaspace", "one of them")
    }
    unknown = vocabulary.id(of: "<unk>")
    try readTemplate(json["post_processor"], name)
  }

  /// Words are looked up in the text as it is; transformers looks for those with `normalized` in what a
  /// normalizer makes of both.
  private static func refuseNormalizedWords(_ json: JSONValue, _ name: String) throws {
    guard json["normalizer"] ?? .null != .null, case .array(let tokens)? = json["added_tokens"]
    else { return }
    for token in tokens
    where token["normalized"] == .boolean(true) && token["special"] != .boolean(true)
      && token["content"]?.text != Tokenizer.padMark
    {
      throw TokenizerError.unsupported(
        file: name,
        found: "added_tokens \(token["content"]?.text ?? "") with normalized, which is no special token",
        expected: "normalized false beside a normalizer")
    }
  }

  private static func steps(_ value: JSONValue?, _ list: String) -> [JSONValue] {
    guard let value, value != .null else { return [] }
    if value["type"]?.text == "Sequence", case .array(let steps)? = value[list] { return steps }
    return [value]
  }

  private static func pieces(_ model: JSONValue, _ added: [AddedTokens.Token], _ name: String) throws
    -> [String]
  {
    var entries: [(String, Int)] = []
    switch model["vocab"] {
    case .object(let members)?:
      for (piece, value) in members {
        guard case .integer(let id) = value, (0...largestID).contains(id) else {
          throw TokenizerError.unsupported(
            file: name, found: "model.vocab \"\(piece)\" with the id \(value.brief)",
            expected: "a whole number from 0 to \(largestID)")
        }
        entries.append((piece, id))
      }
    case .array(let list)? where list.count <= largestID && model["type"]?.text == "Unigram":
      // Unigram's are in the order of their ids, each with its score.
      for (id, entry) in list.enumerated() {
        guard case .array(let pair) = entry, pair.count == 2, let piece = pair[0].text else {
          throw TokenizerError.unsupported(
            file: name, found: "model.vocab[\(id)] \(entry.brief)", expected: "a piece and its score")
        }
        entries.append((piece, id))
      }
    default:
      throw TokenizerError.unsupported(
        file: name, found: "model.vocab \(model["vocab"]?.brief ?? "nothing")",
        expected: "pieces with their ids")
    }
    entries += added.map { ($0.text, Int($0.id)) }
    var pieces = [String](repeating: "", count: (entries.map(\.1).max() ?? -1) + 1)
    for (piece, id) in entries {
      guard pieces[id].isEmpty || pieces[id].utf8.elementsEqual(piece.utf8) else {
        throw TokenizerError.unsupported(
          file: name, found: "\"\(pieces[id])\" and \"\(piece)\" with id \(id)", expected: "one piece per id")
      }
      pieces[id] = piece
    }
    return pieces
  }

  static func merges(_ model: JSONValue, _ name: String) throws -> [(String, String)] {
    guard case .array(let list)? = model["merges"] else {
      throw TokenizerError.unsupported(
        file: name, found: "model.merges \(model["merges"]?.brief ?? "nothing")", expected: "a list of pairs")
    }
    return try list.enumerated().map { index, entry in
      switch entry {
      case .array(let pair):
        if pair.count == 2, let left = pair[0].text, let right = pair[1].text { return (left, right) }
      case .string(let text):
        if let pair = BytePairMerges.pair(text) { return pair }
      default: break
      }
      throw TokenizerError.unsupported(
        file: name, found: "model.merges[\(index)] \(entry.brief)", expected: "a pair of pieces")
    }
  }

  private static func added(_ json: JSONValue, _ name: String) throws -> [AddedTokens.Token] {
    guard case .array(let list)? = json["added_tokens"] else { return [] }
    return list.compactMap { token in
      guard let text = token["content"]?.text, let id = token["id"]?.whole else { return nil }
      func flag(_ key: String) -> Bool { token[key] == .boolean(true) }
      return AddedTokens.Token(
        text: text, id: Int32(id), isSpecial: flag("special"), takesSpace: (flag("lstrip"), flag("rstrip")),
        isWholeWord: flag("single_word"))
    }
  }

  private mutating func readTemplate(_ value: JSONValue?, _ name: String) throws {
    for step in Self.steps(value, "processors") {
      switch step["type"]?.text {
      case "ByteLevel"?: continue
      case "RobertaProcessing"?, "BertProcessing"?:
        for (key, isBefore) in [("cls", true), ("sep", false)] {
          guard case .array(let pair)? = step[key], pair.count == 2, let id = pair[1].whole,
            vocabulary.piece(Int32(clamping: id)) == pair[0].text
          else {
            throw TokenizerError.unsupported(
              file: name, found: "post_processor.\(key) \(step[key]?.brief ?? "nothing")",
              expected: "a piece and its id")
          }
          if isBefore { before.append(Int32(id)) } else { after.append(Int32(id)) }
        }
      case "TemplateProcessing"?:
        guard case .array(let items)? = step["single"] else {
          throw TokenizerError.unsupported(
            file: name, found: "post_processor.single \(step["single"]?.brief ?? "nothing")",
            expected: "a list")
        }
        var isBehind = false
        for (index, item) in items.enumerated() {
          if item["Sequence"]?["id"]?.text == "A", !isBehind {
            isBehind = true
            continue
          }
          guard let mark = item["SpecialToken"]?["id"]?.text else {
            throw TokenizerError.unsupported(
              file: name, found: "post_processor.single[\(index)] \(item.brief)",
              expected: "a SpecialToken, or once the Sequence A")
          }
          guard let id = added.first(where: { $0.text == mark })?.id else {
            throw TokenizerError.missingToken(file: name, token: mark)
          }
          let stated = step["special_tokens"]?[mark]?["ids"]
          guard stated == .array([.integer(Int(id))]) else {
            throw TokenizerError.unsupported(
              file: name,
              found: "post_processor.special_tokens \(mark) with ids \(stated?.brief ?? "nothing")",
              expected: "[\(id)], its id among added_tokens")
          }
          if isBehind { after.append(id) } else { before.append(id) }
        }
      default:
        throw TokenizerError.unsupported(
          file: name, found: "post_processor \(step["type"]?.text ?? "nothing")",
          expected: "ByteLevel, TemplateProcessing, RobertaProcessing or BertProcessing")
      }
    }
  }
}

extension JSONValue {
  /// The text, when it is text.
  var text: String? { if case .string(let text) = self { text } else { nil } }
}

extension BytePairMerges {
  /// The two pieces of a merge written with a space between them.
  static func pair(_ text: String) -> (String, String)? {
    let parts = text.unicodeScalars.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
  }
}
