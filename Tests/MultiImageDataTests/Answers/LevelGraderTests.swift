import LVLM
import MultiImageData
import Tensor
import Testing

/// What answers claim about several pictures.
@Suite struct LevelGraderTests {
  private static let facts: [[String: String]] = [
    ["color": "red", "shape": "circle"], ["color": "blue", "shape": "circle"],
    ["color": "red", "shape": "triangle"], ["color": "green", "shape": "rectangle"],
  ]

  /// A question about these four scenes.
  private static func question(
    _ level: PromptLevel, _ targets: [Int], _ about: [String], facts: [[String: String]] = facts
  ) -> StoredQuestion {
    var others = facts
    let own = others.remove(at: targets[0] - 1)
    let record = ComposedRecord(
      id: "r", kind: .sequence, count: facts.count, target: targets[0], level: level, targets: targets,
      about: about, images: [], prompt: "", answer: "", answersOfOthers: [], family: "f", question: "q",
      source: "s", layout: nil, facts: own, factsOfOthers: others)
    return StoredQuestion(
      id: "r", images: [], prompt: "", groundTruth: "", family: "f", record: record, facts: own)
  }

  private static let grading = AnswerGrading(
    grader: ShapeScenes(seed: 1, counts: [:]).grader,
    words: ShapeScenes(seed: 1, counts: [:], answers: .sentences).factWords)

  /// Images 1 and 3 are red, of different shapes.
  private static let sameColor = question(.compare, [1, 3], ["color"])
  private static let sameShape = question(.compare, [1, 3], ["shape"])
  /// Image 2 is the blue circle.
  private static let blueCircle = question(.find, [2], ["color", "shape"])

  @Test(
    "Right comparisons of colors",
    arguments: [
      "yes", "Yes.", "yes, it is true", "yes, they have the same color.", "They have the same color",
      "Image1 and Image3 have the same color.", "the colors are the same", "their colors are identical",
      "both are red", "yes, both are red.", "Image1 is red and Image3 is red.", "Image 1 and image 3 are red",
      "Images 1 and 3 are both red", "Image1 is red, Image3 is red", "there is no difference",
      "they are not different",
      "the colors do not differ", "yes, Image1 is red and Image3 is red, but Image2 is blue.",
      "both are not blue, yes", "yes, the shapes are different.", "Image1 shows a circle and it is red, yes",
      "Picture 1 is red while picture 3 is red",
    ])
  func rightComparisons(answer: String) {
    #expect(Self.grading.verdict(answer, to: Self.sameColor) == .right)
  }

  @Test(
    "Comparisons of colors with something false, contradictory or unknown",
    arguments: [
      "no", "No, they have different colors.", "yes, both are blue.", "yes, they have different colors.",
      "yes, no", "no, Image1 is red and Image3 is red.", "yes, Image1 is red and Image3 is blue.",
      "yes, Image1 and Image2 have the same color.", "yes, they show the same shape.", "both are not red",
      "they are not the same color", "they do not", "it is not", "yes, Image7 is red", "image0 is red, yes",
      "yes, both are red or blue", "yes, both are purple", "yes, both are coats", "yes, it is a T-shirt",
      "yes, it is an animal or plant", "the same and different", "yes, Image99999999999999999999 is red",
      "yes <0x7F>", "\u{FFFD}", "yes, the the 7", "neither is red", "there is a difference",
    ])
  func wrongComparisons(answer: String) {
    #expect(Self.grading.verdict(answer, to: Self.sameColor) == .wrong)
  }

  @Test(
    "Comparisons that say too little",
    arguments: [
      "", " . ", "Image1 is red", "Image1 and Image3", "Image3 is red",
      "they show different shapes", "it is not blue", "Image2 is blue", "the images",
      "Image1 and Image2 have different colors",
    ])
  func incompleteComparisons(answer: String) {
    #expect(Self.grading.verdict(answer, to: Self.sameColor) == .incomplete)
  }

  @Test(
    arguments: [
      ("no", AnswerVerdict.right), ("no, they show different shapes", .right), ("they differ", .right),
      ("no, Image1 shows a circle and Image3 shows a triangle.", .right), ("no, they do not.", .right),
      ("Image1 shows a circle, but Image3 shows a triangle", .right),
      ("they are not both circle", .incomplete),
      ("Image3 is not a circle, no", .right), ("no image1 is a circle", .right),
      ("no, Image1 shows a circle and Image3 shows a rectangle.", .wrong), ("yes", .wrong),
      ("no, both show a circle", .wrong), ("the shapes are alike", .wrong),
    ])
  func differences(answer: String, expected: AnswerVerdict) {
    #expect(Self.grading.verdict(answer, to: Self.sameShape) == expected)
  }

