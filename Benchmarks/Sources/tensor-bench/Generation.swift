import Foundation
import LVLM
import Tensor

/// Greedy answers to prompts of three pictures each, with a cache of keys and values.
final class Generation {
  /// New tokens of every prompt: the first comes out of the prefill, the others are decoded.
  static let newTokens = 65

  private let generator: Generator
  private let prompts: [PackedExample]
  private let features: () throws -> ImageFeatures

  /// - Parameter type: how the weights of linear layers and embeddings are stored.
  init(_ size: ModelSize, batch: Int, weights type: DType = .float32) throws {
    var random = RandomGenerator(seed: 0)
    let model = try VisionLanguageModel(size.configuration, using: &random)
    model.setTrainable(false, .vision, .projector, .decoder)
    let directory = FileManager.default.temporaryDirectory.appending(component: UUID().uuidString)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let tokenizer = try Tokenizer.train(
      texts: ["a few words"], vocabularySize: 270, to: directory.appending(component: "tokenizer.model"))
    model.storeFrozenWeights(as: type)
    generator = Generator(model: model, tokenizer: tokenizer)
    var data = RandomGenerator(seed: 5)
    prompts = (0..<batch).map { index in
      PackedExample(
        promptIDs: size.prompt(images: 3, using: &data), images: Array(index * 3..<index * 3 + 3))
    }
    let pixels = Tensor.randomNormal([3 * batch, 3, size.imageSize, size.imageSize], using: &data)
    features = { noGradient { model.imageFeatures(pixels) } }
  }

  /// The language model of the GGUF file that `SMOLLM2_GGUF` names, asked to go on with a text.
  init(languageModel path: String, weights: WeightStorage) throws {
    let loaded = try PretrainedModel.load(from: URL(fileURLWithPath: path), weights: weights)
    generator = Generator(model: loaded.model, tokenizer: loaded.tokenizer)
    let text = "Once upon a time there was a small house at the edge of a large forest, and in it lived"
    prompts = [
      PackedExample(promptIDs: Array(try loaded.tokenizer.encode(text + " an old man. " + text).prefix(40)))
    ]
    features = { try loaded.imageFeatures([]) }
  }

  /// Tokens of all prompts.
  var promptTokens: Int { prompts.reduce(0) { $0 + $1.promptIDs.count } }

  /// Decoding is what the tokens beyond the first take. Each turn ends with a prefill of its own, as the
  /// peers' do: the first one finds the caches as the program before left them.
  func race(repetitions: Int) throws -> [String: Any] {
    var (first, whole, prefill, decoded) = (0.0, 0.0, 0.0, 0)
    for _ in 0..<repetitions {
      first += try time(newTokens: 1).seconds
      let all = try time(newTokens: Self.newTokens)
      whole += all.seconds
      decoded += all.tokens - prompts.count
      prefill += try time(newTokens: 1).seconds
    }
    return [
      "seconds": whole / Double(repetitions), "first_token_seconds": first / Double(repetitions),
      "decode_tokens_per_second": Double(decoded) / (whole - first),
      "prefill_tokens_per_second": Double(promptTokens * repetitions) / prefill,
    ]
  }

  private func time(newTokens: Int) throws -> (seconds: Double, tokens: Int) {
    let start = ContinuousClock.now
    let answers = try generator.generate(prompts, imageFeatures: features(), maxNewTokens: newTokens)
    return (seconds(since: start), answers.reduce(0) { $0 + $1.ids.count })
  }
}
