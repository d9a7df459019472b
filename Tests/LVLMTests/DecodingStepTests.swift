import LVLM
import Tensor
import Testing

/// The fast pass over newest tokens computes what the model computes, however its weights are stored.
@Suite struct DecodingStepTests {
  private let prompts = [
    PackedExample(promptIDs: [1, 4] + TinyModel.image() + [5], images: [2]),
    PackedExample(promptIDs: [1, 6, 7, 8, 9, 10]),
  ]

  private func model() throws -> LlavaModel {
    let model = try TinyModel.make(seed: 3)
    for (name, parameter) in model.namedParameters() where name.hasSuffix("embed_tokens.weight") {
      parameter.tensor = parameter.tensor * 40
    }
    return model
  }

  /// Answers token by token, and the log-probabilities of the same answers in one pass without a cache.
  private func compare(_ model: LlavaModel, prompts: [PackedExample]) throws -> Double {
    let features = noGradient { model.imageFeatures(TinyModel.pixels(3)) }
    let answers = try Generator(model: model, tokenizer: Golden.tokenizer()).generate(
      prompts, imageFeatures: features, maxNewTokens: 7)
    let forced = zip(prompts, answers).map { prompt, answer in
      PackedExample(promptIDs: prompt.promptIDs, images: prompt.images, completions: [answer.ids])
    }
    let batch = try TinyModel.batch(forced)
    let expected = noGradient { model.logProbabilities(batch, imageFeatures: features) }.array(of: Float.self)
    let found = answers.flatMap(\.logProbabilities)
    #expect(found.count == expected.count)
    return zip(found, expected).map { Double(abs($0 - $1)) }.max() ?? 0
  }

  @Test func adapters() throws {
    let model = try model()
    var generator = RandomGenerator(seed: 8)
    model.applyLoRA(rank: 3, alpha: 6, using: &generator)
    for (name, parameter) in model.namedParameters() where name.hasSuffix("lora_B.weight") {
      parameter.tensor = Tensor.randomNormal(parameter.shape, standardDeviation: 0.3, using: &generator)
    }
    #expect(try compare(model, prompts: prompts) < 2e-5)
    model.isAdapterEnabled = false
    #expect(try compare(model, prompts: prompts) < 2e-5)
  }

  @Test func scaledPositions() throws {
    var configuration = try model().configuration
    #expect(configuration.text.ropeScaling == .none)
    configuration.text.ropeScaling = .yarn(.init(factor: 3, originalContext: 4))
    var generator = RandomGenerator(seed: 3)
    #expect(try compare(LlavaModel(configuration, using: &generator), prompts: prompts) < 2e-5)
  }

  @Test func moreAnswersThanTheFastPassTakes() throws {
    #expect(try compare(model(), prompts: (0..<10).flatMap { _ in prompts }) < 2e-5)
  }

  @Test func frozenWeightsInBFloat16() throws {
    let model = try model()
    let features = noGradient { model.imageFeatures(TinyModel.pixels(3)) }
    let batch = try TinyModel.batch(
      prompts.map {
        PackedExample(promptIDs: $0.promptIDs, images: $0.images, completions: [[12, 13, 2], [14, 2]])
      })
    let exact = model.logProbabilities(batch, imageFeatures: features)
    var generator = RandomGenerator(seed: 1)
    model.setTrainable(false, .vision, .projector)
    model.applyLoRA(rank: 2, alpha: 4, using: &generator)
    model.storeFrozenWeights(as: .bfloat16)
    for (name, parameter) in model.namedParameters() {
      let isMatrix =
        name.hasSuffix("_proj.weight") || name.contains("lm_head") || name.contains("embed_tokens")
      if isMatrix { #expect(parameter.dtype == .bfloat16, "\(name)") }
      if name.contains("norm") || name.contains("lora") { #expect(parameter.dtype == .float32, "\(name)") }
    }
    let stored = model.logProbabilities(
      batch, imageFeatures: noGradient { model.imageFeatures(TinyModel.pixels(3)) })
    #expect(stored.dtype == .float32)
    #expect((stored - exact).abs().max().item() < 0.05 * exact.abs().max().item())
    #expect((stored - exact).abs().max().item() > 0)
    let gradients = stored.sum().backward()
    for (name, parameter) in model.namedParameters() {
      #expect((gradients[parameter] != nil) == name.contains("lora_"), "\(name)")
    }
    #expect(try compare(model, prompts: prompts) < 2e-5)
  }
}
