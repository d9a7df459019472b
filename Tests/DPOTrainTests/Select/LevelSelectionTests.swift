import DPOTrain
import Foundation
import LVLM
import MultiImageData
import Records
import TestData
import Testing

/// Selection among answers to prompts that compare pictures or look for one.
@Suite struct LevelSelectionTests {
  private func record(_ level: PromptLevel, _ kind: CompositionKind, count: Int, number: Int = 1) throws
    -> ComposedRecord
  {
    try LevelPrompts.composer(LevelPrompts.shapes()).compose(
      kind, count: count, split: .test, target: number, number: number, level: level
    ).record
  }

  @Test func theRatioIsTheShareOfAllThatAreAskedAbout() throws {
    var asked = try record(.compare, .sequence, count: 3)
    (asked.target, asked.targets) = (1, [1, 3])
    let maps = [1.0, 2, 5].map { Array(repeating: $0, count: 4) }
    let found = try AttentionRatio(maps: maps, record: asked, grid: FeatureGrid(rows: 2, columns: 2))
    #expect(found.ratio == 0.75 && found.shares == [0.125, 0.25, 0.625])
    let one = try AttentionRatio(
      maps: maps, record: composed(.sequence, count: 3, target: 2), grid: FeatureGrid(rows: 2, columns: 2))
    #expect(one.ratio == 0.25)
    asked.targets = [1, 4]
    #expect(
      throws: AttentionRatioError.noSuchTarget(record: asked.id, target: 4, count: 3)
    ) { try AttentionRatio(maps: maps, record: asked, grid: FeatureGrid(rows: 2, columns: 2)) }

