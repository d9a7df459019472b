import DPOTrain
import Evaluation
import LVLM
import MultiImageData
import Records
import Testing

@Suite struct AnswerGradingTests {
  static let source = ShapeScenes(seed: 1, size: 16, counts: [.test: 10], answers: .sentences)

  /// A source whose answers nobody can grade.
  struct Plain: QuestionSource {
    let name = "plain"
    let families = ["other"]
    let answersAboutAnyImage = false
    func count(of split: DataSplit) -> Int { 0 }
    func record(_ split: DataSplit, _ index: Int) -> SingleImageRecord { source.record(split, index) }
    func image(_ split: DataSplit, _ index: Int) -> ImageReference { source.image(split, index) }
    func image(for reference: ImageReference) -> RGBImage { source.image(for: reference) }
    func answer(to question: String, about image: ImageReference) -> String? { nil }
  }

  static func question(facts: [String: String]?, others: [[String: String]]?) -> StoredQuestion {
    let record = ComposedRecord(
      id: "s-1", kind: .sequence, count: 2, target: 1, images: ["a.png", "b.png"],
      prompt: "Image1:<image>\nImage2:<image>\nIn Image1, what color is the shape?", answer: "it is blue.",
      answersOfOthers: ["red"], family: "color", question: "what color is the shape?", source: "x",
      layout: nil,
      facts: facts, factsOfOthers: others)
    return StoredQuestion(
      id: "s-1", images: record.images, prompt: record.prompt, groundTruth: record.answer, family: "color",
      record: record, facts: facts, file: "records.jsonl:1")
  }

  static func grading(_ grader: EvaluationSettings.Grader) throws -> AnswerGrading {
    var settings = EvaluationSettings()
    settings.grader = grader
    return try AnswerGrading(settings, source: source)
  }

  static let known = question(
    facts: ["color": "blue", "shape": "circle"], others: [["color": "red", "shape": "triangle"]])

  @Test func byClaims() throws {
    let grading = try Self.grading(.auto)
    #expect(grading.isRight("There is a blue circle in the picture.", to: Self.known))
    #expect(grading.verdict("it is a circle.", to: Self.known) == .incomplete)
    #expect(!grading.isRight("the triangle is blue.", to: Self.known))
    #expect(grading.isFromAnotherImage("There is a red triangle.", to: Self.known) == true)
    #expect(grading.isFromAnotherImage("the shape is red.", to: Self.known) == true)
    #expect(
      grading.isFromAnotherImage("there is a red circle.", to: Self.known) == false, "of neither picture")
    #expect(grading.isFromAnotherImage("it is blue.", to: Self.known) == false)
    let single = StoredQuestion(
      id: "1", images: ["a.png"], prompt: "<image>\nwhat color is the shape?", groundTruth: "blue",
      family: "color",
      facts: ["color": "blue", "shape": "circle"])
    #expect(grading.isRight("the circle is blue", to: single))
    #expect(grading.isFromAnotherImage("red", to: single) == nil)
  }

  @Test func asText() throws {
    for (grading, question) in [
      (try Self.grading(.text), Self.known),
      (try Self.grading(.auto), Self.question(facts: nil, others: nil)),
    ] {
      #expect(grading.isRight("It is BLUE", to: question) && !grading.isRight("blue", to: question))
      #expect(grading.verdict("it is blue.", to: question) == nil)
      #expect(grading.isFromAnotherImage("red", to: question) == true)
      #expect(throws: Never.self) { try grading.require([question]) }
    }
  }

  @Test func aGraderThatIsNotThere() throws {
    var settings = EvaluationSettings()
    #expect(throws: Never.self) { try AnswerGrading(settings, source: Plain()) }
    settings.grader = .semantic
    let error = #expect(throws: DataError.self) { try AnswerGrading(settings, source: Plain()) }
    #expect(
      error?.description.contains("source plain") == true
        && error?.description.contains("evaluate.grader semantic") == true)
    let strict = try Self.grading(.semantic)
    #expect(throws: Never.self) { try strict.require([Self.known]) }
    let lost = #expect(throws: DataError.self) {
      try strict.require([Self.known, Self.question(facts: nil, others: nil)])
    }
    #expect(
      lost?.description.contains("records.jsonl:1") == true && lost?.description.contains("no facts") == true)
  }

  @Test("Only require_wrong looks at labels")
  func selection() throws {
    var settings = SelectionSettings()
    (settings.requireWrong, settings.useAttention, settings.postSelection) = (true, false, false)
    func outcome(_ isRight: Bool?) throws -> SelectionOutcome {
      try SelectionRule(settings).outcome(
        AnswerEvidence(
          answer: "a blue circle", groundTruth: "it is blue.", ratio: 0.2, perplexity: 2, isRight: isRight),
        kind: .sequence, count: 2)
    }
    #expect(try [true, false, nil].map(outcome) == [.correct, .kept, .kept])
    settings.requireWrong = false
    #expect(try [true, false, nil].map(outcome) == [.kept, .kept, .kept])
  }
}
