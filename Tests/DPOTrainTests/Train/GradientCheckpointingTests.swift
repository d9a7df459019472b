import DPOTrain
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Blocks that are computed again in the backward pass: the same bytes with less memory.
@Suite struct GradientCheckpointingTests {
  private typealias Setup = PreferenceObjectiveTests.Setup

  /// Loss and gradients of a step with and without.
  private func compare(
    _ setup: Setup, _ step: () throws -> StepOutcome
  ) throws {
    setup.model.isGradientCheckpointing = false
    let plain = try step()
    setup.model.isGradientCheckpointing = true
    let again = try step()
    #expect(again.loss == plain.loss)
    #expect(gradientDifference(plain.gradients, again.gradients, of: setup.model) == 0)
    #expect(setup.model.trainableParameters().contains { plain.gradients[$0.parameter] != nil })
    #expect(again.metrics.map(\.value) == plain.metrics.map(\.value))
  }

  @Test(arguments: [false, true]) func everyWeight(trainsVision: Bool) throws {
    let setup = try Setup(trainsVision: trainsVision)
    for sharesPrefix in [true, false] {
      try compare(setup) {
        try setup.objective(microBatch: 3, sharesPrefix: sharesPrefix, weighsPairs: true).outcome(ofStep: 1)
      }
    }
  }

  /// What an adapter drops is the same in both evaluations.
  @Test func adaptersThatDrop() throws {
    let setup = try Setup()
    var generator = RandomGenerator(seed: 8)
    setup.model.setTrainable(false, .decoder)
    setup.model.applyLoRA(rank: 4, alpha: 8, using: &generator)
    for (name, parameter) in setup.model.namedParameters() where name.hasSuffix("lora_B.weight") {
      parameter.tensor = Tensor.randomNormal(parameter.shape, using: &generator) * 0.1
    }
    let dropout = AdapterDropout(probability: 0.4, seed: 3)
    try compare(setup) { try setup.objective(microBatch: 4, dropout: dropout).outcome(ofStep: 2) }
    let plain = try setup.objective(microBatch: 4).outcome(ofStep: 2).loss
    #expect(try setup.objective(microBatch: 4, dropout: dropout).outcome(ofStep: 2).loss != plain)
  }

  /// A layer whose attention takes part in the loss is computed once: what was read there has its gradient.
  @Test func attentionThatTakesPartInTheLoss() throws {
    let setup = try Setup()
    let pairs = setup.pairs.map { pair in
      var pair = pair
      let count = 4 * pair.pictures.count
      pair.focus = (0..<count).map { $0 < 4 ? 1 : 0 }
      return pair
    }
    let scorer = PairScorer(
      model: setup.model, features: setup.features, sharesPrefix: true, attention: (0, .answer))
    let known = try Dictionary(uniqueKeysWithValues: zip(pairs.map(\.id), setup.values(pairs)))
    let objective = PreferenceObjective(
      pairs: pairs,
      sampler: PairSampler(isSingle: pairs.map { _ in false }, batchSize: 8, singleShare: 0, seed: 1),
      microBatch: 4, scorer: scorer,
      terms: try PreferenceObjectiveTerms(
        losses: ["sigmoid"], options: LossOptions(),
        attention: AttentionPenalty(weight: 0.9, threshold: 2)),
      reference: { $0.map { known[$0.id]! } })
    try compare(setup) { try objective.outcome(ofStep: 0) }
  }

  /// A deep model keeps the inputs of its blocks and what one of them needs.
  @Test func lessIsKept() throws {
    var generator = RandomGenerator(seed: 1)
    let model = try LlavaModel(
      LlavaConfiguration(
        vision: VisionConfiguration(
          hiddenSize: 8, intermediateSize: 16, hiddenLayerCount: 1, attentionHeadCount: 2, imageSize: 16,
          patchSize: 8),
        text: TextConfiguration(
          vocabularySize: 20, hiddenSize: 64, intermediateSize: 256, hiddenLayerCount: 12,
          attentionHeadCount: 4, keyValueHeadCount: 4, contextLength: 4096),
        imageTokenIndex: 19), using: &generator)
    model.setTrainable(false, .vision, .projector, .decoder)
    model.applyLoRA(rank: 2, alpha: 4, using: &generator)
    let prompt = [Int32](repeating: 5, count: 800)
    let batch = try PackedBatch(
      [PackedExample(promptIDs: prompt, images: [], completions: [[3, 2], [4, 2]])], sharesPrefix: true,
      imageTokenID: 19, features: FeatureLayout([]))
    let nothing = ImageFeatures(.zeros([0, 64]), layout: FeatureLayout([]))
    func peak() -> Int {
      TensorRuntime.resetPeak()
      let before = TensorRuntime.bytesInUse
      let sum = model.logProbabilities(batch, imageFeatures: nothing).sum()
      #expect(sum.backward()[model.trainableParameters()[0].parameter] != nil)
      return TensorRuntime.peakBytes - before
    }
    // Tests beside this one ask for memory too: the least of some peaks is nobody else's.
    var (plain, again) = (Int.max, Int.max)
    for round in 0..<100 where again >= plain / 2 {
      if round > 1 { usleep(50_000) }
      model.isGradientCheckpointing = false
      plain = min(plain, peak())
      model.isGradientCheckpointing = true
      again = min(again, peak())
    }
    #expect(again < plain / 2, "\(again) of \(plain)")
  }
}
