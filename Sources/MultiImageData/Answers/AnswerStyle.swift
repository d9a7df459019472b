/// How a source words its answers.
public enum AnswerStyle: String, CaseIterable, Sendable {
  /// In sentences, each question in several wordings: `there is a blue circle in the picture.`
  case sentences
  /// In as few words as there are: `blue`.
  case words
}
