import DPOTrain
import Foundation
import LVLM
import MultiImageData
import Tensor
import TestData
import TestSupport
import Testing

/// Attention as a loss and mDPO's image-conditional term through a tiny model with pictures on disk.
@Suite struct SuccessorTermsTests {
  /// A random two-layer model and pairs of one to three pictures, each asked about its middle one.
  private struct Setup {
    let model: LlavaModel
    let features: FeatureStore
    let folder: URL
    var pairs: [EncodedPair] = []
    var records: [ComposedRecord?] = []

    init() throws {
      folder = FileManager.default.temporaryDirectory.appendingPathComponent("terms-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let configuration = LlavaConfiguration(
        vision: VisionConfiguration(
          hiddenSize: 16, intermediateSize: 32, hiddenLayerCount: 2, attentionHeadCount: 2, imageSize: 16,
          patchSize: 4),
        text: TextConfiguration(
          vocabularySize: 40, hiddenSize: 32, intermediateSize: 48, hiddenLayerCount: 2,
          attentionHeadCount: 4, keyValueHeadCount: 2),
        imageTokenIndex: 39)
      var generator = RandomGenerator(seed: 4)
      model = try LlavaModel(configuration, using: &generator)
      // Sharper queries and keys, so that attention differs between pictures.
      for (name, parameter) in model.namedParameters() where name.contains("q_proj") {
        parameter.tensor = parameter.tensor * 8
      }
      let scenes = ShapeScenes(seed: 1, size: 16, counts: [.preference: 8])
      features = FeatureStore(
        model: model,
        pictures: PictureStore(
          source: scenes, processor: ImageProcessor(ImageProcessorConfiguration(size: 16))))
      let files = try (0..<8).map { number in
        let path = folder.appendingPathComponent("\(number).png").path
        try scenes.image(for: scenes.image(.preference, number)).writePNG(to: path)
        return path
      }
      for number in 0..<8 {
        let count = 1 + number % 3
        var prompt: [Int32] = [1, Int32(5 + number)]
        for _ in 0..<count { prompt += [6] + [Int32](repeating: 39, count: 16) + [7] }
        let answers = [2 + number % 2, 3].map { length in
          (0..<length).map { _ in Int32(generator.integer(below: 36) + 3) } + [2]
        }
        // One picture is a grid of four, of which the last is asked about, or a picture as it came.
        let record: ComposedRecord? =
          count > 1
          ? composed(.sequence, count: count, target: 2)
          : number == 3 ? nil : composed(.grid, count: 4, target: 4, rows: 2, columns: 2)
        records.append(record)
        pairs.append(
          EncodedPair(
            id: "pair-\(number)", pictures: (0..<count).map { Picture.file(files[(number + $0) % 8]) },
            promptIDs: prompt, completions: answers,
            focus: try record?.featureWeights(
              grids: Array(repeating: FeatureGrid(rows: 4, columns: 4), count: count))))
      }
      model.setTrainable(false, .vision, .projector)
      model.setTrainable(true, .decoder)
      try features.prepare(pairs.map(\.pictures))
    }

    func scorer(sharesPrefix: Bool = true, layer: Int? = nil) -> PairScorer {
      PairScorer(
        model: model, features: features, sharesPrefix: sharesPrefix,
        attention: layer.map { ($0, .answer) })
    }

    func corrupted(_ corruption: CorruptedAnswers.Corruption, seed: UInt64 = 1) -> [EncodedPair] {
      pairs.map {
        CorruptedAnswers.corrupted($0, target: $0.pictures.count > 1 ? 1 : 0, corruption, seed: seed)
      }
    }

    /// Log-probabilities of all answers, each pair alone.
    func values(_ pairs: [EncodedPair]) throws -> [[Double]] {
      try pairs.map { pair in
        try noGradient { try scorer().sums([pair]).sums.array(of: Double.self) }
      }
    }

    /// References a little beside the policy, so that no term is at its start.
    func reference(_ pairs: [EncodedPair]) throws -> [PairLogProbabilities] {
      try zip(pairs, values(pairs)).map { pair, values in
        let shift = Double(pair.id.utf8.last! % 5) - 2
        return .init(chosen: values[0] + shift, rejected: (values.count > 1 ? values[1] : 0) - shift / 2)
      }
    }

