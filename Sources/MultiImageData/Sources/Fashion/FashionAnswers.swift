/// What answers about clothes say, in several wordings.
extension FashionQuestion {
  /// The classes without their article, as facts have them.
  static let nouns = FashionMNIST.classNames.map { String($0.drop { $0 != " " }.dropFirst()) }

  /// What is asked for.
  var asked: AskedFacts {
    switch self {
    case .describe: AskedFacts(attributes: ["item", "tone"])
    case .name: AskedFacts(attributes: ["item"])
    case .choice(let first, let second):
      AskedFacts(attributes: ["item"], assumed: ["item": [Self.nouns[first], Self.nouns[second]]])
    case .isClass(let label): AskedFacts(statement: .init(attribute: "item", value: Self.nouns[label]))
    case .worn: AskedFacts(attributes: ["worn"])
    case .tone: AskedFacts(attributes: ["tone"])
    }
  }

  /// What answers can claim about a picture; no tone for one that is neither light nor dark.
  static func facts(label: Int, tone: FashionMNIST.Tone?) -> [String: String] {
    var facts = ["item": nouns[label], "worn": place(label)]
    facts["tone"] = tone?.rawValue
    return facts
  }

  /// Where a class is worn, as facts have it.
  private static func place(_ label: Int) -> String {
    switch label {
    case 5, 7, 9: "feet"
    case 1: "legs"
    case 3: "whole body"
    case 8: "carried"
    default: "upper body"
    }
  }

  /// The wordings of the right answer about a picture, in a fixed order; none where it has no answer.
  func sentences(label: Int, tone: FashionMNIST.Tone?) -> [String] {
    guard let answer = answer(label: label, tone: tone) else { return [] }
    let (item, noun) = (FashionMNIST.classNames[label], Self.nouns[label])
    let toned = tone.map { "a \($0.rawValue) \(noun)" }
    switch self {
    case .describe:
      let (toned, tone) = (toned ?? item, tone?.rawValue ?? "")
      return [
        "There is \(toned) in the picture.", "It is \(toned).", "The picture shows \(toned).",
        "The picture shows \(item) that is \(tone).",
      ]
    case .name, .choice:
      let sentences = [
        "There is \(item) in the picture.", "It is \(item).", "This is \(item).",
        "The picture shows \(item).",
      ]
      return sentences + (toned.map { ["There is \($0) in the picture."] } ?? [])
    case .isClass(let asked):
      let word = answer.dropLast()
      let sentences = [
        "\(word), it is \(item).", "\(word), this is \(item).", "\(word), the picture shows \(item).",
      ]
      let other = FashionMNIST.classNames[asked]
      return sentences + [asked == label ? "\(word), there is \(item)." : "\(word), it is not \(other)."]
    case .worn:
      let place = Self.place(label)
      let worn = place == "carried" ? "carried" : "worn on the \(place)"
      return [
        "It is \(worn).", "The item is \(worn).", "This item is \(worn).",
        "A" + item.dropFirst() + " is \(worn).",
      ]
    case .tone:
      guard let tone, let toned else { return [] }
      return [
        "It is \(tone.rawValue).", "The item is \(tone.rawValue).", "The \(noun) is \(tone.rawValue).",
        "There is \(toned) in the picture.",
      ]
    }
  }

  /// Grades answers about clothes.
  static let grader = SemanticGrader(
    grammar: AnswerGrammar([
      "item": AnswerGrammar.words(nouns).merging([
        "pair of trousers": ["pair of trousers", "trousers"], "ankle boot": ["ankle boot", "boot"],
        "T-shirt": ["T-shirt", "tshirt"],
      ]) { $1 },
      "worn": AnswerGrammar.words(["feet", "legs", "whole body", "carried", "upper body"]),
      "tone": AnswerGrammar.words(FashionMNIST.Tone.allCases.map(\.rawValue)),
    ]), mark: "item"
  ) { FashionQuestion(wording: $0)?.asked }
}
