extension ShapeQuestion {
  /// The words in which scenes are compared and found.
  static func words(_ style: AnswerStyle) -> FactWords {
    FactWords(
      mark: "shape",
      attributes: [
        .init(
          key: "color", same: "have the same color", different: "have different colors",
          one: { "is \($0)" }, several: { "are \($0)" }, nouns: ["color", "colour", "colors", "colours"]),
        .init(
          key: "shape", same: "show the same shape", different: "show different shapes",
          one: { "shows a \($0)" }, several: { "show a \($0)" }, nouns: ["shape", "shapes"]),
      ],
      descriptions: [["color"], ["shape"], ["color", "shape"]],
      description: { facts in "a " + [facts["color"], facts["shape"] ?? "shape"].joinedWords },
      grammar: grader.grammar, style: style, isCapitalized: false)
  }
}

extension [String?] {
  /// Those that are there, with a space between them.
  var joinedWords: String { compactMap(\.self).joined(separator: " ") }
}