  @Test(
    arguments: [
      ("Image2", AnswerVerdict.right), ("image 2.", .right), ("it is Image2.", .right),
      ("Image2 shows a blue circle.", .right), ("a blue circle is in Image2.", .right),
      ("the image that shows a blue circle is Image2.", .right), ("Image2, not Image1", .right),
      ("It's picture 2", .right), ("the answer is Image2", .right), ("Image2 is not red", .incomplete),
      ("not Image1 but Image2", .right), ("Image2 shows a circle and it is blue", .right),
      ("Image1", .wrong), ("Image1 and Image2", .wrong), ("Image2 or Image1", .wrong), ("Image5", .wrong),
      ("Image2 shows a red circle.", .wrong), ("Image2 shows a blue triangle.", .wrong), ("yes", .wrong),
      ("yes, Image2", .wrong), ("it is not Image2", .wrong), ("not Image2", .wrong), ("Image2 coat", .wrong),
      ("they are the same", .wrong), ("2", .wrong), ("Image", .incomplete), ("a blue circle", .incomplete),
      ("it is not Image1", .incomplete), ("", .incomplete), ("a red circle", .wrong),
      ("Image3 shows a blue circle.", .wrong), ("Image2 shows the same", .wrong),
    ])
  func found(answer: String, expected: AnswerVerdict) {
    #expect(Self.grading.verdict(answer, to: Self.blueCircle) == expected)
  }

  @Test(
    arguments: [
      ("Image3", true), ("it is Image1.", true), ("Image4 shows a blue circle.", true), ("Image2", false),
      ("Image1 and Image3", false), ("Image7", false), ("blue", false), ("not Image1", false), ("hm", false),
    ])
  func anotherPicture(answer: String, expected: Bool) {
    #expect(Self.grading.isFromAnotherImage(answer, to: Self.blueCircle) == expected)
    #expect(Self.grading.isFromAnotherImage(answer, to: Self.sameColor) == nil)
  }

  @Test func whatNobodyKnows() {
    let bare = Self.facts.map { ["shape": $0["shape"] ?? ""] }
    #expect(Self.grading.verdict("yes", to: Self.question(.compare, [1, 3], ["color"], facts: bare)) == nil)
    #expect(
      Self.grading.verdict("yes", to: Self.question(.compare, [1, 2], ["shape"], facts: bare)) == .right)
    // A color that is not known can be said of a picture.
    #expect(
      Self.grading.verdict("yes, both are red", to: Self.question(.compare, [1, 2], ["shape"], facts: bare))
        == .right)
    let coats = [["item": "coat"], ["item": "coat"]]
    #expect(Self.grading.verdict("yes", to: Self.question(.compare, [1, 2], ["item"], facts: coats)) == nil)
    let text = AnswerGrading(grader: nil)
    #expect(text.verdict("yes", to: Self.sameColor) == nil)
  }

  /// Every wording is right for the pictures that are answered so, and for no others.
  @Test func wordingsAreExact() throws {
    let words = try #require(ShapeScenes(seed: 1, counts: [:], answers: .sentences).factWords.first)
    let colours = ["red", "blue", "gray", "teal"].map { ["color": $0, "shape": "circle"] }
    let all = colours.flatMap { first in colours.map { [first, $0] } }
    let compared = LevelQuestion(level: .compare, targets: [1, 2], about: ["color"])
    for pictures in all {
      let sentences = compared.answers(words, facts: pictures)
      #expect(Set(sentences).count == 4 && compared.wordings(words, facts: pictures).count == 4)
      for other in all {
        let expected = compared.answers(words, facts: other)
        let question = Self.question(.compare, [1, 2], ["color"], facts: other)
        for sentence in sentences {
          #expect(
            Self.grading.verdict(sentence, to: question)?.isRight == expected.contains(sentence),
            "\(sentence) \(other)")
        }
      }
    }
    for target in 1...4 {
      let search = LevelQuestion(level: .find, targets: [target], about: ["color", "shape"])
      for sentence in search.answers(words, facts: Self.facts) {
        for other in 1...4 {
          let question = Self.question(.find, [other], ["color", "shape"])
          #expect(Self.grading.verdict(sentence, to: question)?.isRight == (other == target), "\(sentence)")
        }
      }
    }
  }
}
