/// A step that `tokenizer.json` takes from pieces to text.
enum TextJoiner: Sendable {
  case byteLevel
  case byteFallback
  case fuse
  case strip(Unicode.Scalar, start: Int, stop: Int)
  case replace(ScalarPattern, with: String)
  case metaspace(Unicode.Scalar, hasPrefix: Bool)
  case wordPiece(prefix: String, cleans: Bool)
  case suffix(String)

  func callAsFunction(_ pieces: [String]) -> [String] {
    switch self {
    case .byteLevel: return [ByteLevelVocabulary.text(pieces)]
    case .byteFallback: return Self.bytes(pieces)
    case .fuse: return [pieces.joined()]
    case .strip(let mark, let start, let stop):
      return pieces.map { piece in
        let scalars = Array(piece.unicodeScalars)
        let first = scalars.prefix(start).prefix { $0 == mark }.count
        let last = scalars.suffix(stop).reversed().prefix { $0 == mark }.count
        return first + last > scalars.count ? "" : String(scalars[first..<scalars.count - last])
      }
    case .replace(let pattern, let content):
      // Of a pattern that is short enough no text is refused: see ``ScalarPattern/isShort``.
      return pieces.map { (try? TextNormalizer.replaced(pattern, content, $0)) ?? $0 }
    case .metaspace(let mark, let hasPrefix):
      return pieces.enumerated().map { index, piece in
        String(
          piece.unicodeScalars.compactMap { scalar -> Unicode.Scalar? in
            scalar != mark ? scalar : index == 0 && hasPrefix ? nil : " "
          })
      }
    case .wordPiece(let prefix, let cleans):
      return pieces.enumerated().map { index, piece in
        var text = piece
        if index > 0 {
          text =
            piece.utf8.starts(with: prefix.utf8)
            ? String(piece.unicodeScalars.dropFirst(prefix.unicodeScalars.count)) : " " + piece
        }
        guard cleans else { return text }
        return Self.cleanings.reduce(text) { $0.replacing($1.0, with: $1.1) }
      }
    case .suffix(let suffix):
      return pieces.enumerated().map { index, piece in
        piece.replacing(suffix, with: index == pieces.count - 1 ? "" : " ")
      }
    }
  }

  private static let cleanings = [
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
    (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
  ]

  private static func bytes(_ pieces: [String]) -> [String] {
    var result: [String] = []
    var bytes: [UInt8] = []
    // A run of bytes that is no UTF-8 says one replacement character per byte.
    func flush() {
      guard !bytes.isEmpty else { return }
      if let text = String(validating: bytes, as: UTF8.self) {
        result.append(text)
      } else {
        result += bytes.map { _ in "\u{FFFD}" }
      }
      bytes = []
    }
    for piece in pieces {
      let utf8 = Array(piece.utf8)
      if utf8.count == 6, piece.hasPrefix("<0x"), piece.hasSuffix(">"),
        let byte = UInt8(String(decoding: utf8[3..<5], as: UTF8.self), radix: 16)
      {
        bytes.append(byte)
      } else {
        flush()
        result.append(piece)
      }
    }
    flush()
    return result
  }
}
