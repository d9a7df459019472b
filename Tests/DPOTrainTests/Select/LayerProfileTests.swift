import DPOTrain
import MultiImageData
import Testing

@Suite("Layer profile")
struct LayerProfileTests {
  private func answers(
    _ kind: QuestionKind, count: Int, right: [[Double]], wrong: [[Double]]
  ) -> [LayerProfile.Answer] {
    right.map { .init(kind: kind, count: count, isRight: true, ratios: $0) }
      + wrong.map { .init(kind: kind, count: count, isRight: false, ratios: $0) }
  }

  @Test("areas are of prompts with the same number of images, weighted by the pairs they compare")
  func stratified() throws {
    // Two images: layer 0 separates all of 2 × 2, layer 1 none of them. Three images: one of 1 × 2, ties
    // count half.
    let rows =
      answers(.sequence, count: 2, right: [[0.9, 0.1], [0.8, 0.2]], wrong: [[0.5, 0.5], [0.6, 0.6]])
      + answers(.sequence, count: 3, right: [[0.3, 0.4]], wrong: [[0.2, 0.4], [0.4, 0.4]])
    let profile = try #require(LayerProfile(rows))
    #expect(profile.parts.map(\.kind) == [nil, .sequence] && profile.parts[0].areas.count == 2)
    #expect(profile.parts[0].right == 3 && profile.parts[0].wrong == 4)
    #expect(abs(try #require(profile.parts[0].areas[0]).estimate - 5.0 / 6) < 1e-12)
    #expect(abs(try #require(profile.parts[0].areas[1]).estimate - 1.0 / 6) < 1e-12)
    let best = try #require(profile.best)
    #expect(best.layer == 0 && best.area.low <= best.area.estimate && best.area.estimate <= best.area.high)
    #expect(profile.parts[1].areas == profile.parts[0].areas)
  }

  @Test("without ratios, or without both right and wrong answers, there is nothing to say")
  func nothing() throws {
    #expect(LayerProfile([]) == nil)
    #expect(LayerProfile(answers(.grid, count: 2, right: [[]], wrong: [[]])) == nil)
    let all = try #require(LayerProfile(answers(.grid, count: 4, right: [[0.4], [0.2]], wrong: [])))
    #expect(all.parts[0].areas == [nil] && all.best == nil)
  }
}
