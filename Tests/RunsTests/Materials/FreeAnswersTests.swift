import DPOTrain
import Foundation
import LVLM
import MultiImageData
import Records
import Runs
import Testing

@Suite("Answers in sentences") struct FreeAnswersTests {
  static let counts: [DataSplit: Int] = [.sft: 600, .preference: 300, .test: 300]
  static let source = ShapeScenes(
    seed: 4, size: 16, counts: counts, shares: .init(describe: 0.25), answers: .sentences)

  @Test func theGroundTruthsWordingIsDrawn() throws {
    let grader = try #require(Self.source.grader)
    let words = ShapeScenes(seed: 4, size: 16, counts: Self.counts, shares: .init(describe: 0.25))
    var wordings: [String: Set<String>] = [:]
    for index in 0..<600 {
      let record = Self.source.record(.sft, index)
      let short = words.record(.sft, index)
      #expect(record == Self.source.record(.sft, index))
      #expect(record.question == short.question && record.family == short.family)
      #expect(short.answer == Self.source.answer(to: record.question, about: record.image))
      let facts = try #require(Self.source.facts(of: record.image))
      #expect(grader.verdict(of: record.answer, to: record.question, facts: facts) == .right)
      #expect(record.answer.split(separator: " ").count > 1)
      let pattern = ["color", "shape"].reduce(record.answer) { $0.replacing(facts[$1] ?? "", with: "…") }
      wordings[record.family, default: []].insert(pattern)
    }
    #expect(Set(wordings.keys) == Set(Self.source.families))
    #expect(wordings.values.allSatisfy { $0.count >= 4 })
  }

  @Test func withoutDescriptionsWordsAreWhatTheyWere() {
    let before = ShapeScenes(seed: 4, size: 16, counts: Self.counts)
    let shares = ShapeScenes.Shares(describe: 0)
    let after = ShapeScenes(seed: 4, size: 16, counts: Self.counts, shares: shares, answers: .words)
    #expect((0..<100).allSatisfy { before.record(.sft, $0) == after.record(.sft, $0) })
    #expect(!before.families.contains("describe"))
  }

  @Test func companionsAnswerDifferentlyWhateverTheWording() throws {
    let grader = try #require(Self.source.grader)
    let composer = Composer(source: Self.source, options: CompositionOptions(cell: 16), seed: 2)
    for index in 0..<120 {
      let record = try composer.compose(
        .sequence, count: 4, split: .test, target: index, number: index
      ).record
      let facts = try #require(record.facts)
      let others = try #require(record.factsOfOthers)
      #expect(others.count == 3 && record.answersOfOthers.count == 3)
      #expect(grader.verdict(of: record.answer, to: record.question, facts: facts) == .right)
      for (other, answer) in zip(others, record.answersOfOthers) {
        #expect(grader.verdict(of: record.answer, to: record.question, facts: other)?.isRight == false)
        #expect(grader.verdict(of: answer, to: record.question, facts: facts)?.isRight == false)
        #expect(grader.verdict(of: answer, to: record.question, facts: other) == .right)
      }
      let line = record.json.line
      #expect(try JSONDecoder().decode(ComposedRecord.self, from: Data(line.utf8)) == record)
    }
  }

  @Test func recordsWithoutFactsStillRead() throws {
    let composer = Composer(
      source: ShapeScenes(seed: 1, size: 16, counts: [.test: 40]), options: CompositionOptions(cell: 16),
      seed: 2)
    var record = try composer.compose(.grid, count: 2, split: .test, target: 0, number: 0).record
    #expect(record.json.line.contains(#""facts": {"color": "#))
    (record.facts, record.factsOfOthers) = (nil, nil)
    let line = record.json.line
    #expect(!line.contains("facts"))
    #expect(try JSONDecoder().decode(ComposedRecord.self, from: Data(line.utf8)) == record)
  }

  @Test func furtherTurnsAreWordedToo() throws {
    let grader = try #require(Self.source.grader)
    var settings = SupervisedSettings()
    (settings.composed.share, settings.questionsPerImage) = (0, 4)
    let sampler = try ConversationSampler(
      source: Self.source, settings: settings,
      sampler: RecordSampler(recordCount: 600, batchSize: 60, seed: 1), seed: 1)
    let conversations = try sampler.conversations(ofStep: 0)
    var (turns, yes, closed) = (0, 0, 0)
    for conversation in conversations {
      guard case .source(let image) = try #require(conversation.pictures.first) else { continue }
      let facts = try #require(Self.source.facts(of: image))
      for turn in conversation.turns {
        let question = turn.question.replacing("<image>\n", with: "")
        #expect(grader.verdict(of: turn.answer, to: question, facts: facts) == .right)
        #expect(turn.answer.hasSuffix("."), "not the shortest wording")
        turns += 1
        if question.hasPrefix("is ") || question.hasPrefix("does ") {
          closed += 1
          yes += turn.answer.hasPrefix("yes") ? 1 : 0
        }
      }
    }
    #expect(turns == 240)
    #expect(closed > 15 && yes * 4 > closed && yes * 4 < closed * 3, "\(yes) of \(closed)")
  }

  @Test func keysOfTheConfiguration() throws {
    func source(_ yaml: String) throws -> any QuestionSource {
      try RunConfiguration(yaml: yaml, file: "x.yaml").questionSource()
    }
    let free = try source("data: {sizes: {sft: 500}}")
    let families = try (0..<500).map { try free.record(.sft, $0).family }
    #expect(abs(families.count { $0 == "describe" } - 100) < 30)
    let isSentence = try (0..<50).allSatisfy { try free.record(.sft, $0).answer.hasSuffix(".") }
    #expect(isSentence)
    let words = try source("data: {answers: words, describe_share: 0, sizes: {sft: 50}}")
    #expect(try (0..<50).allSatisfy { try !words.record(.sft, $0).answer.contains(" ") })
    let all = try source("data: {describe_share: 1, sizes: {sft: 50}}")
    #expect(try (0..<50).allSatisfy { try all.record(.sft, $0).family == "describe" })
    for (yaml, expected) in [
      ("data: {source: llava, path: a.json, answers: sentences}", "source llava has those of its file"),
      ("data: {source: llava, path: a.json}\nevaluate: {grader: semantic}", "source llava has no grader"),
    ] {
      let error = #expect(throws: ConfigurationError.self) {
        try RunConfiguration(yaml: yaml, file: "x.yaml")
      }
      #expect(error.map { "\($0)".contains(expected) } == true)
    }
    // What a run writes into its directory can be read again.
    let written = try RunConfiguration(yaml: "data: {source: llava, path: a.json}", file: "x.yaml").yaml
    #expect(throws: Never.self) { try RunConfiguration(yaml: written, file: "config.yaml") }
  }
}
