import Checkpoint
import DPOTrain
import Foundation
import LVLM
import Ranks
import Records
import Tensor

/// Preference optimization: `pairs.jsonl` and the base model in, `checkpoints/` and `train/model` out.
struct TrainStage {
  let context: StageContext

  func run() throws {
    try context.withProducts(in: context.configuration.train.bf16, of: .train, trainInPrecision)
  }

  private func trainInPrecision() throws {
    let settings = context.configuration.train
    let team = context.team
    let folder = try context.directory.folder(.train)
    let starting = context.startingModel
    let digest =
      context.configuration.asksBaseOnDemand ? Ahead { try ModelState.digest(ofModelAt: starting) } : nil
    let base = try context.open(starting, trainable: trainedParts)
    let model = base.model
    let origins = try asksForTargets ? PairOrigins(ofRun: context.directory.url) : nil
    var usable = try withPermutedCopies(try usablePairs(base.encoder, origins), base.encoder)

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
    if settings.attentionWeight > 0, let origins {
      for index in usable.indices {
        (usable[index].encoded.focus, usable[index].encoded.counted) = try focus(
          of: usable[index].pair, origins, frozen)
      }
    }
    let (pairs, encoded) = (usable.map(\.pair), usable.map(\.encoded))
    let corrupted = try origins.map { try corruptedPairs(usable, $0, features) } ?? []
    let candidates = try candidates()
    let ballast = try ballast(candidates, base.encoder)
    let heldPairs = try heldOutPairs()
    let held = heldPairs.map(\.encoded)

    let shown = (encoded + held + (ballast?.examples ?? []) + corrupted).map(\.allPictures)
    try frozen.prepare(shown)
    let terms = try settings.objectiveTerms()
    let baseHash = try digest?.value()
    // Both the model and its hash were read from the files as they were at the start.
    try context.outside.requireUnchangedModel()
    let second = settings.syncRefModel ? try secondModel(encoded + corrupted + held) : nil
    let reference: Reference =
      if let second {
        Reference(values: values(second))
      } else if terms.needsReference {
        try reference(
          encoded, corrupted + held, base: base, features: frozen, baseHash: baseHash, file: "reference.h5",
          in: folder)
      } else {
        .none
      }
    let referenceOfCorrupted =
      corrupted.isEmpty || !settings.precomputeRefLogProbs
      ? reference
      : try self.reference(
        corrupted, base: base, features: frozen, baseHash: baseHash, file: "reference-corrupted.h5",
        in: folder)
    let referenceOfHeld: Reference
    if held.isEmpty || !terms.needsReference {
      referenceOfHeld = .none
    } else if settings.precomputeRefLogProbs {
      referenceOfHeld = try self.reference(
        held, base: base, features: frozen, baseHash: baseHash, file: "reference-held-out.h5", in: folder)
    } else {
      // A moving reference is compared with as it was at the start.
      let known = try reference.values(held)
      let values = Dictionary(zip(held.map(\.id), known), uniquingKeysWith: { first, _ in first })
      referenceOfHeld = Reference(values: { $0.compactMap { values[$0.id] } })
    }
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
    if let problem = RankChecks.problem(ranks: team.count, pairs: min(batch, pairs.count)) {
      team.agreeToEnd()
      throw RankError.refused(problem)
    }
    let objective = PreferenceObjective(
      pairs: encoded, sampler: sampler, microBatch: settings.perDeviceTrainBatchSize, scorer: scorer,
      terms: terms, ballast: ballast,
      corrupted: corrupted.isEmpty
        ? nil
        : CorruptedAnswers(
          corrupted, scorer: self.scorer(model, features), reference: referenceOfCorrupted.values),
      dropout: settings.adapter == .lora && settings.loraDropout > 0
        ? AdapterDropout(probability: settings.loraDropout, seed: context.configuration.run.seed) : nil,
      team: team, parameters: team.isAlone ? [] : model.trainableParameters(), reference: reference.values)
    let heldOut =
      held.isEmpty
      ? nil
      : HeldOutPairs(
        held, microBatch: settings.perDeviceTrainBatchSize, scorer: scorer, terms: terms,
        asking: referenceOfHeld.values)
    let loop = TrainingLoop(
      settings: TrainingLoop.Settings(
        stage: .train, steps: steps,
        schedule: settings.schedule(steps: steps),
        beta1: settings.adamBeta1, beta2: settings.adamBeta2, weightDecay: settings.weightDecay,
        maxGradNorm: settings.maxGradNorm, loggingSteps: settings.loggingSteps,
        saveSteps: settings.saveSteps, saveTotalLimit: settings.saveTotalLimit,
        optimizer: settings.optim, epsilon: settings.adamEpsilon, rateFactors: settings.rateFactors,
        emaDecay: settings.emaDecay,
        evalSteps: held.isEmpty ? 0 : settings.evalSteps > 0 ? settings.evalSteps : steps,
        keepsBest: settings.loadsBestModelAtEnd, patience: settings.earlyStoppingPatience,
        configurationHash: context.directory.identity(of: .train), configuration: context.configuration.yaml),
      model: model, checkpoints: try context.directory.checkpoints, metrics: context.directory.metrics,
      console: context.console,
      baseHash: model.hasAdapters
        ? try baseHash ?? ModelState.digest(ofModelAt: context.startingModel) : "",
      reference: second.map(moving), observer: context.events, team: team)
    let start = try loop.resume()
    try team.requireSame([("a newest checkpoint of step", "\(start)")])
    if start > 0 { context.console.message("train: goes on after step \(start) of \(steps)") }
    let counts = model.parameterCounts
    context.console.message(
      "train: \(pairs.count) pairs, \(steps) steps of \(batch), \(counts.trainable) of \(counts.all) weights")
    var answers =
      held.isEmpty || settings.evalSamples == 0 || !team.isLead
      ? nil
      : try HeldOutAnswers(
        heldPairs, count: settings.evalSamples, model: model, features: features, encoder: base.encoder,
        maxNewTokens: settings.evalMaxNewTokens, url: folder.appendingPathComponent(HeldOutAnswer.file),
        after: start)
    if start == 0 { try answers?.ask(afterStep: 0) }
    try loop.run(
      objective,
      look: heldOut.map { heldOut in
        {
          var look = TrainingLoop.Look(values: [])
          // The lead looks, all go by what it saw.
          look.score = try team.sharedNumbers {
            let figures = try heldOut.figures()
            try answers?.ask(afterStep: loop.step)
            (look.values, look.words) = (figures.named, figures.words)
            return [figures.score(settings.metricForBestModel)]
          }[0]
          return look
        }
      })
    guard team.isLead else { return }
    for reference in [reference, referenceOfCorrupted, referenceOfHeld] { try reference.save() }
    if context.configuration.trainsGGUF {
      try saveAdapter(of: base)
    } else {
      try ModelBuilder.save(base, to: context.trainedModel)
    }
    guard let heldOut else { return }
    let after = try heldOut.figures()
    let before = try figures(
      ofBase: base, held, terms: terms, reference: referenceOfHeld, features: features)
    let summary = HeldOutSummary(
      pairs: held.count, step: loop.weightsStep, before: before, after: after, best: loop.bestLook,
      by: settings.metricForBestModel)
    try AtomicFile.write(summary.json.pretty.utf8, to: folder.appendingPathComponent(HeldOutSummary.file))
  }

