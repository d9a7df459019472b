import Checkpoint
import Foundation

extension Tokenizer {
  /// A `tokenizer.json` that gives the same ids as the bytes of a `tokenizer.model`, `<image>` and `<pad>`
  /// behind its pieces; nil for a model that the format cannot restate exactly, which transformers converts
  /// by itself.
  ///
  /// - Throws: a JSON error.
  func json(ofPieces bytes: Data) throws -> Data? {
    let model = SentencePieceContents(bytes)
    let kinds = Set(model.pieces.map(\.kind))
    // A class of its own reads a vocabulary without a token for pictures.
    guard imageID >= 0, model.isBytePairs, model.keepsText, model.addsBlank,
      kinds.isDisjoint(with: [.userDefined, .unused])
    else { return nil }
    let special = model.pieces.indices.filter { [.unknown, .control].contains(model.pieces[$0].kind) }
    let added =
      special.map { (id: $0, text: model.pieces[$0].text) }
      + [(id: Int(imageID), text: Self.imageMark), (id: Int(padID), text: Self.padMark)]
    let blank = "\u{2581}"
    let replace: [String: Any] = ["type": "Replace", "pattern": ["String": blank], "content": " "]
    let object: [String: Any] = [
      "version": "1.0", "truncation": NSNull(), "padding": NSNull(), "pre_tokenizer": NSNull(),
      "added_tokens": added.sorted { $0.id < $1.id }.map { token -> [String: Any] in
        [
          "id": token.id, "content": token.text, "single_word": false, "lstrip": false, "rstrip": false,
          "normalized": false, "special": true,
        ]
      },
      "normalizer": [
        "type": "Sequence",
        "normalizers": [
          ["type": "Prepend", "prepend": blank] as [String: Any],
          ["type": "Replace", "pattern": ["String": " "], "content": blank],
        ],
      ] as [String: Any],
      "post_processor": Self.beginning(piece(bosID) ?? "", Int(bosID)),
      "decoder": [
        "type": "Sequence",
        "decoders": [
          replace, ["type": "ByteFallback"], ["type": "Fuse"],
          ["type": "Strip", "content": " ", "start": 1, "stop": 0],
        ],
      ] as [String: Any],
      "model": [
        "type": "BPE", "dropout": NSNull(), "continuing_subword_prefix": NSNull(),
        "end_of_word_suffix": NSNull(), "fuse_unk": true, "byte_fallback": kinds.contains(.byte),
        "ignore_merges": false,
        "unk_token": model.pieces.first { $0.kind == .unknown }?.text ?? NSNull(),
        "vocab": Self.vocabularyMark,
        "merges": model.merges,
      ] as [String: Any],
    ]
    return try Self.json(object, pieces: model.pieces.map(\.text))
  }

  /// Stands for the pieces in what ``json(_:pieces:)`` gets.
  static let vocabularyMark = "\u{FFFF}vocabulary\u{FFFF}"

  /// The bytes of a `tokenizer.json` with pieces in the order of their ids.
  ///
  /// Two pieces may be two spellings of one character: a dictionary of Swift's takes them for one.
  static func json(_ object: [String: Any], pieces: [String]) throws -> Data {
    let bytes = try JSONSerialization.data(
      withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    var seen: Set<[UInt8]> = []
    let members = pieces.enumerated().compactMap { id, piece in
      seen.insert(Array(piece.utf8)).inserted ? "\(jsonLiteral(piece)):\(id)" : nil
    }
    guard let mark = bytes.range(of: Data(jsonLiteral(vocabularyMark).utf8)) else { return bytes }
    return bytes[..<mark.lowerBound] + Data("{\(members.joined(separator: ","))}".utf8)
      + bytes[mark.upperBound...]
  }

  /// A post-processor that puts one token before a text.
  static func beginning(_ mark: String, _ id: Int) -> [String: Any] {
    func template(_ sequences: [String]) -> [[String: Any]] {
      [["SpecialToken": ["id": mark, "type_id": 0]]]
        + sequences.map { ["Sequence": ["id": $0, "type_id": 0]] }
    }
    return [
      "type": "TemplateProcessing", "single": template(["A"]), "pair": template(["A", "B"]),
      "special_tokens": [mark: ["id": mark, "ids": [id], "tokens": [mark]] as [String: Any]],
    ]
  }

  /// A `tokenizer_config.json` for this vocabulary. The class is the one that takes `tokenizer.json` as it
  /// is.
  func configurationJSON() throws -> Data {
    var keys: [String: Any] = [
      "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": piece(bosID) ?? "",
      "eos_token": piece(eosID) ?? "", "pad_token": piece(padID) ?? Self.padMark,
      "clean_up_tokenization_spaces": false,
    ]
    if unknownID >= 0, let unknown = piece(unknownID) { keys["unk_token"] = unknown }
    return try JSONSerialization.data(
      withJSONObject: keys, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
  }
}

extension SentencePieceContents {
  /// Every way to join two pieces to a third, best scores first; the ways to one piece in the order of their
  /// parts' ids.
  fileprivate var merges: [[String]] {
    let ids = Dictionary(
      pieces.enumerated().filter { $1.kind == .normal }.map { (Array($1.text.utf8), $0) },
      uniquingKeysWith: { first, _ in first })
    var ways: [(score: Float, left: Int, right: Int)] = []
    for piece in pieces where piece.kind == .normal {
      let text = Array(piece.text.utf8)
      for cut in text.indices.dropFirst() {
        guard let left = ids[Array(text[..<cut])], let right = ids[Array(text[cut...])] else { continue }
        ways.append((piece.score, left, right))
      }
    }
    ways.sort { ($1.score, $0.left, $0.right) < ($0.score, $1.left, $1.right) }
    return ways.map { [pieces[$0.left].text, pieces[$0.right].text] }
  }
}
