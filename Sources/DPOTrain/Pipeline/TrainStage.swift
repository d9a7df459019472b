import Foundation
import LVLM
import Tensor

/// Preference optimization: `pairs.jsonl` and the base model in, `checkpoints/` and `train/model` out.
struct TrainStage {
  let context: StageContext

  func run() throws {
    let settings = context.configuration.train
    let folder = try context.directory.folder(.train)
    let base = try context.open(context.baseModel, trainable: trainedParts)
    let model = base.model
    let origins = try asksForTargets ? PairOrigins(ofRun: context.directory.url) : nil
    var usable = try usablePairs(base.encoder, origins)
    if settings.attentionWeight > 0, let origins {
      for index in usable.indices {
        usable[index].encoded.focus = try focus(of: usable[index].pair, origins, model)
      }
    }
    let (pairs, encoded) = (usable.map(\.pair), usable.map(\.encoded))
    let corrupted = origins.map { corruptedPairs(usable, $0) } ?? []
    let candidates = try candidates()
    let ballast = try ballast(candidates, base.encoder)

    // Frozen features are computed from each picture once: there is nothing to keep pictures for.
    let picturesAreSeenAgain = settings.trainVision || settings.trainProjector
    let pictures = try context.pictures(base, cacheBytes: picturesAreSeenAgain ? .max : 16 << 20)
    let frozen = context.features(model, pictures)
    let features: FeatureStore
    switch (settings.trainVision, settings.trainProjector) {
    case (true, _): features = context.features(model, pictures, training: .everything)
    case (false, true): features = context.features(model, pictures, training: .projector)
    case (false, false): features = frozen
    }
    freeze(model)
    let shown = (encoded + (ballast?.examples ?? []) + corrupted).map(\.pictures)
    try frozen.prepare(shown)
    let terms = try Self.terms(settings)
    let reference: ([EncodedPair]) throws -> [PairLogProbabilities] =
      terms.needsReference
      ? try reference(encoded, corrupted, base: base, features: frozen, file: "reference.h5", in: folder)
      : { $0.map { _ in PairLogProbabilities(chosen: 0, rejected: 0) } }
    let referenceOfCorrupted =
      corrupted.isEmpty || !settings.precomputeRefLogProbs
      ? reference
      : try self.reference(
        corrupted, base: base, features: frozen, file: "reference-corrupted.h5", in: folder)
    if features !== frozen {
      frozen.removeAll()
      try features.prepare(shown)
    }

    try makeTrainable(model)
    let attention =
      settings.attentionWeight > 0
      ? try context.configuration.attentionLayer(
        of: model.configuration.text.hiddenLayerCount, ofRun: context.directory.url) : nil
    if let attention {
      context.console.message("train: the attention of layer \(attention) takes part in the loss")
    }
    let scorer = scorer(model, features, weighsPairs: settings.useWeighting, attentionLayer: attention)
    let batch = settings.perDeviceTrainBatchSize * settings.gradientAccumulationSteps
    let isSingle = singleFlags(pairs, candidates)
    if settings.singleImageShare > 0, Set(isSingle).count < 2 {
      context.console.warning(
        "train.single_image_share has no effect: selection kept "
          + (isSingle.contains(true) ? "single-image pairs alone" : "no single-image pairs"))
    }
    let sampler = PairSampler(
      isSingle: isSingle, batchSize: batch, singleShare: settings.singleImageShare,
      seed: context.configuration.run.seed)
    let steps =
      settings.maxSteps > 0
      ? settings.maxSteps
      : max(1, Int(clamping: (Double(sampler.stepsPerEpoch) * settings.numTrainEpochs).rounded(.up)))
    let objective = PreferenceObjective(
      pairs: encoded, sampler: sampler, microBatch: settings.perDeviceTrainBatchSize, scorer: scorer,
      terms: terms, ballast: ballast,
      corrupted: corrupted.isEmpty
        ? nil
        : CorruptedAnswers(
          corrupted, scorer: self.scorer(model, features), reference: referenceOfCorrupted),
      reference: reference)
    let loop = TrainingLoop(
      settings: TrainingLoop.Settings(
        stage: .train, steps: steps,
        schedule: LearningRateSchedule(
          settings.lrSchedulerType.kind, peak: settings.learningRate,
          warmupSteps: Int((settings.warmupRatio * Double(steps)).rounded(.up)), totalSteps: steps),
        beta1: settings.adamBeta1, beta2: settings.adamBeta2, weightDecay: settings.weightDecay,
        maxGradNorm: settings.maxGradNorm, loggingSteps: settings.loggingSteps,
        saveSteps: settings.saveSteps, saveTotalLimit: settings.saveTotalLimit,
        configurationHash: context.directory.identity(of: .train), configuration: context.configuration.yaml),
      model: model, checkpoints: try context.directory.checkpoints, metrics: context.directory.metrics,
      console: context.console,
      baseHash: model.hasAdapters ? try ModelState.digest(ofModelAt: context.baseModel) : "")
    let start = try loop.resume()
    if start > 0 { context.console.message("train: goes on after step \(start) of \(steps)") }
    let counts = model.parameterCounts
    context.console.message(
      "train: \(pairs.count) pairs, \(steps) steps of \(batch), \(counts.trainable) of \(counts.all) weights")
    try loop.run(objective)
    try ModelBuilder.save(base, to: context.trainedModel)
  }

