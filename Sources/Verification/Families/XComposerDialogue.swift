import LVLM

/// A conversation in InternLM-XComposer2.5's format, with `<image>` where a picture stands.
///
/// Its marks are pieces that SentencePiece itself finds in text, and there is no blank before a text, so that
/// parts of a prompt can be encoded one by one.
struct XComposerDialogue: Equatable, Sendable {
  /// Begins a turn.
  static let start = "[UNUSED_TOKEN_146]"
  /// Ends a turn.
  static let end = "[UNUSED_TOKEN_145]"
  /// A question, and its answer but for the last question of a prompt.
  struct Turn: Equatable, Sendable {
    var question: String
    var answer: String?

    init(_ question: String, _ answer: String? = nil) {
      (self.question, self.answer) = (question, answer)
    }
  }

  /// What stands before the first turn.
  var system: String?
  /// The turns.
  var turns: [Turn]

  init(system: String? = nil, _ turns: [Turn]) {
    (self.system, self.turns) = (system, turns)
  }

  /// The text: of a prompt it ends where the answer begins, else behind the newline after the last answer.
  var text: String {
    var text = system.map { "\(Self.start)system\n\($0)\(Self.end)\n" } ?? ""
    for turn in turns {
      text += "\(Self.start)user\n\(turn.question)\(Self.end)\n\(Self.start)assistant\n"
      if let answer = turn.answer { text += "\(answer)\(Self.end)\n" }
    }
    return text
  }
}

/// Turns whole conversations into ids, and says which of them are learned.
struct XComposerEncoder: Sendable {
  /// Where bos stands in a text that begins with a picture.
  enum Beginning: Sendable {
    /// First, as in the model's own `chat`.
    case first
    /// Before the first words, as in the published finetuning.
    case beforeWords
  }

  private let tokenizer: Tokenizer
  private let end: Int32
  /// Tokens between the end of a question and its answer.
  private let headerCount: Int

  /// - Throws: ``TokenizerError/missingToken(file:token:)`` for a vocabulary without the format's marks.
  init(_ tokenizer: Tokenizer) throws {
    self.tokenizer = tokenizer
    for mark in [XComposerDialogue.start, XComposerDialogue.end] where tokenizer.id(of: mark) == nil {
      throw TokenizerError.missingToken(file: "tokenizer.model", token: mark)
    }
    end = tokenizer.id(of: XComposerDialogue.end) ?? -1
    headerCount = try tokenizer.encode("\n\(XComposerDialogue.start)assistant\n").count
  }

  /// Ids of a text, ``Tokenizer/imageID`` at the features of pictures.
  ///
  /// - Parameters:
  ///   - features: of each picture, in the order of the marks.
  ///   - beginning: where bos stands.
  ///   - isFinished: whether eos ends the text, as in training.
  /// - Throws: ``PromptError/imageCount(marks:images:prompt:)``, or as ``Tokenizer/encode(_:)``.
  func encode(
    _ text: String, features: [Int], beginning: Beginning = .first, isFinished: Bool = false
  ) throws -> [Int32] {
    let parts = text.split(separator: Tokenizer.imageMark, omittingEmptySubsequences: false)
    guard parts.count == features.count + 1 else {
      throw PromptError.imageCount(marks: parts.count - 1, images: features.count, prompt: text)
    }
    var ids: [Int32] = beginning == .first ? [tokenizer.bosID] : []
    for (index, part) in parts.enumerated() {
      if !part.isEmpty {
        if !ids.contains(tokenizer.bosID) { ids.append(tokenizer.bosID) }
        ids += try tokenizer.encode(String(part))
      }
      if index < features.count { ids += Array(repeating: tokenizer.imageID, count: features[index]) }
    }
    return isFinished ? ids + [tokenizer.eosID] : ids
  }

  /// Which ids of a finished conversation without system part are learned: answers with the token that ends
  /// them, the newline behind the last one, and eos. Features of pictures never are.
  func isLearned(_ ids: [Int32]) -> [Bool] {
    var learned = ids.map { $0 != tokenizer.imageID }
    var (turn, start) = (0, 0)
    for (index, id) in ids.enumerated() {
      if id == tokenizer.eosID {
        for later in ids.indices where later > index { learned[later] = false }
        break
      }
      guard id == end else { continue }
      if turn % 2 == 0 {
        for place in start..<min(index + 1 + headerCount, ids.count) { learned[place] = false }
      } else {
        start = index + 1
      }
      turn += 1
    }
    return learned
  }
}
