import DPOTrain
import Testing

@Suite("Selection rule")
struct SelectionRuleTests {
  private func evidence(
    _ answer: String = "a blue box", truth: String = "a red box", ratio: Double? = 0.3,
    perplexity: Double = 1.5
  ) -> AnswerEvidence {
    AnswerEvidence(answer: answer, groundTruth: truth, ratio: ratio, perplexity: perplexity)
  }

  @Test("the paper's thresholds reject at equality")
  func paper() {
    let rule = SelectionRule(.init(preset: .paper))
    for (kind, count, limit) in [
      (CompositionKind.sequence, 2, 0.7), (.sequence, 3, 0.6), (.sequence, 5, 0.5), (.grid, 4, 0.5),
      (.grid, 9, 0.4), (.pictureInPicture, 2, 0.6),
    ] {
      #expect(rule.outcome(evidence(ratio: limit), kind: kind, count: count) == .kept)
      #expect(rule.outcome(evidence(ratio: limit + 1e-9), kind: kind, count: count) == .overThreshold)
    }
  }

  @Test("the released scripts' grid and pic-in-pic thresholds are strict, their perplexity bound too")
  func released() {
    let rule = SelectionRule(.init(preset: .released))
    #expect(rule.outcome(evidence(ratio: 0.8), kind: .sequence, count: 2) == .kept)
    #expect(rule.outcome(evidence(ratio: 0.3), kind: .grid, count: 9) == .overThreshold)
    #expect(rule.outcome(evidence(ratio: 0.299), kind: .grid, count: 9) == .kept)
    #expect(rule.outcome(evidence(ratio: 0.8), kind: .pictureInPicture, count: 2) == .overThreshold)
    #expect(rule.outcome(evidence(perplexity: 1.1), kind: .sequence, count: 2) == .perplexity)
  }

  @Test("a right answer is no rejected one, with the requirement or without")
  func right() {
    var settings = RunConfiguration.Select()
    #expect(
      SelectionRule(settings).outcome(evidence("A red  box."), kind: .sequence, count: 2) == .correct)
    settings.requireWrong = false
    #expect(SelectionRule(settings).outcome(evidence("A red  box."), kind: .sequence, count: 2) == .kept)
    #expect(SelectionRule(settings).outcome(evidence("a red box"), kind: .sequence, count: 2) == .correct)
  }

  @Test func empty() {
    #expect(SelectionRule(.init()).outcome(evidence(" "), kind: .sequence, count: 2) == .empty)
  }

  @Test("post-selection names the first bound that is broken")
  func postSelection() {
    var settings = RunConfiguration.Select()
    settings.perplexityMax = 4
    settings.lengthRatioMin = 0.5
    settings.lengthRatioMax = 2
    settings.editDistanceMin = 3
    let rule = SelectionRule(settings)
    #expect(rule.postSelection(evidence(perplexity: 4.1)) == .perplexity)
    #expect(rule.postSelection(evidence(perplexity: .nan)) == .perplexity)
    #expect(rule.postSelection(evidence("red")) == .lengthRatio)
    #expect(rule.postSelection(evidence("a red box and then a red box")) == .lengthRatio)
    #expect(rule.postSelection(evidence("a red fox")) == .editDistance)
    #expect(rule.postSelection(evidence()) == .kept)
  }

  @Test("without the attention rule every wrong answer stays")
  func withoutAttention() {
    var settings = RunConfiguration.Select()
    settings.useAttention = false
    #expect(SelectionRule(settings).outcome(evidence(ratio: 0.99), kind: .grid, count: 9) == .kept)
  }
}
