import Checkpoint
import Foundation

/// The tokenizer in the metadata of a GGUF file: byte-level BPE with one of the rules for words in
/// ``GGUFPreTokenizer``, before which nothing is done to the text, SentencePiece's BPE, or its unigram model,
/// as in llama.cpp.
struct TokenizerGGUF {
  var vocabulary: any Vocabulary
  var added: [AddedTokens.Token] = []
  var bos: Int32
  var eos: Int32
  /// Stands for what the vocabulary cannot spell; −1 where it can spell everything.
  var unknown: Int32 = -1
  var pad: Int32?
  /// The id that pictures take. Of byte-level BPE `<image>`, or the last control token that is none of these
  /// and in no chat template, or a row without a token; of SentencePiece `<image>`, or one that no text has.
  var spare: Int32?
  /// Whether a sequence begins with bos.
  var addsBOS: Bool
  /// What SentencePiece has of it.
  var pieces: [SentencePieceContents.Piece]?

  init(_ file: GGUFFile) throws {
    let reader = GGUFTokenizerReader(file: file)
    switch reader.text("model") {
    case "gpt2": try self.init(byteLevel: reader)
    case "llama": try self.init(sentencePieces: reader)
    case "t5": try self.init(sentencePieces: reader, isUnigram: true)
    case let other:
      throw TokenizerError.unsupported(
        file: file.url.path, found: "tokenizer.ggml.model \(other ?? "nothing")",
        expected: "gpt2 (byte-level BPE), llama (SentencePiece) or t5 (SentencePiece's unigram)")
    }
  }

  private init(byteLevel reader: GGUFTokenizerReader) throws {
    let name = reader.file.url.path
    let rule = reader.text("pre") ?? "default"
    guard let pre = GGUFPreTokenizer(named: rule) else {
      throw TokenizerError.unsupported(
        file: name, found: "tokenizer.ggml.pre \(rule)",
        expected: GGUFPreTokenizer.names.joined(separator: ", "))
    }
    let pieces = try reader.tokens()
    let merges = try reader.list("merges").map { entry in
      guard let pair = BytePairMerges.pair(entry.asString ?? "") else {
        throw TokenizerError.unsupported(
          file: name, found: "a merge \"\(entry.asString ?? "")\"",
          expected: "two pieces with a space between them")
      }
      return pair
    }
    vocabulary = try pre.vocabulary(pieces: pieces, merges: merges, file: name)
    // llama.cpp's kinds of tokens: 3 is control, 4 is added by the user.
    let isKinded = reader.file.metadata["tokenizer.ggml.token_type"] != nil
    let kinds = isKinded ? try reader.list("token_type", count: pieces.count) : []
    for (id, kind) in kinds.enumerated() {
      guard let kind = kind.asInt, kind == 3 || kind == 4 else { continue }
      added.append(.init(text: pieces[id], id: Int32(id), isSpecial: kind == 3))
    }
    bos = try reader.requiredID("bos", below: pieces.count)
    eos = try reader.requiredID("eos", below: pieces.count)
    pad = try reader.id("padding", below: pieces.count)
    let used = [bos, eos, pad, try reader.id("unknown", below: pieces.count)]
    // Those that chat templates write have a use; a row that no token has is as good.
    let written = Set(ChatTemplate.all.flatMap(\.marks))
    let own = reader.file.metadata["tokenizer.chat_template"]?.asString ?? ""
    let unused = kinds.lastIndex { $0.asInt == 5 }.map { Int32($0) }
    spare =
      added.first { $0.text == Tokenizer.imageMark }?.id
      ?? added.last {
        $0.isSpecial && !used.contains($0.id) && !written.contains($0.text) && !own.contains($0.text)
      }?.id ?? unused
    addsBOS = try reader.flag("add_bos_token", usual: pre.addsBOS)
  }

  /// SentencePiece's own library reads what the file has of its model: pieces, scores and kinds.
  private init(sentencePieces reader: GGUFTokenizerReader, isUnigram: Bool = false) throws {
    let name = reader.file.url.path
    let texts = try reader.tokens()
    let scores = try reader.list("scores", count: texts.count)
    let kinds = try reader.list("token_type", count: texts.count)
    var pieces: [SentencePieceContents.Piece] = []
    pieces.reserveCapacity(texts.count)
    for (id, text) in texts.enumerated() {
      guard let kind = kinds[id].asInt.flatMap(SentencePieceContents.Kind.init) else {
        throw reader.unsupported("token_type", "\(JSONValue(kinds[id]).brief) of \(id)", "1 to 6")
      }
      guard let score = scores[id].asDouble, !score.isNaN else {
        throw reader.unsupported("scores", "\(JSONValue(scores[id]).brief) of \(id)", "a number")
      }
      // Marks stand for themselves, never for text.
      let isMark = text == Tokenizer.imageMark || text == Tokenizer.padMark
      pieces.append(.init(text: text, score: Float(score), kind: isMark ? .control : kind))
    }
    try Self.requireRanking(pieces, reader)
    // T5 has no token that begins a sequence.
    bos =
      isUnigram
      ? try reader.id("bos", below: texts.count) ?? reader.requiredID("padding", below: texts.count)
      : try reader.requiredID("bos", below: texts.count)
    eos = try reader.requiredID("eos", below: texts.count)
    unknown = pieces.firstIndex { $0.kind == .unknown }.map(Int32.init) ?? -1
    func id(_ mark: String) -> Int32? { pieces.firstIndex { $0.text == mark }.map(Int32.init) }
    pad = try reader.id("padding", below: texts.count) ?? id(Tokenizer.padMark) ?? eos
    spare = id(Tokenizer.imageMark) ?? Tokenizer.unembeddedImageID
    addsBOS = try reader.flag("add_bos_token", usual: !isUnigram)
    // No text shows the unknown piece of T5, as no special token.
    added = pieces.indices.filter { pieces[$0].kind == .control || isUnigram && pieces[$0].kind == .unknown }
      .map { .init(text: pieces[$0].text, id: Int32($0), isSpecial: true) }
    addsBlank = try reader.flag("add_space_prefix", usual: true)
    if isUnigram {
      vocabulary = try Self.unigram(pieces, addsBlank: addsBlank, reader)
      return
    }
    self.pieces = pieces
    let bytes = SentencePieceContents.encoded(
      pieces, addsBlank: addsBlank, unknown: unknown < 0 ? nil : texts[Int(unknown)], bos: texts[Int(bos)],
      eos: texts[Int(eos)])
    vocabulary = try SentencePieceModel(bytes, name: name)
  }

