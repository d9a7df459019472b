/// Conversations to learn, answer by answer.
extension PromptEncoder {
  /// The ids of a conversation, and which of them are answers, each with its end.
  ///
  /// - Parameters:
  ///   - turns: questions with `<image>` marks and their answers.
  ///   - grids: the features of its pictures, in the order of the marks.
  /// - Throws: ``PromptError``.
  public func conversation(
    _ turns: [(question: String, answer: String)], grids: [FeatureGrid]
  ) throws -> (ids: [Int32], answers: [Range<Int>]) {
    for (index, turn) in turns.enumerated() where !turn.answer.contains(where: { !$0.isWhitespace }) {
      throw PromptError.emptyAnswer(index: index, prompt: turn.question)
    }
    if let engine = template.engine { return try conversation(engine, turns, grids: grids) }
    var (ids, answers): ([Int32], [Range<Int>]) = ([], [])
    for (index, turn) in turns.enumerated() {
      ids +=
        index == 0
        ? try encode(template.prompt(turn.question), grids: grids) : try encode(laterQuestion: turn.question)
      let answer = try encode(answer: turn.answer, isLast: index == turns.count - 1)
      answers.append(ids.count..<ids.count + answer.count)
      ids += answer
    }
    return (ids, answers)
  }

  /// As ``conversation(_:grids:)``, with pictures of which only the number is known: each counts as one with
  /// the most features.
  public func conversation(
    _ turns: [(question: String, answer: String)], imageCount: Int
  ) throws -> (ids: [Int32], answers: [Range<Int>]) {
    try conversation(
      turns, grids: Array(repeating: geometry.largest(isAlone: imageCount == 1), count: imageCount))
  }
}