  /// The pairs of the run that can be trained on, under names of their own.
  /// - Throws: ``UnusableRecords`` for the others, unless they are to be left out.
  private func usablePairs(
    _ encoder: PromptEncoder, _ origins: PairOrigins?
  ) throws -> [(pair: PreferencePair, encoded: EncodedPair)] {
    let settings = context.configuration.train
    let file = context.directory.pairs.path
    var problems: [DataError] = []
    let read = try PreferencePairFile.readLines(
      file, imageFolder: context.directory.url.path, broken: { problems.append($0) })
    var seen = Set<[String]>()
    var usable = try encoded(read, of: file, encoder, problems: &problems) {
      PairFileError.problem(of: $0, seen: &seen) ?? origins?.problem(of: $0, settings)
    }
    problems = problems.inFileOrder
    try context.omissions.leaveOut(problems, stage: .train)
    guard let first = problems.first, usable.isEmpty else {
      guard !usable.isEmpty else { throw PairFileError.none(file: file) }
      for (index, named) in PairFileError.distinctlyNamed(usable.map(\.pair)).enumerated() {
        usable[index].pair = named
        usable[index].encoded.id = named.id
      }
      return usable
    }
    throw DataError(
      file: file, problem: "none of \(problems.count) pairs can be used; the first problem: \(first)")
  }

  /// The pairs of a file that can be encoded and whose pictures can be read; what is wrong with the others is
  /// added to `problems`.
  /// - Parameter problem: what else is wrong with a pair.
  private func encoded(
    _ rows: [(pair: PreferencePair, line: Int)], of file: String, _ encoder: PromptEncoder,
    problems: inout [DataError], problem: (PreferencePair) -> String? = { _ in nil }
  ) throws -> [(pair: PreferencePair, encoded: EncodedPair)] {
    let broken = try context.pictureCheck.problems(of: rows.lazy.flatMap { images(of: $0.pair) })
    var usable: [(pair: PreferencePair, encoded: EncodedPair)] = []
    for (pair, line) in rows {
      do {
        if let problem = problem(pair) ?? images(of: pair).lazy.compactMap({ broken[$0] }).first {
          throw RecordError(id: pair.id, reason: problem)
        }
        usable.append((pair, try encode(pair, encoder)))
      } catch {
        let problem = (error as? RecordError)?.reason ?? "\(error)"
        problems.append(DataError(file: "\(file):\(line)", record: pair.id, problem: problem))
      }
    }
    return usable
  }

  /// Whether a term of the loss must know which picture is asked about.
  private var asksForTargets: Bool {
    context.configuration.train.attentionWeight > 0 || context.configuration.train.imageWeight > 0
  }

  /// How much of each image feature of a pair belongs to what is asked about; `nil` of a single image, all of
  /// which does.
  private func focus(
    of pair: PreferencePair, _ origins: PairOrigins, _ model: LlavaModel
  ) throws -> [Float]? {
    try origins.record(of: pair)?.featureWeights(
      featuresPerImage: model.configuration.tokensPerImage,
      patchesPerSide: model.configuration.vision.patchesPerSide)
  }

  /// The pairs that the image term compares with those given; none where it has no weight.
  private func corruptedPairs(
    _ pairs: [(pair: PreferencePair, encoded: EncodedPair)], _ origins: PairOrigins
  ) -> [EncodedPair] {
    let settings = context.configuration.train
    guard settings.imageWeight > 0 else { return [] }
    return pairs.compactMap { pair, encoded in
      origins.target(of: pair).map {
        CorruptedAnswers.corrupted(
          encoded, target: $0, settings.imageCorruption, seed: context.configuration.run.seed)
      }
    }
  }

