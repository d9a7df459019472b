import DPOTrain
import Foundation
import LVLM
import MultiImageData
import Tensor
import TestSupport

/// A random two-layer model, a vocabulary of a few sentences, and four scenes.
struct ConversationSetup {
  private static let texts = [
    "USER: ASSISTANT:", "What color is it? red green blue", "What shape is it? a round box",
    "In Image1, In Image2,",
    "Is it large? yes no",
  ]

  let model: LlavaModel
  let encoder: PromptEncoder
  let features: FeatureStore
  let scenes: ShapeScenes

  init() throws {
    let folder = try TemporaryFolder()
    let tokenizer = try Tokenizer.train(
      texts: Self.texts, vocabularySize: 300, to: URL(fileURLWithPath: folder.path + "/t.model"))
    let configuration = LlavaConfiguration(
      vision: VisionConfiguration(
        hiddenSize: 16, intermediateSize: 32, hiddenLayerCount: 2, attentionHeadCount: 2, imageSize: 16,
        patchSize: 8),
      text: TextConfiguration(
        vocabularySize: tokenizer.vocabularySize, hiddenSize: 32, intermediateSize: 48, hiddenLayerCount: 2,
        attentionHeadCount: 4, keyValueHeadCount: 2), imageTokenIndex: Int(tokenizer.imageID))
    var generator = RandomGenerator(seed: 4)
    model = try LlavaModel(configuration, using: &generator)
    encoder = PromptEncoder(tokenizer: tokenizer, template: .plain, configuration: configuration)
    scenes = ShapeScenes(seed: 1, size: 16, counts: [.sft: 4])
    features = FeatureStore(
      model: model,
      pictures: PictureStore(
        source: scenes, processor: ImageProcessor(ImageProcessorConfiguration(size: 16))),
      training: .everything)
  }

  func loss(_ conversations: [Conversation]) throws -> (loss: Double, tokens: Double) {
    let outcome = try SupervisedObjective(
      model: model, features: features, encoder: encoder,
      sampler: RecordSampler(recordCount: 4, batchSize: 4, seed: 0), conversations: { _ in conversations }
    ).outcome(ofStep: 0)
    return (outcome.loss, outcome.metrics[0].weight)
  }
}
