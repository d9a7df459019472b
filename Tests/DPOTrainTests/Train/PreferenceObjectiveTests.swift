import DPOTrain
import Foundation
import LVLM
import MultiImageData
import Ranks
import Records
import Tensor
import TestSupport
import Testing

/// The DPO objective through a tiny model: the equivalences that a user relies on.
@Suite struct PreferenceObjectiveTests {
  /// A random two-layer model, its pictures, and pairs of one to three pictures.
  struct Setup {
    let model: LlavaModel
    let features: FeatureStore
    let pairs: [EncodedPair]

    /// - Parameter trainsVision: whether the vision tower and the projector learn too.
    init(pairs count: Int = 8, trainsVision: Bool = false) throws {
      let configuration = LlavaConfiguration(
        vision: VisionConfiguration(
          hiddenSize: 16, intermediateSize: 32, hiddenLayerCount: 2, attentionHeadCount: 2, imageSize: 16,
          patchSize: 8),
        text: TextConfiguration(
          vocabularySize: 40, hiddenSize: 32, intermediateSize: 48, hiddenLayerCount: 2,
          attentionHeadCount: 4,
          keyValueHeadCount: 2),
        imageTokenIndex: 39)
      var generator = RandomGenerator(seed: 4)
      model = try LlavaModel(configuration, using: &generator)
      let scenes = ShapeScenes(seed: 1, size: 16, counts: [.preference: 8])
      features = FeatureStore(
        model: model,
        pictures: PictureStore(
          source: scenes, processor: ImageProcessor(ImageProcessorConfiguration(size: 16))),
        training: trainsVision ? .everything : .nothing)
      pairs = (0..<count).map { number in
        let pictures = (0...number % 3).map { Picture.source(scenes.image(.preference, (number + $0) % 8)) }
        var prompt: [Int32] = [1, Int32(5 + number)]
        for _ in pictures { prompt += [6] + [Int32](repeating: 39, count: 4) + [7] }
        let answers = [2 + number % 2, 3].map { length in
          (0..<length).map { _ in Int32(generator.integer(below: 36) + 3) } + [2]
        }
        return EncodedPair(id: "pair-\(number)", pictures: pictures, promptIDs: prompt, completions: answers)
      }
      model.setTrainable(trainsVision, .vision, .projector)
      model.setTrainable(true, .decoder)
      try features.prepare(pairs.map(\.pictures))
    }

    func scorer(
      sharesPrefix: Bool = true, lengthWeight: Double = 1, weighsPairs: Bool = false
    ) -> PairScorer {
      PairScorer(
        model: model, features: features, sharesPrefix: sharesPrefix, lengthWeight: lengthWeight,
        weighsPairs: weighsPairs)
    }

    func values(_ pairs: [EncodedPair]) throws -> [PairLogProbabilities] {
      let sums = try noGradient { try scorer().sums(pairs).sums.array(of: Float.self) }
      return pairs.indices.map { .init(chosen: Double(sums[2 * $0]), rejected: Double(sums[2 * $0 + 1])) }
    }

    func objective(
      batch: Int = 8, microBatch: Int = 8, sharesPrefix: Bool = true, gamma: Double = 0.5,
      ballast: Ballast? = nil, lengthWeight: Double = 1, weighsPairs: Bool = false,
      dropout: AdapterDropout? = nil, team: RankTeam = .alone,
      reference: ((EncodedPair) -> PairLogProbabilities)? = nil
    ) throws -> PreferenceObjective {
      let own = try Dictionary(uniqueKeysWithValues: zip(pairs.map(\.id), values(pairs)))
      return PreferenceObjective(
        pairs: pairs,
        sampler: PairSampler(
          isSingle: pairs.map { _ in false }, batchSize: batch, singleShare: 0, seed: 1),
        microBatch: microBatch,
        scorer: scorer(
          sharesPrefix: sharesPrefix, lengthWeight: lengthWeight, weighsPairs: weighsPairs),
        terms: try PreferenceObjectiveTerms(
          losses: ["sigmoid"], options: LossOptions(beta: 0.1), gamma: gamma, reduction: .mean),
        ballast: ballast, dropout: dropout, team: team, parameters: model.trainableParameters(),
        reference: { asked in asked.map { reference?($0) ?? own[$0.id]! } })
    }
  }

