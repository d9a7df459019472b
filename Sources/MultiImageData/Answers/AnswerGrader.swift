public import Records

/// What can be said about an answer by what it claims.
public enum AnswerVerdict: String, RowWord, Encodable, Sendable {
  /// It says what was asked for, and nothing that is false of the picture.
  case right
  /// It says nothing false, and not all that was asked for. Counts as wrong.
  case incomplete
  /// It says something false, contradicts itself, or cannot be read.
  case wrong

  /// Whether the answer counts as right.
  public var isRight: Bool { self == .right }
}

/// Grades answers by what they claim, however they are worded.
///
/// For evaluation and for the diagnosis of a selection: what is learned from must not be chosen by it.
public protocol AnswerGrader: Sendable {
  /// The verdict on an answer to a question about a picture.
  /// - Parameters:
  ///   - question: as the source asks it, before a multi-image prompt was made of it.
  ///   - facts: what is known of the picture (``QuestionSource/facts(of:)``), attribute by attribute.
  /// - Returns: `nil` where nobody knows: the question is none of the source's, does not apply to the
  ///   picture, or asks for something that the facts leave out.
  func verdict(of answer: String, to question: String, facts: [String: String]) -> AnswerVerdict?
}

/// Asks several graders in turn; the first that knows decides.
struct GraderOfParts: AnswerGrader {
  let parts: [any AnswerGrader]

  func verdict(of answer: String, to question: String, facts: [String: String]) -> AnswerVerdict? {
    for part in parts {
      if let verdict = part.verdict(of: answer, to: question, facts: facts) { return verdict }
    }
    return nil
  }
}
