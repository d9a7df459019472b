import LVLM
import Tensor

/// The smallest model that training can be tried on: one layer everywhere, random weights.
enum OneLayerModel {
  static func make(using generator: inout RandomGenerator) throws -> LlavaModel {
    try LlavaModel(
      LlavaConfiguration(
        vision: VisionConfiguration(
          hiddenSize: 8, intermediateSize: 16, hiddenLayerCount: 1, attentionHeadCount: 2, imageSize: 16,
          patchSize: 8),
        text: TextConfiguration(
          vocabularySize: 20, hiddenSize: 16, intermediateSize: 24, hiddenLayerCount: 1,
          attentionHeadCount: 2, keyValueHeadCount: 1),
        imageTokenIndex: 19), using: &generator)
  }
}
