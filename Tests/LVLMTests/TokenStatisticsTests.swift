import Foundation
import LVLM
import Tensor
import Testing

/// What is logged about tokens, against PyTorch.
@Suite struct TokenStatisticsTests {
  /// PyTorch 2.13 in Float64: `z = h Wᵀ`, `z.mean(-1)`, `-(p log p).sum(-1)` of its softmax, `z.argmax(-1) ==
  /// targets`, with h[i, j] = sin(16 i + j) and W[v, j] = cos(0.37 (16 v + j)).
  @Test func meansEntropiesAndTheLikeliestToken() throws {
    var generator = RandomGenerator(seed: 1)
    let model = try LlavaModel(
      LlavaConfiguration(
        vision: VisionConfiguration(
          hiddenSize: 8, intermediateSize: 16, hiddenLayerCount: 1, attentionHeadCount: 2, imageSize: 16,
          patchSize: 8),
        text: TextConfiguration(
          vocabularySize: 20, hiddenSize: 16, intermediateSize: 24, hiddenLayerCount: 1,
          attentionHeadCount: 2, keyValueHeadCount: 1),
        imageTokenIndex: 19), using: &generator)
    let head = try #require(model.namedParameters().first { $0.name.hasSuffix("lm_head.weight") })
    head.parameter.tensor = Tensor((0..<320).map { Float(cos(0.37 * Double($0))) }, shape: [20, 16])
    let hidden = Tensor((0..<80).map { Float(sin(Double($0))) }, shape: [5, 16])
    let found = TokenStatistics(of: [17, 0, 19, 7, 11], after: hidden, in: model.decoder)
    let means = [
      0.24207513501197164, -0.23911659256026238, 0.21590940852394708, -0.17441879136768268,
      0.11815820967566841,
    ]
    let entropies = [
      2.459115565971745, 2.2245410216122328, 2.442378340627761, 2.3347913793591886, 2.598500206551493,
    ]
    for (own, expected) in zip(found.meanLogits + found.entropies, means + entropies) {
      #expect(abs(own - expected) < 2e-6, "\(found)")
    }
    #expect(found.isTop == [true, false, false, true, false])
    #expect(TokenStatistics(of: [], after: Tensor.zeros([0, 16]), in: model.decoder).entropies.isEmpty)
  }
}
