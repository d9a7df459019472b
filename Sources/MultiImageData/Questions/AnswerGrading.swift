import Records

/// How a run tells whether an answer is right: by what it claims, or by comparison with the ground truth as
/// text.
package struct AnswerGrading: Sendable {
  /// `nil` compares as text.
  private let grader: (any AnswerGrader)?
  /// Reads claims about several pictures.
  private let levels: LevelGrader
  /// Whether a question that cannot be graded by its claims is an error, and not compared as text.
  private let isStrict: Bool

  /// - Parameter grader: what reads claims; `nil` compares as text.
  /// - Parameter words: what the source says of pictures that are compared and found.
  package init(grader: (any AnswerGrader)?, words: [FactWords] = []) {
    self.grader = grader
    levels = LevelGrader(words: words)
    isStrict = false
  }

  /// - Throws: ``DataError`` naming source and key when the configuration asks for a grader that the source
  ///   does not have.
  package init(_ choice: GraderChoice, source: any QuestionSource) throws(DataError) {
    grader = choice == .text ? nil : source.grader
    levels = LevelGrader(words: grader == nil ? [] : source.factWords)
    isStrict = choice == .semantic
    guard !isStrict || grader != nil else {
      throw DataError(
        file: "data source \(source.name)",
        problem: "has no grader, evaluate.grader semantic needs one; expected auto or text")
    }
  }

  /// What can be said about an answer by its claims; `nil` where nothing can.
  package func verdict(_ answer: String, to question: StoredQuestion) -> AnswerVerdict? {
    if let record = question.record, let asked = record.levelQuestion {
      return record.factsByPicture.flatMap { levels.verdict(of: answer, to: asked, facts: $0) }
    }
    guard let facts = question.facts else { return nil }
    return grader?.verdict(of: answer, to: question.question, facts: facts)
  }

  /// Whether an answer counts as right.
  package func isRight(_ answer: String, to question: StoredQuestion) -> Bool {
    verdict(answer, to: question)?.isRight ?? AnswerText.matches(answer, question.groundTruth)
  }

  /// Whether an answer is wrong for the asked picture but right for another one of the prompt; `nil` where it
  /// is known of none what would be right. Where a picture is asked for, another one that is named; of
  /// comparisons it is not known.
  package func isFromAnotherImage(_ answer: String, to question: StoredQuestion) -> Bool? {
    guard let record = question.record else { return nil }
    guard record.level != .compare else { return nil }
    if let asked = record.levelQuestion, let facts = record.factsByPicture,
      let isOther = levels.namesAnother(answer, than: asked, facts: facts)
    {
      return isOther
    }
    guard let verdict = verdict(answer, to: question), let others = record.factsOfOthers, !others.isEmpty
    else {
      return AnswerText.isFromAnotherImage(
        answer, answer: question.groundTruth, answersOfOthers: record.answersOfOthers)
    }
    return !verdict.isRight
      && others.contains {
        grader?.verdict(of: answer, to: question.question, facts: $0)?.isRight == true
      }
  }

  /// - Throws: ``DataError`` naming the first question whose answers only a comparison of text could grade,
  ///   where the configuration wants more.
  package func require(_ questions: [StoredQuestion]) throws(DataError) {
    guard isStrict,
      let first = questions.first(where: { verdict($0.groundTruth, to: $0) == nil })
    else { return }
    throw DataError(
      file: first.file, record: first.id,
      problem: first.facts == nil
        ? "has no facts, evaluate.grader semantic needs them; expected auto or text"
        : "asks \"\(first.question)\", which the grader of the data source does not know; "
          + "evaluate.grader semantic needs it, expected auto or text")
  }
}
