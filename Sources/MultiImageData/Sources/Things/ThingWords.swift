extension ThingQuestion {
  /// The words in which emoji and stamps are compared and found; by their names they are not, of which there
  /// is one for each picture.
  static func words(_ style: AnswerStyle) -> FactWords {
    @Sendable func kind(_ value: String) -> String { ThingKind(rawValue: value)?.words ?? value }
    return FactWords(
      mark: "kind",
      attributes: [
        .init(
          key: "kind", same: "show the same kind of thing", different: "show different kinds of things",
          one: { "shows \(kind($0))" }, several: { "show \(kind($0))" }, nouns: ["kind", "kinds"]),
        .init(
          key: "color", same: "have the same main color", different: "have different main colors",
          one: { "is mostly \($0)" }, several: { "are mostly \($0)" },
          nouns: ["color", "colour", "colors", "colours"]),
      ],
      descriptions: [["kind"], ["color"], ["kind", "color"]],
      description: { facts in
        let colour = facts["color"].map { "mostly \($0)" }
        guard let kind = facts["kind"].map(kind) else { return ["something", colour].joinedWords }
        return [kind, colour.map { "that is \($0)" }].joinedWords
      },
      grammar: grader.grammar, style: style, isCapitalized: true)
  }
}
