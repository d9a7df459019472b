import Checkpoint
import Foundation

/// Text to ids and back: a vocabulary and the tokens that stand beside it.
///
/// Vocabularies are SentencePiece models, `tokenizer.json` files and the metadata of GGUF files. LLaVA's
/// `<image>` and `<pad>` are added behind the pieces where the vocabulary does not have them. Plain encoding
/// never makes a special token out of text; ``PromptEncoder`` splits `<image>` out before it encodes.
public final class Tokenizer: Sendable {
  /// How the mark that stands for a picture is written in prompts.
  public static let imageMark = "<image>"
  /// Stands for a picture's features where no token of the vocabulary does: an id that no text has.
  static let unembeddedImageID: Int32 = -100
  /// How the padding token is written.
  public static let padMark = "<pad>"

  let vocabulary: any Vocabulary
  let added: AddedTokens
  /// Those that text makes: words that were added to the vocabulary.
  private let words: AddedTokens
  /// Ids that stand around every text when special tokens are asked for.
  private let frame: (before: [Int32], after: [Int32])

  /// Pieces of the vocabulary, without `<image>` and `<pad>` where those were added behind it.
  public let pieceCount: Int
  /// Begins a sequence.
  public let bosID: Int32
  /// Ends every answer.
  public let eosID: Int32
  /// Stands for what the vocabulary cannot spell; −1 where it can spell everything.
  public let unknownID: Int32
  /// `<image>`.
  public let imageID: Int32
  /// The padding token.
  public let padID: Int32
  /// Whether prompts begin with bos; those of byte-level vocabularies need not.
  public let addsBOS: Bool
  /// Ids in use, `<image>` and `<pad>` included. The `vocab_size` of a model is at least this.
  public let vocabularySize: Int

  private init(
    _ vocabulary: any Vocabulary, added: [AddedTokens.Token], bos: Int32, eos: Int32, unknown: Int32,
    pad: Int32?, image: Int32? = nil, addsBOS: Bool, frame: (before: [Int32], after: [Int32]) = ([], [])
  ) {
    self.vocabulary = vocabulary
    pieceCount = vocabulary.pieceCount
    var tokens = AddedTokens(added)
    var next = Int32(vocabulary.pieceCount)
    func place(_ mark: String) -> Int32 {
      if let id = tokens.id(of: mark) { return id }
      defer { next += 1 }
      tokens.append(.init(text: mark, id: next, isSpecial: true))
      return next
    }
    imageID = image ?? place(Self.imageMark)
    padID = pad ?? place(Self.padMark)
    vocabularySize = Int(next)
    self.added = tokens
    words = AddedTokens(tokens.tokens.filter { !$0.isSpecial })
    bosID = bos
    eosID = eos
    unknownID = unknown
    self.addsBOS = addsBOS
    self.frame = frame
  }

  /// Opens the bytes of a `tokenizer.model`.
  ///
  /// - Parameter name: what errors call it.
  /// - Throws: ``TokenizerError`` when the bytes are no SentencePiece model or bos or eos is missing.
  public convenience init(model bytes: Data, name: String = "tokenizer.model") throws {
    let model = try SentencePieceModel(bytes, name: name)
    guard model.bosID >= 0 else { throw TokenizerError.missingToken(file: name, token: "<s>") }
    guard model.eosID >= 0 else { throw TokenizerError.missingToken(file: name, token: "</s>") }
    let special = [model.bosID, model.eosID].compactMap { id in
      model.piece(id).map { AddedTokens.Token(text: $0, id: id, isSpecial: true) }
    }
    self.init(
      model, added: special, bos: model.bosID, eos: model.eosID, unknown: model.unknownID, pad: nil,
      addsBOS: true)
  }

  /// Opens the bytes of a `tokenizer.model` beside which further special tokens are defined, as remote code
  /// of a model defines them. Where they lie beyond the model's embedding, text must not contain them.
  ///
  /// - Parameters:
  ///   - name: what errors call it.
  ///   - added: texts and ids.
  ///   - image: the id of a picture's features; a negative one that no text has will do.
  /// - Throws: as ``init(model:name:)``.
  package convenience init(
    model bytes: Data, name: String = "tokenizer.model", added: [(text: String, id: Int32)], image: Int32
  ) throws {
    let model = try SentencePieceModel(bytes, name: name)
    guard model.bosID >= 0 else { throw TokenizerError.missingToken(file: name, token: "<s>") }
    guard model.eosID >= 0 else { throw TokenizerError.missingToken(file: name, token: "</s>") }
    let own = [model.unknownID, model.bosID, model.eosID].compactMap { id in
      model.piece(id).map { AddedTokens.Token(text: $0, id: id, isSpecial: true) }
    }
    let others = added.filter { token in !own.contains { $0.text == token.text } }
    self.init(
      model, added: own + others.map { .init(text: $0.text, id: $0.id, isSpecial: true) }, bos: model.bosID,
      eos: model.eosID, unknown: model.unknownID, pad: model.eosID, image: image, addsBOS: true,
      frame: ([model.bosID], []))
  }

