import LVLM
import Ranks
import Records
import Tensor

/// Log-probabilities of the two answers of a pair.
public struct PairLogProbabilities: Sendable, Equatable {
  /// Of the chosen answer.
  public var chosen: Double
  /// Of the rejected answer.
  public var rejected: Double

  /// Creates the two.
  public init(chosen: Double, rejected: Double) {
    self.chosen = chosen
    self.rejected = rejected
  }

  /// Those of some pairs from the scores of all their answers; without a rejected answer it has none.
  package static func of(_ pairs: [EncodedPair], scores: Tensor) -> [PairLogProbabilities] {
    var rest = scores.array(of: Float.self)[...]
    return pairs.map { pair in
      let own = rest.prefix(pair.completions.count).map(Double.init)
      rest = rest.dropFirst(own.count)
      return PairLogProbabilities(chosen: own[0], rejected: own.count > 1 ? own[1] : .nan)
    }
  }
}

/// Answers scored by a model: packs pairs, runs the decoder, sums log-probabilities per answer.
public struct PairScorer {
  private let model: VisionLanguageModel
  private let features: FeatureStore
  private let sharesPrefix: Bool
  private let lengthWeight: Double
  private let weighsPairs: Bool
  private let attention: (layer: Int, queries: AttentionReading.Queries)?

  /// - Parameters:
  ///   - lengthWeight: the weight in scores of the tokens of the longer answer of a pair that lie beyond the
  ///     length
  ///   of the shorter one (α of LD-DPO, Liu et al. 2024, arXiv:2409.06411; TRL's `ld_alpha`).
  ///   - weighsPairs: whether ``Sums/pairWeights`` are computed.
  ///   - attention: the decoder layer, and the tokens that ask, of ``Sums/attentionRatios``; none by default.
  public init(
    model: VisionLanguageModel, features: FeatureStore, sharesPrefix: Bool, lengthWeight: Double = 1,
    weighsPairs: Bool = false, attention: (layer: Int, queries: AttentionReading.Queries)? = nil
  ) {
    self.attention = attention
    self.model = model
    self.features = features
    self.sharesPrefix = sharesPrefix
    self.lengthWeight = lengthWeight
    self.weighsPairs = weighsPairs
  }

  /// Whether ``Sums/attentionRatios`` are computed.
  var readsAttention: Bool { attention != nil }

  /// What a model says to the answers of some pairs.
  public struct Sums {
    /// Sums of log-probabilities of all answers, pair by pair (chosen, rejected, chosen, …).
    public let sums: Tensor
    /// As ``sums``, with the weight of tokens beyond the shorter answer: what preference losses compare.
    public let scores: Tensor
    /// How likely both answers of each pair are under the model itself, `[pairs]`, without a gradient:
    /// `exp(Σ mean_t(log p_t − log Σ_v p_v²))` over the two answers (WPO, Zhou et al. 2024,
    /// arXiv:2406.11827).
    public let pairWeights: Tensor?
    /// R of the first answer of every pair that has an ``EncodedPair/focus`` and a token that asks, in order.
    public let attentionRatios: Tensor?
    /// What the model says at the tokens of the answers; none unless it was asked for.
    public let tokens: TokenMetrics?
    /// The decoder's rows.
    public let rows: Int
  }

  /// Scores the answers of some pairs.
  /// - Parameter readsTokens: whether ``Sums/tokens`` are computed, which takes a product with the head.
  public func sums(_ pairs: [EncodedPair], readsTokens: Bool = false) throws -> Sums {
    let parts = pairs.flatMap(\.parts)
    let batchFeatures = try features.features(of: parts.map(\.prompt.pictures))
    let examples = parts.map { part in
      PackedExample(
        promptIDs: part.prompt.ids, images: batchFeatures.numbers(of: part.prompt.pictures),
        completions: part.completions)
    }
    let batch = try PackedBatch(
      examples, sharesPrefix: sharesPrefix, imageTokenID: Int32(model.configuration.imageTokenIndex),
      features: batchFeatures.features.layout)
    let share = attention.map {
      AttentionShare(layer: $0.layer, queries: $0.queries, targets: targets(pairs))
    }
    let (logProbabilities, squares, statistics) = model.readTargets(
      batch, imageFeatures: batchFeatures.features, share: share, squares: weighsPairs,
      statistics: readsTokens)
    let (segments, count) = (batch.completionOfTarget, batch.completionCount)
    let sums = segmentSums(logProbabilities, segments: segments, count: count)
    let scores =
      lengthWeight == 1
      ? sums
      : segmentSums(logProbabilities, segments: segments, count: count, weights: weights(segments, of: pairs))
    let pairWeights = squares.map { squares in
      let above = segmentSums(logProbabilities.detached() - squares, segments: segments, count: count)
      let lengths = pairs.flatMap { $0.completions.map { 1 / Float(max($0.count, 1)) } }
      return (above * Tensor(lengths)).reshaped([pairs.count, -1]).sum(axes: [1]).exp()
    }
    return Sums(
      sums: sums, scores: scores, pairWeights: pairWeights, attentionRatios: share?.ratios,
      tokens: statistics.map { TokenMetrics($0, isChosen: segments.map { $0 % 2 == 0 }) },
      rows: batch.tokenCount)
  }

