import Tensor

/// How the negative log-likelihood of the chosen answers is averaged.
public enum LikelihoodReduction: String, CaseIterable, Sendable {
  /// Per token over all chosen tokens of the optimizer step (the released code of MIA-DPO, and TRL's `sft`).
  case mean
  /// Summed over the tokens of an answer, averaged over pairs (equation 5 of the paper).
  case sum
}

/// The whole training objective: a weighted list of preference losses, `γ` times the likelihood term, an
/// anchor, an image-conditional term and a penalty on attention.
///
/// `L = Σ_i w_i · mean_pairs(loss_i) + γ · NLL(chosen)` (MIA-DPO, equation 5, with one loss of weight 1)
/// `+ a · mean_pairs(−log σ(β · log π(y_w|x)/π_ref(y_w|x)))` (the anchor of mDPO, arXiv 2406.11839, equation
/// 7) `+ i · mean_pairs(image term)` (``PreferenceScores/imageLoss(_:beta:)``) `+` ``AttentionPenalty``.
public struct PreferenceObjectiveTerms: Sendable {
  /// The preference losses.
  public let losses: [PreferenceLoss]
  /// The weight of each.
  public let weights: [Double]
  /// What the losses are set to.
  public let options: LossOptions
  /// The weight γ of the likelihood term.
  public let gamma: Double
  /// The weight of the anchor, which keeps the chosen answers from becoming less likely than under the
  /// reference.
  public let anchor: Double
  /// How the likelihood term is averaged.
  public let reduction: LikelihoodReduction
  /// The weight of mDPO's image-conditional term.
  public let image: Double
  /// What chosen answers that look elsewhere cost; none when nil.
  public let attention: AttentionPenalty?

  /// - Parameter weights: One per loss; all 1 when empty.
  /// - Throws: ``LossError`` when a name is unknown, an option is out of range, or no listed loss reads it.
  public init(
    losses names: [String], weights: [Double] = [], options: LossOptions, gamma: Double = 0,
    anchor: Double = 0, reduction: LikelihoodReduction = .mean, image: Double = 0,
    attention: AttentionPenalty? = nil
  ) throws {
    guard weights.isEmpty || weights.count == names.count else {
      throw LossError.weightCount(losses: names.count, weights: weights.count)
    }
    guard gamma >= 0, gamma.isFinite else {
      throw LossError.invalidOption(
        "gamma", loss: names.joined(separator: "+"), found: gamma, expected: "a number of at least 0")
    }
    guard anchor >= 0, anchor.isFinite else {
      throw LossError.invalidOption(
        "anchor", loss: names.joined(separator: "+"), found: anchor, expected: "a number of at least 0")
    }
    for (name, value) in [
      ("image", image), ("attention", attention?.weight ?? 0), ("threshold", attention?.threshold ?? 0),
    ] where !(value >= 0 && value.isFinite) {
      throw LossError.invalidOption(
        name, loss: names.joined(separator: "+"), found: value, expected: "a number of at least 0")
    }
    losses = try names.map(PreferenceLoss.named)
    guard !losses.isEmpty else {
      throw LossError.unknownLoss("", known: PreferenceLoss.registry.map(\.name))
    }
    try PreferenceLoss.validate(options, of: losses)
    self.weights = weights.isEmpty ? names.map { _ in 1 } : weights
    self.options = options
    self.gamma = gamma
    self.anchor = anchor
    self.reduction = reduction
    self.image = image
    self.attention = attention
  }

  /// Whether a batch split in parts gives the same gradient as the whole.
  public var isPerPair: Bool { losses.allSatisfy(\.isPerPair) }

  /// Whether the reference's log-probabilities change the value.
  public var needsReference: Bool { anchor > 0 || image > 0 || losses.contains(where: \.readsReference) }

