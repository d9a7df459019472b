/// A vocabulary that takes the steps of a `tokenizer.json` one after the other.
struct PipelineVocabulary: Vocabulary {
  var table: PieceTable
  /// The same without special tokens, which no text is.
  var texts: PieceTable
  var normalizers = TextNormalizers()
  /// Words that are looked for in the normalized text, and shown, as it writes them.
  var words = AddedTokens([])
  var cutters: [TextCutter] = []
  /// Whether words are written as bytes of UTF-8, each as a printable character.
  var writesBytes = false
  var model: WordModel
  var unknown: Int32?
  /// Pieces of the 256 bytes, where all of them are pieces.
  var bytes: [Int32] = []
  var joiners: [TextJoiner]?

  var pieceCount: Int { table.count }
  var putsBlankFirst: Bool {
    cutters.contains {
      switch $0 {
      case .byteLevel(let addsSpace, _): addsSpace
      case .metaspace(_, let prefix, _): prefix != .never
      default: false
      }
    }
      || normalizers.steps.contains { if case .prepend = $0 { true } else { false } }
  }
  func piece(_ id: Int32) -> String? { table.piece(id) }
  func id(of piece: String) -> Int32? { table.id(of: piece) }

  func encode(_ text: String, isFirst: Bool) throws -> [Int32] {
    guard !text.isEmpty else { return [] }
    let normal = try normalizers.normalized(text)
    guard !words.tokens.isEmpty else { return try pieces(normal, isFirst: isFirst) }
    return try words.parts(normal).enumerated().flatMap { index, part -> [Int32] in
      switch part {
      case .token(let id): [id]
      case .text(let scalars): try pieces(String(scalars), isFirst: isFirst && index == 0)
      }
    }
  }

  private func pieces(_ text: String, isFirst: Bool) throws -> [Int32] {
    var parts = [TextCutter.Word(scalars: Array(text.unicodeScalars), isFirst: isFirst)]
    for cutter in cutters { parts = try parts.flatMap { $0.scalars.isEmpty ? [] : try cutter($0) } }
    return parts.flatMap { part -> [Int32] in
      guard !part.scalars.isEmpty else { return [] }
      let word = String(part.scalars)
      let written = writesBytes ? ByteLevelVocabulary.spelled(word) : word
      return model.ids(written, texts, unknown: unknown, bytes: bytes)
    }
  }

  func decode(_ ids: [Int32]) -> String {
    let pieces = ids.compactMap { words[$0]?.text ?? table.piece($0) }
    guard let joiners else { return pieces.joined(separator: " ") }
    return joiners.reduce(pieces) { $1($0) }.joined()
  }
}
