import DPOTrain
import LVLM
import MultiImageData
import Tensor
import Testing

/// Several answers to a prompt that is read once are those of one after the other, and so is where they
/// looked.
@Suite struct AnswererTests {
  private static let ways = [
    Sampling.greedy, Sampling(temperature: 1, generator: RandomGenerator(seed: 1)),
    Sampling(temperature: 2, topK: 50, generator: RandomGenerator(seed: 2)),
  ]

  /// - Parameter batchTokens: those of a batch.
  private func answerer(_ setup: ConversationSetup, batchTokens: Int) throws -> Answerer {
    let pictures = (0..<4).map { Picture.source(setup.scenes.image(.sft, $0)) }
    let requests = [
      AnswerRequest(id: "a", pictures: [pictures[0]], prompt: "<image>\nWhat color is it?"),
      AnswerRequest(
        id: "b", pictures: [pictures[1], pictures[2]], prompt: "<image> <image>\nIn Image2, is it large?"),
      AnswerRequest(id: "c", pictures: [pictures[3]], prompt: "<image>\nWhat shape is it?"),
    ]
    return try Answerer(
      requests, model: setup.model, encoder: setup.encoder, features: setup.features,
      batchTokens: batchTokens, maxNewTokens: 7)
  }

  /// In batches of one, whose attention is read way by way, too.
  @Test(arguments: [1, 10_000]) func severalWaysAreEachByItself(batchTokens: Int) throws {
    let setup = try ConversationSetup()
    let answerer = try answerer(setup, batchTokens: batchTokens)
    #expect(answerer.batches.count == (batchTokens == 1 ? 3 : 1))
    let request = AttentionRequest(layers: 0..<2)
    var texts: Set<[Int32]> = []
    for batch in answerer.batches.indices {
      let together = try answerer.answers(batch: batch, attention: request, samplings: Self.ways)
      #expect(together.count == 3)
      texts.formUnion(together.flatMap { $0.map(\.answer.ids) })
      for (sampling, found) in zip(Self.ways, together) {
        let alone = try answerer.answers(batch: batch, attention: request, sampling: sampling)
        #expect(found.count == alone.count && found.count == answerer.batches[batch].count)
        for (a, b) in zip(found, alone) {
          #expect(a.answer == b.answer)
          #expect(a.attention.count == 2)
          for (one, other) in zip(a.attention, b.attention) {
            #expect(one.tokenCount == other.tokenCount && one.grids == other.grids)
            #expect(one.values.count == other.values.count)
            for (x, y) in zip(one.values, other.values) { #expect(abs(x - y) < 1e-6) }
          }
        }
      }
    }
    #expect(texts.count > 3)
  }
}