  /// The files of a pair's pictures.
  private func images(of pair: PreferencePair) -> [String] {
    pair.images.map { URL(fileURLWithPath: $0, relativeTo: context.directory.url).path }
  }

  /// The objective that the settings describe.
  static func terms(_ settings: RunConfiguration.Train) throws -> PreferenceObjectiveTerms {
    try PreferenceObjectiveTerms(
      losses: [settings.lossType], weights: [settings.preferenceWeight],
      options: settings.lossOptions,
      gamma: settings.gamma, anchor: settings.anchorWeight,
      reduction: settings.nllReduction == .mean ? .mean : .sum, image: settings.imageWeight,
      attention: settings.attentionWeight > 0
        ? AttentionPenalty(weight: settings.attentionWeight, threshold: settings.attentionThreshold) : nil)
  }

  private func encode(_ pair: PreferencePair, _ encoder: PromptEncoder) throws -> EncodedPair {
    do {
      let example = try encoder.example(
        question: pair.prompt, images: Array(pair.images.indices), answers: [pair.chosen, pair.rejected])
      return EncodedPair(
        id: pair.id,
        pictures: images(of: pair).map(Picture.file),
        promptIDs: example.promptIDs, completions: example.completions)
    } catch let error as PromptError {
      throw RecordError(id: pair.id, reason: "\(error)")
    }
  }

  /// The judged answers of the selection, where they are there: pairs may also come from elsewhere.
  private func candidates() throws -> [CandidateRow] {
    let file = context.directory.url.appendingPathComponent("select/candidates.jsonl")
    return FileManager.default.fileExists(atPath: file.path) ? try RowFile.read(from: file) : []
  }

  /// Which pairs have a single image as it came.
  private func singleFlags(_ pairs: [PreferencePair], _ candidates: [CandidateRow]) -> [Bool] {
    let single = Set(candidates.lazy.filter { $0.kind == .single }.map(\.id))
    return pairs.map { single.contains($0.id) }
  }

  /// The base model's right answers as the settings want them; `nil` for none.
  private func ballast(_ candidates: [CandidateRow], _ encoder: PromptEncoder) throws -> Ballast? {
    let settings = context.configuration.train
    guard settings.ballastPerStep > 0, settings.gamma > 0 else {
      try context.omissions.leaveOut([], stage: .train, part: " ballast")
      return nil
    }
    let kinds = Set(settings.ballastKinds)
    let right = candidates.enumerated().filter { _, row in
      row.answeredRight && kinds.contains(row.kind.rawValue)
    }.map { index, row in
      let pair = PreferencePair(
        id: row.id, images: row.images, prompt: row.prompt, chosen: row.groundTruth,
        rejected: row.groundTruth)
      return (pair: pair, line: index + 1)
    }
    var problems: [DataError] = []
    let file = context.directory.url.appendingPathComponent("select/candidates.jsonl").path
    let examples = try encoded(right, of: file, encoder, problems: &problems).map { _, encoded in
      var example = encoded
      example.completions.removeLast()
      return example
    }
    try context.omissions.leaveOut(problems, stage: .train, part: " ballast")
    if let first = problems.first, examples.isEmpty {
      throw DataError(
        file: file,
        problem: "none of \(problems.count) right answers (train.ballast_per_step) can be used; "
          + "the first problem: \(first)")
    }
    return examples.isEmpty
      ? nil : Ballast(examples, perStep: settings.ballastPerStep, seed: context.configuration.run.seed)
  }

