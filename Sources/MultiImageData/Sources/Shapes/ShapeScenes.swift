public import LVLM
import Records
import Tensor

/// Procedural pictures of one shape with easy-VQA's questions: data without any file.
///
/// Every scene and question is a pure function of the seed, the split and the index. Yes/no questions are
/// balanced: half of the answers are yes.
public struct ShapeScenes: QuestionSource {
  /// The families, with the share of questions each has.
  public struct Shares: Sendable, Equatable {
    /// `color`: what color is the shape?
    public var colour: Double
    /// `shape`: what shape is present?
    public var shape: Double
    /// `yes_no`: is there a red shape?
    public var yesNo: Double
    /// Whether half of the yes/no questions are asked in the negative: is there not a red shape?
    public var negations: Bool
    /// `describe`: what is in the picture?
    public var describe: Double

    /// Creates shares; only their proportions count.
    public init(
      colour: Double = 0.4, shape: Double = 0.4, yesNo: Double = 0.2, negations: Bool = true,
      describe: Double = 0
    ) {
      self.colour = colour
      self.shape = shape
      self.yesNo = yesNo
      self.negations = negations
      self.describe = describe
    }
  }

  /// What all scenes are drawn from.
  public let seed: UInt64
  /// The side of the pictures in pixels.
  public let size: Int
  private let counts: [DataSplit: Int]
  private let shares: Shares
  private let answers: AnswerStyle

  /// Creates a source.
  /// - Parameters:
  ///   - size: the side of the pictures in pixels, at least 8.
  ///   - counts: the records in each split; 0 where none is given.
  ///   - answers: how ground truth is worded.
  public init(
    seed: UInt64, size: Int = 64, counts: [DataSplit: Int], shares: Shares = Shares(),
    answers: AnswerStyle = .words
  ) {
    tensorRequire(size >= 8, "ShapeScenes", "pictures need at least 8 pixels a side, found \(size)")
    self.seed = seed
    self.size = size
    self.counts = counts
    self.shares = shares
    self.answers = answers
  }

  public var name: String { "shapes" }
  public var families: [String] {
    ["color", "shape", "yes_no"] + (shares.describe > 0 ? ["describe"] : [])
  }
  public var grader: (any AnswerGrader)? { ShapeQuestion.grader }
  public var factWords: [FactWords] { [ShapeQuestion.words(answers)] }
  public var answersAboutAnyImage: Bool { true }

  public func count(of split: DataSplit) -> Int { counts[split] ?? 0 }

  public func image(_ split: DataSplit, _ index: Int) -> ImageReference {
    ImageReference(path: "shapes/\(split.rawValue)/\(paddedNumber(index, 6)).png", split: split, index: index)
  }

  /// The scene at `index` of `split`.
  public func scene(_ split: DataSplit, _ index: Int) -> ShapeScene {
    var generator = generator(split, index)
    return ShapeScene(using: &generator)
  }

  public func record(_ split: DataSplit, _ index: Int) -> SingleImageRecord {
    tensorRequire(
      index >= 0 && index < count(of: split), "ShapeScenes", "no record \(index) in \(split.rawValue)")
    let scene = scene(split, index)
    var generator = generator(split, index).split(1)
    let (question, family) = question(about: scene, using: &generator)
    let text = question.wordings[generator.integer(below: question.wordings.count)]
    let reference = image(split, index)
    return SingleImageRecord(
      id: "shapes-\(split.rawValue)-\(paddedNumber(index, 6))", image: reference, question: text,
      answer: wordedAnswer(to: text, about: reference, using: &generator) ?? "", family: family)
  }

  public func image(for reference: ImageReference) -> RGBImage {
    scene(reference.split, reference.index).picture(size: size)
  }

  public func answer(to question: String, about image: ImageReference) -> String? {
    ShapeQuestion(question)?.answer(about: scene(image.split, image.index))
  }

  public func answerWordings(to question: String, about image: ImageReference) -> [String] {
    guard let question = ShapeQuestion(question) else { return [] }
    let scene = scene(image.split, image.index)
    return answers == .sentences
      ? question.sentences(about: scene) : question.answer(about: scene).map { [$0] } ?? []
  }

  public func facts(of image: ImageReference) -> [String: String]? { scene(image.split, image.index).facts }

  private func generator(_ split: DataSplit, _ index: Int) -> RandomGenerator {
    RandomGenerator(seed: seed, stream: 0x5348_4150 + split.ordinal).split(UInt64(index))
  }

  private func question(
    about scene: ShapeScene, using generator: inout RandomGenerator
  ) -> (ShapeQuestion, String) {
    let openAndClosed = shares.colour + shares.shape + shares.yesNo
    if shares.describe > 0, generator.uniform() * (openAndClosed + shares.describe) < shares.describe {
      return (.describe, "describe")
    }
    let place = generator.uniform() * openAndClosed
    let isSpecific = generator.integer(below: 2) == 0
    if place < shares.colour {
      return (.colour(of: isSpecific ? scene.shape : nil), "color")
    }
    if place < shares.colour + shares.shape {
      return (.shape(of: isSpecific ? scene.colour : nil), "shape")
    }
    let negated = generator.integer(below: 2) == 0 && shares.negations
    let isPresent = generator.integer(below: 2) == 0
    if isSpecific {
      return (.hasColour(pick(scene.colour, isPresent, using: &generator), negated: negated), "yes_no")
    }
    return (.hasShape(pick(scene.shape, isPresent, using: &generator), negated: negated), "yes_no")
  }

  /// `value` itself, or one of the others.
  private func pick<Value: CaseIterable & Equatable>(
    _ value: Value, _ same: Bool, using generator: inout RandomGenerator
  ) -> Value {
    if same { return value }
    let others = Value.allCases.filter { $0 != value }
    return others[generator.integer(below: others.count)]
  }
}
