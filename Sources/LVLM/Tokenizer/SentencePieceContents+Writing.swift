import Foundation

extension SentencePieceContents {
  /// The bytes of a `tokenizer.model` of byte-pair encoding that leaves a text as it is but for its blanks,
  /// as LLaMA's do.
  ///
  /// - Parameters:
  ///   - addsBlank: whether a blank is put before every text.
  ///   - unknown: the piece that stands for what cannot be spelled.
  ///   - bos: the piece that begins a sequence.
  ///   - eos: the piece that ends an answer.
  static func encoded(
    _ pieces: [Piece], addsBlank: Bool, unknown: String?, bos: String, eos: String
  ) -> Data {
    var model = WireWriter()
    for piece in pieces {
      var fields = WireWriter()
      fields.put(1, piece.text)
      fields.put(2, piece.score)
      fields.put(3, piece.kind.rawValue)
      model.put(1, fields)
    }
    var trainer = WireWriter()
    trainer.put(3, 2)
    trainer.put(4, pieces.count)
    trainer.put(35, pieces.contains { $0.kind == .byte })
    if let unknown { trainer.put(45, unknown) }
    trainer.put(46, bos)
    trainer.put(47, eos)
    model.put(2, trainer)
    var normalizer = WireWriter()
    normalizer.put(1, "identity")
    normalizer.put(3, addsBlank)
    normalizer.put(4, false)
    normalizer.put(5, true)
    model.put(3, normalizer)
    return Data(model.bytes)
  }
}