    func objective(
      microBatch: Int = 8, sharesPrefix: Bool = true, attention: AttentionPenalty? = nil, layer: Int? = nil,
      image: Double = 0, corruption: CorruptedAnswers.Corruption = .swap, gamma: Double = 0.3
    ) throws -> PreferenceObjective {
      let others = corrupted(corruption)
      return PreferenceObjective(
        pairs: pairs,
        sampler: PairSampler(isSingle: pairs.map { _ in false }, batchSize: 8, singleShare: 0, seed: 1),
        microBatch: microBatch, scorer: scorer(sharesPrefix: sharesPrefix, layer: layer),
        terms: try PreferenceObjectiveTerms(
          losses: ["sigmoid"], options: LossOptions(beta: 0.4), gamma: gamma, image: image,
          attention: attention),
        corrupted: image > 0
          ? CorruptedAnswers(
            others, scorer: scorer(sharesPrefix: sharesPrefix), reference: { try reference($0) }) : nil,
        reference: { try reference($0) })
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }
  }

  private static let penalty = AttentionPenalty(weight: 0.9, threshold: 0.6)

  private func metric(_ name: String, _ outcome: StepOutcome) throws -> Double {
    try #require(outcome.metrics.first { $0.name == name }, "\(name)").value
  }

  /// R by ``AttentionRatio`` of the maps that selection reads, for each pair with a record.
  private func ratios(_ setup: Setup, layer: Int) throws -> [Double] {
    try zip(setup.pairs, setup.records).compactMap { pair, record in
      guard let record else { return nil }
      let features = try setup.features.features(of: [pair.pictures])
      let batch = try PackedBatch(
        [
          PackedExample(
            promptIDs: pair.promptIDs, images: features.numbers(of: pair.pictures),
            completions: [pair.completions[0]])
        ], sharesPrefix: true, imageTokenID: 39, features: features.features.layout)
      let map = setup.model.imageAttention(batch, imageFeatures: features.features, layer: layer)[0]
      return try AttentionRatio(
        maps: (0..<map.imageCount).map { map[$0].map(Double.init) }, record: record, grids: map.grids
      ).ratio
    }
  }

  @Test(arguments: [0, 1]) func theAttentionPenaltyIsThatOfTheRatiosOfSelection(layer: Int) throws {
    let setup = try Setup()
    defer { setup.remove() }
    let plain = try setup.objective().outcome(ofStep: 0)
    let ratios = try ratios(setup, layer: layer)
    #expect(ratios.count == 7)
    // The middle one: some are below it and some above.
    let threshold = ratios.sorted()[3]
    let missing = ratios.reduce(0) { $0 + max(0, threshold - $1) }
    #expect(missing > 0.05 && ratios.contains { $0 > threshold + 0.01 }, "\(ratios)")
    let outcome = try setup.objective(attention: .init(weight: 0.9, threshold: threshold), layer: layer)
      .outcome(ofStep: 0)
    // The pair of a single image counts with 0.
    #expect(abs(outcome.loss - plain.loss - 0.9 * missing / 8) < 1e-5)
    #expect(abs(try metric("attention/chosen", outcome) - ratios.reduce(0, +) / 7) < 1e-5)
    #expect(abs(try metric("attention/penalty", outcome) - missing / 7) < 1e-5)
    #expect(gradientDifference(plain.gradients, outcome.gradients, of: setup.model) > 1e-3)
  }

  /// A small step against the gradient of the penalty alone raises R of those below the threshold.
  @Test func theGradientTurnsAttentionToTheImage() throws {
    let setup = try Setup()
    defer { setup.remove() }
    let plain = try setup.objective().outcome(ofStep: 0)
    let outcome = try setup.objective(attention: .init(weight: 1, threshold: 1), layer: 1).outcome(ofStep: 0)
    let before = try ratios(setup, layer: 1).reduce(0, +)
    for (_, parameter) in setup.model.trainableParameters() {
      guard let all = outcome.gradients[parameter], let rest = plain.gradients[parameter] else { continue }
      parameter.tensor = parameter.tensor.detached() - (all - rest) * 0.02
    }
    #expect(try ratios(setup, layer: 1).reduce(0, +) > before + 1e-4)
  }

  @Test func theImageTermIsMDPOsEquation() throws {
    let setup = try Setup()
    defer { setup.remove() }
    for corruption in CorruptedAnswers.Corruption.allCases {
      let others = setup.corrupted(corruption)
      let (own, ownReference) = (try setup.values(setup.pairs), try setup.reference(setup.pairs))
      let (other, otherReference) = (try setup.values(others), try setup.reference(others))
      var (loss, margin, right) = (0.0, 0.0, 0.0)
      for index in setup.pairs.indices {
        let reward = 0.4 * (own[index][0] - ownReference[index].chosen)
        let spoiled = 0.4 * (other[index][0] - otherReference[index].chosen)
        loss += log(1 + exp(-(reward - spoiled)))
        margin += reward - spoiled
        if reward > spoiled { right += 1 }
      }
      let plain = try setup.objective().outcome(ofStep: 0)
      let outcome = try setup.objective(image: 0.7, corruption: corruption).outcome(ofStep: 0)
      #expect(abs(outcome.loss - plain.loss - 0.7 * loss / 8) < 1e-5, "\(corruption)")
      #expect(abs(try metric("rewards/image_margins", outcome) - margin / 8) < 1e-4)
      #expect(outcome.tokens > plain.tokens)
      #expect(zip(others, setup.pairs).allSatisfy { $0.pictures != $1.pictures })
    }
  }

