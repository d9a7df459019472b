import Foundation
import LVLM
import Tensor

/// One decoder layer of LLaVA-1.5-7B's width with frozen BFloat16 weights and adapters: forward and backward
/// over a sequence of 512 tokens.
final class LargeLayer {
  private let model: VisionLanguageModel
  private let batch: PackedBatch
  private let features: ImageFeatures

  init() throws {
    var random = RandomGenerator(seed: 0)
    let configuration = LlavaConfiguration(
      vision: VisionConfiguration(
        hiddenSize: 8, intermediateSize: 8, hiddenLayerCount: 1, attentionHeadCount: 1, imageSize: 14,
        patchSize: 14, projectionSize: 8),
      text: TextConfiguration(vocabularySize: 64, hiddenLayerCount: 1), imageTokenIndex: 63,
      visionFeatureLayer: -1)
    model = try VisionLanguageModel(configuration, using: &random)
    model.setTrainable(false, .vision, .projector, .decoder)
    model.storeFrozenWeights(as: .bfloat16)
    TensorRuntime.trim()
    model.applyLoRA(rank: 16, alpha: 32, using: &random)
    let ids = (0..<512).map { Int32($0 * 37 % 60) }
    batch = try PackedBatch(
      [PackedExample(promptIDs: Array(ids[..<2]), completions: [Array(ids[2...])])], sharesPrefix: true,
      imageTokenID: 63)
    features = ImageFeatures(
      .zeros([0, configuration.text.hiddenSize]), layout: FeatureLayout([]))
  }

  func run() { _ = model.logProbabilities(batch, imageFeatures: features).sum().backward() }
}

/// Opening the model `small` from a safetensors file, against reading the bytes of that file once.
final class Loading {
  private let directory: URL

  init() throws {
    directory = FileManager.default.temporaryDirectory.appending(component: UUID().uuidString)
    var random = RandomGenerator(seed: 0)
    try VisionLanguageModel(ModelSize.all[1].configuration, using: &random).save(to: directory)
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  /// Seconds of reading the file into fresh memory and of opening the model.
  func race() throws -> (read: Double, load: Double) {
    var start = ContinuousClock.now
    let file = try FileHandle(forReadingFrom: directory.appending(component: "model.safetensors"))
    let bytes = try file.readToEnd()
    let read = seconds(since: start)
    precondition(bytes?.isEmpty == false)
    start = ContinuousClock.now
    _ = try VisionLanguageModel.load(from: directory)
    return (read, seconds(since: start))
  }
}
