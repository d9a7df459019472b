import Tensor

/// The kinds of things that emoji and stamps show.
public enum ThingKind: String, CaseIterable, Sendable {
  /// One of the five kinds, by its name.
  case nature, food, place, object, activity

  /// With its article, as it stands in questions.
  var words: String {
    switch self {
    case .nature: "an animal or plant"
    case .food: "food or drink"
    case .place: "a place or vehicle"
    case .object: "an object"
    case .activity: "a game or event"
    }
  }

  /// The words as an answer.
  var answer: String { sentence(words) }
}

/// What is asked about a picture of one thing.
enum ThingQuestion: WordedQuestion {
  /// What is it?
  case name
  /// What kind of thing is it?
  case kind
  /// Is it of this kind?
  case isKind(ThingKind)
  /// What is its main colour?
  case colour
  /// What kind of thing is it, and of which colour?
  case describe

  /// Draws a question: the share `describing` of pictures with a main colour are described; of the others 40
  /// % kind, 30 % colour (kind, for a picture without a main colour), 30 % yes/no; where names are asked for,
  /// they take a tenth of all.
  init(
    kind: ThingKind, colour: MainColour?, asksNames: Bool, describing: Double = 0,
    using generator: inout RandomGenerator
  ) {
    if describing > 0, generator.uniform() < describing, colour != nil {
      self = .describe
      return
    }
    if asksNames, generator.integer(below: 10) == 0 {
      self = .name
      return
    }
    switch generator.integer(below: 10) {
    case 0..<4: self = .kind
    case 4..<7: self = colour == nil ? .kind : .colour
    default:
      let others = ThingKind.allCases.filter { $0 != kind }
      self = generator.integer(below: 2) == 0 ? .isKind(kind) : .isKind(others[generator.integer(below: 4)])
    }
  }

  var family: String {
    switch self {
    case .name: "name"
    case .kind: "kind"
    case .isKind: "yes_no"
    case .colour: "color"
    case .describe: "describe"
    }
  }

  var wordings: [String] {
    switch self {
    case .name: ["What is in the picture?", "What does the picture show?"]
    case .kind: ["What kind of thing is this?", "What kind of thing is in the picture?"]
    case .isKind(let kind): ["Is this \(kind.words)?"]
    case .colour: ["What is its main color?", "What color is it mostly?"]
    case .describe: describingWordings
    }
  }

  /// The answer for a picture; `nil` when the question does not apply to it.
  func answer(name: String, kind: ThingKind, colour: MainColour?) -> String? {
    switch self {
    case .name: sentence(name)
    case .kind: kind.answer
    case .isKind(let asked): asked == kind ? "Yes." : "No."
    case .colour: colour.map { sentence($0.rawValue) }
    case .describe: colour.map { sentence("\(kind.words), mostly \($0.rawValue)") }
    }
  }

  static let byWording = table(
    of: [.name, .kind, .colour, .describe] + ThingKind.allCases.map(ThingQuestion.isKind))
}

/// A phrase as an answer: a capital at its beginning, one full stop at its end.
private func sentence(_ phrase: String) -> String {
  phrase.prefix(1).uppercased() + phrase.dropFirst() + (phrase.hasSuffix(".") ? "" : ".")
}
