import Foundation

/// A SentencePiece vocabulary with the two tokens that LLaVA adds after it: `<image>` and `<pad>`.
///
/// Ids: the pieces keep theirs, `<image>` is the number of pieces, `<pad>` the one after. Encoding never makes a
/// special token out of text; ``PromptEncoder`` splits `<image>` out before it encodes.
public final class Tokenizer: Sendable {
  /// How the mark that stands for a picture is written in prompts.
  public static let imageMark = "<image>"
  /// How the padding token is written.
  public static let padMark = "<pad>"

  private let model: SentencePieceModel

  /// Pieces of the SentencePiece vocabulary.
  public let pieceCount: Int
  /// Begins every sequence.
  public let bosID: Int32
  /// Ends every answer.
  public let eosID: Int32
  /// Stands for what the vocabulary cannot spell.
  public let unknownID: Int32
  /// `<image>`, the first id after the pieces.
  public let imageID: Int32
  /// `<pad>`, the second id after the pieces.
  public let padID: Int32

  /// Ids in use: the pieces and the two added tokens. The `vocab_size` of a model is at least this.
  public var vocabularySize: Int { pieceCount + 2 }

  /// Opens the bytes of a `tokenizer.model`.
  ///
  /// - Parameter name: what errors call it.
  /// - Throws: ``TokenizerError`` when the bytes are no SentencePiece model or bos or eos is missing.
  public init(model bytes: Data, name: String = "tokenizer.model") throws {
    model = try SentencePieceModel(bytes, name: name)
    pieceCount = model.pieceCount
    bosID = model.bosID
    eosID = model.eosID
    unknownID = model.unknownID
    guard bosID >= 0 else { throw TokenizerError.missingToken(file: name, token: "<s>") }
    guard eosID >= 0 else { throw TokenizerError.missingToken(file: name, token: "</s>") }
    imageID = Int32(pieceCount)
    padID = Int32(pieceCount + 1)
  }

  /// Opens a `tokenizer.model` file.
  ///
  /// - Throws: ``TokenizerError`` with the file.
  public convenience init(contentsOf url: URL) throws {
    let bytes: Data
    do {
      bytes = try Data(contentsOf: url)
    } catch {
      throw TokenizerError.unreadable(file: url.path, reason: "nothing readable")
    }
    try self.init(model: bytes, name: url.path)
  }

  /// Ids of a text, without bos and eos. The library's dummy prefix is a space before the first word.
  public func encode(_ text: String) -> [Int32] { model.encode(text) }

  /// Text of ids. Bos, eos, `<pad>`, `<image>` and ids above the vocabulary say nothing.
  public func decode(_ ids: [Int32]) -> String {
    model.decode(ids.filter { $0 >= 0 && $0 < pieceCount && $0 != bosID && $0 != eosID })
  }

  /// The piece with this id, nil when the id is not in use.
  public func piece(_ id: Int32) -> String? {
    switch id {
    case imageID: Self.imageMark
    case padID: Self.padMark
    default: model.piece(id)
    }
  }

  /// The id of a piece, nil when there is none.
  public func id(of piece: String) -> Int32? {
    switch piece {
    case Self.imageMark: imageID
    case Self.padMark: padID
    default: model.id(of: piece)
    }
  }

  /// Trains a vocabulary as LLaMA's is built (BPE, byte fallback, identity normalisation, dummy prefix, digits
  /// one by one) on one thread, so that the same texts give the same bytes.
  ///
  /// - Parameters:
  ///   - texts: the corpus; order does not matter to the result beyond ties.
  ///   - vocabularySize: upper bound of the pieces. A small corpus gives fewer: read ``pieceCount`` afterwards.
  ///   - characterCoverage: share of the characters of the corpus that become pieces; the rest is spelled in bytes.
  ///   - url: where the `tokenizer.model` is written, in one piece.
  /// - Returns: the vocabulary that was written.
  /// - Throws: ``TokenizerError`` when the corpus is empty, the size is below 259 pieces plus the alphabet, or the
  ///   file cannot be written.
  @discardableResult
  public static func train(
    texts: [String], vocabularySize: Int, characterCoverage: Double = 0.99995, to url: URL
  ) throws -> Tokenizer {
    let corpus = texts.filter { !$0.isEmpty }
    guard !corpus.isEmpty else {
      throw TokenizerError.training(reason: "found no text, expected at least one sentence")
    }
    let alphabet = Set(corpus.lazy.flatMap(\.unicodeScalars)).count
    guard vocabularySize > 259 else {
      throw TokenizerError.training(
        reason: "found a vocabulary size of \(vocabularySize), expected more than 259 (three control tokens, "
          + "256 bytes) and about \(alphabet) for the alphabet of the corpus")
    }
    let bytes = try SentencePieceModel.train(
      corpus, pieces: vocabularySize, characterCoverage: characterCoverage)
    do {
      try bytes.write(to: url, options: .atomic)
    } catch {
      throw TokenizerError.unwritable(file: url.path, reason: error.localizedDescription)
    }
    return try Tokenizer(model: bytes, name: url.path)
  }
}