  @Test func numbersByHand() throws {
    let scores = PreferenceScores(
      policyChosen: Tensor([-1.0, -2]), policyRejected: Tensor([-3.0, -1]),
      referenceChosen: Tensor([-1.5, -2]), referenceRejected: Tensor([-3.0, -1]), chosenTokens: [2, 2],
      rejectedTokens: [2, 2])
    let corrupted = CorruptedScores(policy: Tensor([-4.0, -2.5]), reference: Tensor([-3.0, -3.5]))
    func loss(_ image: Double, _ penalty: AttentionPenalty?) throws -> Double {
      try PreferenceObjectiveTerms(
        losses: ["sigmoid"], options: LossOptions(beta: 2), image: image, attention: penalty
      ).share(
        of: scores, attentionRatios: Tensor([0.25, 0.9]), corrupted: corrupted, stepPairs: 2,
        stepChosenTokens: 4
      ).item()
    }
    let plain = try loss(0, nil)
    // Log-ratios 0.5 and 0 against −1 and 1: −ln σ(2 · 1.5) and −ln σ(2 · −1).
    #expect(abs(try loss(1, nil) - plain - (0.04858735 + 2.12692801) / 2) < 1e-7)
    // max(0, 0.5 − 0.25) and 0, over two pairs, times 0.9.
    #expect(abs(try loss(0, .init(weight: 0.9, threshold: 0.5)) - plain - 0.1125) < 1e-9)
    for broken in [-1, Double.nan, .infinity] {
      #expect(throws: LossError.self) { try loss(broken, nil) }
      #expect(throws: LossError.self) { try loss(0, .init(weight: broken, threshold: 0.5)) }
    }
    let simpo = try PreferenceObjectiveTerms(losses: ["simpo"], options: LossOptions(), image: 1)
    #expect(simpo.needsReference)
  }

  @Test func oneBatchOfEightIsEightOfOne() throws {
    let setup = try Setup()
    defer { setup.remove() }
    func outcome(_ size: Int) throws -> StepOutcome {
      try setup.objective(microBatch: size, attention: Self.penalty, layer: 1, image: 0.7).outcome(ofStep: 0)
    }
    let whole = try outcome(8)
    for size in [1, 3] {
      let parts = try outcome(size)
      #expect(abs(whole.loss - parts.loss) < 1e-5)
      #expect(gradientDifference(whole.gradients, parts.gradients, of: setup.model) < 1e-4)
      for name in ["attention/chosen", "attention/penalty", "rewards/corrupted", "rewards/image_margins"] {
        #expect(abs(try metric(name, whole) - metric(name, parts)) < 1e-5, "\(name)")
      }
    }
  }

  @Test(arguments: [0, 1]) func aSharedPrefixGivesTheSameLossAndGradients(layer: Int) throws {
    let setup = try Setup()
    defer { setup.remove() }
    func outcome(_ sharesPrefix: Bool) throws -> StepOutcome {
      try setup.objective(sharesPrefix: sharesPrefix, attention: Self.penalty, layer: layer, image: 0.7)
        .outcome(ofStep: 0)
    }
    let (shared, separate) = (try outcome(true), try outcome(false))
    #expect(abs(shared.loss - separate.loss) < 1e-5)
    #expect(gradientDifference(shared.gradients, separate.gradients, of: setup.model) < 1e-4)
  }

  /// Without weights nothing of this is there: the same bytes.
  @Test func withoutWeightsNothingChanges() throws {
    let setup = try Setup()
    defer { setup.remove() }
    let plain = try setup.objective().outcome(ofStep: 0)
    let measured = try setup.objective(attention: .init(weight: 0, threshold: 0.6), layer: 1)
      .outcome(ofStep: 0)
    #expect(plain.loss == measured.loss)
    #expect(gradientDifference(plain.gradients, measured.gradients, of: setup.model) < 1e-6)
    #expect(!plain.metrics.contains { $0.name.hasPrefix("attention") || $0.name.contains("image") })
  }

