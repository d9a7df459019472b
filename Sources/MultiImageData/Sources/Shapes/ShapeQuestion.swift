/// What is asked about a scene with one shape: easy-VQA's question forms.
public enum ShapeQuestion: Hashable, Sendable, WordedQuestion {
  /// The colour of the shape, or of a shape that is named.
  case colour(of: ShapeScene.Shape?)
  /// The shape that is present, or the one of a colour that is named.
  case shape(of: ShapeScene.Colour?)
  /// Whether there is a shape of a colour; `negated` asks whether there is none.
  case hasColour(ShapeScene.Colour, negated: Bool)
  /// Whether there is a certain shape; `negated` asks whether there is none.
  case hasShape(ShapeScene.Shape, negated: Bool)

  /// What the picture shows: shape and colour.
  case describe

  /// The answer, in easy-VQA's words; `nil` when the question names a shape or colour the scene does not
  /// have.
  public func answer(about scene: ShapeScene) -> String? {
    switch self {
    case .describe:
      return "\(scene.colour.rawValue) \(scene.shape.rawValue)"
    case .colour(let shape):
      return shape == nil || shape == scene.shape ? scene.colour.rawValue : nil
    case .shape(let colour):
      return colour == nil || colour == scene.colour ? scene.shape.rawValue : nil
    case .hasColour(let colour, let negated):
      return (colour == scene.colour) != negated ? "yes" : "no"
    case .hasShape(let shape, let negated):
      return (shape == scene.shape) != negated ? "yes" : "no"
    }
  }

  /// All wordings of this question, in a fixed order.
  public var wordings: [String] {
    switch self {
    case .describe:
      return [
        "describe the picture.", "describe what you see.", "what is in the picture?",
        "what does the picture show?",
      ]
    case .colour(let shape):
      let thing = shape?.rawValue ?? "shape"
      return ["what color is the \(thing)?", "what is the color of the \(thing)?"]
    case .shape(.some(let colour)):
      return ["what is the \(colour.rawValue) shape?"]
    case .shape(.none):
      return ["what shape is present?", "what shape is in the image?", "what shape does the image contain?"]
    case .hasColour(let colour, let negated):
      return Self.existence(of: colour.rawValue + " shape", negated: negated)
    case .hasShape(let shape, let negated):
      return Self.existence(of: shape.rawValue, negated: negated)
    }
  }

  /// Every question, in a fixed order.
  public static let all: [ShapeQuestion] = {
    var questions: [ShapeQuestion] = [.describe, .colour(of: nil), .shape(of: nil)]
    questions += ShapeScene.Shape.allCases.map { .colour(of: $0) }
    questions += ShapeScene.Colour.allCases.map { .shape(of: $0) }
    for negated in [false, true] {
      questions += ShapeScene.Colour.allCases.map { .hasColour($0, negated: negated) }
      questions += ShapeScene.Shape.allCases.map { .hasShape($0, negated: negated) }
    }
    return questions
  }()

  static let byWording = table(of: all)

  /// The question a text asks; `nil` for any other text.
  public init?(_ text: String) {
    self.init(wording: text)
  }

  private static func existence(of thing: String, negated: Bool) -> [String] {
    let not = negated ? " not" : ""
    return [
      "is there\(not) a \(thing)?", "is there\(not) a \(thing) in the image?",
      "does the image\(not) contain a \(thing)?", "is \(negated ? "no" : "a") \(thing) present?",
    ]
  }
}
