import Checkpoint
import Foundation

/// The keys `tokenizer.…` of a file for llama.cpp.
struct GGUFWords {
  var fields: [(key: String, value: GGUFField)] = []
  /// What the format does not say of the vocabulary.
  var notes: [String] = []

  mutating func put(_ key: String, _ value: GGUFField) { fields.append(("tokenizer.ggml.\(key)", value)) }
}

extension TokenizerFiles {
  /// The vocabulary and the chat template: `gpt2` with merges and a rule for words of byte-level BPE, `llama`
  /// with scores of SentencePiece's.
  ///
  /// - Parameter rows: of the embedding, each of which gets a token.
  /// - Throws: ``TokenizerError`` for a vocabulary to which llama.cpp would give other ids.
  func ggufFields(rows: Int, template: ChatTemplate) throws -> GGUFWords {
    var words: GGUFWords
    if let source {
      words = try GGUFWords(copying: source)
    } else if let bytes = contents[Self.modelName] {
      words = try tokenizer.ggufFields(sentencePieces: SentencePieceContents(bytes), rows: rows)
      if let json = tokenizer.vocabulary as? MetaspaceVocabulary { words.setBlanks(json.prefix) }
    } else if let vocabulary = tokenizer.vocabulary as? ByteLevelVocabulary {
      words = try tokenizer.ggufFields(vocabulary, rows: rows)
    } else if let vocabulary = tokenizer.vocabulary as? MetaspaceVocabulary {
      words = try tokenizer.ggufFields(vocabulary, rows: rows)
    } else {
      throw Tokenizer.unwritable("another kind of vocabulary", "byte-level BPE or SentencePiece's")
    }
    words.fields.removeAll { $0.key == "tokenizer.chat_template" }
    words.fields.append(("tokenizer.chat_template", .string(template.jinja)))
    return words
  }
}

extension GGUFWords {
  /// The keys of a file that is there.
  init(copying file: GGUFFile) throws {
    for (key, value) in file.metadata.sorted(by: { $0.key < $1.key }) where key.hasPrefix("tokenizer.ggml.") {
      let field: GGUFField? =
        switch value {
        case .unsigned(let number): UInt32(exactly: number).map(GGUFField.uint32)
        case .integer(let number): UInt32(exactly: number).map(GGUFField.uint32)
        case .real(let number): .float32(Float(number))
        case .boolean(let flag): .bool(flag)
        case .string(let text): .string(text)
        case .array(let values): Self.list(values)
        }
      // What is not one of these was read and changes nothing.
      if let field { fields.append((key, field)) }
    }
  }

  private static func list(_ values: [GGUFValue]) -> GGUFField? {
    if case .string? = values.first { return .strings(values.compactMap(\.asString)) }
    if case .real? = values.first { return .floats(values.compactMap { $0.asDouble.map { Float($0) } }) }
    let numbers = values.compactMap { $0.asInt.flatMap { Int32(exactly: $0) } }
    return numbers.count == values.count && !numbers.isEmpty ? .integers(numbers) : nil
  }

  /// Whether llama.cpp puts a blank before a text, and behind each special token.
  mutating func setBlanks(_ prefix: MetaspaceVocabulary.Prefix) {
    fields.removeAll { $0.key == "tokenizer.ggml.add_space_prefix" }
    put("add_space_prefix", .bool(prefix != .never))
    guard prefix == .first || prefix == .always else { return }
    notes.append(
      "llama.cpp puts a blank before the text behind every special token; this vocabulary does so "
        + (prefix == .first ? "at the beginning alone" : "where the text does not begin with one"))
  }
}

extension Tokenizer {
  static func unwritable(_ found: String, _ expected: String) -> TokenizerError {
    .unsupported(file: "tokenizer", found: found, expected: "\(expected), as llama.cpp reads them")
  }

  /// llama.cpp's kinds of tokens: `llama_token_type`, the numbers of SentencePiece's.
  private typealias Kind = SentencePieceContents.Kind

