import Foundation
import LVLM
import Runs
import Tensor
import TestSupport
import Testing

/// Several turns give what one prompt of all of them gives.
@Suite struct ChatSessionTests {
  private let loaded: PretrainedModel
  private let pictures = [
    RGBImage(width: 20, height: 12, colour: RGBColour(200, 30, 60)),
    RGBImage(width: 9, height: 30, colour: RGBColour(10, 90, 220)),
  ]

  init() throws {
    loaded = try PretrainedModel.load(from: Fixtures.url("verification/llava_tiny"), template: .plain)
  }

  /// The answer to the last question of a conversation, read as a whole.
  private func expected(
    _ history: [(question: String, answer: String)], _ question: String, _ shown: [RGBImage], tokens: Int
  ) throws -> GeneratedAnswer {
    let example = try loaded.encoder.example(
      system: nil, history: history, question: question, images: Array(shown.indices), room: 1)
    return try Generator(model: loaded.model, tokenizer: loaded.tokenizer, stop: loaded.template.stop)
      .generate(
        [example], imageFeatures: loaded.imageFeatures(shown), maxNewTokens: tokens)[0]
  }

  @Test func turnsWithPictures() throws {
    var settings = ChatSession.Settings()
    settings.maxNewTokens = 6
    let conversation = try ChatSession(loaded, settings)
    var history: [(question: String, answer: String)] = []
    var shown: [RGBImage] = []
    for (turn, text) in ["What?", "And this?", "Why?"].enumerated() {
      if turn < 2 {
        try conversation.show(pictures[turn], named: "\(turn).png")
        shown.append(pictures[turn])
      }
      var streamed = ""
      let answer = try conversation.ask(text, onText: { streamed += $0 })
      let question = (turn < 2 ? "<image>\n" : "") + text
      let wanted = try expected(history, question, shown, tokens: 6)
      #expect(answer.ids == wanted.ids, "turn \(turn)")
      #expect(answer.text == wanted.text)
      // Bytes that in the end are no character may have been one when they were shown.
      if !wanted.text.contains("\u{FFFD}") { #expect(streamed == wanted.text) }
      for (a, b) in zip(answer.logProbabilities, wanted.logProbabilities) { #expect(abs(a - b) < 1e-4) }
      try #require(answer.text.contains { !$0.isWhitespace })
      history.append((question, answer.text))
      #expect(conversation.history.map(\.answer) == history.map(\.answer))
    }
    try conversation.reset()
    #expect(conversation.history.isEmpty)
    let answer = try conversation.ask("Why?")
    let alone = try expected([], "Why?", [], tokens: 6)
    #expect(answer.ids == alone.ids)
  }

  @Test func stoppedAnswersCountAsFarAsTheyCame() throws {
    let conversation = try ChatSession(loaded)
    var count = 0
    let answer = try conversation.ask(
      "What?",
      isStopped: {
        count += 1
        return count > 3
      })
    #expect(answer.ids.count == 4)
    #expect(conversation.history.count == (answer.text.contains { !$0.isWhitespace } ? 1 : 0))
  }

  @Test func tooLongIsTold() throws {
    let conversation = try ChatSession(loaded)
    let error = #expect(throws: ChatSession.TooLong.self) {
      try conversation.ask(String(repeating: "many words ", count: 80))
    }
    #expect(error?.context == 128)
    #expect((error?.tokens ?? 0) > 128)
    #expect(conversation.history.isEmpty)
    // Of the room that is left an answer takes what there is.
    var settings = ChatSession.Settings()
    settings.maxNewTokens = 1000
    let answer = try ChatSession(loaded, settings).ask("What?")
    #expect(answer.ids.count < 128)
  }

  @Test func runsStandForTheirModels() throws {
    try TemporaryFolder.with { folder in
      let files = FileManager.default
      #expect(try RunModels(of: folder) == nil)
      let model = Fixtures.url("verification/llava_tiny")
      for part in ["sft", "train"] {
        let place = folder.appending(component: part)
        try files.createDirectory(at: place, withIntermediateDirectories: true)
        try files.copyItem(at: model, to: place.appending(component: "model"))
        let found = try #require(try RunModels(of: folder))
        #expect(found.newest.path.hasSuffix("\(part)/model"))
        #expect(found.base?.path.hasSuffix("sft/model") == true)
      }
      #expect(try RunModels(of: model) == nil)
    }
  }
}

extension TemporaryFolder {
  /// A folder that is removed afterwards.
  static func with(_ body: (URL) throws -> Void) throws {
    let folder = try TemporaryFolder()
    try withExtendedLifetime(folder) { try body(folder.url) }
  }
}