  /// Runs something in which the adapters of the model drop elements of their inputs.
  /// - Parameters:
  ///   - step: the optimizer step.
  ///   - start: the place of the micro-batch in it.
  func dropping<Result>(
    _ dropout: AdapterDropout?, step: Int, start: Int, _ body: () throws -> Result
  ) rethrows -> Result {
    guard let dropout, dropout.probability > 0 else { return try body() }
    return try model.withAdapterDropout(
      dropout.probability, from: dropout.generator(step: step, start: start), body)
  }

  /// The first answers whose attention is asked for.
  private func targets(_ pairs: [EncodedPair]) -> [AttentionShare.Target] {
    var sequence = 0
    return pairs.compactMap { pair in
      defer { sequence += pair.completions.count }
      guard let focus = pair.focus, pair.completions[0].count > 1 || attention?.queries == .prediction
      else { return nil }
      return AttentionShare.Target(sequence: sequence, weights: focus, counted: pair.counted)
    }
  }

  /// The weight of each answer token: 1 up to the length of the shorter answer of its pair.
  private func weights(_ segments: [Int], of pairs: [EncodedPair]) -> [Float] {
    let shared = pairs.flatMap { pair in
      pair.completions.map { _ in pair.completions.map(\.count).min() ?? 0 }
    }
    var seen = [Int](repeating: 0, count: shared.count)
    return segments.map { segment in
      seen[segment] += 1
      return seen[segment] > shared[segment] ? Float(lengthWeight) : 1
    }
  }
}

/// The DPO loss over the pairs of a step, in micro-batches that add up exactly, the last one included.
public struct PreferenceObjective: TrainingObjective {
  private let pairs: [EncodedPair]
  private let sampler: PairSampler
  private let microBatch: Int
  private let scorer: PairScorer
  private let terms: PreferenceObjectiveTerms
  private let ballast: Ballast?
  private let corrupted: CorruptedAnswers?
  private let dropout: AdapterDropout?
  private let reference: ([EncodedPair]) throws -> [PairLogProbabilities]
  private let team: RankTeam
  private let parameters: [NamedParameter]

  /// - Parameters:
  ///   - microBatch: Pairs that go through the model at a time.
  ///   - ballast: Right answers that take part in the NLL term alone.
  ///   - corrupted: The chosen answers after corrupted pictures, for terms with an image term.
  ///   - dropout: On the inputs of the model's adapters; never while the reference is asked.
  ///   - team: The ranks among which the micro-batches of a step are shared out.
  ///   - parameters: What is trained, whose gradients ranks add up; a process alone needs none.
  ///   - reference: Log-probabilities under the reference, for pairs of this objective.
  /// - Precondition: `corrupted` is there for terms with an image term, and the scorer reads attention for
  ///   those with a penalty on it.
  public init(
    pairs: [EncodedPair], sampler: PairSampler, microBatch: Int, scorer: PairScorer,
    terms: PreferenceObjectiveTerms, ballast: Ballast? = nil, corrupted: CorruptedAnswers? = nil,
    dropout: AdapterDropout? = nil, team: RankTeam = .alone, parameters: [NamedParameter] = [],
    reference: @escaping ([EncodedPair]) throws -> [PairLogProbabilities]
  ) {
    tensorRequire(
      (terms.image == 0 || corrupted != nil) && (terms.attention == nil || scorer.readsAttention),
      "PreferenceObjective", "an image term needs corrupted answers, a penalty on attention a scorer of it")
    self.pairs = pairs
    self.sampler = sampler
    self.microBatch = microBatch
    self.scorer = scorer
    self.terms = terms
    self.ballast = ballast
    self.corrupted = corrupted
    self.dropout = dropout
    self.reference = reference
    self.team = team
    self.parameters = parameters
  }

  public func recordIDs(ofStep step: Int) -> [String] { sampler.pairs(ofStep: step).map { pairs[$0].id } }

  public func epoch(afterSteps step: Int) -> Double { sampler.epoch(afterSteps: step) }

  public func outcome(ofStep step: Int) throws -> StepOutcome { try outcome(ofStep: step, isLogged: true) }

