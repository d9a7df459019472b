extension FashionQuestion {
  /// The words in which clothes are compared and found.
  static func words(_ style: AnswerStyle) -> FactWords {
    @Sendable func worn(_ place: String) -> String {
      place == "carried" ? "carried" : "worn on the \(place)"
    }
    return FactWords(
      mark: "item",
      attributes: [
        .init(
          key: "item", same: "show the same item", different: "show different items",
          one: { "shows \(withArticle($0))" }, several: { "show \(withArticle($0))" },
          nouns: ["item", "items"]),
        .init(
          key: "tone", same: "have the same tone", different: "have different tones", one: { "is \($0)" },
          several: { "are \($0)" }, nouns: ["tone", "tones"]),
        .init(
          key: "worn", same: "show items worn in the same place",
          different: "show items worn in different places", one: { "shows an item \(worn($0))" },
          several: { "show items \(worn($0))" }, nouns: ["place", "places"]),
      ],
      descriptions: [["item"], ["tone"], ["item", "tone"], ["worn"]],
      description: { facts in
        if let place = facts["worn"] { return "an item \(worn(place))" }
        guard let tone = facts["tone"] else { return withArticle(facts["item"] ?? "item") }
        return "a \(tone) \(facts["item"] ?? "item")"
      },
      grammar: grader.grammar, style: style, isCapitalized: true)
  }

  /// `an ankle boot`.
  private static func withArticle(_ noun: String) -> String {
    nouns.firstIndex(of: noun).map { FashionMNIST.classNames[$0] } ?? "an \(noun)"
  }
}
