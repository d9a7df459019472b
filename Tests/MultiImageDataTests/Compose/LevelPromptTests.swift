import Foundation
import LVLM
import MultiImageData
import Records
import TestData
import TestSupport
import Testing

/// Prompts that compare pictures and that ask which one fits: the answer is what the facts say.
@Suite struct LevelPromptTests {
  private static let places: [(CompositionKind, Int)] = [
    (.sequence, 2), (.sequence, 3), (.sequence, 5), (.grid, 2), (.grid, 4), (.grid, 9),
  ]

  /// Facts of every picture in order.
  private func facts(_ record: ComposedRecord) throws -> [[String: String]] {
    var all = try #require(record.factsOfOthers)
    all.insert(try #require(record.facts), at: record.target - 1)
    return all
  }

  private func check(_ record: ComposedRecord, _ source: any QuestionSource, sources: [ImageReference]) throws
  {
    let facts = try facts(record)
    #expect(facts == sources.map { source.facts(of: $0) ?? [:] })
    #expect(Set(sources.map(\.path)).count == record.count && record.count == sources.count)
    let (targets, about) = (try #require(record.targets), try #require(record.about))
    #expect(ImageMark.count(in: record.prompt) == record.images.count)
    #expect(record.prompt.hasSuffix(record.question) && PromptRewriting.target(in: record.prompt) == nil)
    let asked = LevelPrompts.question(record)
    let grading = try AnswerGrading(GraderChoice.auto, source: source)
    #expect(grading.verdict(record.answer, to: asked) == .right, "\(record)")
    switch try #require(record.level) {
    case .compare:
      #expect(targets.count == 2 && record.question.contains("Image\(targets[0]) and Image\(targets[1])"))
      let isSame = facts[targets[0] - 1][about[0]] == facts[targets[1] - 1][about[0]]
      #expect(AnswerText.normalized(record.answer).hasPrefix(isSame ? "yes" : "no"))
      #expect(grading.verdict(isSame ? "no" : "yes", to: asked) == .wrong)
      #expect(grading.isFromAnotherImage("no", to: asked) == nil && record.answersOfOthers.isEmpty)
    case .find:
      let fitting = facts.indices.filter { index in
        about.allSatisfy { facts[index][$0] == facts[record.target - 1][$0] }
      }
      #expect(fitting == [record.target - 1] && targets == [record.target])
      #expect(record.answer.contains("Image\(record.target)"))
      for place in 1...record.count where place != record.target {
        #expect(grading.verdict("Image\(place)", to: asked) == .wrong)
        #expect(grading.isFromAnotherImage("Image\(place)", to: asked) == true)
      }
      #expect(grading.isFromAnotherImage(record.answer, to: asked) == false)
      #expect(record.answersOfOthers.count == record.count - 1)
      for other in record.answersOfOthers {
        #expect(grading.isFromAnotherImage(other, to: asked) == true, "\(other)")
      }
    }
  }

  @Test(arguments: PromptLevel.allCases, [AnswerStyle.words, .sentences])
  func shapesAreComparedAndFound(level: PromptLevel, style: AnswerStyle) throws {
    let source = LevelPrompts.shapes(style)
    let composer = LevelPrompts.composer(source)
    var (questions, answers, families): (Set<String>, Set<String>, Set<String>) = ([], [], [])
    for (kind, count) in Self.places {
      var (records, targets): ([ComposedRecord], Set<[Int]>) = ([], [])
      for number in 0..<40 {
        let made = try composer.compose(
          kind, count: count, split: .test, target: number, number: number, level: level)
        let again = try composer.compose(
          kind, count: count, split: .test, target: number, number: number, level: level)
        #expect(made.record == again.record)
        try check(made.record, source, sources: made.sources)
        records.append(made.record)
        targets.insert(made.record.targets ?? [])
      }
      #expect(Set(records.map(\.id)).count == 40)
      if level == .compare {
        #expect(records.count { AnswerText.normalized($0.answer).hasPrefix("yes") } == 20)
      }
      #expect(targets.count > (level == .find ? count / 2 : min(count - 2, 1)))
      questions.formUnion(records.map { String($0.question.prefix { $0 != "I" && $0 != " " }) })
      answers.formUnion(records.map(\.answer))
      families.formUnion(records.map(\.family))
    }
    #expect(
      families
        == (level == .compare
          ? ["compare_color", "compare_shape"] : ["find_color", "find_shape", "find_color_shape"]))
    #expect(questions.count >= 3, "\(questions)")
    switch (level, style) {
    case (.compare, .words): #expect(answers == ["yes", "no"])
    case (.find, .words): #expect(answers == Set((1...9).map { "Image\($0)" }))
    default: #expect(answers.count > 40)
    }
  }

