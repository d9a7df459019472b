import DPOTrain
import MultiImageData
import Runs
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
  func paper() throws {
    let rule = SelectionRule(.init(preset: .paper))
    for (kind, count, limit) in [
      (CompositionKind.sequence, 2, 0.7), (.sequence, 3, 0.6), (.sequence, 5, 0.5), (.grid, 4, 0.5),
      (.grid, 9, 0.4), (.pictureInPicture, 2, 0.6),
    ] {
      #expect(try rule.outcome(evidence(ratio: limit), kind: kind, count: count) == .kept)
      #expect(try rule.outcome(evidence(ratio: limit + 1e-9), kind: kind, count: count) == .overThreshold)
    }
  }

  @Test("the released scripts' grid and pic-in-pic thresholds are strict, their perplexity bound too")
  func released() throws {
    let rule = SelectionRule(.init(preset: .released))
    #expect(try rule.outcome(evidence(ratio: 0.8), kind: .sequence, count: 2) == .kept)
    #expect(try rule.outcome(evidence(ratio: 0.3), kind: .grid, count: 9) == .overThreshold)
    #expect(try rule.outcome(evidence(ratio: 0.299), kind: .grid, count: 9) == .kept)
    #expect(try rule.outcome(evidence(ratio: 0.8), kind: .pictureInPicture, count: 2) == .overThreshold)
    #expect(try rule.outcome(evidence(perplexity: 1.1), kind: .sequence, count: 2) == .perplexity)
  }

  @Test("a right answer is no rejected one, with the requirement or without")
  func right() throws {
    var settings = SelectionSettings()
    settings.requireWrong = true
    #expect(
      try SelectionRule(settings).outcome(evidence("A red  box."), kind: .sequence, count: 2) == .correct)
    settings.requireWrong = false
    #expect(try SelectionRule(settings).outcome(evidence("A red  box."), kind: .sequence, count: 2) == .kept)
    #expect(try SelectionRule(settings).outcome(evidence("a red box"), kind: .sequence, count: 2) == .correct)
  }

  @Test func empty() throws {
    #expect(try SelectionRule(.init()).outcome(evidence(" "), kind: .sequence, count: 2) == .empty)
  }

  @Test("scraps of sampling are no rejected answers, whatever else may be said of them")
  func notText() throws {
    var settings = SelectionSettings()
    settings.requireWrong = false
    settings.useAttention = false
    settings.postSelection = false
    for scrap in ["\u{7F}", "\u{6}", "\u{FFFD}", "ASSISTANT yes", "</s"] {
      for rule in [SelectionRule(settings), SelectionRule(.init())] {
        #expect(try rule.outcome(evidence(scrap), kind: .sequence, count: 2) == .notText)
        #expect(rule.outcomeOfSingle(evidence(scrap, ratio: nil)) == .notText)
      }
    }
    var halves = evidence("garding")
    halves.isOfWholePieces = false
    #expect(try SelectionRule(.init()).outcome(halves, kind: .grid, count: 4) == .notText)
    // What the data say is right, whatever it is made of.
    #expect(try SelectionRule(.init()).outcome(evidence(".", truth: "."), kind: .grid, count: 4) == .correct)
  }

  @Test("post-selection names the first bound that is broken")
  func postSelection() {
    var settings = SelectionSettings()
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
  func withoutAttention() throws {
    var settings = SelectionSettings()
    settings.useAttention = false
    #expect(try SelectionRule(settings).outcome(evidence(ratio: 0.99), kind: .grid, count: 9) == .kept)
  }

  @Test("a table without the number of images is an error that names the key")
  func missingThreshold() {
    var settings = SelectionSettings()
    settings.thresholds.grid[6] = nil
    #expect(throws: SelectionError.noThreshold(format: "grid", count: 6, known: [2, 3, 4, 9])) {
      try SelectionRule(settings).outcome(evidence(), kind: .grid, count: 6)
    }
    var configuration = RunConfiguration()
    configuration.select = settings
    let found = problems(of: configuration)
    #expect(
      found.contains("select.thresholds.grid: found no threshold for 6 images, expected one for every number")
    )
  }

  private func problems(of configuration: RunConfiguration) -> String {
    do {
      try configuration.validate()
      return "nothing"
    } catch {
      return "\(error)"
    }
  }

  @Test("when nothing is left the error counts why")
  func nothingLeft() {
    let error = SelectionError.noPairs(outcomes: [.correct: 3, .overThreshold: 2])
    #expect(
      error.description
        == "select: all 5 candidates were dropped (3 right answer, 2 R over τ), expected at least one pair; "
        + "loosen the keys of select that dropped them")
  }
}
