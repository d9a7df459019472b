import Foundation

/// What the bytes of a `tokenizer.model` say, as far as it decides ids: pieces in order, and the rules of
/// their training.
///
/// The file is a protocol buffer, `ModelProto` in sentencepiece_model.proto.
struct SentencePieceContents {
  /// `ModelProto.SentencePiece.Type`.
  enum Kind: Int {
    case normal = 1
    case unknown, control, userDefined, unused, byte
  }

  /// One piece; a BPE model joins the pair with the highest score first.
  struct Piece {
    var text = ""
    var score: Float = 0
    var kind = Kind.normal
  }

  private(set) var pieces: [Piece] = []
  /// Whether it is byte-pair encoding (2), not a unigram model (1, where nothing is said).
  private(set) var isBytePairs = false
  /// Whether text is left as it is but for its blanks: no map of characters, no blanks taken away.
  private(set) var keepsText = true
  /// Whether a blank is put before every text.
  private(set) var addsBlank = true

  init(_ bytes: Data) {
    var reader = WireReader(Array(bytes))
    var removesBlanks = true
    while let field = reader.next() {
      guard case .bytes(let body) = field.value else { continue }
      var fields = WireReader(body)
      switch field.number {
      case 1: pieces.append(Self.piece(&fields))
      case 2:
        while let field = fields.next() {
          if field.number == 3, case .number(let type) = field.value { isBytePairs = type == 2 }
          // A suffix in the place of the blank before a word.
          if field.number == 24, case .number(1) = field.value { keepsText = false }
        }
      case 3:
        while let field = fields.next() {
          switch (field.number, field.value) {
          case (2, .bytes(let map)) where !map.isEmpty: keepsText = false
          case (3, .number(let flag)): addsBlank = flag != 0
          case (4, .number(let flag)): removesBlanks = flag != 0
          case (5, .number(0)): keepsText = false
          default: continue
          }
        }
      default: continue
      }
    }
    if removesBlanks { keepsText = false }
  }

  private static func piece(_ fields: inout WireReader) -> Piece {
    var piece = Piece()
    while let field = fields.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let bytes)): piece.text = String(decoding: bytes, as: UTF8.self)
      case (2, .fixed(let bytes)):
        piece.score = Float(bitPattern: bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) })
      case (3, .number(let type)):
        piece.kind = Kind(rawValue: Int(truncatingIfNeeded: type)) ?? .normal
      default: continue
      }
    }
    return piece
  }
}
