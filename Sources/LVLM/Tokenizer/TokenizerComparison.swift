import Foundation

extension Tokenizer {
  /// How two files of one vocabulary relate.
  enum Comparison {
    /// They give the same ids.
    case same
    /// They have the same pieces and differ in where a blank is put before a text.
    case otherBlanks
  }

  /// Texts with what vocabularies treat differently: blanks in all places, digits, bytes, joined words.
  private static let probes = [
    "Compare the two pictures.", " leading", "  two", "trailing ", "a  b   c", "\nWhat colour is the square?",
    "12 345",
    "naïve façade\t図 🦊", "USER:", " ASSISTANT: yes", "\u{2581}", "", " ", "don't, ever; \"so\" (x+y)*z",
  ]

  /// Compares the vocabulary of a `tokenizer.model` with that of the `tokenizer.json` beside it.
  ///
  /// - Throws: ``ModelDirectoryError`` with both files and the first difference where they are two
  ///   vocabularies.
  func comparison(with json: Tokenizer, directory: URL) throws -> Comparison {
    func difference(_ words: String) -> ModelDirectoryError {
      ModelDirectoryError(
        file: directory.path,
        unusable: [
          "\(TokenizerFiles.modelName) and \(TokenizerFiles.jsonName) (\(words), expected one vocabulary)"
        ])
    }
    for id in 0..<Int32(pieceCount) where piece(id) != json.piece(id) {
      throw difference(
        "the id \(id) is \"\(piece(id) ?? "")\" in one and \"\(json.piece(id) ?? "nothing")\" in the other")
    }
    for (name, own, other) in [
      ("bos", bosID, json.bosID), ("eos", eosID, json.eosID), ("<image>", imageID, json.imageID),
    ] where own != other {
      throw difference("\(name) is \(own) in one and \(other) in the other")
    }
    // Words of the vocabulary itself, as merges show there.
    let words = stride(from: 0, to: pieceCount, by: max(pieceCount / 128, 1)).compactMap { piece(Int32($0)) }
    let texts = Self.probes + words.map { $0.replacing("\u{2581}", with: " ") + $0 }
    var isSame = true
    for text in texts {
      for isFirst in [true, false] {
        // Words that were added to one of the two are not its pieces.
        let own = try vocabulary.encode(text, isFirst: isFirst)
        if try own == json.vocabulary.encode(text, isFirst: isFirst) { continue }
        isSame = false
        let other = json.encodeWithBlank(text) ?? []
        guard own == other else {
          throw difference("\"\(text)\" is \(own.prefix(12)) in one and \(other.prefix(12)) in the other")
        }
      }
    }
    return isSame ? .same : .otherBlanks
  }

  /// Ids of a text with a blank put before it in any case; nil for byte-level vocabularies.
  private func encodeWithBlank(_ text: String) -> [Int32]? {
    (vocabulary as? MetaspaceVocabulary)?.putting(.doubled).encode(text, isFirst: true)
  }
}
