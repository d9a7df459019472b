import LVLM
import Tensor

/// The two model sizes of the race; `peers/dpo_step.py` builds the same.
struct ModelSize {
  var name: String
  var imageSize: Int
  var visionWidth: Int
  var visionLayers: Int
  var width: Int
  var layers: Int
  var heads: Int
  var inner: Int
  var vocabulary: Int
  /// Pictures of every pair of a step.
  var images = [1, 2, 3, 5]
  /// Tokens of the chosen and of the rejected answer of every pair.
  var answers = [(61, 34), (58, 61), (58, 35), (38, 35)]

  static let all = [
    ModelSize(
      name: "tiny", imageSize: 56, visionWidth: 128, visionLayers: 4, width: 256, layers: 6, heads: 4,
      inner: 688,
      vocabulary: 2048),
    ModelSize(
      name: "small", imageSize: 112, visionWidth: 256, visionLayers: 6, width: 512, layers: 8, heads: 8,
      inner: 1376, vocabulary: 4096),
  ]

  var imageToken: Int { vocabulary - 64 }
  var patchesPerImage: Int { (imageSize / 14) * (imageSize / 14) }

  var configuration: LlavaConfiguration {
    LlavaConfiguration(
      vision: VisionConfiguration(
        hiddenSize: visionWidth, intermediateSize: 4 * visionWidth, hiddenLayerCount: visionLayers,
        attentionHeadCount: 4, imageSize: imageSize, patchSize: 14, projectionSize: visionWidth),
      text: TextConfiguration(
        vocabularySize: vocabulary, hiddenSize: width, intermediateSize: inner, hiddenLayerCount: layers,
        attentionHeadCount: heads, rmsNormEpsilon: 1e-6, eosTokenID: imageToken + 1),
      imageTokenIndex: imageToken)
  }

  /// Ids of words, none of them special.
  private func text(_ count: Int, using generator: inout RandomGenerator) -> [Int32] {
    (0..<count).map { _ in Int32(3 + Int(generator.uniform() * Double(imageToken - 3))) }
  }

  /// A prompt: pictures among a few words, then a question.
  func prompt(images: Int, using generator: inout RandomGenerator) -> [Int32] {
    var prompt: [Int32] = [1]
    for _ in 0..<images {
      prompt += text(4, using: &generator)
      prompt += [Int32](repeating: Int32(imageToken), count: patchesPerImage)
      prompt += text(1, using: &generator)
    }
    return prompt + text(24, using: &generator)
  }

  /// The preference pairs of a step.
  func examples(using generator: inout RandomGenerator) -> [PackedExample] {
    var nextImage = 0
    return zip(images, answers).map { images, answer in
      let prompt = prompt(images: images, using: &generator)
      defer { nextImage += images }
      return PackedExample(
        promptIDs: prompt, images: Array(nextImage..<nextImage + images),
        completions: [
          text(answer.0 - 1, using: &generator) + [2], text(answer.1 - 1, using: &generator) + [2],
        ])
    }
  }
}
