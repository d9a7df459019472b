/// Prompts with a system message of their own, and with turns before the question.
extension PromptEncoder {
  /// A question at the end of a conversation, with its pictures and any number of answers.
  ///
  /// Earlier turns are put together as a conversation is that supervised training learns: prompt, answer,
  /// further question, each encoded on its own.
  /// - Parameters:
  ///   - system: takes the place of the template's own system message; nil leaves it.
  ///   - history: earlier questions, which may show pictures, with their answers.
  ///   - question: the last one; `<image>` marks here and in the history stand for the pictures in order.
  ///   - images: indices into the image features, in the order of the marks.
  ///   - grids: the features of these pictures; without it each counts as one with the most features.
  ///   - answers: texts to score or to learn; none for generation.
  ///   - room: tokens that shall still fit after the prompt, for generation.
  /// - Throws: ``PromptError``.
  public func example(
    system: String?, history: [(question: String, answer: String)], question: String, images: [Int],
    grids: [FeatureGrid]? = nil, answers: [String] = [], room: Int = 0
  ) throws -> PackedExample {
    let grids = grids ?? images.map { _ in geometry.largest(isAlone: images.count == 1) }
    if let engine = template.engine {
      return try example(
        engine, system: system, history: history, question: question, images: images, grids: grids,
        answers: answers, room: room)
    }
    let questions = history.map(\.question) + [question]
    let marks = questions.map { $0.ranges(of: Tokenizer.imageMark).count }
    guard marks.reduce(0, +) == grids.count else {
      throw PromptError.imageCount(marks: marks.reduce(0, +), images: grids.count, prompt: question)
    }
    var ids: [Int32] = []
    var shown = 0
    for (turn, text) in questions.enumerated() {
      let own = Array(grids[shown..<(shown + marks[turn])])
      shown += marks[turn]
      if turn == 0 {
        ids = try encode(opening(text, system: system), grids: own, prompt: text)
      } else {
        ids += try encode(
          joined(
            parts(template.beforeLaterQuestion, findsTokens: true)
              + parts(template.opened(text), findsTokens: false)
              + parts(template.afterQuestion, findsTokens: true)), grids: own, prompt: text, isFirst: false)
      }
      if turn < history.count {
        let answer = history[turn].answer
        guard answer.contains(where: { !$0.isWhitespace }) else {
          throw PromptError.emptyAnswer(index: turn, prompt: text)
        }
        ids += try encode(answer: answer, isLast: false)
      }
    }
    return try example(ids, question: question, images: images, answers: answers, room: room)
  }

  /// The parts of the first question. Of a system message every character is text.
  private func opening(_ question: String, system: String?) -> [Part] {
    guard let system else {
      return joined(
        parts(template.beforeQuestion, findsTokens: true)
          + parts(template.opened(question), findsTokens: false)
          + parts(template.afterQuestion, findsTokens: true))
    }
    return joined(
      parts(template.systemFrame.before, findsTokens: true) + [.text(system)]
        + parts(template.systemFrame.after, findsTokens: true)
        + parts(template.opened(question), findsTokens: false)
        + parts(template.afterQuestion, findsTokens: true))
  }
}
