import DPOTrain
import Foundation
import LVLM
import Ranks
import Records
import Tensor

/// What the model that training begins with says: the reference, cached, live or moving.
extension TrainStage {
  /// What the reference says to pairs.
  struct Reference {
    /// The log-probabilities of some pairs.
    let values: ([EncodedPair]) throws -> [PairLogProbabilities]
    /// Writes what was computed and is not in a file yet.
    var save: () throws -> Void = {}

    /// For an objective that asks no reference.
    static var none: Reference {
      Reference(values: { $0.map { _ in PairLogProbabilities(chosen: 0, rejected: 0) } })
    }
  }

  /// Log-probabilities under the reference: computed once and cached, before the first step or when a pair's
  /// turn comes, or live.
  /// - Parameters:
  ///   - others: pairs that a live reference will be asked for beside `pairs`.
  ///   - baseHash: that of the files the base was opened from, where it is known; its weights are hashed
  ///     otherwise, which takes long.
  func reference(
    _ pairs: [EncodedPair], _ others: [EncodedPair] = [], base: PretrainedModel, features: FeatureStore,
    baseHash: String?, file: String, in folder: URL
  ) throws -> Reference {
    guard context.configuration.train.precomputeRefLogProbs else {
      return Reference(values: try liveReference(pairs + others, base: base, features: features))
    }
    guard context.team.isLead else {
      return try followed(pairs, base: base, features: features)
    }
    let settings = context.configuration.train
    var fingerprint = Digest()
    fingerprint.update(baseHash.map { "\($0) \(settings.frozenDtype)" } ?? ModelState.digest(base.model))
    if base.processor != nil { fingerprint.update(try base.pictureSettings()) }
    fingerprint.update("\(base.model.configuration)")
    fingerprint.update("\(settings.sharesPrefix)")
    if settings.bf16, let instructions = Float32MatmulPrecision.instructions {
      fingerprint.update("\(instructions)")
    }
    if settings.ldAlpha != 1 { fingerprint.update("\(settings.ldAlpha)") }
    let cache = ReferenceCache(
      folder.appendingPathComponent(file), fingerprint: fingerprint.finalize())
    if let reason = cache.discarded {
      context.console.message("train: reference log-probabilities are computed again (\(reason))")
    }
    guard !context.configuration.asksBaseOnDemand else {
      let (model, scorer, digest) = (base.model, scorer(base.model, features), context.digest(of:))
      return Reference(
        values: { pairs in
          try model.withoutAdapters { try cache.values(of: pairs, scorer: scorer, digest: digest) }
        }, save: cache.save)
    }
    let progress = context.console.progress("reference", total: pairs.count)
    defer { progress.finish() }
    try cache.fill(
      pairs, batchTokens: context.configuration.select.batchTokens, scorer: scorer(base.model, features),
      digest: context.digest(of:), team: context.team
    ) { done in
      progress.update(step: done)
      guard context.team.isAlone || context.team.hasAgreedToEnd else { return }
      try Interruption.check("reference log-probabilities, \(done) of \(pairs.count) pairs")
    }
    _ = try context.team.sharedNumbers { cache.values(of: pairs).flatMap { [$0.chosen, $0.rejected] } }
    return Reference(values: { cache.values(of: $0) })
  }

  /// The same values on a rank that writes no cache: those that the lead computed for all, or each pair's own
  /// when its turn comes.
  private func followed(
    _ pairs: [EncodedPair], base: PretrainedModel, features: FeatureStore
  ) throws -> Reference {
    guard context.configuration.asksBaseOnDemand else {
      try ReferenceCache.follow(
        pairs, batchTokens: context.configuration.select.batchTokens, scorer: scorer(base.model, features),
        team: context.team)
      let numbers = try context.team.sharedNumbers { [] }
      let values = pairs.indices.map {
        PairLogProbabilities(chosen: numbers[2 * $0], rejected: numbers[2 * $0 + 1])
      }
      let known = Dictionary(zip(pairs.map(\.id), values)) { $1 }
      return Reference(values: { pairs in
        pairs.map { known[$0.id] ?? PairLogProbabilities(chosen: .nan, rejected: .nan) }
      })
    }
    let (model, scorer) = (base.model, scorer(base.model, features))
    var known: [String: PairLogProbabilities] = [:]
    return Reference(values: { pairs in
      try model.withoutAdapters {
        try pairs.map { pair in
          if let value = known[pair.id] { return value }
          let value = try Self.values([pair], scorer)[0]
          known[pair.id] = value
          return value
        }
      }
    })
  }

  /// The base model itself with its adapters off where only they are trained, otherwise a second copy.
  private func liveReference(
    _ pairs: [EncodedPair], base: PretrainedModel, features: FeatureStore
  ) throws -> ([EncodedPair]) throws -> [PairLogProbabilities] {
    let settings = context.configuration.train
    if !settings.needsSecondModel {
      let model = base.model
      let scorer = scorer(model, features)
      return { pairs in try model.withoutAdapters { try Self.values(pairs, scorer) } }
    }
    return values(try secondModel(pairs))
  }

  /// A reference beside the model that is trained.
  struct SecondModel {
    let model: VisionLanguageModel
    let features: FeatureStore
    let pictures: [[Picture]]
  }

  /// The base model once more, for some pairs.
  func secondModel(_ pairs: [EncodedPair]) throws -> SecondModel {
    let copy = try context.open(context.startingModel, trainable: [])
    copy.model.setTrainable(false, .vision, .projector, .decoder)
    copy.model.storeFrozenWeights(as: context.configuration.train.frozenDtype.dtype)
    let features = context.features(copy.model, try context.pictures(copy))
    let pictures = pairs.map(\.allPictures)
    try features.prepare(pictures)
    return SecondModel(model: copy.model, features: features, pictures: pictures)
  }

  func values(_ second: SecondModel) -> ([EncodedPair]) throws -> [PairLogProbabilities] {
    let scorer = scorer(second.model, second.features)
    return { try Self.values($0, scorer) }
  }

  /// The second model as it follows the one that is trained.
  func moving(_ second: SecondModel) -> MovingReference {
    let settings = context.configuration.train
    let showsOther = settings.trainVision || settings.trainProjector
    return MovingReference(
      second.model, every: settings.refModelSyncSteps, mixup: settings.refModelMixupAlpha
    ) {
      if showsOther { try second.features.prepare(second.pictures) }
    }
  }

  /// What the model that training began with says to the pairs held out, weighed as training weighs them: the
  /// trained one with its adapters off where only they were trained, otherwise another copy.
  func figures(
    ofBase base: PretrainedModel, _ held: [EncodedPair], terms: PreferenceObjectiveTerms,
    reference: Reference, features: FeatureStore
  ) throws -> HeldOutPairs.Figures {
    let settings = context.configuration.train
    func figures(_ model: VisionLanguageModel, _ features: FeatureStore) throws -> HeldOutPairs.Figures {
      try HeldOutPairs(
        held, microBatch: settings.perDeviceTrainBatchSize,
        scorer: scorer(model, features, weighsPairs: settings.useWeighting), terms: terms,
        asking: reference.values
      ).figures()
    }
    if settings.adapter == .lora, !settings.trainProjector, !settings.trainVision {
      return try base.model.withoutAdapters { try figures(base.model, features) }
    }
    let copy = try secondModel(held)
    return try figures(copy.model, copy.features)
  }

  private static func values(_ pairs: [EncodedPair], _ scorer: PairScorer) throws -> [PairLogProbabilities] {
    PairLogProbabilities.of(pairs, scores: try noGradient { try scorer.sums(pairs).scores })
  }
}
