import Foundation

/// Looks through the bytes of a `tokenizer.model` for what libsentencepiece opens but cannot use: it reads
/// outside its memory with a broken map of characters, and fails on text that spells a control piece.
///
/// The file is a protocol buffer, `ModelProto` in sentencepiece_model.proto.
struct SentencePieceFileCheck {
  /// What is wrong; nil when nothing is.
  private(set) var problem: String?
  /// Control pieces and pieces that stand for text.
  private var control: Set<[UInt8]> = []
  private var text: Set<[UInt8]> = []

  private enum ModelField { static let (piece, trainer, normalizer, denormalizer) = (1, 2, 3, 5) }
  private enum PieceField { static let (text, type) = (1, 3) }
  /// `ModelProto.SentencePiece.Type`.
  private enum PieceType { static let (normal, control, userDefined, unused) = (1, 3, 4, 5) }

  init(_ bytes: Data) {
    var reader = WireReader(Array(bytes))
    while problem == nil, let field = reader.next() {
      guard case .bytes(let body) = field.value else { continue }
      switch field.number {
      case ModelField.piece: addPiece(WireReader(body))
      case ModelField.trainer: checkTrainer(WireReader(body))
      case ModelField.normalizer, ModelField.denormalizer: checkRules(WireReader(body))
      default: continue
      }
    }
    // The library takes a control piece for one that has no text wherever the encoder meets its spelling.
    let met = control.filter {
      text.contains($0) || String(decoding: $0, as: UTF8.self).unicodeScalars.count == 1
    }
    if problem == nil, let piece = met.min(by: { $0.lexicographicallyPrecedes($1) }) {
      problem = "the control piece \"\(String(decoding: piece, as: UTF8.self))\" is a piece of text too"
    }
  }

  private mutating func addPiece(_ fields: WireReader) {
    var fields = fields
    var piece: [UInt8] = []
    var type = PieceType.normal
    while let field = fields.next() {
      switch (field.number, field.value) {
      case (PieceField.text, .bytes(let bytes)): piece = Array(bytes)
      case (PieceField.type, .number(let number)): type = Int(truncatingIfNeeded: number)
      default: continue
      }
    }
    switch type {
    case PieceType.control: control.insert(piece)
    case PieceType.normal, PieceType.userDefined, PieceType.unused: text.insert(piece)
    default: break
    }
  }

  /// Models of whole words look every word up among the control pieces too.
  private mutating func checkTrainer(_ fields: WireReader) {
    var fields = fields
    let (modelType, word) = (3, UInt64(3))
    while let field = fields.next() {
      if field.number == modelType, case .number(word) = field.value {
        problem = "its model type is word, not unigram, bpe or char"
      }
    }
  }

  private mutating func checkRules(_ fields: WireReader) {
    var fields = fields
    let characterMap = 2
    while let field = fields.next() {
      if field.number == characterMap, case .bytes(let map) = field.value, !CharacterMap.isUsable(Array(map))
      {
        problem = "its map of characters is damaged"
      }
    }
  }
}
