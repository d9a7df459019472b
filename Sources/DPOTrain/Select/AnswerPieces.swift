import LVLM
import MultiImageData

/// Which pieces of a vocabulary answers are made of.
///
/// A vocabulary that a run made of its own texts holds 256 bytes and pieces that only words longer than
/// themselves are made of. A model that samples at a high temperature finds them all: bytes, the middle of a
/// word, half a role.
package struct AnswerPieces {
  /// Pieces that no text of the run is made of.
  let unused: Set<Int32>
  /// Pieces that no text of the run begins with: those that go on with a word.
  let continuing: Set<Int32>
  /// The words of the run's texts; `nil` for a vocabulary that came with a model, whose words nobody can
  /// list.
  private let words: Set<String>?
  private let tokenizer: Tokenizer

  /// - Parameter texts: what the run learns from; `nil` where the vocabulary came with a model.
  /// - Throws: as `Tokenizer.encode`.
  package init(_ tokenizer: Tokenizer, madeOf texts: [String]?) throws {
    self.tokenizer = tokenizer
    guard let texts else {
      unused = []
      continuing = []
      words = nil
      return
    }
    var used: Set<Int32> = []
    var words: Set<String> = []
    for text in Set(texts) {
      used.formUnion(try tokenizer.encode(text))
      words.formUnion(Self.words(of: text))
    }
    let others = (0..<Int32(tokenizer.vocabularySize)).filter { $0 != tokenizer.eosID }
    unused = Set(others.filter { !used.contains($0) })
    continuing = Set(others.filter { !(tokenizer.piece($0) ?? "").hasPrefix(Self.wordStart) })
    self.words = words
  }

  /// How SentencePiece marks the beginning of a word.
  private static let wordStart = "\u{2581}"

  private static func words(of text: String) -> [String] {
    AnswerText.normalized(text).split(separator: " ").map(String.init)
  }

  /// Leaves out of a choice what no answer is made of.
  package func restrict(_ sampling: Sampling) -> Sampling {
    var sampling = sampling
    sampling.excluded = unused
    sampling.excludedFirst = continuing
    return sampling
  }

  /// Whether an answer begins as texts do, with the beginning of a word, and is made of their pieces.
  package func areText(_ ids: [Int32]) -> Bool {
    let own = ids.filter { $0 != tokenizer.eosID }
    return own.allSatisfy { !unused.contains($0) } && own.first.map { !continuing.contains($0) } ?? true
  }

  /// Whether a sampled answer is made of words of the run's texts, and of numbers. A model answers right
  /// where it is sampled: it knows the words, and others are two halves that chance put together.
  package func areWords(_ text: String) -> Bool {
    guard let words else { return true }
    return Self.words(of: text).allSatisfy { word in
      words.contains(word) || word.allSatisfy(\.isNumber)
    }
  }
}
