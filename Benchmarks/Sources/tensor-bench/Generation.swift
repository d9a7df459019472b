import Foundation
import LVLM
import Tensor

/// Greedy answers to prompts of three pictures each, with a cache of keys and values.
final class Generation {
  /// New tokens of every prompt: the first comes out of the prefill, the others are decoded.
  static let newTokens = 65

  private let generator: Generator
  private let prompts: [PackedExample]
  private let pixels: Tensor

  /// - Parameter type: how the weights of linear layers and embeddings are stored.
  init(_ size: ModelSize, batch: Int, weights type: DType = .float32) throws {
    var random = RandomGenerator(seed: 0)
    let model = try LlavaModel(size.configuration, using: &random)
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
    pixels = Tensor.randomNormal([3 * batch, 3, size.imageSize, size.imageSize], using: &data)
  }

  /// Tokens of all prompts.
  var promptTokens: Int { prompts.reduce(0) { $0 + $1.promptIDs.count } }

  /// The seconds of a prefill, which gives the first token, and of the tokens after it.
  func race(repetitions: Int) throws -> [String: Any] {
    var (first, whole) = (0.0, 0.0)
    for _ in 0..<repetitions {
      first += try time(newTokens: 1)
      whole += try time(newTokens: Self.newTokens)
    }
    let decoded = Double(prompts.count * (Self.newTokens - 1))
    return [
      "seconds": whole / Double(repetitions), "first_token_seconds": first / Double(repetitions),
      "decode_tokens_per_second": decoded * Double(repetitions) / (whole - first),
      "prefill_tokens_per_second": Double(promptTokens * repetitions) / first,
    ]
  }

  private func time(newTokens: Int) throws -> Double {
    let start = ContinuousClock.now
    let features = noGradient { generator.model.imageFeatures(pixels) }
    let answers = try generator.generate(prompts, imageFeatures: features, maxNewTokens: newTokens)
    let elapsed = seconds(since: start)
    let found = answers.reduce(0) { $0 + $1.ids.count }
    precondition(found == newTokens * prompts.count, "Generation: \(found) tokens, an answer ended early")
    return elapsed
  }
}
