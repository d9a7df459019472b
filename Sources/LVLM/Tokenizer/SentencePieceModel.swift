import CMIASentencePiece
import Checkpoint
import Foundation
import Tensor

/// A SentencePiece vocabulary as libsentencepiece sees it: no added tokens, no templates.
///
/// The library's processor is read-only after loading and safe to call from several threads.
final class SentencePieceModel: Vocabulary, @unchecked Sendable {
  private let processor: OpaquePointer

  /// Opens the bytes of a `tokenizer.model`; `name` is what errors call it.
  init(_ bytes: Data, name: String) throws {
    guard !GitLFSPointer.isPointer(bytes, count: bytes.count) else {
      throw TokenizerError.unreadable(file: name, reason: GitLFSPointer.words)
    }
    var message: UnsafeMutablePointer<CChar>?
    let processor = bytes.withUnsafeBytes { raw in
      csp_open(raw.baseAddress?.assumingMemoryBound(to: CChar.self), raw.count, &message)
    }
    guard let processor else {
      throw TokenizerError.unreadable(file: name, reason: Self.taken(message))
    }
    if let problem = SentencePieceFileCheck(bytes).problem {
      csp_close(processor)
      throw TokenizerError.unreadable(file: name, reason: problem)
    }
    self.processor = processor
  }

  deinit { csp_close(processor) }

  var pieceCount: Int { Int(csp_piece_count(processor)) }
  var putsBlankFirst: Bool { encode("a", isFirst: true).first.flatMap(piece)?.first == "\u{2581}" }
  var unknownID: Int32 { csp_unknown_id(processor) }
  var bosID: Int32 { csp_bos_id(processor) }
  var eosID: Int32 { csp_eos_id(processor) }
  var padID: Int32 { csp_pad_id(processor) }

  /// Ids of `text`, without special tokens; the library puts its dummy prefix before every text.
  ///
  /// The library fails only when the pieces it found do not add up to the text, which takes a control piece
  /// among them; ``SentencePieceFileCheck`` has refused the models in which that can be.
  func encode(_ text: String, isFirst: Bool) -> [Int32] {
    var text = text
    return text.withUTF8 { utf8 in
      var ids: UnsafeMutablePointer<Int32>?
      var count = 0
      var message: UnsafeMutablePointer<CChar>?
      let start = UnsafeRawPointer(utf8.baseAddress)?.assumingMemoryBound(to: CChar.self)
      guard csp_encode(processor, start, utf8.count, &ids, &count, &message) else {
        tensorFailure("SentencePiece", "could not encode valid UTF-8: \(Self.taken(message))")
      }
      defer { csp_release(ids) }
      return Array(UnsafeBufferPointer(start: ids, count: count))
    }
  }

  /// Text of `ids`, all of which are pieces.
  ///
  /// The library fails for ids that are none, and for byte pieces that are not spelled `<0xNN>`, with which
  /// it opens no model.
  func decode(_ ids: [Int32]) -> String {
    var text: UnsafeMutablePointer<CChar>?
    var length = 0
    var message: UnsafeMutablePointer<CChar>?
    guard csp_decode(processor, ids, ids.count, &text, &length, &message) else {
      tensorFailure("SentencePiece", "could not decode ids of its own pieces: \(Self.taken(message))")
    }
    defer { csp_release(text) }
    let utf8 = UnsafeRawBufferPointer(start: text, count: length)
    return String(decoding: utf8, as: UTF8.self)
  }

  /// The piece with this id, nil when there is none.
  func piece(_ id: Int32) -> String? {
    var length = 0
    guard let start = csp_id_to_piece(processor, id, &length) else { return nil }
    return String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
  }

  /// The id of this piece, nil when there is none.
  func id(of piece: String) -> Int32? {
    var text = piece
    let id = text.withUTF8 { utf8 in
      let start = UnsafeRawPointer(utf8.baseAddress)?.assumingMemoryBound(to: CChar.self)
      return csp_piece_to_id(processor, start, utf8.count)
    }
    return self.piece(id) == piece ? id : nil
  }

  /// Trains a BPE vocabulary and returns the bytes of its `tokenizer.model`.
  ///
  /// Places in a word have 16 bits in the library, which ends the process for a longer one.
  static func train(
    _ texts: [String], pieces: Int, characterCoverage: Double, symbols: [String]
  ) throws -> Data {
    let longest = Int(UInt16.max)
    for text in texts where text.unicodeScalars.count >= longest {
      for word in text.split(whereSeparator: \.isWhitespace) where word.unicodeScalars.count >= longest {
        throw TokenizerError.training(
          reason: "found \(word.unicodeScalars.count) characters without a blank, from "
            + "\"\(word.prefix(20))…\" on, expected fewer than \(longest)")
      }
    }
    let utf8 = texts.map { Array($0.utf8CString.dropLast()) }
    var all: [CChar] = []
    all.reserveCapacity(utf8.reduce(0) { $0 + $1.count })
    for text in utf8 { all += text }
    return try all.withUnsafeBufferPointer { buffer in
      var starts: [UnsafePointer<CChar>?] = []
      var offset = 0
      for text in utf8 {
        starts.append(buffer.baseAddress! + offset)
        offset += text.count
      }
      var bytes: UnsafeMutablePointer<CChar>?
      var length = 0
      var message: UnsafeMutablePointer<CChar>?
      let isTrained = symbols.joined(separator: ",").withCString { symbols in
        let options = csp_training_options(
          vocabulary_size: Int32(clamping: pieces), character_coverage: characterCoverage, symbols: symbols)
        return csp_train(starts, utf8.map(\.count), utf8.count, options, &bytes, &length, &message)
      }
      guard isTrained else { throw TokenizerError.training(reason: taken(message)) }
      defer { csp_release(bytes) }
      return Data(bytes: bytes!, count: length)
    }
  }

  private static func taken(_ message: UnsafeMutablePointer<CChar>?) -> String {
    guard let message else { return "no reason given" }
    defer { csp_release(message) }
    return String(cString: message)
  }
}
