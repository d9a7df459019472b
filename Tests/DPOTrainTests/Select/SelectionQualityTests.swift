import DPOTrain
import Foundation
import MultiImageData
import Records
import Testing

@Suite("Quality of a selection")
struct SelectionQualityTests {
  private func record(_ count: Int) -> ComposedRecord {
    ComposedRecord(
      id: "r", kind: .sequence, count: count, target: 1, images: Array(repeating: "a.png", count: count),
      prompt: "", answer: "it is red.", answersOfOthers: [], family: "color", question: "what color is it?",
      source: "s", layout: nil)
  }

  private func answer(_ text: String, _ ratio: Double) -> AnsweredPrompt.Answer {
    AnsweredPrompt.Answer(text: text, perplexity: 1.5, ratio: ratio, shares: [ratio, 1 - ratio])
  }

  /// Answers with "red" are right, and nobody knows about "hm".
  private struct Grader: AnswerGrader {
    func verdict(of answer: String, to question: String, facts: [String: String]) -> AnswerVerdict? {
      answer.contains("hm") ? nil : answer.contains("red") ? .right : .wrong
    }
  }

  private let grading = AnswerGrading(grader: Grader())

  /// A prompt whose first answer is greedy.
  private func prompt(
    _ answers: [(String, Double)], count: Int = 2
  ) -> (candidate: StoredQuestion, answered: AnsweredPrompt) {
    let given = answers.map { answer($0.0, $0.1) }
    return (
      StoredQuestion(
        id: "r", images: [], prompt: "", groundTruth: "it is red.", family: "color", record: record(count),
        facts: ["color": "red"]),
      AnsweredPrompt(id: "r", greedy: given[0], samples: Array(given.dropFirst()))
    )
  }

  private func quality(
    of prompts: [(candidate: StoredQuestion, answered: AnsweredPrompt)]
  ) throws -> SelectionQuality {
    let rule = SelectionRule(.init())
    return try SelectionQuality(
      prompts, judged: try prompts.map { try $0.candidate.row($0.answered, rule: rule, grading: grading) },
      rule: rule, grading: grading, profile: nil)
  }

  @Test("precision counts pairs with and without the rule, recall the wrong answers that were found")
  func tallies() throws {
    let prompts = [
      prompt([("its color is red.", 0.9), ("it is blue.", 0.2)]),  // The rule passes over the right answer.
      prompt([("its color is red.", 0.1)]),  // A right answer that looked elsewhere.
      prompt([("it is blue.", 0.9)]),  // A wrong one that looked at its picture.
      prompt([("it is red.", 0.1), ("it is red.", 0.3)]),  // Nothing that differs as a text.
      prompt([("hm", 0.1)]),
    ]
    let quality = try quality(of: prompts)
    #expect(quality.parts.count == 1)
    let part = quality.parts[0]
    #expect(part.count == nil && part.prompts == 5)
    #expect(part.withRule == .init(all: 2, good: 1))
    #expect(part.withoutRule == .init(all: 3, good: 1))
    #expect(part.found == .init(all: 2, good: 1))
    #expect(part.equalAnswers == 1)
    #expect(part.allPass == 2 && part.nonePass == 1)
    let json = quality.json.pretty
    #expect(json.contains("\"precision_with_rule\": 0.5") && json.contains("\"recall\": 0.5"))
    #expect(json.contains("\"auc_by_layer\": []"))
  }

  @Test("several numbers of images are told one by one and together")
  func byImages() throws {
    let prompts = [prompt([("it is blue.", 0.2)]), prompt([("her color is red.", 0.2)], count: 4)]
    let quality = try quality(of: prompts)
    #expect(quality.parts.map(\.count) == [nil, 2, 4])
    #expect(quality.parts.map(\.withRule.share) == [0.5, 1, 0])
    #expect(quality.table.rows.map(\.first) == ["Sequence", "Sequence, 2 images", "Sequence, 4 images"])
    let stored = try JSONDecoder().decode(
      StoredQuality.self, from: Data("{\"quality\": \(quality.json.pretty)}".utf8))
    #expect(stored.parts.map(\.count) == [nil, 2, 4])
    #expect(stored.parts.map(\.part.precisionWithRule) == quality.parts.map(\.withRule.share))
    #expect(stored.parts.map(\.part.pairs) == quality.parts.map(\.withRule.all))
  }

  @Test("the greedy answer comes first, or the one that looked least at its picture")
  func pick() throws {
    let asked = prompt([("it is blue.", 0.5), ("it is teal.", 0.1), ("it is gray.", 0.1)])
    var settings = SelectionSettings()
    let first = try asked.candidate.row(asked.answered, rule: SelectionRule(settings), grading: grading)
    #expect(first.answer == "it is blue." && first.sampled == nil && first.greedyCorrect == nil)
    settings.pick = .lowestRatio
    let lowest = try asked.candidate.row(asked.answered, rule: SelectionRule(settings), grading: grading)
    #expect(lowest.answer == "it is teal." && lowest.sampled == true && lowest.greedyCorrect == false)
  }