  /// This part's share of the loss of an optimizer step, a scalar: shares of all parts add up to the loss of
  /// the whole step, whatever the split.
  /// - Parameters:
  ///   - pairWeights: What the preference loss of each pair is multiplied with, `[pairs]`; 1 when nil.
  ///   - chosenSums: Summed log-probability of each chosen answer, for the likelihood term, where scores
  ///     weigh tokens.
  ///   - attentionRatios: R of those chosen answers that have one, for the penalty.
  ///   - corrupted: The chosen answers after corrupted pictures, for the image term.
  ///   - stepPairs: Pairs in the whole optimizer step.
  ///   - stepAnswers: Answers in the likelihood term of the whole step, when there are more than pairs.
  ///   - stepChosenTokens: Tokens of those answers.
  ///   - stepPairTokens: Tokens of the chosen answers of the pairs alone, where there are further ones.
  public func share(
    of scores: PreferenceScores, pairWeights: Tensor? = nil, chosenSums: Tensor? = nil,
    attentionRatios: Tensor? = nil, corrupted: CorruptedScores? = nil, stepPairs: Int,
    stepAnswers: Int? = nil, stepChosenTokens: Int, stepPairTokens: Int? = nil
  ) -> Tensor {
    var shares = zip(losses, weights).map { loss, weight in
      if loss.isLikelihood {
        let tokens = max(stepPairTokens ?? stepChosenTokens, 1)
        return (chosenSums ?? scores.policyChosen).sum() * (-weight / Double(tokens))
      }
      let values = loss(scores, options)
      return (pairWeights.map { values * $0 } ?? values).sum() * (weight / Double(stepPairs))
    }
    if anchor > 0 {
      let kept = (scores.chosenLogRatio * options.beta).logSigmoid()
      shares.append(kept.sum() * (-anchor / Double(stepPairs)))
    }
    if gamma > 0 {
      shares.append(
        likelihoodShare(
          of: chosenSums ?? scores.policyChosen, stepAnswers: stepAnswers ?? stepPairs,
          stepChosenTokens: stepChosenTokens))
    }
    if image > 0, let corrupted {
      shares.append(scores.imageLoss(corrupted, beta: options.beta).sum() * (image / Double(stepPairs)))
    }
    if let attention, let attentionRatios, attentionRatios.count > 0 {
      shares.append(attention.share(of: attentionRatios, stepPairs: stepPairs))
    }
    return shares.dropFirst().reduce(shares[0], +)
  }

  /// The likelihood term's share for some answers, a scalar.
  /// - Parameters:
  ///   - sums: Summed log-probability of each answer, `[answers]`.
  ///   - stepAnswers: Answers in the whole optimizer step.
  ///   - stepChosenTokens: Their tokens.
  public func likelihoodShare(of sums: Tensor, stepAnswers: Int, stepChosenTokens: Int) -> Tensor {
    let divisor =
      switch reduction {
      case .mean: Double(max(stepChosenTokens, 1))
      case .sum: Double(stepAnswers)
      }
    return sums.sum() * (-gamma / divisor)
  }
}

extension PreferenceLoss {
  /// Refuses values out of range for one of several losses that are added up, and an option that is set
  /// although none of them reads it.
  /// - Throws: ``LossError``.
  public static func validate(_ options: LossOptions, of losses: [PreferenceLoss]) throws {
    let read = losses.reduce(into: Set<LossOption>()) { $0.formUnion($1.reads) }
    for loss in losses {
      try loss.validate(losses.count > 1 ? options.keeping(loss.reads, elseRefusing: read) : options)
    }
  }
}

extension LossOptions {
  /// A copy without the options that another loss of the list reads but this one does not.
  fileprivate func keeping(_ own: Set<LossOption>, elseRefusing read: Set<LossOption>) -> LossOptions {
    var copy = self
    for option in read.subtracting(own) {
      switch option {
      case .labelSmoothing: copy.labelSmoothing = nil
      case .divergence: copy.divergence = nil
      case .alphaDivergenceCoefficient: copy.alphaDivergenceCoefficient = nil
      case .discopopTau: copy.discopopTau = nil
      case .dpopLambda: copy.dpopLambda = nil
      case .simpoGamma: copy.simpoGamma = nil
      }
    }
    return copy
  }
}