  /// Opens the bytes of a `tokenizer.json`.
  ///
  /// - Parameters:
  ///   - name: what errors call it.
  ///   - bos: how the token that begins a sequence is written; `<s>` or `<|im_start|>` when nil.
  ///   - eos: how the token that ends an answer is written; `</s>`, `<|im_end|>` or `<|endoftext|>` when nil.
  ///   - pad: how the padding token is written; `<pad>` when nil.
  /// - Throws: ``TokenizerError`` for a file that is none, that needs something not computed here, or that
  ///   lacks a token.
  public convenience init(
    json bytes: Data, name: String = "tokenizer.json", bos: String? = nil, eos: String? = nil,
    pad: String? = nil
  ) throws {
    let json = try TokenizerJSON(bytes, name: name)
    func id(_ given: String?, _ usual: [String]) throws -> Int32 {
      for mark in given.map({ [$0] }) ?? usual {
        if let id = json.vocabulary.id(of: mark) { return id }
      }
      throw TokenizerError.missingToken(file: name, token: given ?? usual[0])
    }
    self.init(
      json.vocabulary, added: json.added,
      bos: try id(
        bos,
        [
          "<s>", "<|im_start|>", "<|endoftext|>", "<bos>", "<|begin_of_text|>", "[CLS]", "<pad>", "[PAD]",
        ]),
      eos: try id(
        eos, ["</s>", "<|im_end|>", "<|endoftext|>", "<eos>", "<|eot_id|>", "<|end_of_text|>", "[SEP]"]),
      unknown: json.unknown ?? -1, pad: pad.flatMap(json.vocabulary.id),
      addsBOS: !json.isByteLevel || !json.before.isEmpty, frame: (json.before, json.after))
  }

  /// Opens the tokenizer in the metadata of a GGUF file. Pictures take the id of `<image>`; where the file
  /// has none, of byte-level BPE that of its last control token, which has no other use here, and of
  /// SentencePiece one that no text has, so that the model's vocabulary stays as it is.
  ///
  /// - Throws: ``TokenizerError`` for a kind of vocabulary that is not computed here.
  public convenience init(gguf file: GGUFFile) throws {
    let gguf = try TokenizerGGUF(file)
    self.init(
      gguf.vocabulary, added: gguf.added, bos: gguf.bos, eos: gguf.eos, unknown: gguf.unknown, pad: gguf.pad,
      image: gguf.spare, addsBOS: gguf.addsBOS)
  }

  /// Opens a `tokenizer.model`, `tokenizer.json` or GGUF file, told apart by their names' endings.
  ///
  /// - Throws: ``TokenizerError`` with the file, `CheckpointError` for a damaged GGUF file.
  public convenience init(contentsOf url: URL) throws {
    if url.pathExtension == "gguf" {
      try self.init(gguf: GGUFFile(reading: url))
      return
    }
    let bytes: Data
    do {
      bytes = try Data(contentsOf: url)
    } catch {
      throw TokenizerError.unreadable(file: url.path, reason: "nothing readable")
    }
    if url.pathExtension == "json" {
      try self.init(json: bytes, name: url.path)
    } else {
      try self.init(model: bytes, name: url.path)
    }
  }

  /// Whether a blank is put before a text that begins a sequence and not with a blank.
  var putsBlankFirst: Bool { vocabulary.putsBlankFirst }

  /// Ids of a text without special tokens; what looks like one is ordinary text. Words that were added to
  /// the vocabulary are one token each.
  ///
  /// - Throws: ``TokenizerError`` for a text that a normalizer or a pattern of `tokenizer.json` would make
  ///   too much of; no other vocabulary refuses a text.
  public func encode(_ text: String) throws -> [Int32] { try encode(text, isFirst: true) }

  /// As ``encode(_:)``, for a text that may go on after other tokens.
  func encode(_ text: String, isFirst: Bool) throws -> [Int32] {
    guard !words.tokens.isEmpty else { return try vocabulary.encode(text, isFirst: isFirst) }
    return try words.parts(text).enumerated().flatMap { index, part in
      switch part {
      case .token(let id): [id]
      case .text(let scalars): try vocabulary.encode(String(scalars), isFirst: isFirst && index == 0)
      }
    }
  }

  /// How a special or added token is looked for in text, by the names of `tokenizer.json`.
  func flags(of text: String) -> KeyValuePairs<String, Bool> {
    let token = added.id(of: text).flatMap { added[$0] }
    return [
      "lstrip": token?.takesSpace.before ?? false, "rstrip": token?.takesSpace.behind ?? false,
      "single_word": token?.isWholeWord ?? false,
    ]
  }

