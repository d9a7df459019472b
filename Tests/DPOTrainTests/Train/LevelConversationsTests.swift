import DPOTrain
import Foundation
import LVLM
import MultiImageData
import TestData
import TestSupport
import Testing

/// Conversations of supervised training that compare pictures and ask which one fits.
@Suite struct LevelConversationsTests {
  private static let count = 3000

  private func sampler(
    _ source: any QuestionSource, _ change: (inout SupervisedSettings) -> Void
  ) throws -> ConversationSampler {
    var settings = SupervisedSettings()
    (settings.composed.share, settings.composed.questions) = (1, 5)
    settings.composed.sequence = [2: 1, 3: 1]
    settings.composed.grid = [4: 1]
    change(&settings)
    return try ConversationSampler(
      source: source, settings: settings,
      options: CompositionOptions(cell: 24, innerScale: 0.5, minimumOuterSide: 24),
      sampler: RecordSampler(recordCount: source.count(of: .sft), batchSize: 40, seed: 2), seed: 2)
  }

  private func images(_ conversation: Conversation) -> (kind: CompositionKind, images: [ImageReference]) {
    var found: (kind: CompositionKind, images: [ImageReference]) = (.sequence, [])
    for picture in conversation.pictures {
      switch picture {
      case .source(let image): found.images.append(image)
      case .composed(let canvas): found = (canvas.kind, canvas.sources)
      default: Issue.record("\(picture)")
      }
    }
    return found
  }

