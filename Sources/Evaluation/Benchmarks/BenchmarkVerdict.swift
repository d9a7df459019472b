import MultiImageData

/// What an answer was read as, and whether that is right.
package struct BenchmarkVerdict: Sendable, Equatable {
  /// The letter of an option, `Yes` or `No`, or the answer itself; `Z` (`Unknown` for yes and no) where the
  /// rules read none.
  package var extracted: String
  /// Whether the rules read an answer.
  package var isRead: Bool
  /// Whether it is right; false where none was read.
  package var isRight: Bool

  /// Reads a generated answer.
  package init(_ prediction: String, row: BenchmarkRow, answers: BenchmarkPreset.Answers) {
    let right = row.reference?.text
    func option(_ letter: String?) -> BenchmarkVerdict {
      let isRead = letter != nil && letter != "Z"
      return BenchmarkVerdict(extracted: letter ?? "Z", isRead: isRead, isRight: isRead && letter == right)
    }
    switch answers {
    case .choice: self = option(OptionMatching.letter(in: prediction, options: row.options))
    case .optionText: self = option(OptionMatching.letterOfVideoAnswer(prediction, options: row.options))
    case .choiceOrText where !row.options.isEmpty:
      self = option(OptionMatching.letter(in: prediction, options: row.options))
    case .choiceOrText:
      let letter = OptionMatching.letter(
        in: prediction, options: [.init("A", right ?? ""), .init("B", "Other Answers")])
      self.init(
        extracted: letter ?? "Z", isRead: letter != nil && letter != "Z", isRight: letter == "A")
    case .yesNo:
      let found = YesNoMatching.answer(in: prediction)
      self.init(extracted: found ?? "Unknown", isRead: found != nil, isRight: found != nil && found == right)
    case .typed where !row.options.isEmpty:
      self = option(OptionMatching.letter(in: prediction, options: row.options))
    case .typed:
      let value = OpenMatching.value(of: prediction, type: row.reference?.type ?? "text")
      self.init(extracted: value ?? "", isRead: value != nil, isRight: value != nil && value == right)
    case .parts:
      let text = prediction.trimmingPythonSpace()
      self.init(
        extracted: text, isRead: !text.isEmpty,
        isRight: right.map { OpenMatching.satisfies(text, reference: $0) } ?? false)
    case .text:
      let text = AnswerText.normalized(prediction)
      self.init(
        extracted: text, isRead: !text.isEmpty,
        isRight: !text.isEmpty && right.map { AnswerText.matches(text, $0) } ?? false)
    }
  }

  /// Takes the likeliest of the options of a row.
  package init?(_ scores: [Double], row: BenchmarkRow, answers: BenchmarkPreset.Answers) {
    let names = row.choices(answers).map(\.letter)
    guard !names.isEmpty, scores.count == names.count,
      let best = scores.indices.max(by: { (scores[$0], $1) < (scores[$1], $0) })
    else { return nil }
    self.init(extracted: names[best], isRead: true, isRight: names[best] == row.reference?.text)
  }

  private init(extracted: String, isRead: Bool, isRight: Bool) {
    self.extracted = extracted
    self.isRead = isRead
    self.isRight = isRight
  }
}

extension BenchmarkRow {
  /// What can be chosen: the options, or yes and no; nothing where the question is open.
  func choices(_ answers: BenchmarkPreset.Answers) -> [OptionMatching.Option] {
    answers == .yesNo ? [.init("Yes", "Yes"), .init("No", "No")] : options
  }
}
