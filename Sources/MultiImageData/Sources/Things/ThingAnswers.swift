/// What answers about single things say, in several wordings.
extension ThingQuestion {
  /// What is asked for.
  var asked: AskedFacts {
    switch self {
    case .describe: AskedFacts(attributes: ["kind", "color"])
    case .name: AskedFacts(attributes: ["name"])
    case .kind: AskedFacts(attributes: ["kind"])
    case .isKind(let kind): AskedFacts(statement: .init(attribute: "kind", value: kind.rawValue))
    case .colour: AskedFacts(attributes: ["color"])
    }
  }

  /// What answers can claim about a picture; no colour for one that is of several.
  static func facts(name: String, kind: ThingKind, colour: MainColour?) -> [String: String] {
    var facts = ["name": name, "kind": kind.rawValue]
    facts["color"] = colour?.rawValue
    return facts
  }

  /// The wordings of the right answer about a picture, in a fixed order; none where it has no answer.
  func sentences(name: String, kind: ThingKind, colour: MainColour?) -> [String] {
    guard let answer = answer(name: name, kind: kind, colour: colour) else { return [] }
    let words = kind.words
    let coloured = colour.map { "The picture shows \(words) that is mostly \($0.rawValue)." }
    switch self {
    case .describe:
      guard let colour, let coloured else { return [] }
      return [
        coloured, "There is \(words) in the picture, mostly \(colour.rawValue).",
        "It is \(words) and mostly \(colour.rawValue).", "This is \(words). It is mostly \(colour.rawValue).",
      ]
    case .name:
      return [answer, "It is: \(name).", "The picture shows: \(name).", "In the picture is: \(name)."]
    case .kind:
      let sentences = [
        "It is \(words).", "This is \(words).", "The picture shows \(words).",
        "There is \(words) in the picture.",
      ]
      return sentences + (coloured.map { [$0] } ?? [])
    case .isKind(let asked):
      let word = answer.dropLast()
      let sentences = [
        "\(word), it is \(words).", "\(word), this is \(words).", "\(word), the picture shows \(words).",
      ]
      return sentences + [
        asked == kind ? "\(word), there is \(words)." : "\(word), it is not \(asked.words)."
      ]
    case .colour:
      guard let colour, let coloured else { return [] }
      return [
        "It is mostly \(colour.rawValue).", "Its main color is \(colour.rawValue).",
        "The thing is mostly \(colour.rawValue).", coloured,
      ]
    }
  }

  /// Grades answers about emoji and stamps.
  static let grader = SemanticGrader(
    grammar: AnswerGrammar([
      "kind": Dictionary(
        uniqueKeysWithValues: ThingKind.allCases.map { kind in
          // Without the article, so that another one may stand before it.
          let words = kind.words
          return (
            kind.rawValue, [words.hasPrefix("a") ? String(words.drop { $0 != " " }.dropFirst()) : words]
          )
        }),
      "color": AnswerGrammar.colours(MainColour.allCases.map(\.rawValue)),
    ]), openAttribute: "name", mark: "kind"
  ) { ThingQuestion(wording: $0)?.asked }
}