  /// Whether SentencePiece puts a blank before every text.
  private var addsBlank = false

  /// Scores say which pieces are joined first; some converters had none and wrote one number everywhere.
  private static func requireRanking(
    _ pieces: [SentencePieceContents.Piece], _ reader: GGUFTokenizerReader
  ) throws {
    let joined = pieces.filter { $0.kind == .normal && $0.text.unicodeScalars.count > 1 }
    guard joined.count > 1, let score = joined.first?.score, joined.allSatisfy({ $0.score == score }) else {
      return
    }
    throw reader.unsupported(
      "scores", "\(score) for all of \(joined.count) pieces", "the order in which pieces are joined")
  }
}

extension TokenizerGGUF {
  /// The bytes of a `tokenizer.model` for a directory, where `<image>` and `<pad>` stand behind the pieces
  /// and rows without a token are not named; nil for byte-level BPE.
  ///
  /// - Parameter rows: of the embedding.
  /// - Throws: ``TokenizerError`` for a vocabulary in which `<image>` has no id, or another one.
  func directoryModel(rows: Int, name: String) throws -> Data? {
    guard var pieces else { return nil }
    let texts = pieces.map(\.text)
    while pieces.last?.kind == .unused { pieces.removeLast() }
    let marks = pieces.suffix(2).map(\.text)
    if marks == [Tokenizer.imageMark, Tokenizer.padMark] {
      pieces.removeLast(2)
    } else if marks.last == Tokenizer.imageMark {
      pieces.removeLast()
    }
    let bytes = SentencePieceContents.encoded(
      pieces, addsBlank: addsBlank, unknown: unknown < 0 ? nil : texts[Int(unknown)], bos: texts[Int(bos)],
      eos: texts[Int(eos)])
    let read = try Tokenizer(model: bytes, name: name)
    guard read.imageID == spare, read.vocabularySize <= rows else {
      let own = spare.flatMap { $0 < 0 ? nil : "\($0)" } ?? "no id"
      throw TokenizerError.unsupported(
        file: name, found: "\(own) for <image> among the \(texts.count) of tokenizer.ggml.tokens",
        expected:
          "\(read.imageID), behind its \(read.pieceCount) pieces and below the \(rows) rows of "
          + "token_embd.weight: a directory has no other place for it")
    }
    return bytes
  }
}

extension TokenizerGGUF {
  /// SentencePiece's unigram model, with its map of characters where the file has one.
  private static func unigram(
    _ pieces: [SentencePieceContents.Piece], addsBlank: Bool, _ reader: GGUFTokenizerReader
  ) throws -> PipelineVocabulary {
    let texts = pieces.map(\.text)
    let table = PieceTable(texts)
    let bytes = pieces.indices.filter { pieces[$0].kind == .byte }
    guard bytes.isEmpty || bytes.count == 256 else {
      throw reader.unsupported("token_type", "6 for \(bytes.count) bytes", "all 256, or none")
    }
    // Only pieces of text are found in text.
    let shown = pieces.map { $0.kind == .normal || $0.kind == .userDefined ? $0.text : "" }
    var vocabulary = PipelineVocabulary(
      table: table, texts: PieceTable(shown),
      model: .unigram(
        UnigramModel(scores: pieces.map { Double($0.score) }, pieces: shown, spellsBytes: !bytes.isEmpty)))
    vocabulary.unknown = pieces.firstIndex { $0.kind == .unknown }.map(Int32.init)
    vocabulary.bytes = bytes.map(Int32.init)
    var normalizers: [(key: String, step: TextNormalizer)] = []
    if let map = try reader.byteList("precompiled_charsmap"), !map.isEmpty {
      guard let map = PrecompiledMap(map) else {
        throw reader.unsupported("precompiled_charsmap", "that is damaged", "a map of characters")
      }
      normalizers.append(("tokenizer.ggml.precompiled_charsmap", .precompiled(map)))
    }
    if try reader.flag("remove_extra_whitespaces", usual: false) {
      let blanks = TextNormalizer.replace(try reader.pattern(" {2,}"), with: " ")
      let key = "tokenizer.ggml.remove_extra_whitespaces"
      normalizers += [(key, .strip(left: true, right: true)), (key, blanks)]
    }
    vocabulary.normalizers = TextNormalizers(normalizers, file: reader.file.url.path)
    vocabulary.cutters = [.metaspace("\u{2581}", addsBlank ? .always : .never, cuts: true)]
    vocabulary.joiners = [.byteFallback, .metaspace("\u{2581}", hasPrefix: addsBlank)]
    return vocabulary
  }
}