  @Test(arguments: [AnswerStyle.words, .sentences]) func questionsAreRightAndAsOftenAsStated(
    style: AnswerStyle
  )
    throws
  {
    let source = ShapeScenes(seed: 5, size: 24, counts: [.sft: Self.count], answers: style)
    let sampler = try sampler(source) { ($0.composed.compare, $0.composed.find) = (0.25, 0.5) }
    let words = source.factWords
    let grading = AnswerGrading(grader: source.grader, words: words)
    var (compared, yes, found, all): (Int, Int, Int, Int) = (0, 0, 0, 0)
    var places: Set<Int> = []
    for step in 0..<20 {
      let conversations = try sampler.conversations(ofStep: step)
      #expect(conversations == (try sampler.conversations(ofStep: step)))
      for conversation in conversations {
        let (kind, images) = images(conversation)
        let facts = images.map { source.facts(of: $0) ?? [:] }
        #expect(Set(images.map(\.path)).count == images.count && conversation.turns.count == 5)
        // The first question is the record's own and names its picture.
        #expect(conversation.turns[0].question.contains("In Image"))
        #expect(ImageMark.count(in: conversation.turns[0].question) == (kind == .grid ? 1 : images.count))
        for turn in conversation.turns.dropFirst() {
          all += 1
          guard !turn.question.contains("In Image") else { continue }
          let named = turn.question.matches(of: /Image(\d)/).compactMap { Int($0.1) }
          let level: PromptLevel = named.isEmpty ? .find : .compare
          let own = AnswerText.normalized(turn.answer)
          if level == .compare {
            compared += 1
            if own.hasPrefix("yes") { yes += 1 }
          } else {
            found += 1
          }
          // Every attribute that the words of the question allow.
          let about: [String] =
            level == .compare
            ? [turn.question.contains("color") ? "color" : "shape"]
            : (["red", "green", "blue", "yellow", "teal", "brown", "gray", "black"]
              .contains { turn.question.contains(" \($0) ") } ? ["color"] : [])
              + (["circle", "rectangle", "triangle"].contains { turn.question.contains($0) } ? ["shape"] : [])
          let target =
            level == .compare
            ? named[0] : try #require(turn.answer.firstMatch(of: /Image(\d)/).flatMap { Int($0.1) })
          if level == .find { places.insert(target) }
          var others = facts
          let first = others.remove(at: target - 1)
          let record = ComposedRecord(
            id: "r", kind: kind, count: images.count, target: target, level: level,
            targets: level == .compare ? named : [target], about: about, images: [], prompt: "", answer: "",
            answersOfOthers: [], family: "f", question: "q", source: "s", layout: nil, facts: first,
            factsOfOthers: others)
          let asked = StoredQuestion(
            id: "r", images: [], prompt: "", groundTruth: "", family: "f", record: record, facts: first)
          #expect(grading.verdict(turn.answer, to: asked) == .right, "\(turn) \(facts)")
          if level == .find {
            let value = facts[target - 1]
            #expect(
              facts.count { other in about.allSatisfy { other[$0] == value[$0] } } == 1, "\(turn) \(facts)")
          }
        }
      }
    }
    let (shareOfCompared, shareOfFound) = (Double(compared) / Double(all), Double(found) / Double(all))
    #expect(abs(shareOfCompared - 0.25) < 0.03, "\(shareOfCompared)")
    #expect(abs(shareOfFound - 0.5) < 0.04, "\(shareOfFound)")
    #expect(abs(Double(yes) / Double(compared) - 0.5) < 0.05, "\(yes) of \(compared)")
    #expect(places == [1, 2, 3, 4])
  }

  @Test func nothingIsDrawnWithoutAShare() throws {
    let source = ShapeScenes(seed: 5, size: 24, counts: [.sft: Self.count], answers: .sentences)
    let plain = try sampler(source) { _ in }
    for step in 0..<3 {
      #expect(
        try plain.conversations(ofStep: step).allSatisfy { one in
          one.turns.allSatisfy { $0.question.contains("In Image") }
        })
    }
    let inner = try sampler(source) {
      ($0.composed.sequence, $0.composed.grid, $0.composed.picInPic, $0.composed.find) = ([:], [:], 1, 0.5)
    }
    #expect(
      try inner.conversations(ofStep: 0).allSatisfy { !$0.turns.contains { $0.question.contains("which") } })
  }

  @Test func aSourceThatKnowsNothing() throws {
    let folder = try TemporaryFolder()
    let turns = #"[{"from": "human", "value": "<image>\nwhat?"}, {"from": "gpt", "value": "that"}]"#
    for number in 0..<4 {
      try folder.write(
        try RGBImage(width: 8, height: 8, colour: RGBColour(UInt8(number), 0, 0)).pngBytes(),
        to: "\(number).png")
    }
    let rows = (0..<4).map { #"{"id": "\#($0)", "image": "\#($0).png", "conversations": \#(turns)}"# }
    let file = try folder.write(Array(("[" + rows.joined(separator: ",") + "]").utf8), to: "a.json")
    let llava = try LLaVAConversations(path: file, shares: [.sft: 1])
    #expect {
      try sampler(llava) { ($0.composed.sequence, $0.composed.grid, $0.composed.find) = ([2: 1], [:], 0.5) }
    } throws: {
      "\($0)".contains("data source llava") && "\($0)".contains("sft.composed.find needs it")
    }
  }

  /// In a mixture the pictures of such a conversation are of one part; where there are none, it names them.
  @Test func mixtures() throws {
    let idx = try SmallFashion.small()
    let clothes = try FashionMNIST(folder: idx.path, seed: 1, answers: .sentences)
    let scenes = ShapeScenes(seed: 5, size: 24, counts: [.sft: 60], answers: .sentences)
    let mixture = SourceMixture([(clothes, 1), (scenes, 1)], counts: [.sft: 40])
    let sampler = try sampler(mixture) { ($0.composed.compare, $0.composed.find) = (0.5, 0.5) }
    var asked = 0
    for conversation in try (0..<4).flatMap({ try sampler.conversations(ofStep: $0) }) {
      let images = images(conversation).images
      let levels = conversation.turns.filter { !$0.question.contains("In Image") }
      asked += levels.count
      #expect(levels.isEmpty || Set(images.map { mixture.collection(of: $0) }).count == 1)
    }
    #expect(asked > 100)
  }
}
