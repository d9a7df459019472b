/// What answers about scenes say, in several wordings.
extension ShapeQuestion {
  /// What is asked for.
  var asked: AskedFacts {
    switch self {
    case .describe: AskedFacts(attributes: ["color", "shape"])
    case .colour(let shape):
      AskedFacts(attributes: ["color"], assumed: shape.map { ["shape": [$0.rawValue]] } ?? [:])
    case .shape(let colour):
      AskedFacts(attributes: ["shape"], assumed: colour.map { ["color": [$0.rawValue]] } ?? [:])
    case .hasColour(let colour, let negated):
      AskedFacts(statement: .init(attribute: "color", value: colour.rawValue, isNegated: negated))
    case .hasShape(let shape, let negated):
      AskedFacts(statement: .init(attribute: "shape", value: shape.rawValue, isNegated: negated))
    }
  }

  /// The wordings of the right answer about a scene, in a fixed order; none where ``answer(about:)`` is
  /// `nil`.
  ///
  /// Questions of different kinds share some of them, as in free answers.
  public func sentences(about scene: ShapeScene) -> [String] {
    guard let answer = answer(about: scene) else { return [] }
    let (colour, shape) = (scene.colour.rawValue, scene.shape.rawValue)
    switch self {
    case .describe:
      return [
        "there is a \(colour) \(shape) in the picture.", "a \(colour) \(shape) is shown.",
        "the picture shows a \(shape) that is \(colour).", "the picture shows a \(colour) \(shape).",
        "it is a \(colour) \(shape).",
      ]
    case .colour:
      return [
        "there is a \(colour) \(shape) in the picture.", "a \(colour) \(shape) is shown.",
        "its color is \(colour).", "it is \(colour).", "the \(shape) is \(colour).",
      ]
    case .shape:
      return [
        "there is a \(colour) \(shape) in the picture.", "a \(colour) \(shape) is shown.",
        "the picture shows a \(shape).", "it is a \(shape).", "the \(colour) shape is a \(shape).",
      ]
    case .hasColour(let asked, _):
      let sentences =
        asked == scene.colour
        ? ["there is a \(colour) shape.", "it is a \(colour) \(shape).", "the \(shape) is \(colour)."]
        : [
          "there is no \(asked.rawValue) shape.", "it is a \(colour) \(shape).", "the shape is \(colour).",
          "it is not \(asked.rawValue).",
        ]
      return sentences.map { "\(answer), \($0)" }
    case .hasShape(let asked, _):
      let sentences =
        asked == scene.shape
        ? ["there is a \(shape).", "it is a \(colour) \(shape).", "the picture shows a \(shape)."]
        : [
          "there is no \(asked.rawValue).", "it is a \(colour) \(shape).", "the picture shows a \(shape).",
          "it is not a \(asked.rawValue).",
        ]
      return sentences.map { "\(answer), \($0)" }
    }
  }

  /// Grades answers about scenes.
  package static let grader = SemanticGrader(
    grammar: AnswerGrammar([
      "color": AnswerGrammar.colours(ShapeScene.Colour.allCases.map(\.rawValue)),
      "shape": AnswerGrammar.words(ShapeScene.Shape.allCases.map(\.rawValue)),
    ]), mark: "shape"
  ) { ShapeQuestion($0)?.asked }
}

extension ShapeScene {
  /// What answers can claim about the scene.
  var facts: [String: String] { ["color": colour.rawValue, "shape": shape.rawValue] }
}

extension AnswerGrammar {
  /// Values that are spelled as they are.
  static func words(_ values: [String]) -> [String: [String]] {
    Dictionary(uniqueKeysWithValues: values.map { ($0, [$0]) })
  }

  /// Colours by name; gray also in British spelling.
  static func colours(_ names: [String]) -> [String: [String]] {
    Dictionary(uniqueKeysWithValues: names.map { ($0, $0 == "gray" ? ["gray", "grey"] : [$0]) })
  }
}
