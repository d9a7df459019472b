import DPOTrain
import Foundation
import LVLM
import MultiImageData
import Tensor
import TestSupport
import Testing

/// Conversations of several turns, as LLaVA trains them: one sequence, a loss on every answer.
@Suite struct ConversationTurnsTests {
  /// The mean loss of a conversation is that of its answers, each computed by itself after everything before
  /// it.
  @Test func lossIsThatOfEveryAnswerAfterItsPrefix() throws {
    let setup = try ConversationSetup()
    let turns: [Conversation.Turn] = [
      .init(question: "<image>\nWhat color is it?", answer: "red"),
      .init(question: "What shape is it?", answer: "a round box"),
      .init(question: "Is it large?", answer: "no"),
    ]
    let picture = Picture.source(setup.scenes.image(.sft, 0))
    let whole = try setup.loss([Conversation(id: "c", pictures: [picture], turns: turns)])
    var sum = 0.0
    var count = 0
    for index in turns.indices {
      var prefix = try setup.encoder.encode(setup.encoder.template.prompt(turns[0].question), imageCount: 1)
      for before in 0..<index {
        prefix += try setup.encoder.encode(answer: turns[before].answer)
        prefix += try setup.encoder.encode(laterQuestion: turns[before + 1].question)
      }
      let answer = try setup.encoder.encode(answer: turns[index].answer)
      let features = try setup.features.features(of: [[picture]])
      let batch = try PackedBatch(
        [PackedExample(promptIDs: prefix, images: [0], completions: [answer])], sharesPrefix: true,
        imageTokenID: setup.encoder.imageTokenID, features: features.features.layout)
      sum -= noGradient {
        setup.model.logProbabilities(batch, imageFeatures: features.features).sum().item()
      }
      count += answer.count
    }
    #expect(whole.tokens == Double(count))
    #expect(abs(whole.loss - sum / Double(count)) < 1e-5)
  }

  @Test func recordsOfSeveralTurnsAreOneConversation() throws {
    let folder = try TemporaryFolder()
    let png = try RGBImage(width: 8, height: 8, colour: RGBColour(1, 2, 3)).pngBytes()
    var lines: [String] = []
    for index in 0..<6 {
      try folder.write(png, to: "p/\(index).png")
      lines.append(
        #"{"id": "r\#(index)", "image": "p/\#(index).png", "conversations": [{"from": "human", "value": "<image>\nA?"}, "#
          + #"{"from": "gpt", "value": "a\#(index)"}, {"from": "human", "value": "B?"}, {"from": "gpt", "value": "b"}]}"#
      )
    }
    let path = try folder.write(lines.joined(separator: "\n"), to: "data.jsonl")
    for (turns, share, expected) in [
      (LLaVAConversations.Turns.all, 0.0, ["<image>\nA?", "B?"]), (.first, 0, ["<image>\nA?"]),
    ] {
      let source = try LLaVAConversations(path: path, shares: [.sft: 1], turns: turns)
      var settings = SupervisedSettings()
      settings.composed.share = share
      let sampler = try ConversationSampler(
        source: source, settings: settings, sampler: RecordSampler(recordCount: 6, batchSize: 6, seed: 0),
        seed: 0)
      for conversation in try sampler.conversations(ofStep: 0) {
        #expect(conversation.turns.map(\.question) == expected)
      }
    }
    var both = SupervisedSettings()
    both.composed.share = 1
    let source = try LLaVAConversations(path: path, shares: [.sft: 1])
    let sampler = try ConversationSampler(
      source: source, settings: both, sampler: RecordSampler(recordCount: 6, batchSize: 6, seed: 0), seed: 0)
    for conversation in try sampler.conversations(ofStep: 0) {
      #expect(conversation.turns.count == 2 && conversation.pictures.count == 2)
      let place = try #require(PromptRewriting.target(in: conversation.turns[0].question))
      #expect(conversation.turns[1].question == "In Image\(place), b?")
      #expect(conversation.turns[1].answer == "b")
    }
  }
}
