/// The pieces of a tokenizer and how text becomes them: no special tokens, no templates.
protocol Vocabulary: Sendable {
  /// Number of pieces; ids are below it.
  var pieceCount: Int { get }
  /// Whether a blank is put before a text that begins a sequence and not with a blank.
  var putsBlankFirst: Bool { get }
  /// Ids of a text, none of them special.
  ///
  /// - Parameter isFirst: whether the text begins a sequence, rather than going on after a special token.
  /// - Throws: ``TokenizerError`` for a text of which the vocabulary's own steps would make too much work.
  func encode(_ text: String, isFirst: Bool) throws -> [Int32]
  /// Text of ids, all of which are pieces.
  func decode(_ ids: [Int32]) -> String
  /// The piece with this id, nil when there is none.
  func piece(_ id: Int32) -> String?
  /// The id of this piece, nil when there is none.
  func id(of piece: String) -> Int32?
}

/// Pieces by id and back. Keys are bytes: two spellings of one character are two pieces, though equal as
/// `String`.
struct PieceTable: Sendable {
  private(set) var pieces: [String]
  private var ids: [[UInt8]: Int32] = [:]

  /// A table of pieces in the order of their ids; of equal pieces the first one keeps its id.
  init(_ pieces: [String]) {
    self.pieces = pieces
    ids.reserveCapacity(pieces.count)
    for (id, piece) in pieces.enumerated() {
      let key = Array(piece.utf8)
      if ids[key] == nil { ids[key] = Int32(id) }
    }
  }

  var count: Int { pieces.count }

  func id(of piece: String) -> Int32? { ids[Array(piece.utf8)] }

  func id(of piece: ArraySlice<UInt8>) -> Int32? { ids[Array(piece)] }

  func piece(_ id: Int32) -> String? { pieces.indices.contains(Int(id)) ? pieces[Int(id)] : nil }
}