  @Test func theFirstStepsLossIsLogarithmOfTwo() throws {
    // Policy and reference agree, so every margin is 0 and −ln σ(0) = ln 2.
    let outcome = try Setup().objective(gamma: 0).outcome(ofStep: 0)
    #expect(abs(outcome.loss - log(2)) < 1e-5)
    #expect(outcome.metrics.first { $0.name == "rewards/margins" }.map { abs($0.value) < 1e-5 } == true)
  }

  @Test func oneBatchOfEightIsEightOfOne() throws {
    let setup = try Setup()
    let shifted = try setup.values(setup.pairs).map(\.chosen)
    let reference: (EncodedPair) -> PairLogProbabilities = { pair in
      let number = setup.pairs.firstIndex { $0.id == pair.id }!
      return .init(chosen: shifted[number] - 1, rejected: shifted[number] + 2)
    }
    let whole = try setup.objective(microBatch: 8, reference: reference).outcome(ofStep: 0)
    for size in [1, 3] {
      let parts = try setup.objective(microBatch: size, reference: reference).outcome(ofStep: 0)
      #expect(abs(whole.loss - parts.loss) < 1e-5)
      #expect(gradientDifference(whole.gradients, parts.gradients, of: setup.model) < 1e-4)
    }
  }

  @Test func aSharedPrefixGivesTheSameLossAndGradients() throws {
    let setup = try Setup()
    let shared = try setup.objective(sharesPrefix: true).outcome(ofStep: 0)
    let separate = try setup.objective(sharesPrefix: false).outcome(ofStep: 0)
    #expect(abs(shared.loss - separate.loss) < 1e-5)
    #expect(shared.tokens < separate.tokens)
    #expect(gradientDifference(shared.gradients, separate.gradients, of: setup.model) < 1e-4)
  }

  @Test func adaptersThatAreOffAreTheReference() throws {
    let setup = try Setup()
    let before = try setup.values(setup.pairs)
    var generator = RandomGenerator(seed: 8)
    setup.model.applyLoRA(rank: 4, alpha: 8, using: &generator)
    for (name, parameter) in setup.model.namedParameters() where name.hasSuffix("lora_B.weight") {
      parameter.tensor = Tensor.randomNormal(parameter.shape, using: &generator)
    }
    #expect(try setup.values(setup.pairs) != before)
    setup.model.isAdapterEnabled = false
    #expect(try setup.values(setup.pairs) == before)
  }

  @Test func dropoutIsDecidedBySeedStepAndPlace() throws {
    let setup = try Setup()
    var generator = RandomGenerator(seed: 8)
    setup.model.applyLoRA(rank: 4, alpha: 8, using: &generator)
    for (name, parameter) in setup.model.namedParameters() where name.hasSuffix("lora_B.weight") {
      parameter.tensor = Tensor.randomNormal(parameter.shape, using: &generator) * 0.1
    }
    let known = try setup.values(setup.pairs)
    func outcome(_ dropout: AdapterDropout?, microBatch: Int = 4) throws -> StepOutcome {
      // A live reference is asked between the passes of a step: nothing may be dropped in it.
      try setup.objective(microBatch: microBatch, dropout: dropout) { pair in
        let asked = (try? setup.values([pair])) ?? []
        let expected = known[setup.pairs.firstIndex { $0.id == pair.id }!]
        #expect(abs(asked[0].chosen - expected.chosen) < 1e-3)
        return .init(chosen: expected.chosen - 1, rejected: expected.rejected + 1)
      }.outcome(ofStep: 2)
    }
    let plain = try outcome(nil)
    let dropped = try outcome(AdapterDropout(probability: 0.5, seed: 1))
    let again = try outcome(AdapterDropout(probability: 0.5, seed: 1))
    #expect(dropped.loss == again.loss)
    #expect(gradientDifference(dropped.gradients, again.gradients, of: setup.model) == 0)
    #expect(abs(dropped.loss - plain.loss) > 1e-4)
    #expect(try outcome(AdapterDropout(probability: 0.5, seed: 2)).loss != dropped.loss)
    #expect(try outcome(AdapterDropout(probability: 0.5, seed: 1), microBatch: 2).loss != dropped.loss)
    #expect(try outcome(AdapterDropout(probability: 0, seed: 1)).loss == plain.loss)
    // Afterwards nothing is dropped.
    #expect(try setup.values(setup.pairs) == known)
  }

