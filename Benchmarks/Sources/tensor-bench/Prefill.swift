import Foundation
import LVLM
import Tensor

/// Reading a prompt with one picture in tiles, from views to the first token: a model of the shape of
/// SmolVLM-256M with random weights.
final class Prefill {
  private let model: VisionLanguageModel
  private let generator: Generator
  private let prompt: PackedExample
  private let layout: FeatureLayout
  private let pixels: Tensor

  /// - Parameter tiles: along each side of the picture, beside a view of the whole; 0 for that view alone.
  init(tiles: Int) throws {
    let side = 512
    let configuration = SmolVLMConfiguration(
      vision: SiglipConfiguration(
        hiddenSize: 768, intermediateSize: 3072, hiddenLayerCount: 12, attentionHeadCount: 12,
        imageSize: side, patchSize: 16, variant: .idefics3),
      text: TextConfiguration(
        vocabularySize: 49_280, hiddenSize: 576, intermediateSize: 1536, hiddenLayerCount: 30,
        attentionHeadCount: 9, keyValueHeadCount: 3, contextLength: 8192, ropeTheta: 100_000,
        tiesWordEmbeddings: true),
      scaleFactor: 4, imageTokenIndex: 49_190)
    var random = RandomGenerator(seed: 0)
    model = try VisionLanguageModel(configuration, using: &random)
    model.setTrainable(false, .vision, .projector, .decoder)
    let directory = FileManager.default.temporaryDirectory.appending(component: UUID().uuidString)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let tokenizer = try Tokenizer.train(
      texts: ["a few words"], vocabularySize: 270, to: directory.appending(component: "tokenizer.model"))
    generator = Generator(model: model, tokenizer: tokenizer)
    let geometry = SmolVLMGeometry(
      tiling: SmolVLMTiling(longestEdge: max(tiles, 1) * side, side: side, splits: tiles > 0),
      featuresPerSide: configuration.featuresPerSide, featureSide: 16 * 4)
    let grid = geometry.grid(width: max(tiles, 1) * side, height: max(tiles, 1) * side, isAlone: true)
    layout = FeatureLayout([grid])
    // Two tokens of text around every run of features, as its tags have, and a question.
    let image = Int32(configuration.imageTokenIndex)
    var ids: [Int32] = [1]
    for part in grid.frame {
      switch part {
      case .features(let count): ids += Array(repeating: image, count: count)
      case .text: ids += [100, 101]
      }
    }
    prompt = PackedExample(promptIDs: ids + (0..<24).map { 200 + $0 }, images: [0])
    var data = RandomGenerator(seed: 5)
    pixels = Tensor.randomNormal([tiles * tiles + 1, 3, side, side], using: &data)
  }

  /// Seconds from views to the first token, the number of tokens, and what of it the views took.
  func race(repetitions: Int) throws -> [String: Any] {
    var (whole, views) = (0.0, 0.0)
    for _ in 0..<repetitions {
      let start = ContinuousClock.now
      let features = noGradient { model.imageFeatures(pixels, layout: layout) }
      views += seconds(since: start)
      _ = try generator.generate([prompt], imageFeatures: features, maxNewTokens: 1)
      whole += seconds(since: start)
    }
    return [
      "seconds": whole / Double(repetitions), "views_seconds": views / Double(repetitions),
      "tokens": prompt.promptIDs.count,
      "prefill_tokens_per_second":
        Double(prompt.promptIDs.count * repetitions) / whole,
    ]
  }
}