  @Test("on policy, the answer that looked most at its picture is chosen, whatever the ground truth says")
  func ownChosen() throws {
    var settings = SelectionSettings()
    settings.chosen = .model
    let rule = SelectionRule(settings)
    let asked = prompt([("it is blue.", 0.5), ("its color is red.", 0.9), ("it is teal.", 0.95)])
    let row = try asked.candidate.row(asked.answered, rule: rule, grading: grading)
    #expect(row.kept && row.chosen == "it is teal." && row.answer == "it is blue.")
    #expect(row.groundTruth == "it is red." && !row.correct)
    let unsure = prompt([("it is blue.", 0.5), ("its color is red.", 0.6)])
    #expect(try unsure.candidate.row(unsure.answered, rule: rule, grading: grading).outcome == .noChosen)
    let sure = prompt([("it is blue.", 0.9)])
    #expect(try sure.candidate.row(sure.answered, rule: rule, grading: grading).outcome == .correct)
  }

  @Test("without attention the greedy answer is chosen, and the first other one rejected")
  func greedyChosen() throws {
    var settings = SelectionSettings()
    settings.chosen = .model
    settings.useAttention = false
    let rule = SelectionRule(settings)
    let asked = prompt([("it is blue.", 0.1), ("it is blue.", 0.2), ("its color is red.", 0.9)])
    let row = try asked.candidate.row(asked.answered, rule: rule, grading: grading)
    #expect(row.kept && row.chosen == "it is blue." && row.answer == "its color is red.")
    let sure = prompt([("it is blue.", 0.1), ("it is blue.", 0.2)])
    #expect(try sure.candidate.row(sure.answered, rule: rule, grading: grading).outcome == .correct)
    let empty = prompt([(" ", 0.1), ("it is blue.", 0.2)])
    #expect(try empty.candidate.row(empty.answered, rule: rule, grading: grading).outcome == .noChosen)
  }
}

@Suite("Thresholds from the answers")
struct AdaptedThresholdsTests {
  @Test("Otsu's cut divides two heaps between them")
  func otsu() {
    let heaps = [0.1, 0.12, 0.14, 0.8, 0.82]
    let cut = Otsu(sorted: heaps)
    #expect(cut.threshold == 0.14 && cut.separability > 0.98 && cut.separability <= 1)
    // Variance between halves of an even distribution: (1/4)² over 1/12.
    let even = Otsu(sorted: (0..<1000).map { Double($0) / 999 })
    #expect(abs(even.threshold - 0.5) < 0.002 && abs(even.separability - 0.75) < 0.002)
    #expect(Otsu(sorted: [0.3, 0.3]) == Otsu(sorted: [0.3]))
    #expect(Otsu(sorted: [0.3]).threshold == 0.3 && Otsu(sorted: [0.3]).separability == 0)
  }

  @Test("each format and number of images has a threshold of its own; others are told")
  func rules() throws {
    var settings = SelectionSettings()
    let ratios: [AdaptedThresholds.Place: [Double]] = [
      .init(kind: .sequence, count: 2): [0.1, 0.2, 0.3, 0.8, 0.9],
      .init(kind: .grid, count: 4): [0.4, .nan],
    ]
    #expect(AdaptedThresholds(settings, ratios: ratios) == nil)
    settings.thresholdRule = .quantile
    settings.thresholdQuantile = 0.5
    let adapted = try #require(AdaptedThresholds(settings, ratios: ratios))
    let rule = SelectionRule(settings, adapted: adapted)
    #expect(try rule.threshold(kind: .sequence, count: 2) == (0.3, false))
    #expect(try rule.threshold(kind: .grid, count: 4) == (0.4, false))
    #expect(throws: SelectionError.noThreshold(format: "grid", count: 9, known: [4])) {
      try rule.threshold(kind: .grid, count: 9)
    }
    settings.thresholdRule = .otsu
    #expect(AdaptedThresholds(settings, ratios: ratios)?.value(.sequence, 2) == 0.3)
  }

  @Test("argmax compares with the image that got most of the others, whatever the share")
  func argmax() throws {
    var settings = SelectionSettings()
    settings.thresholdRule = .argmax
    #expect(AdaptedThresholds(settings, ratios: [.init(kind: .sequence, count: 2): [0.1]]) == nil)
    let rule = SelectionRule(settings)
    for (ratio, other, outcome) in [
      (0.45, 0.55, SelectionOutcome.kept), (0.4, 0.35, .overThreshold), (0.1, 0.2, .kept),
      (0.5, 0.5, .overThreshold), (0.9, 0.1, .overThreshold),
    ] {
      let evidence = AnswerEvidence(
        answer: "it is blue.", groundTruth: "it is red.", ratio: ratio, largestOther: other, perplexity: 2)
      #expect(try rule.outcome(evidence, kind: .sequence, count: 7) == outcome, "\(ratio) beside \(other)")
    }
  }
}