  /// The text of each row's token and its kind; rows without a token get one that no text has.
  ///
  /// - Parameter kind: that of a piece.
  private func rows(
    _ count: Int, kind: (Int) -> Kind
  ) throws -> (texts: [String], kinds: [Kind]) {
    var texts = (0..<count).map { "[PAD\($0)]" }
    var kinds = [Kind](repeating: .unused, count: count)
    for id in 0..<min(pieceCount, count) {
      guard let piece = vocabulary.piece(Int32(id)), !piece.isEmpty else { continue }
      (texts[id], kinds[id]) = (piece, kind(id))
    }
    for token in added.tokens where token.id >= 0 && token.id < count {
      let id = Int(token.id)
      texts[id] = token.text
      if kinds[id] != .unknown { kinds[id] = token.isSpecial ? .control : .userDefined }
    }
    var seen: Set<[UInt8]> = []
    if let twice = texts.first(where: { !seen.insert(Array($0.utf8)).inserted }) {
      throw Self.unwritable("two tokens \"\(twice)\"", "tokens that differ")
    }
    return (texts, kinds)
  }

  private func putIDs(into words: inout GGUFWords) {
    words.put("bos_token_id", .uint32(UInt32(bosID)))
    words.put("eos_token_id", .uint32(UInt32(eosID)))
    if unknownID >= 0 { words.put("unknown_token_id", .uint32(UInt32(unknownID))) }
    if padID >= 0 { words.put("padding_token_id", .uint32(UInt32(padID))) }
    words.put("add_bos_token", .bool(addsBOS))
    words.put("add_eos_token", .bool(false))
  }

  fileprivate func ggufFields(_ vocabulary: ByteLevelVocabulary, rows: Int) throws -> GGUFWords {
    let splitter = vocabulary.splitter
    guard !vocabulary.putsBlankFirst else {
      throw Self.unwritable("add_prefix_space of byte-level BPE", "false")
    }
    guard !vocabulary.joinsWholeWords else {
      throw Self.unwritable("ignore_merges with this rule for words", "false")
    }
    let rule: String
    switch (splitter.rule, splitter.isolatesDigits) {
    case (.gpt2, false): rule = "gpt-2"
    case (.gpt2, true): rule = "smollm"
    case (.qwen2, false): rule = "qwen2"
    case (.qwen2, true): throw Self.unwritable("Qwen2's rule behind Digits", "gpt-2, smollm or qwen2")
    }
    var words = GGUFWords()
    if splitter.composes {
      words.notes.append(
        "llama.cpp does not bring text to Unicode's form NFC, as this vocabulary's normalizer does")
    }
    let (texts, kinds) = try self.rows(rows) { _ in .normal }
    words.put("model", .string("gpt2"))
    words.put("pre", .string(rule))
    words.put("tokens", .strings(texts))
    words.put("token_type", .integers(kinds.map { Int32($0.rawValue) }))
    words.put(
      "merges",
      .strings(
        vocabulary.merges.ordered.map { merge in
          "\(vocabulary.piece(merge.left) ?? "") \(vocabulary.piece(merge.right) ?? "")"
        }))
    putIDs(into: &words)
    return words
  }

  fileprivate func ggufFields(sentencePieces model: SentencePieceContents, rows: Int) throws -> GGUFWords {
    guard model.isBytePairs else {
      throw Self.unwritable("a unigram model of SentencePiece", "byte-pair encoding")
    }
    guard model.keepsText else {
      throw Self.unwritable("a SentencePiece model that normalises text", "one that leaves it as it is")
    }
    try requireBytes(model.pieces.contains { $0.kind == .byte })
    // A `tokenizer.json` beside it may have further pieces: those that were added.
    var words = try ggufFields(scores: model.pieces.map(\.score), rows: rows) { id in
      id < model.pieces.count ? model.pieces[id].kind : .normal
    }
    words.put("add_space_prefix", .bool(model.addsBlank))
    let symbols = model.pieces.filter { $0.kind == .userDefined }.map(\.text)
    if !symbols.isEmpty, model.addsBlank {
      words.notes.append(
        "llama.cpp puts a blank behind each of the vocabulary's own symbols, as SentencePiece does not: "
          + symbols.prefix(3).joined(separator: ", ") + (symbols.count > 3 ? ", …" : ""))
    }
    return words
  }

