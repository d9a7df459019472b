import Checkpoint
import Foundation

/// The tokenizer in the metadata of a GGUF file: byte-level BPE with GPT-2's, `smollm`'s or Qwen2's rule for
/// words, before which nothing is done to the text, or SentencePiece's BPE, as in llama.cpp.
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
    case let other:
      throw TokenizerError.unsupported(
        file: file.url.path, found: "tokenizer.ggml.model \(other ?? "nothing")",
        expected: "gpt2 (byte-level BPE) or llama (SentencePiece)")
    }
  }

  private init(byteLevel reader: GGUFTokenizerReader) throws {
    let name = reader.file.url.path
    let splitter: ByteLevelSplitter
    switch reader.text("pre") ?? "default" {
    case "smollm": splitter = ByteLevelSplitter(isolatesDigits: true)
    case "qwen2": splitter = ByteLevelSplitter(rule: .qwen2)
    case "gpt-2", "gpt2", "default": splitter = ByteLevelSplitter()
    case let other:
      throw TokenizerError.unsupported(
        file: name, found: "tokenizer.ggml.pre \(other)", expected: "smollm, qwen2 or gpt-2")
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
    vocabulary = try ByteLevelVocabulary(pieces: pieces, merges: merges, splitter: splitter, file: name)
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
    addsBOS = try reader.flag("add_bos_token", usual: false)
  }

  /// SentencePiece's own library reads what the file has of its model: pieces, scores and kinds.
  private init(sentencePieces reader: GGUFTokenizerReader) throws {
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
    bos = try reader.requiredID("bos", below: texts.count)
    eos = try reader.requiredID("eos", below: texts.count)
    unknown = pieces.firstIndex { $0.kind == .unknown }.map(Int32.init) ?? -1
    func id(_ mark: String) -> Int32? { pieces.firstIndex { $0.text == mark }.map(Int32.init) }
    pad = try reader.id("padding", below: texts.count) ?? id(Tokenizer.padMark) ?? eos
    spare = id(Tokenizer.imageMark) ?? Tokenizer.unembeddedImageID
    addsBOS = try reader.flag("add_bos_token", usual: true)
    added = pieces.indices.filter { pieces[$0].kind == .control }.map {
      .init(text: pieces[$0].text, id: Int32($0), isSpecial: true)
    }
    addsBlank = try reader.flag("add_space_prefix", usual: true)
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