  @Test func ballastTakesPartInTheLikelihoodTermAlone() throws {
    let setup = try Setup()
    let right = setup.pairs.prefix(4).map { pair in
      var example = pair
      example.completions.removeLast()
      return example
    }
    let ballast = Ballast(right, perStep: 4, seed: 1)
    let outcome = try setup.objective(gamma: 0.5, ballast: ballast).outcome(ofStep: 0)
    // L = ln 2 + γ · (−Σ log p over chosen and ballast tokens) / (their number)
    let sums = try setup.values(setup.pairs).map(\.chosen)
    let tokens = setup.pairs.map { $0.completions[0].count }
    let likelihood = sums.reduce(0, +) + sums.prefix(4).reduce(0, +)
    let expected = log(2) - 0.5 * likelihood / Double(tokens.reduce(0, +) + tokens.prefix(4).reduce(0, +))
    #expect(abs(outcome.loss - expected) < 1e-4)
    let without = try setup.objective(gamma: 0, ballast: ballast).outcome(ofStep: 0)
    #expect(abs(without.loss - log(2)) < 1e-5)
  }

  /// TRL's `ld_alpha`: tokens beyond the shorter answer of a pair count less in the preference loss, and
  /// fully in the NLL term.
  @Test(arguments: [0.3, 0]) func tokensBeyondTheShorterAnswerWeighLess(alpha: Double) throws {
    let setup = try Setup()
    let whole = try setup.values(setup.pairs)
    let cut = try setup.values(
      setup.pairs.map { pair in
        var short = pair
        let shared = pair.completions.map(\.count).min() ?? 0
        short.completions = pair.completions.map { Array($0.prefix(shared)) }
        return short
      })
    func weighed(_ part: Double, _ all: Double) -> Double { part + alpha * (all - part) }
    let found = try noGradient {
      try setup.scorer(lengthWeight: alpha).sums(setup.pairs).scores.array(of: Double.self)
    }
    var (loss, likelihood) = (0.0, 0.0)
    for (index, (part, all)) in zip(cut, whole).enumerated() {
      let (chosen, rejected) = (weighed(part.chosen, all.chosen), weighed(part.rejected, all.rejected))
      #expect(abs(found[2 * index] - chosen) < 1e-4 && abs(found[2 * index + 1] - rejected) < 1e-4)
      // The reference of this test: 1 below the policy for the chosen answer, 2 above it for the rejected
      // one.
      loss += log(1 + exp(-0.1 * ((chosen - (all.chosen - 1)) - (rejected - (all.rejected + 2))))) / 8
      likelihood += all.chosen
    }
    let known = Dictionary(uniqueKeysWithValues: zip(setup.pairs.map(\.id), whole))
    let outcome = try setup.objective(gamma: 0.5, lengthWeight: alpha) { pair in
      .init(chosen: known[pair.id]!.chosen - 1, rejected: known[pair.id]!.rejected + 2)
    }.outcome(ofStep: 0)
    let tokens = setup.pairs.reduce(0) { $0 + $1.completions[0].count }
    #expect(abs(outcome.loss - (loss - 0.5 * likelihood / Double(tokens))) < 1e-4)
    let nll = try #require(outcome.metrics.first { $0.name == "nll_loss" }).value
    #expect(abs(nll + likelihood / Double(tokens)) < 1e-4)
  }