  @Test func clothesThingsAndMixtures() throws {
    let folder = try TemporaryFolder()
    let (font, names) = try SmallFont.write(to: folder)
    let things = try ThingPictures.emoji(
      font: font, names: names, seed: 1, size: 16, limits: [.sft: 60], answers: .sentences)
    let idx = try SmallFashion.small()
    let clothes = try FashionMNIST(folder: idx.path, seed: 1, answers: .sentences)
    let mixture = SourceMixture([(clothes, 1), (things, 1)], counts: [.sft: 60])
    for source in [clothes, things, mixture] as [any QuestionSource] {
      let composer = LevelPrompts.composer(source)
      var (made, words): (Int, Set<String>) = (0, [])
      for level in PromptLevel.allCases {
        for number in 0..<min(24, source.count(of: .sft)) {
          guard
            let found = try? composer.compose(
              .sequence, count: 2, split: .sft, target: number, number: number, level: level)
          else { continue }
          try check(found.record, source, sources: found.sources)
          #expect(found.record.question.first?.isUppercase == true)
          made += 1
          words.insert(found.record.family)
        }
      }
      #expect(made > 20 && words.count > 3, "\(source.name): \(made) \(words)")
    }
  }

  @Test func whatCannotBeMadeIsAnError() throws {
    let few = LevelPrompts.composer(LevelPrompts.shapes(.words, 3))
    #expect(throws: CompositionError.self) {
      try few.compose(.sequence, count: 5, split: .test, target: 0, number: 0, level: .find)
    }
    let folder = try TemporaryFolder()
    let file = try folder.write(
      Array(
        #"""
        [{"id": "1", "image": "a.png", "conversations": [
          {"from": "human", "value": "<image>\nwhat?"}, {"from": "gpt", "value": "that"}]}]
        """#.utf8), to: "a.json")
    try folder.write(try RGBImage(width: 8, height: 8, colour: .white).pngBytes(), to: "a.png")
    let llava = try LLaVAConversations(path: file, shares: [.test: 1])
    #expect {
      try LevelPrompts.composer(llava).compose(
        .sequence, count: 2, split: .test, target: 0, number: 0, level: .find)
    } throws: {
      "\($0)".contains("data source llava") && "\($0)".contains("find needs it")
    }
  }

  // MARK: On file

  private func record(_ level: PromptLevel, _ kind: CompositionKind = .sequence) throws -> ComposedRecord {
    try LevelPrompts.composer(LevelPrompts.shapes()).compose(
      kind, count: 4, split: .test, target: 5, number: 5, level: level
    ).record
  }

  @Test(arguments: PromptLevel.allCases, [CompositionKind.sequence, .grid])
  func recordsComeBackFromTheirFile(level: PromptLevel, kind: CompositionKind) throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("records.jsonl")
    let record = try record(level, kind)
    try ComposedRecordFile.write([record], to: file)
    let line = try String(contentsOf: file, encoding: .utf8)
    #expect(line.contains("\"level\": \(level.rawValue), \"targets\": [") && line.contains("\"about\": ["))
    #expect(try ComposedRecordFile.read(file) == [record])
    // A prompt that names its picture has none of these, as in files of earlier versions.
    let named = try LevelPrompts.composer(LevelPrompts.shapes()).compose(
      kind, count: 4, split: .test, target: 5, number: 5)
    try ComposedRecordFile.write([named.record], to: file)
    let plain = try String(contentsOf: file, encoding: .utf8)
    #expect(!plain.contains("level") && !plain.contains("targets") && !plain.contains("about"))
  }

  private static let damages: [(PromptLevel, String, @Sendable (inout ComposedRecord) -> Void)] = [
    (.compare, "targets 3", { $0.targets = [3] }), (.compare, "targets", { $0.targets = nil }),
    (.compare, "targets", { $0.targets = [2, 1] }), (.compare, "targets", { $0.targets = [1, 9] }),
    (.compare, "targets", { $0.targets = [0, 1] }), (.compare, "first", { $0.target = 4 }),
    (
      .compare, "names the pictures",
      { record in
        let question = record.question.replacing("and", with: "and Image2 and", maxReplacements: 1)
        record.prompt = record.prompt.replacing(record.question, with: question)
        record.question = question
      }
    ),
    (.compare, "about", { $0.about = nil }), (.compare, "about", { $0.about = ["color", "shape"] }),
    (.compare, "\"size\"", { $0.about = ["size"] }), (.compare, "facts", { $0.facts = nil }),
    (.compare, "facts", { $0.factsOfOthers?.removeLast() }), (.compare, "level", { $0.level = nil }),
    (.find, "targets", { $0.targets = [1, 2] }), (.find, "about", { $0.about = [] }),
    (.find, "fits as", { record in record.factsOfOthers?[0] = record.facts ?? [:] }),
    (
      .find, "expected none",
      {
        $0.question += " Image2"; $0.prompt += " Image2"
      }
    ),
    (.find, "does not end", { $0.question = "what?" }),
    (
      .find, "has the level find",
      { record in
        (record.kind, record.count, record.images) = (.pictureInPicture, 2, ["a"])
        (record.target, record.targets, record.prompt) = (1, [1], "<image>\n" + record.question)
      }
    ),
  ]

  @Test(arguments: damages.indices) func damagedRecords(index: Int) throws {
    let (level, expected, damage) = Self.damages[index]
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("records.jsonl")
    var record = try record(level)
    damage(&record)
    try ComposedRecordFile.write([record], to: file)
    let words = expected.split(separator: " ").first.map(String.init) ?? ""
    #expect {
      try ComposedRecordFile.read(file)
    } throws: {
      "\($0)".contains(words) && "\($0)".contains(record.id)
    }
  }

  @Test func anUnknownLevelIsNotRead() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("records.jsonl")
    let line = try record(.find).jsonLine.replacing("\"level\": 3", with: "\"level\": 4")
    try Data((line + "\n").utf8).write(to: file)
    #expect { try ComposedRecordFile.read(file) } throws: { "\($0)".contains("level") }
  }

  // MARK: In another order

  @Test(arguments: PromptLevel.allCases) func anotherOrderHasOtherNames(level: PromptLevel) throws {
    let source = LevelPrompts.shapes()
    let grading = try AnswerGrading(GraderChoice.auto, source: source)
    for count in 2...5 {
      for number in 0..<12 {
        let record = try LevelPrompts.composer(source).compose(
          .sequence, count: count, split: .test, target: number, number: number, level: level
        ).record
        let asked = LevelPrompts.question(record)
        let other = try #require(asked.permuted)
        let turned = try #require(other.record)
        #expect(other.images == [asked.images[count - 1]] + asked.images.dropLast() && other.id == asked.id)
        #expect(try facts(turned) == [try facts(record)[count - 1]] + (try facts(record).dropLast()))
        #expect(other.facts == turned.facts && turned.targets?.first == turned.target)
        #expect(
          grading.verdict(other.groundTruth, to: other) == .right, "\(other.groundTruth) \(other.prompt)")
        #expect(other.groundTruth == turned.answer)
        if level == .find {
          #expect(turned.target == record.target % count + 1)
          #expect(grading.verdict(asked.groundTruth, to: other) == .wrong)
        }
        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("r.jsonl")
        try ComposedRecordFile.write([turned], to: file)
        #expect(try ComposedRecordFile.read(file) == [turned])
        var back = asked
        for _ in 0..<count { back = try #require(back.permuted) }
        #expect(back.record == asked.record && back.prompt == asked.prompt && back.images == asked.images)
        #expect(back.groundTruth == asked.groundTruth)
      }
    }
    let grid = try record(level, .grid)
    #expect(LevelPrompts.question(grid).permuted == nil)
  }
}
