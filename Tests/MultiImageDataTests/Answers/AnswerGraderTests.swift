import LVLM
import MultiImageData
import Tensor
import TestData
import TestSupport
import Testing

@Suite("What answers claim") struct AnswerGraderTests {
  static let source = ShapeScenes(seed: 1, counts: [:], answers: .sentences)

  static let scenes: [ShapeScene] = {
    var generator = RandomGenerator(seed: 1)
    let scene = ShapeScene(using: &generator)
    return ShapeScene.Shape.allCases.flatMap { shape in
      ShapeScene.Colour.allCases.map { colour in
        var scene = scene
        (scene.shape, scene.colour) = (shape, colour)
        return scene
      }
    }
  }()

  static func facts(_ scene: ShapeScene) -> [String: String] {
    ["color": scene.colour.rawValue, "shape": scene.shape.rawValue]
  }

  static func verdict(_ answer: String, _ question: String, _ color: String, _ shape: String)
    -> AnswerVerdict?
  {
    source.grader?.verdict(of: answer, to: question, facts: ["color": color, "shape": shape])
  }

  @Test("Every wording of every question is right for the scenes that are answered so, and for no other")
  func shapes() throws {
    let grader = try #require(Self.source.grader)
    var overlapping: [String: Set<String>] = [:]
    for question in ShapeQuestion.all {
      let text = question.wordings[0]
      for scene in Self.scenes {
        let sentences = question.sentences(about: scene)
        #expect(sentences.isEmpty == (question.answer(about: scene) == nil))
        #expect(sentences.isEmpty || sentences.count >= 3 && Set(sentences).count == sentences.count)
        for sentence in sentences {
          overlapping[sentence, default: []].insert(text)
          for other in Self.scenes {
            let expected = question.sentences(about: other)
            let found = grader.verdict(of: sentence, to: text, facts: Self.facts(other))
            if expected.isEmpty {
              #expect(found == nil, "\(text) does not apply to \(other)")
            } else {
              #expect(found?.isRight == expected.contains(sentence), "\(text) \(sentence) \(other)")
            }
          }
        }
      }
    }
    #expect(
      overlapping["there is a blue circle in the picture."]?.count == 5, "kinds of questions share wordings")
  }

  @Test("Words alone are right where they are the answer")
  func words() {
    for question in ShapeQuestion.all {
      for wording in question.wordings {
        for scene in Self.scenes {
          guard let answer = question.answer(about: scene) else { continue }
          for text in [answer, answer.uppercased() + "!", "  \(answer)."] {
            #expect(Self.source.grader?.verdict(of: text, to: wording, facts: Self.facts(scene)) == .right)
          }
        }
      }
    }
  }

  @Test(
    "Paraphrases of a blue circle",
    arguments: [
      ("what color is the shape?", "The circle's blue"), ("what color is the shape?", "I see a BLUE shape."),
      ("what color is the shape?", "it isn't red, it's blue"), ("what color is the shape?", "blue, not red"),
      ("what shape is present?", "The photo contains a circle, and it is colored blue."),
      ("what shape is present?", "not a triangle but a circle"),
      ("what is in the picture?", "A circle. Blue."), ("what is in the picture?", "neither red nor square: "),
      ("is there a blue shape?", "it is blue"), ("is there a blue shape?", "Yes, it is."),
      ("is there a blue shape?", "yes"), ("is there a red shape?", "no it is blue"),
      ("is there a red shape?", "No, it is not."), ("is there a red shape?", "No, there isn’t."),
      ("is there a red shape?", "there is no red shape"),
      ("is there a red shape?", "the circle is not red or green"),
      ("is there not a red shape?", "yes, there is no red shape"),
      ("is there not a red shape?", "it is blue"),
      ("is there a circle?", "Yes: a circle, blue"),
      ("is no triangle present?", "yes, no triangle is present"),
    ])
  func paraphrases(question: String, answer: String) {
    let expected: AnswerVerdict = answer.contains("square") ? .wrong : .right
    #expect(Self.verdict(answer, question, "blue", "circle") == expected)
  }

  @Test(
    "What is false, contradicts itself or cannot be read about a blue circle",
    arguments: [
      ("what color is the shape?", "red"), ("what color is the shape?", "it is red and blue."),
      ("what color is the shape?", "it is blue or red."), ("what color is the shape?", "it is not blue."),
      ("what color is the shape?", "it is blue, it is not blue."), ("what color is the shape?", "light blue"),
      ("what color is the shape?", "there is a blue triangle in the picture."),
      ("what color is the shape?", "yes"), ("what color is the shape?", "no, it is blue."),
      ("what color is the shape?", "bl"), ("what color is the shape?", "blueish"),
      ("what color is the shape?", "blue <0x7F>"), ("what color is the shape?", "\u{FFFD}blue"),
      ("what color is the shape?", "it is not."), ("what color is the shape?", "there is no shape. blue"),
      ("what is in the picture?", "a blue circle and a red triangle"),
      ("what is in the picture?", "there is no blue circle"), ("what is in the picture?", "two blue circle"),
      ("is there a blue shape?", "no"), ("is there a blue shape?", "yes, it is not."),
      ("is there a blue shape?", "yes. no."), ("is there a blue shape?", "yes, it is red."),
      ("is there a blue shape?", "yes, there is a blue triangle."),
      ("is there a blue shape?", "No, it isn't"),
      ("is there a red shape?", "yes, the shape is not red"), ("is there a red shape?", "no, it is green."),
      ("is there not a red shape?", "no, it is blue."), ("is there a red shape?", "there is no shape"),
    ])
  func contradictions(question: String, answer: String) {
    #expect(Self.verdict(answer, question, "blue", "circle") == .wrong)
  }

  @Test(
    "What is true of a blue circle and is not all that was asked",
    arguments: [
      ("what color is the shape?", ""), ("what color is the shape?", " . "),
      ("what color is the shape?", "the"),
      ("what color is the shape?", "it is a circle."), ("what color is the shape?", "it is not red."),
      ("what is in the picture?", "a circle"), ("what is in the picture?", "it is blue."),
      ("is there a red shape?", "there is no red triangle."), ("is there a red shape?", "it is a circle"),
      ("is there a red shape?", "it is not green"),
    ])
  func incomplete(question: String, answer: String) {
    #expect(Self.verdict(answer, question, "blue", "circle") == .incomplete)
  }

  @Test func whatNobodyKnows() throws {
    let grader = try #require(Self.source.grader)
    #expect(grader.verdict(of: "blue", to: "who?", facts: ["color": "blue", "shape": "circle"]) == nil)
    #expect(grader.verdict(of: "blue", to: "what color is the shape?", facts: ["shape": "circle"]) == nil)
    #expect(grader.verdict(of: "blue", to: "what color is the shape?", facts: ["item": "coat"]) == nil)
    #expect(Self.verdict("blue", "what color is the circle?", "blue", "triangle") == nil)
  }

  @Test("Clothes and things: every wording is right for pictures that are answered so, and for no other")
  func picturesOnFile() throws {
    let folder = try TemporaryFolder()
    let (font, names) = try SmallFont.write(to: folder)
    let emoji = try ThingPictures.emoji(
      font: font, names: names, seed: 1, size: 16, describeShare: 0.3, answers: .sentences)
    let idx = try SmallFashion.small()
    let clothes = try FashionMNIST(
      folder: idx.path, seed: 1, describeShare: 0.3, answers: .sentences)
    let fashion =
      (0..<10).map { "Is this \(FashionMNIST.classNames[$0])?" } + [
        "What is this?", "Is this a coat or a shirt?", "Where is this item worn?",
        "Is the item light or dark?",
        "Describe the picture.",
      ]
    let things = [
      "What is in the picture?", "What kind of thing is this?", "Is this food or drink?",
      "Is this an object?",
      "What is its main color?", "Describe what you see.",
    ]
    let parts: [(source: any QuestionSource, questions: [String])] = [(clothes, fashion), (emoji, things)]
    let mixture = SourceMixture(parts.map { ($0.source, 1) }, counts: [.sft: 40])
    for (source, questions) in parts {
      let images = (0..<min(24, source.count(of: .sft))).map { source.image(.sft, $0) }
      let graders = [try #require(source.grader), try #require(mixture.grader)]
      for question in questions {
        var asked = 0
        for image in images {
          let sentences = source.answerWordings(to: question, about: image)
          #expect(sentences.isEmpty || sentences.count >= 4)
          #expect(sentences.isEmpty == (source.answer(to: question, about: image) == nil))
          for (sentence, other) in sentences.flatMap({ sentence in images.map { (sentence, $0) } }) {
            let facts = try #require(source.facts(of: other))
            // A tone or colour that a picture does not have can be said of it: nobody knows better.
            guard facts["tone"] != nil || facts["color"] != nil else { continue }
            let expected = source.answerWordings(to: question, about: other)
            for grader in graders {
              let found = grader.verdict(of: sentence, to: question, facts: facts)
              #expect(
                found?.isRight == (expected.isEmpty ? nil : expected.contains(sentence)),
                "\(question) \(sentence) \(facts)")
            }
            asked += 1
          }
        }
        #expect(asked > 0, "\(question)")
      }
    }
    let coat = ["item": "coat", "worn": "upper body"]
    #expect(clothes.grader?.verdict(of: "A dark coat.", to: "What is this?", facts: coat) == .right)
    #expect(
      clothes.grader?.verdict(of: "It's a coat, worn on the feet.", to: "What is this?", facts: coat)
        == .wrong)
    #expect(clothes.grader?.verdict(of: "dark", to: "Is the item light or dark?", facts: coat) == nil)
    let boots = ["item": "T-shirt", "worn": "upper body", "tone": "light"]
    #expect(clothes.grader?.verdict(of: "a light t-shirt", to: "What is this?", facts: boots) == .right)
    #expect(clothes.grader?.verdict(of: "a shirt", to: "What is this?", facts: boots) == .wrong)
    let fish = ["name": "fish and chips", "kind": "food"]
    #expect(
      emoji.grader?.verdict(of: "It is: Fish and chips.", to: "What is in the picture?", facts: fish)
        == .right)
    #expect(emoji.grader?.verdict(of: "fish", to: "What is in the picture?", facts: fish) == .wrong)
  }
}