  /// TRL's `use_weighting`, against probabilities that are written out.
  @Test func pairsWeighAsMuchAsTheirAnswersAreLikely() throws {
    let setup = try Setup()
    let found = try noGradient { try setup.scorer(weighsPairs: true).sums(setup.pairs) }
    let weights = try #require(found.pairWeights).array(of: Double.self)
    let (model, pairs) = (setup.model, setup.pairs)
    for (index, pair) in pairs.enumerated() {
      var exponent = 0.0
      for answer in pair.completions {
        // The answer read as a prompt gives the distribution at each of its tokens.
        let features = try setup.features.features(of: [pair.pictures])
        let batch = try PackedBatch(
          [
            PackedExample(
              promptIDs: pair.promptIDs + answer, images: features.numbers(of: pair.pictures))
          ], sharesPrefix: true, imageTokenID: 39, features: features.features.layout)
        let probabilities = noGradient {
          model.decoder.logits(model.hiddenStates(batch, imageFeatures: features.features)).softmax(axis: -1)
        }.array(of: Double.self)
        for (place, token) in answer.enumerated() {
          let row = pair.promptIDs.count + place - 1
          let own = probabilities[row * 40..<(row + 1) * 40]
          let squares = own.reduce(0) { $0 + $1 * $1 }
          exponent += log(own[own.startIndex + Int(token)] / squares) / Double(answer.count)
        }
      }
      #expect(abs(weights[index] - exp(exponent)) < 1e-4 * max(1, exp(exponent)), "\(pair.id)")
    }
    // Policy and reference agree: each pair's loss is ln 2 times its weight.
    let outcome = try setup.objective(microBatch: 3, gamma: 0, weighsPairs: true).outcome(ofStep: 0)
    #expect(abs(outcome.loss - log(2) * weights.reduce(0, +) / 8) < 1e-4)
  }

