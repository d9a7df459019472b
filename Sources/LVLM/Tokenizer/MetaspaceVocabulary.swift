/// SentencePiece's BPE as a `tokenizer.json` restates it: spaces are written ▁, the text is one word, and
/// what the vocabulary cannot spell is written in bytes.
struct MetaspaceVocabulary: Vocabulary {
  /// When a ▁ is put before a text.
  enum Prefix: Sendable {
    /// Only before the text that begins a sequence, unless it begins with one.
    case first
    /// Before every text that does not begin with one.
    case always
    /// Before every text, whatever it begins with.
    case doubled
    /// Never.
    case never
  }

  private let table: PieceTable
  let merges: BytePairMerges
  private(set) var prefix: Prefix
  let unknown: Int32?
  private let joinsUnknown: Bool
  let spellsBytes: Bool
  /// `<0x00>` to `<0xFF>`, when all of them are pieces.
  let byteIDs: [Int32]
  let byteOfID: [Int32: UInt8]

  /// - Parameters:
  ///   - spellsBytes: whether characters without a piece are written in bytes, where all bytes are pieces.
  ///   - joinsUnknown: whether neighbours without a piece are one unknown token.
  init(
    pieces: [String], merges pairs: [(String, String)], prefix: Prefix, unknown: String?,
    spellsBytes: Bool = true, joinsUnknown: Bool = true, file: String
  ) throws {
    table = PieceTable(pieces)
    self.prefix = prefix
    self.unknown = unknown.flatMap(table.id)
    self.joinsUnknown = joinsUnknown
    self.spellsBytes = spellsBytes
    let digits = Array("0123456789ABCDEF")
    let names = (0..<256).map { "<0x\(digits[$0 >> 4])\(digits[$0 & 15])>" }
    let ids = names.compactMap(table.id)
    byteIDs = ids.count == 256 ? ids : []
    byteOfID = Dictionary(
      byteIDs.enumerated().map { ($1, UInt8($0)) }, uniquingKeysWith: { first, _ in first })
    merges = try BytePairMerges(pairs, table, file: file)
  }

  /// The same vocabulary with another rule for the ▁ before a text.
  func putting(_ prefix: Prefix) -> MetaspaceVocabulary {
    var other = self
    other.prefix = prefix
    return other
  }

  var pieceCount: Int { table.count }
  var putsBlankFirst: Bool { prefix != .never }
  func piece(_ id: Int32) -> String? { table.piece(id) }
  func id(of piece: String) -> Int32? { table.id(of: piece) }

  func encode(_ text: String, isFirst: Bool) -> [Int32] {
    guard !text.isEmpty else { return [] }
    var scalars = text.unicodeScalars.map { $0 == " " ? "\u{2581}" : $0 }
    let isMarked = scalars.first == "\u{2581}"
    let isPrefixed =
      switch prefix {
      case .first: isFirst && !isMarked
      case .always: !isMarked
      case .doubled: true
      case .never: false
      }
    if isPrefixed { scalars.insert("\u{2581}", at: 0) }
    var symbols: [Int32] = []
    for scalar in scalars {
      if let id = table.id(of: String(scalar)) {
        symbols.append(id)
      } else if spellsBytes, !byteIDs.isEmpty {
        symbols += String(scalar).utf8.map { byteIDs[Int($0)] }
      } else if let unknown, symbols.last != unknown || !joinsUnknown {
        symbols.append(unknown)
      }
    }
    return merges.apply(to: symbols)
  }

  func decode(_ ids: [Int32]) -> String {
    var utf8: [UInt8] = []
    var bytes: [UInt8] = []
    // A run of byte pieces that is no UTF-8 says one replacement character per byte.
    func flush() {
      if String(validating: bytes, as: UTF8.self) != nil {
        utf8 += bytes
      } else {
        for _ in bytes { utf8 += Array("\u{FFFD}".utf8) }
      }
      bytes = []
    }
    for id in ids {
      if let byte = byteOfID[id] {
        bytes.append(byte)
        continue
      }
      flush()
      guard let piece = table.piece(id) else { continue }
      for scalar in piece.unicodeScalars { utf8 += Array(String(scalar == "\u{2581}" ? " " : scalar).utf8) }
    }
    flush()
    // The space that encoding put in front.
    if prefix != .never, utf8.first == 0x20 { utf8.removeFirst() }
    return String(decoding: utf8, as: UTF8.self)
  }
}