  public func outcome(ofStep step: Int, isLogged: Bool) throws -> StepOutcome {
    let records = sampler.pairs(ofStep: step).map { pairs[$0] }
    let kept = terms.gamma > 0 ? ballast?.examples(ofStep: step) ?? [] : []
    let pairTokens = records.reduce(0) { $0 + $1.completions[0].count }
    let chosenTokens = kept.reduce(pairTokens) { $0 + $1.completions[0].count }
    let totals = StepTotals(
      pairs: records.count, answers: records.count + kept.count, chosenTokens: chosenTokens,
      pairTokens: pairTokens)
    let slices = StepSlices(
      pairs: records.count, ballast: kept.count, microBatch: microBatch, ranks: team.count)
    var gradients = try GradientSum(parameters, over: team)
    var own: [StepPart] = []
    for round in 0..<slices.rounds {
      switch slices.slice(ofRank: team.rank, round: round) {
      case .pairs(let range):
        let (part, gradient) = try share(
          of: Array(records[range]), totals, step: step, start: range.lowerBound, isLogged: isLogged)
        own.append(part)
        try gradients.add(gradient)
      case .ballast(let range):
        let (part, gradient) = try share(
          ofBallast: Array(kept[range]), totals, step: step, start: records.count + range.lowerBound)
        own.append(part)
        try gradients.add(gradient)
      case nil: try gradients.add(Gradients())
      }
    }
    let sums = try sum(of: own)
    let metrics = sums.preference
    let weight = Double(records.count)
    var named: [(name: String, value: Double, weight: Double)] = (metrics.named + sums.image.named).map {
      ($0.0, $0.1, $0.0 == "nll_loss" ? Double(chosenTokens) : weight)
    }
    named += sums.attention.named.map { ($0.0, $0.1, Double(sums.attention.answers)) } + sums.said.named
    return StepOutcome(
      gradients: try gradients.total(), loss: sums.loss, tokens: sums.tokens, metrics: named,
      highlights: [
        ("accuracy", fixed(metrics.accuracy, 2)), ("margin", fixed(metrics.margin, 3)),
      ])
  }

  /// What the whole step has, by which every micro-batch's share is divided.
  private struct StepTotals {
    var pairs: Int
    var answers: Int
    var chosenTokens: Int
    var pairTokens: Int
  }

  /// The share of some pairs in the step.
  private func share(
    of part: [EncodedPair], _ totals: StepTotals, step: Int, start: Int, isLogged: Bool
  ) throws -> (StepPart, Gradients) {
    let known =
      terms.needsReference
      ? try Profile.phase("reference") { try reference(part) }
      : part.map { _ in .init(chosen: 0, rejected: 0) }
    return try scorer.dropping(dropout, step: step, start: start) {
      let found = try Profile.phase("forward") { try scorer.sums(part, readsTokens: isLogged) }
      let scores = Self.scores(found.scores, pairs: part, reference: known)
      let chosen = Self.scores(found.sums, pairs: part, reference: known).policyChosen
      let other = terms.image > 0 ? try corrupted?.scores(of: part) : nil
      let share = terms.share(
        of: scores, pairWeights: found.pairWeights, chosenSums: chosen,
        attentionRatios: found.attentionRatios, corrupted: other?.scores, stepPairs: totals.pairs,
        stepAnswers: totals.answers, stepChosenTokens: totals.chosenTokens, stepPairTokens: totals.pairTokens)
      var sums = StepPart()
      sums.loss = share.item()
      sums.preference.add(scores, chosenSums: chosen, beta: terms.options.beta)
      if let tokens = found.tokens { sums.said.add(tokens) }
      if let ratios = found.attentionRatios, let penalty = terms.attention {
        sums.attention.add(ratios, penalty)
      }
      if let other { sums.image.add(scores, other.scores, beta: terms.options.beta) }
      sums.tokens = found.rows + (other?.rows ?? 0)
      return (sums, Profile.phase("backward") { share.backward() })
    }
  }

  /// The share of some right answers in the step's likelihood term.
  /// - Parameter start: the ballast comes after the pairs of the step.
  private func share(
    ofBallast kept: [EncodedPair], _ totals: StepTotals, step: Int, start: Int
  ) throws -> (StepPart, Gradients) {
    try scorer.dropping(dropout, step: step, start: start) {
      let found = try Profile.phase("forward of the ballast") { try scorer.sums(kept) }
      let share = terms.likelihoodShare(
        of: found.sums, stepAnswers: totals.answers, stepChosenTokens: totals.chosenTokens)
      var sums = StepPart()
      sums.loss = share.item()
      sums.tokens = found.rows
      return (sums, Profile.phase("backward") { share.backward() })
    }
  }

  /// The sums of all micro-batches in their order, those of other ranks among them.
  private func sum(of own: [StepPart]) throws -> StepPart {
    let length = StepPart().numbers.count
    let all = try team.numbers(own.flatMap(\.numbers))
    var sum = StepPart()
    for round in 0..<(all.map(\.count).max() ?? 0) / length {
      for numbers in all where numbers.count >= (round + 1) * length {
        sum.add(numbers: Array(numbers[round * length..<(round + 1) * length]))
      }
    }
    return sum
  }

  /// Splits sums of a batch (chosen, rejected, chosen, …) into the scores of its pairs.
  static func scores(
    _ sums: Tensor, pairs: [EncodedPair], reference: [PairLogProbabilities]
  ) -> PreferenceScores {
    let table = sums.reshaped([pairs.count, 2])
    return PreferenceScores(
      policyChosen: table.slice(axis: 1, 0..<1).reshaped([pairs.count]),
      policyRejected: table.slice(axis: 1, 1..<2).reshaped([pairs.count]),
      referenceChosen: Tensor(reference.map { Float($0.chosen) }).to(sums.dtype),
      referenceRejected: Tensor(reference.map { Float($0.rejected) }).to(sums.dtype),
      chosenTokens: pairs.map { $0.completions[0].count },
      rejectedTokens: pairs.map { $0.completions[1].count })
  }
}