  @Test func aSwapExchangesTheAskedPictureWithAnother() throws {
    let setup = try Setup()
    defer { setup.remove() }
    let swapped = setup.corrupted(.swap)
    for (pair, other) in zip(setup.pairs, swapped) {
      #expect(other.completions == [pair.completions[0]] && other.promptIDs == pair.promptIDs)
      if pair.pictures.count == 1 {
        guard case .corrupted(_, let corruption) = other.pictures[0] else {
          Issue.record("\(pair.id) has no other picture and is not cropped")
          continue
        }
        #expect(corruption.kind == .crop)
      } else {
        let changed = pair.pictures.indices.filter { pair.pictures[$0] != other.pictures[$0] }
        #expect(changed.count == 2 && changed.contains(1))
        #expect(Set(pair.pictures) == Set(other.pictures))
      }
    }
    #expect(setup.corrupted(.swap).map(\.pictures) == swapped.map(\.pictures))
    let places = (UInt64(0)..<20).map { seed in
      setup.corrupted(.swap, seed: seed)[2].pictures.firstIndex(of: setup.pairs[2].pictures[1])
    }
    #expect(Set(places) == [0, 2])
    // Two copies of one picture have nothing to exchange.
    var twins = setup.pairs[1]
    twins.pictures = [twins.pictures[0], twins.pictures[0]]
    let twin = CorruptedAnswers.corrupted(twins, target: 1, .swap, seed: 1)
    #expect(twin.pictures[0] == twins.pictures[0] && twin.pictures[1] != twins.pictures[1])
  }

  @Test func aCropKeepsAtMostAFifth() {
    var picture = RGBImage(width: 40, height: 20, colour: .white)
    for x in 0..<40 { for y in 0..<20 { picture[x, y] = RGBColour(UInt8(x), UInt8(y), 7) } }
    var seen = Set<[UInt8]>()
    for seed in UInt64(0)..<200 {
      let crop = PictureCorruption(.crop, seed: seed).applied(to: picture)
      #expect(crop.width * crop.height <= 160 && crop.width >= 1 && crop.height >= 1)
      let (first, last) = (crop[0, 0], crop[crop.width - 1, crop.height - 1])
      #expect(Int(last.red) - Int(first.red) == crop.width - 1 && last.blue == 7)
      #expect(Int(last.green) - Int(first.green) == crop.height - 1)
      #expect(PictureCorruption(.crop, seed: seed).applied(to: picture) == crop)
      seen.insert(crop.pixels)
    }
    #expect(seen.count > 150)
    let dot = RGBImage(width: 1, height: 1, colour: .white)
    #expect(PictureCorruption(.crop, seed: 3).applied(to: dot) == dot)
  }

  @Test func noiseIsOfEverySeedItsOwn() {
    let picture = RGBImage(width: 60, height: 60, colour: RGBColour(128, 128, 128))
    let a = PictureCorruption(.noise, seed: 1).applied(to: picture)
    let b = PictureCorruption(.noise, seed: 2).applied(to: picture)
    #expect(a != b && a == PictureCorruption(.noise, seed: 1).applied(to: picture))
    // Of a deviation of 128 around the middle, 32 % of the samples are clipped.
    let clipped = a.pixels.count { $0 == 0 || $0 == 255 }
    #expect(abs(Double(clipped) / Double(a.pixels.count) - 0.32) < 0.03)
  }

  /// Entries of the cache belong to one corruption of one picture.
  @Test func cachedReferencesKnowTheirCorruption() throws {
    let setup = try Setup()
    defer { setup.remove() }
    let file = setup.folder.appendingPathComponent("reference.h5")
    func fill(_ pairs: [EncodedPair]) throws -> (computed: Int, values: [PairLogProbabilities]) {
      let cache = ReferenceCache(file, fingerprint: "f")
      try cache.fill(
        pairs, batchTokens: 200, scorer: setup.scorer(), digest: { "\($0)" }, progress: { _ in })
      return (cache.computedCount, cache.values(of: pairs))
    }
    let first = try fill(setup.corrupted(.crop))
    #expect(first.computed == 8 && first.values.allSatisfy { $0.chosen < 0 && $0.rejected.isNaN })
    #expect(try fill(setup.corrupted(.crop)).computed == 0)
    #expect(try fill(setup.corrupted(.crop, seed: 2)).computed == 8)
    #expect(try fill(setup.corrupted(.swap)).computed > 0)
    #expect(try fill(setup.pairs).computed == 8)
    let again = try fill(setup.corrupted(.crop))
    #expect(again.computed == 0 && again.values.map(\.chosen) == first.values.map(\.chosen))
    for (known, alone) in zip(first.values, try setup.values(setup.corrupted(.crop))) {
      #expect(abs(known.chosen - alone[0]) < 1e-4)
    }
  }
}
