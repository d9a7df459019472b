/// Comparison of short answers.
public enum AnswerText {
  /// Lower case, punctuation removed, white space collapsed: `" A  pullover. "` becomes `"a pullover"`.
  ///
  /// A full stop or comma between digits stays, so that `1.5` and `15` differ.
  public static func normalized(_ text: String) -> String {
    let characters = Array(text.lowercased())
    var kept = ""
    for (i, character) in characters.enumerated() {
      if character.isPunctuation || character.isSymbol {
        let between =
          (character == "." || character == ",") && i > 0 && i + 1 < characters.count
          && characters[i - 1].isNumber && characters[i + 1].isNumber
        kept.append(between ? character : " ")
      } else {
        kept.append(character)
      }
    }
    return kept.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  /// Whether two answers are the same after ``normalized(_:)``.
  public static func matches(_ a: String, _ b: String) -> Bool { normalized(a) == normalized(b) }

  /// Whether `prediction` is wrong for the asked image but right for another one of the prompt.
  public static func isFromAnotherImage(
    _ prediction: String, answer: String, answersOfOthers: [String]
  ) -> Bool {
    !matches(prediction, answer) && answersOfOthers.contains { matches(prediction, $0) }
  }
}