  /// Writes the adapters of a model whose file stays as it is, as PEFT does: `train/adapter`.
  private func saveAdapter(of base: PretrainedModel) throws {
    let folder = try context.directory.folder(.train).appendingPathComponent("adapter", isDirectory: true)
    try base.model.saveAdapter(
      to: folder, baseModel: context.startingModel.standardizedFileURL.path,
      forLanguageModel: base.processor == nil)
    try ChecksumList.write(of: folder)
  }

  func scorer(
    _ model: VisionLanguageModel, _ features: FeatureStore, weighsPairs: Bool = false,
    attentionLayer: Int? = nil
  ) -> PairScorer {
    let settings = context.configuration.train
    let queries = context.configuration.select.queries
    return PairScorer(
      model: model, features: features, sharesPrefix: settings.sharesPrefix, lengthWeight: settings.ldAlpha,
      weighsPairs: weighsPairs, attention: attentionLayer.map { ($0, queries) })
  }

  /// The parts of the base model whose own weights are trained.
  private var trainedParts: Set<VisionLanguageModel.Part> {
    let settings = context.configuration.train
    var parts: Set<VisionLanguageModel.Part> = []
    if settings.trainVision { parts.insert(.vision) }
    if settings.trainProjector { parts.insert(.projector) }
    if settings.adapter == .none { parts.insert(.decoder) }
    return parts
  }

  /// Freezes the model. What stays frozen is stored as the configuration says from here on, for the reference
  /// too.
  private func freeze(_ model: VisionLanguageModel) {
    let settings = context.configuration.train
    for part in VisionLanguageModel.Part.allCases { model.setTrainable(trainedParts.contains(part), part) }
    model.storeFrozenWeights(as: settings.frozenDtype.dtype)
    model.setTrainable(false, .vision, .projector, .decoder)
  }

  private func makeTrainable(_ model: VisionLanguageModel) throws {
    let settings = context.configuration.train
    switch settings.adapter {
    case .none: model.setTrainable(true, .decoder)
    case .lora:
      var generator = RandomGenerator(seed: context.configuration.run.seed, stream: 0x4C6F_5241)
      model.applyLoRA(
        rank: settings.loraR, alpha: settings.adapterAlpha, targets: Set(settings.loraTarget),
        decomposesWeights: settings.useDoRA, using: &generator)
    }
    if settings.trainProjector { model.setTrainable(true, .projector) }
    if settings.trainVision { model.setTrainable(true, .vision) }
    model.isGradientCheckpointing = settings.gradientCheckpointing
  }
}