  /// Log-probabilities under the reference: computed once and cached, or live.
  /// - Parameter others: pairs that a live reference will be asked for beside `pairs`.
  private func reference(
    _ pairs: [EncodedPair], _ others: [EncodedPair] = [], base: PretrainedModel, features: FeatureStore,
    file: String, in folder: URL
  ) throws -> ([EncodedPair]) throws -> [PairLogProbabilities] {
    let settings = context.configuration.train
    guard settings.precomputeRefLogProbs else {
      return try liveReference(pairs + others, base: base, features: features)
    }
    var fingerprint = Digest()
    fingerprint.update(ModelState.digest(base.model))
    fingerprint.update("\(try base.pictureProcessor(of: context.baseModel).configuration)")
    fingerprint.update("\(base.model.configuration)")
    fingerprint.update("\(settings.sharesPrefix)")
    if settings.ldAlpha != 1 { fingerprint.update("\(settings.ldAlpha)") }
    let cache = ReferenceCache(
      folder.appendingPathComponent(file), fingerprint: fingerprint.finalize())
    if let reason = cache.discarded {
      context.console.message("train: reference log-probabilities are computed again (\(reason))")
    }
    let progress = context.console.progress("reference", total: pairs.count)
    defer { progress.finish() }
    try cache.fill(
      pairs, batchTokens: context.configuration.select.batchTokens,
      scorer: scorer(base.model, features),
      digest: context.digest(of:)
    ) { done in
      progress.update(step: done)
      try Interruption.check("reference log-probabilities, \(done) of \(pairs.count) pairs")
    }
    return { cache.values(of: $0) }
  }

  /// Whether a live reference is a second copy of the base model.
  static func needsSecondModel(_ settings: RunConfiguration.Train) -> Bool {
    !settings.precomputeRefLogProbs
      && (settings.adapter != .lora || settings.trainProjector || settings.trainVision)
  }

  /// The base model itself with its adapters off where only they are trained, otherwise a second copy.
  private func liveReference(
    _ pairs: [EncodedPair], base: PretrainedModel, features: FeatureStore
  ) throws -> ([EncodedPair]) throws -> [PairLogProbabilities] {
    let settings = context.configuration.train
    if !Self.needsSecondModel(settings) {
      let model = base.model
      let scorer = scorer(model, features)
      return { pairs in
        model.isAdapterEnabled = false
        defer { model.isAdapterEnabled = true }
        return try Self.values(pairs, scorer)
      }
    }
    let copy = try context.open(context.baseModel, trainable: [])
    copy.model.setTrainable(false, .vision, .projector, .decoder)
    copy.model.storeFrozenWeights(as: settings.frozenDtype.dtype)
    let features = context.features(copy.model, try context.pictures(copy))
    try features.prepare(pairs.map(\.pictures))
    let scorer = scorer(copy.model, features)
    return { try Self.values($0, scorer) }
  }

  private func scorer(
    _ model: LlavaModel, _ features: FeatureStore, weighsPairs: Bool = false, attentionLayer: Int? = nil
  ) -> PairScorer {
    let settings = context.configuration.train
    let queries = context.configuration.select.queries
    return PairScorer(
      model: model, features: features, sharesPrefix: settings.sharesPrefix, lengthWeight: settings.ldAlpha,
      weighsPairs: weighsPairs, attention: attentionLayer.map { ($0, queries) })
  }

  private static func values(_ pairs: [EncodedPair], _ scorer: PairScorer) throws -> [PairLogProbabilities] {
    PairLogProbabilities.of(pairs, scores: try noGradient { try scorer.sums(pairs).scores })
  }

  /// The parts of the base model whose own weights are trained.
  private var trainedParts: Set<LlavaModel.Part> {
    let settings = context.configuration.train
    var parts: Set<LlavaModel.Part> = []
    if settings.trainVision { parts.insert(.vision) }
    if settings.trainProjector { parts.insert(.projector) }
    if settings.adapter == .none { parts.insert(.decoder) }
    return parts
  }

  /// Freezes the model. What stays frozen is stored as the configuration says from here on, for the reference
  /// too.
  private func freeze(_ model: LlavaModel) {
    let settings = context.configuration.train
    for part in LlavaModel.Part.allCases { model.setTrainable(trainedParts.contains(part), part) }
    model.storeFrozenWeights(as: settings.frozenDtype.dtype)
    model.setTrainable(false, .vision, .projector, .decoder)
  }

  private func makeTrainable(_ model: LlavaModel) throws {
    let settings = context.configuration.train
    switch settings.adapter {
    case .none: model.setTrainable(true, .decoder)
    case .lora:
      var generator = RandomGenerator(seed: context.configuration.run.seed, stream: 0x4C6F_5241)
      model.applyLoRA(
        rank: settings.loraR, alpha: settings.loraAlpha, targets: Set(settings.loraTarget), using: &generator)
    }
    if settings.trainProjector { model.setTrainable(true, .projector) }
    if settings.trainVision { model.setTrainable(true, .vision) }
  }
}

extension LearningRateScheduler {
  var kind: LearningRateSchedule.Kind {
    switch self {
    case .constant: .constant
    case .linear: .linear
    case .cosine: .cosine
    }
  }
}