  fileprivate func ggufFields(_ vocabulary: MetaspaceVocabulary, rows: Int) throws -> GGUFWords {
    try requireBytes(vocabulary.spelledInBytes)
    let marks = Set(added.tokens.filter(\.isSpecial).map(\.id))
    let kinds = (0..<pieceCount).map { id -> Kind in
      let id = Int32(id)
      if id == vocabulary.unknown ?? unknownID { return .unknown }
      if vocabulary.isByte(id) { return .byte }
      return marks.contains(id) ? .control : .normal
    }
    let scores = try vocabulary.scores(normal: kinds.map { $0 == .normal })
    var words = try ggufFields(scores: scores, rows: rows) { kinds[$0] }
    words.setBlanks(vocabulary.prefix)
    return words
  }

  private func ggufFields(scores: [Float], rows: Int, kind: (Int) -> Kind) throws -> GGUFWords {
    let (texts, kinds) = try self.rows(rows, kind: kind)
    var words = GGUFWords()
    words.put("model", .string("llama"))
    words.put("pre", .string("default"))
    words.put("tokens", .strings(texts))
    words.put(
      "scores",
      .floats(
        (0..<rows).map { id in
          kinds[id] == .unused ? -10_000 : id < scores.count ? scores[id] : -1000
        }))
    words.put("token_type", .integers(kinds.map { Int32($0.rawValue) }))
    putIDs(into: &words)
    return words
  }

  /// llama.cpp stops the program at a character that has neither a piece nor bytes.
  private func requireBytes(_ hasBytes: Bool) throws {
    guard !hasBytes else { return }
    throw Self.unwritable(
      "a vocabulary without pieces for bytes", "<0x00> to <0xFF>, for characters without a piece")
  }
}

extension MetaspaceVocabulary {
  /// Whether characters without a piece are written in bytes.
  var spelledInBytes: Bool { spellsBytes && !byteIDs.isEmpty }

  func isByte(_ id: Int32) -> Bool { spelledInBytes && byteOfID[id] != nil }

  /// Scores by which SentencePiece joins the same pieces as the merges: later ones have lower scores. There
  /// are such when all ways to a piece stand together among the merges, and no way is missing.
  ///
  /// - Parameter normal: whether text makes a piece.
  /// - Throws: ``TokenizerError`` where there are none.
  fileprivate func scores(normal: [Bool]) throws -> [Float] {
    var scores = [Float](repeating: 0, count: pieceCount)
    var ways: [[(Int32, Int32)]] = []
    var order: [Int32] = []
    for merge in merges.ordered {
      if merge.merged != order.last {
        order.append(merge.merged)
        ways.append([])
      }
      ways[ways.count - 1].append((merge.left, merge.right))
    }
    for (rank, piece) in order.enumerated() { scores[Int(piece)] = -Float(rank) }
    let unordered = Tokenizer.unwritable(
      "merges in an order that no scores of pieces have", "every way to join a piece beside the others")
    guard Set(order).count == order.count else { throw unordered }
    // Single characters are made of nothing and come behind.
    let joined = Set(order)
    for id in scores.indices where !joined.contains(Int32(id)) { scores[id] = -Float(order.count + id) }
    let known = Dictionary(uniqueKeysWithValues: zip(order, ways.map(\.count)))
    for id in 0..<Int32(pieceCount) where normal[Int(id)] {
      let text = Array((piece(id) ?? "").utf8)
      let count = text.indices.dropFirst().count { cut in
        guard let left = String(validating: text[..<cut], as: UTF8.self).flatMap(self.id),
          let right = String(validating: text[cut...], as: UTF8.self).flatMap(self.id)
        else { return false }
        return normal[Int(left)] && normal[Int(right)]
      }
      guard count == known[id] ?? 0 else { throw unordered }
    }
    return scores
  }
}