    var grid = try record(.compare, .grid, count: 4)
    (grid.target, grid.targets) = (1, [1, 4])
    // 2 × 2 cells of 2 × 2 patches: 1, 2, 3 and 4 each.
    let map = [1.0, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]
    let cells = try AttentionRatio(maps: [map], record: grid, grid: FeatureGrid(rows: 4, columns: 4))
    #expect(abs(cells.ratio - 0.5) < 1e-12 && cells.shares.map { ($0 * 10).rounded() } == [1, 2, 3, 4])
    let searched = try record(.find, .grid, count: 4)
    let single = try AttentionRatio(maps: [map], record: searched, grid: FeatureGrid(rows: 4, columns: 4))
    #expect(abs(single.ratio - Double(searched.target) / 10) < 1e-12)
  }

  @Test func thresholdsOfTheTableLeaveOthersAsMuchAsWithOne() throws {
    let rule = SelectionRule(.init())
    for (count, one, two) in [(3, 0.6, 0.8), (4, 0.5, 2.0 / 3), (5, 0.5, 0.625)] {
      #expect(try rule.threshold(kind: .sequence, count: count).value == one)
      #expect(try rule.threshold(kind: .sequence, count: count, level: .find).value == one)
      let value = try rule.threshold(kind: .sequence, count: count, level: .compare).value
      #expect(abs(value - two) < 1e-12)
      // The same for every other picture.
      #expect(abs((1 - value) / Double(count - 2) - (1 - one) / Double(count - 1)) < 1e-12)
    }
    #expect(try rule.threshold(kind: .grid, count: 9, level: .compare).value > 0.4)
    #expect(throws: SelectionError.self) {
      try rule.threshold(kind: .sequence, count: 7, level: .compare)
    }
  }

  @Test func argmaxAsksForBoth() throws {
    var settings = SelectionSettings()
    settings.thresholdRule = .argmax
    let rule = SelectionRule(settings)
    func isOver(_ ratio: Double, least: Double?, other: Double?) throws -> Bool {
      try rule.isOverThreshold(
        ratio, largestOther: other, leastAsked: least, kind: .sequence, count: 3, level: .compare)
    }
    #expect(try !isOver(0.7, least: 0.1, other: 0.3))
    #expect(try isOver(0.7, least: 0.3, other: 0.3))
    #expect(try isOver(1, least: 0.2, other: nil))
    #expect(try isOver(0.4, least: nil, other: 0.3) && !isOver(0.2, least: nil, other: 0.3))
    // What is stored is what R is compared with.
    for (ratio, least, other) in [(0.7, 0.1, 0.3), (0.75, 0.375, 0.25), (0.5, 0.25, 0.5)] {
      let limit = try rule.threshold(
        kind: .sequence, count: 3, level: .compare, largestOther: other, mostAsked: ratio - least)
      #expect(try limit.isStrict && (ratio >= limit.value) == isOver(ratio, least: least, other: other))
    }
  }

  @Test func quantilesAreOfALevel() throws {
    var settings = SelectionSettings()
    (settings.thresholdRule, settings.thresholdQuantile) = (.quantile, 0.5)
    let adapted = try #require(
      AdaptedThresholds(
        settings,
        ratios: [
          .init(kind: .sequence, count: 3): [0.1, 0.2, 0.3],
          .init(kind: .sequence, count: 3, level: .compare): [0.5, 0.6, 0.7],
        ]))
    let rule = SelectionRule(settings, adapted: adapted)
    #expect(try rule.threshold(kind: .sequence, count: 3).value == 0.2)
    #expect(try rule.threshold(kind: .sequence, count: 3, level: .compare).value == 0.6)
    #expect(throws: SelectionError.self) { try rule.threshold(kind: .sequence, count: 3, level: .find) }
  }

  // MARK: What becomes of answers

  private struct Prompts {
    var questions: [StoredQuestion] = []
    var rows: [CandidateRow] = []
    let grading: AnswerGrading
  }

  /// Prompts of a level with an answer that passes every rule.
  private func prompts(
    _ level: PromptLevel, _ settings: SelectionSettings, style: AnswerStyle = .sentences
  )
    throws -> Prompts
  {
    let source = LevelPrompts.shapes(style)
    var prompts = Prompts(grading: try AnswerGrading(GraderChoice.auto, source: source))
    for number in 0..<40 {
      let record = try LevelPrompts.composer(source).compose(
        .sequence, count: 4, split: .test, target: number, number: number, level: level
      ).record
      let question = LevelPrompts.question(record)
      let answer = AnsweredPrompt.Answer(
        text: "it is not that.", perplexity: 1.5, ratio: 0.1, shares: [0.1, 0.2, 0.3, 0.4])
      prompts.questions.append(question)
      prompts.rows.append(
        try question.row(
          AnsweredPrompt(id: question.id, greedy: answer, samples: []), rule: SelectionRule(settings),
          grading: prompts.grading))
    }
    return prompts
  }

  private func applied(_ prompts: Prompts, _ settings: SelectionSettings) -> [CandidateRow] {
    PairSelection(settings, seed: 1).applied(
      to: prompts.rows, families: prompts.questions.map(\.answerPool),
      facts: { prompts.questions[$0].exchangeableFacts },
      isRight: { prompts.grading.isRight($1, to: prompts.questions[$0]) })
  }

  @Test(arguments: PromptLevel.allCases, SelectionSettings.Rejected.allCases)
  func replacedAnswersAreWrong(level: PromptLevel, rejected: SelectionSettings.Rejected) throws {
    var settings = SelectionSettings()
    settings.rejected = rejected
    let prompts = try prompts(level, settings)
    let kind: QuestionKind = level == .compare ? .compare : .find
    #expect(prompts.rows.allSatisfy { $0.kind == kind && $0.kept && $0.targets?.first == $0.target })
    let rows = applied(prompts, settings)
    // The first half of a comparison still says yes or no.
    #expect((rows.count(where: \.kept) > 0) == !(level == .compare && rejected == .truncated), "\(rejected)")
    for (row, question) in zip(rows, prompts.questions) where row.kept && rejected != .model {
      #expect(!prompts.grading.isRight(row.answer, to: question), "\(row.answer): \(row.groundTruth)")
      #expect(row.answer != row.groundTruth)
      let named = row.answer.matches(of: /Image(\d)/).compactMap { Int($0.1) }
      #expect(named.allSatisfy { $0 <= 4 })
      switch (level, rejected) {
      case (.find, .swapped):
        #expect(prompts.grading.isFromAnotherImage(row.answer, to: question) == true, "\(row.answer)")
        #expect(row.answer.contains("Image"))
      case (.compare, .random): #expect(Set(named).isSubset(of: row.targets ?? []), "\(row.answer)")
      default: break
      }
    }
    if level == .find, rejected == .swapped { #expect(rows.count(where: \.kept) == rows.count) }
  }

  /// One word has nothing to exchange or to cut: no pair.
  @Test func wordsCannotBeSpoiled() throws {
    for rejected in [SelectionSettings.Rejected.swapped, .truncated] {
      var settings = SelectionSettings()
      settings.rejected = rejected
      #expect(
        applied(try prompts(.compare, settings, style: .words), settings).allSatisfy {
          $0.outcome == .surplus
        })
      let found = applied(try prompts(.find, settings, style: .words), settings)
      #expect(found.allSatisfy { $0.kept == (rejected == .swapped) })
    }
  }

  @Test func onlyWantedLevelsAndFormatsBecomePairs() throws {
    for (levels, formats, kept) in [
      (["name"], ["sequence"], false), (["name", "find"], ["sequence"], true), (["find"], ["grid"], false),
    ] {
      var settings = SelectionSettings()
      (settings.levels, settings.formats) = (levels, formats)
      let rows = applied(try prompts(.find, settings), settings)
      #expect(rows.allSatisfy { $0.kept == kept && (kept || $0.outcome == .surplus) }, "\(levels) \(formats)")
    }
  }

  @Test func rowsComeBack() throws {
    let row = try prompts(.compare, .init()).rows[0]
    #expect(row.jsonLine.contains("\"kind\": \"compare\"") && row.jsonLine.contains("\"targets\": ["))
    #expect(try JSONDecoder().decode(CandidateRow.self, from: Data(row.jsonLine.utf8)) == row)
  }
}