  /// How special tokens are written, `<image>` among them.
  package var specialTexts: [String] {
    let texts = added.tokens.filter(\.isSpecial).map(\.text)
    return texts.contains(Self.imageMark) ? texts : texts + [Self.imageMark]
  }

  /// A text cut at its special tokens and at `<image>`.
  func specialParts(_ text: String) -> [AddedTokens.Part] {
    var special = AddedTokens(added.tokens.filter(\.isSpecial))
    if special.id(of: Self.imageMark) == nil {
      special.append(.init(text: Self.imageMark, id: imageID, isSpecial: true))
    }
    return special.parts(text)
  }

  /// The names that a chat template knows tokens by, as the vocabulary has them.
  var templateNames: [String: String] {
    var names = ["bos_token": bosID, "eos_token": eosID, "pad_token": padID].compactMapValues(piece)
    if unknownID >= 0 { names["unk_token"] = piece(unknownID) }
    return names
  }

  /// Whether words were added to the vocabulary.
  var hasWords: Bool { !words.tokens.isEmpty }

  /// Ids of a text in which special and added tokens stand for themselves, as Hugging Face's tokenizers read
  /// it.
  ///
  /// - Parameter isFramed: whether the tokens that the vocabulary puts around a text come with it.
  /// - Throws: as ``encode(_:)``.
  public func encode(parsingTokens text: String, isFramed: Bool = false) throws -> [Int32] {
    var ids = isFramed ? frame.before : []
    for (index, part) in added.parts(text).enumerated() {
      switch part {
      case .token(let id): ids.append(id)
      case .text(let scalars): ids += try vocabulary.encode(String(scalars), isFirst: index == 0)
      }
    }
    return ids + (isFramed ? frame.after : [])
  }

  /// A text cut at all special and added tokens.
  func parts(_ text: String) -> [AddedTokens.Part] { added.parts(text) }

  /// Text of ids. Special tokens and ids above the vocabulary say nothing, unless special tokens are asked
  /// for.
  public func decode(_ ids: [Int32], showsSpecialTokens: Bool = false) -> String {
    if showsSpecialTokens { return vocabulary.decode(ids.filter { $0 >= 0 && $0 < pieceCount }) }
    return vocabulary.decode(
      ids.filter { $0 >= 0 && $0 < pieceCount && $0 != bosID && $0 != eosID && added[$0]?.isSpecial != true })
  }

  /// The piece with this id, nil when the id is not in use.
  public func piece(_ id: Int32) -> String? { added[id]?.text ?? vocabulary.piece(id) }

  /// The id of a piece, nil when there is none.
  public func id(of piece: String) -> Int32? { added.id(of: piece) ?? vocabulary.id(of: piece) }

  /// Trains a vocabulary as LLaMA's is built (BPE, byte fallback, identity normalisation, dummy prefix,
  /// digits one by one) on one thread, so that the same texts give the same bytes.
  ///
  /// - Parameters:
  ///   - texts: the corpus; order does not matter to the result beyond ties.
  ///   - vocabularySize: upper bound of the pieces. A small corpus gives fewer: read ``pieceCount``
  ///     afterwards.
  ///   - characterCoverage: share of the characters of the corpus that become pieces; the rest is spelled in
  ///     bytes.
  ///   - url: where the `tokenizer.model` is written, in one piece.
  /// - Returns: the vocabulary that was written.
  /// - Throws: ``TokenizerError`` when the corpus is empty, the size is below 259 pieces plus the alphabet,
  ///   or the file cannot be written.
  @discardableResult
  public static func train(
    texts: [String], vocabularySize: Int, characterCoverage: Double = 0.99995, symbols: [String] = [],
    to url: URL
  ) throws -> Tokenizer {
    let corpus = texts.filter { !$0.isEmpty }
    guard !corpus.isEmpty else {
      throw TokenizerError.training(reason: "found no text, expected at least one sentence")
    }
    let alphabet = Set(corpus.lazy.flatMap(\.unicodeScalars)).count
    let fixed = 259 + symbols.count
    guard vocabularySize > fixed else {
      let own = symbols.isEmpty ? "" : ", \(symbols.count) symbols"
      throw TokenizerError.training(
        reason:
          "found a vocabulary size of \(vocabularySize), expected more than \(fixed) (three control tokens, "
          + "256 bytes\(own)) and about \(alphabet) for the alphabet of the corpus")
    }
    let bytes = try SentencePieceModel.train(
      corpus, pieces: vocabularySize, characterCoverage: characterCoverage, symbols: symbols)
    do {
      try AtomicFile.write(bytes, to: url)
    } catch {
      throw TokenizerError.unwritable(file: url.path, reason: error.localizedDescription)
    }
    return try Tokenizer(model: bytes, name: url.path)
  }
}
