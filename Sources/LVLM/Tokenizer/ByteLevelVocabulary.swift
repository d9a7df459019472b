import Foundation

/// Byte-level BPE as GPT-2 has it: words of UTF-8 bytes, each byte written as a printable character, joined
/// by merges.
struct ByteLevelVocabulary: Vocabulary {
  private let table: PieceTable
  let merges: BytePairMerges
  let splitter: ByteLevelSplitter
  let putsBlankFirst: Bool
  let joinsWholeWords: Bool
  /// The piece of each byte; nil for those that the vocabulary cannot spell, as some cannot that no text has.
  private let byteIDs: [Int32?]

  /// The character that stands for each byte: itself where it is printable Latin-1, else one from U+0100 on.
  static let characters: [Unicode.Scalar] = {
    var result: [Unicode.Scalar] = []
    var next: UInt32 = 0x100
    for byte in UInt32(0)..<256 {
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: result.append(Unicode.Scalar(byte) ?? " ")
      default:
        result.append(Unicode.Scalar(next) ?? " ")
        next += 1
      }
    }
    return result
  }()
  private static let bytes = Dictionary(
    uniqueKeysWithValues: characters.enumerated().map { ($1, UInt8($0)) })

  /// A vocabulary.
  ///
  /// - Parameters:
  ///   - merges: pairs of pieces in the order they are joined.
  ///   - addsSpace: whether a space is put before text that does not begin with one.
  ///   - joinsWholeWords: whether a word that is a piece is that piece, whatever the merges say.
  ///   - file: what errors call the source.
  /// - Throws: ``TokenizerError/unsupported(file:found:expected:)`` when printable bytes or the parts of a
  ///   merge are no pieces.
  init(
    pieces: [String], merges pairs: [(String, String)], splitter: ByteLevelSplitter, addsSpace: Bool = false,
    joinsWholeWords: Bool = false, file: String
  ) throws {
    table = PieceTable(pieces)
    self.splitter = splitter
    putsBlankFirst = addsSpace
    self.joinsWholeWords = joinsWholeWords
    let table = table
    byteIDs = Self.characters.map { table.id(of: String($0)) }
    // Every printable ASCII character, or this is a vocabulary of another kind.
    if let byte = (0x21...0x7E).first(where: { [byteIDs] in byteIDs[$0] == nil }) {
      throw TokenizerError.unsupported(
        file: file, found: "no piece for byte \(byte)", expected: "a byte-level vocabulary")
    }
    merges = try BytePairMerges(pairs, table, file: file)
  }

  var pieceCount: Int { table.count }
  func piece(_ id: Int32) -> String? { table.piece(id) }
  func id(of piece: String) -> Int32? { table.id(of: piece) }

  func encode(_ text: String, isFirst: Bool) -> [Int32] {
    let text = putsBlankFirst && !text.isEmpty && text.unicodeScalars.first != " " ? " " + text : text
    let composed = splitter.composes ? text.canonicallyComposed : text
    return splitter.words(composed).flatMap { word -> [Int32] in
      let symbols = word.utf8.compactMap { byteIDs[Int($0)] }
      if joinsWholeWords, let whole = table.id(of: Self.spelled(word)) { return [whole] }
      return merges.apply(to: symbols)
    }
  }

  func decode(_ ids: [Int32]) -> String { Self.text(ids.compactMap(table.piece)) }

  /// The text that pieces spell; those that are not written in bytes stand for themselves.
  static func text(_ pieces: [String]) -> String {
    var utf8: [UInt8] = []
    for piece in pieces {
      let known = piece.unicodeScalars.map { bytes[$0] }
      if known.contains(nil) { utf8 += Array(piece.utf8) } else { utf8 += known.compactMap(\.self) }
    }
    return String(decoding: utf8, as: UTF8.self)
  }

  /// A word as its bytes are written.
  static func spelled(_ word: String) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: word.utf8.map { characters[Int($0)] })
    return String(view)
  }
}

extension BytePairMerges {
  /// The merges of a list of pairs of pieces.
  init(_ pairs: [(String, String)], _ table: PieceTable, file: String) throws {
    self.init()
    for (left, right) in pairs {
      guard let first = table.id(of: left), let second = table.id(of: right),
        let merged = table.id(of: left + right)
      else {
        throw TokenizerError.unsupported(
          file: file, found: "a merge of \"\(left)\" and \"\(right)\", of which one or their sum is no piece",
          expected: "merges of pieces")
      }
      append(first, second, merged: merged)
    }
  }
}