  /// TRL's `logits/*`, `entropy` and `mean_token_accuracy`, against logits that are written out.
  @Test func whatIsSaidAboutTokensIsOfTheirDistributions() throws {
    let setup = try Setup()
    var (logits, tokens, entropy, right) = ([0.0, 0.0], [0, 0], 0.0, 0)
    for pair in setup.pairs {
      for (side, answer) in pair.completions.enumerated() {
        // The answer read as a prompt gives the logits at each of its tokens.
        let features = try setup.features.features(of: [pair.pictures])
        let batch = try PackedBatch(
          [
            PackedExample(
              promptIDs: pair.promptIDs + answer, images: features.numbers(of: pair.pictures))
          ], sharesPrefix: true, imageTokenID: 39, features: features.features.layout)
        let all = noGradient {
          setup.model.decoder.logits(
            setup.model.hiddenStates(batch, imageFeatures: features.features))
        }.array(of: Double.self)
        for (place, token) in answer.enumerated() {
          let row = pair.promptIDs.count + place - 1
          let own = Array(all[row * 40..<(row + 1) * 40])
          let sum = own.reduce(0) { $0 + exp($1) }
          logits[side] += own.reduce(0, +) / 40
          tokens[side] += 1
          entropy -= own.reduce(0) { $0 + exp($1) / sum * log(exp($1) / sum) }
          if side == 0, own.firstIndex(of: own.max()!) == Int(token) { right += 1 }
        }
      }
    }
    for size in [8, 3] {
      let objective = try setup.objective(microBatch: size)
      let outcome = try objective.outcome(ofStep: 0, isLogged: true)
      let found = Dictionary(uniqueKeysWithValues: outcome.metrics.map { ($0.name, ($0.value, $0.weight)) })
      for (name, value, weight) in [
        ("logits/chosen", logits[0] / Double(tokens[0]), tokens[0]),
        ("logits/rejected", logits[1] / Double(tokens[1]), tokens[1]),
        ("entropy", entropy / Double(tokens[0] + tokens[1]), tokens[0] + tokens[1]),
        ("mean_token_accuracy", Double(right) / Double(tokens[0]), tokens[0]),
      ] {
        let (own, ownWeight) = try #require(found[name], "\(name)")
        #expect(abs(own - value) < 1e-5 && ownWeight == Double(weight), "\(name): \(own), \(value)")
      }
      // Where nobody logs them they are not computed, and nothing else changes.
      let silent = try objective.outcome(ofStep: 0, isLogged: false)
      #expect(silent.loss == outcome.loss)
      #expect(
        silent.metrics.map(\.name)
          == outcome.metrics.map(\.name).filter {
            found[$0] != nil
              && !["logits/chosen", "logits/rejected", "entropy", "mean_token_accuracy"].contains($0)
          })
      #expect(gradientDifference(silent.gradients, outcome.gradients, of: setup.model) == 0)
    }
  }

  /// The same weights win and lose nothing, whatever is computed beside a pair.
  @Test func differencesOfRoundingAreTies() throws {
    let setup = try Setup(pairs: 24)
    // Values of batches of one; training asks in batches of 8 and of 3.
    let known = try setup.pairs.map { try setup.values([$0])[0] }
    let byID = Dictionary(uniqueKeysWithValues: zip(setup.pairs.map(\.id), known))
    var differ = false
    for size in [8, 3] {
      for step in 0..<3 {
        let outcome = try setup.objective(microBatch: size) { byID[$0.id]! }.outcome(ofStep: step)
        let found = Dictionary(uniqueKeysWithValues: outcome.metrics.map { ($0.name, $0.value) })
        #expect(found["rewards/accuracies"] == 0)
        if found["rewards/margins"] != 0 { differ = true }
      }
      let figures = try HeldOutPairs(
        setup.pairs, microBatch: size, scorer: setup.scorer(),
        terms: PreferenceObjectiveTerms(losses: ["sigmoid"], options: LossOptions()), reference: known
      ).figures()
      #expect(figures.accuracy?.estimate == 0 && figures.metrics.ties == 24)
      #expect(figures.scoreOfStart(.accuracies) == 0.5)
    }
    // Otherwise this says nothing.
    #expect(differ)
    // What is more than rounding is no tie.
    var metrics = PreferenceMetrics()
    let scores = PreferenceScores(
      policyChosen: Tensor([-20.0, -20.0, -20.0]), policyRejected: Tensor([-30.0, -30.0, -30.0]),
      referenceChosen: Tensor([-20.01, -20.000001, -19.99]),
      referenceRejected: Tensor([-30.0, -30.0, -30.0]),
      chosenTokens: [4, 4, 4], rejectedTokens: [4, 4, 4])
    metrics.add(scores, beta: 0.1)
    #expect(metrics.accurate == 1 && metrics.ties == 1)
  }

  /// Values that are computed when a pair's turn comes are those of the pair alone, whatever was asked
  /// before, and come back from the file.
  @Test func valuesOnDemandDependOnNoOrder() throws {
    let setup = try Setup()
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cache-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func cache(_ name: String) -> ReferenceCache {
      ReferenceCache(folder.appendingPathComponent(name), fingerprint: "f")
    }
    func values(_ cache: ReferenceCache, _ pairs: some Sequence<EncodedPair>) throws -> [PairLogProbabilities]
    {
      try cache.values(of: Array(pairs), scorer: setup.scorer()) { "\($0)" }
    }
    let alone = try setup.pairs.map { try setup.values([$0])[0] }
    let (one, other) = (cache("one.h5"), cache("other.h5"))
    #expect(try values(one, setup.pairs) == alone)
    #expect(try values(other, setup.pairs[5...]) == Array(alone[5...]))
    #expect(try values(other, setup.pairs.reversed()) == alone.reversed())
    #expect(one.computedCount == 8 && other.computedCount == 8)
    try one.save()
    let again = cache("one.h5")
    #expect(try values(again, setup.pairs) == alone && again.computedCount == 0)
  }

  @Test func aLossThatIsNotFiniteNamesStepAndRecords() throws {
    let setup = try Setup()
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("loop-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let loop = TrainingLoop(
      settings: TrainingLoop.Settings(
        stage: .train, steps: 2, schedule: LearningRateSchedule(.constant, peak: 1e-3, totalSteps: 2),
        beta1: 0.9,
        beta2: 0.99, weightDecay: 0, maxGradNorm: 1, loggingSteps: 1, saveSteps: 1, saveTotalLimit: 1,
        configurationHash: "h", configuration: ""),
      model: setup.model, checkpoints: folder.appendingPathComponent("checkpoints"),
      metrics: folder.appendingPathComponent("metrics.jsonl"), console: .silent)
    let broken = try setup.objective(batch: 2) { _ in .init(chosen: .nan, rejected: 0) }
    #expect {
      try loop.run(broken)
    } throws: { error in
      let text = "\(error)"
      return text.contains(
        "train step 1: the loss is nan, expected a finite number; records of the step: pair-")
        && text.contains("there is no checkpoint yet")
    }
    #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("checkpoints/latest").path))
  }

  // MARK: Pairs held out, and pictures of the rejected answer

  /// The figures of pairs held out are those of a step over them all, however they are cut.
  @Test(arguments: [1, 3, 8]) func heldOutFiguresAreThoseOfAStep(_ microBatch: Int) throws {
    let setup = try Setup()
    func known(_ pair: EncodedPair) -> PairLogProbabilities {
      PairLogProbabilities(chosen: -Double(pair.promptIDs.count), rejected: -2)
    }
    let outcome = try setup.objective(reference: known).outcome(ofStep: 0)
    let held = HeldOutPairs(
      setup.pairs, microBatch: microBatch, scorer: setup.scorer(),
      terms: try PreferenceObjectiveTerms(
        losses: ["sigmoid"], options: LossOptions(beta: 0.1), gamma: 0.5, reduction: .mean),
      reference: setup.pairs.map(known))
    let figures = try held.figures()
    #expect(abs(figures.loss - outcome.loss) < 1e-5)
    for (name, value, _) in outcome.metrics {
      let own = try #require(figures.named.first { $0.0 == "eval_" + name }?.1, "\(name)")
      #expect(abs(own - value) < 1e-4, "\(name)")
    }
    let own = try setup.values(setup.pairs)
    let margins = zip(own, setup.pairs).map { values, pair in
      0.1 * (values.chosen - known(pair).chosen - values.rejected + known(pair).rejected)
    }
    for (one, other) in zip(figures.margins, margins) { #expect(abs(one - other) < 1e-4) }
    #expect(figures.prefersChosen == own.map { $0.chosen > $0.rejected })
    #expect(figures.score(.loss) == -figures.loss && figures.score(.margins) == figures.metrics.margin)
    // Against itself a model has no reward.
    let own2 = HeldOutPairs(
      setup.pairs, microBatch: 8, scorer: setup.scorer(),
      terms: try PreferenceObjectiveTerms(
        losses: ["sigmoid"], options: LossOptions(beta: 0.1), gamma: 0, reduction: .mean), reference: own)
    let none = try own2.figures()
    #expect(abs(none.loss - log(2)) < 1e-5 && none.margins.allSatisfy { abs($0) < 1e-5 })
  }

  /// A rejected answer with a prompt of its own is scored as in a pair of that prompt, in any company.
  @Test(arguments: [true, false]) func rejectedAnswersMayHaveOtherPictures(_ sharesPrefix: Bool) throws {
    let setup = try Setup()
    var pairs = setup.pairs
    let others = setup.pairs.indices.map { setup.pairs[($0 + 3) % 8] }
    for index in pairs.indices where index % 2 == 0 {
      pairs[index].rejectedPrompt = .init(pictures: others[index].pictures, ids: others[index].promptIDs)
    }
    let swapped = pairs.indices.map { index in
      EncodedPair(
        id: "s\(index)", pictures: others[index].pictures, promptIDs: others[index].promptIDs,
        completions: pairs[index].completions)
    }
    let scorer = setup.scorer(sharesPrefix: sharesPrefix)
    func values(_ pairs: [EncodedPair]) throws -> [PairLogProbabilities] {
      PairLogProbabilities.of(pairs, scores: try noGradient { try scorer.sums(pairs).scores })
    }
    let (found, usual, other) = (try values(pairs), try values(setup.pairs), try values(swapped))
    for index in pairs.indices {
      #expect(abs(found[index].chosen - usual[index].chosen) < 1e-4)
      let expected = index % 2 == 0 ? other[index].rejected : usual[index].rejected
      #expect(abs(found[index].rejected - expected) < 1e-4)
    }
    // The same prompt again is no other one.
    pairs = setup.pairs
    for index in pairs.indices {
      pairs[index].rejectedPrompt = .init(pictures: pairs[index].pictures, ids: pairs[index].promptIDs)
    }
    for (one, two) in zip(try values(pairs), usual) { #expect(abs(one.rejected - two.rejected) < 1e-4) }
  }
}
