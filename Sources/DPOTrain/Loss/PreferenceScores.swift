import Tensor

/// Log-probabilities of the chosen and rejected completion of each pair under the policy and the reference.
///
/// Everything is `[pairs]`; a completion's log-probability is the sum over its tokens, end-of-sequence
/// included.
public struct PreferenceScores {
  /// The policy's, of the chosen answers.
  public var policyChosen: Tensor
  /// The policy's, of the rejected answers.
  public var policyRejected: Tensor
  /// The reference's, of the chosen answers.
  public var referenceChosen: Tensor
  /// The reference's, of the rejected answers.
  public var referenceRejected: Tensor
  /// Completion lengths in tokens; the length-normalised losses divide by them.
  public var chosenTokens: [Int]
  /// As ``chosenTokens``, of the rejected answers.
  public var rejectedTokens: [Int]

  /// - Precondition: all six have the same number of pairs.
  public init(
    policyChosen: Tensor, policyRejected: Tensor, referenceChosen: Tensor, referenceRejected: Tensor,
    chosenTokens: [Int], rejectedTokens: [Int]
  ) {
    let pairs = chosenTokens.count
    tensorRequire(
      rejectedTokens.count == pairs && policyChosen.count == pairs && policyRejected.count == pairs
        && referenceChosen.count == pairs && referenceRejected.count == pairs, "PreferenceScores",
      "all parts need one entry per pair (\(pairs))")
    self.policyChosen = policyChosen
    self.policyRejected = policyRejected
    self.referenceChosen = referenceChosen
    self.referenceRejected = referenceRejected
    self.chosenTokens = chosenTokens
    self.rejectedTokens = rejectedTokens
  }

  /// `log π(y_w|x) − log π_ref(y_w|x)`, `[pairs]`.
  public var chosenLogRatio: Tensor { policyChosen - referenceChosen }

  /// `log π(y_l|x) − log π_ref(y_l|x)`, `[pairs]`.
  public var rejectedLogRatio: Tensor { policyRejected - referenceRejected }

  /// The chosen log-ratio as scored by the divergence of `options`, `[pairs]`.
  func chosenScore(_ options: LossOptions) -> Tensor { score(chosenLogRatio, options) }

  /// The rejected log-ratio as scored by the divergence of `options`, `[pairs]`.
  func rejectedScore(_ options: LossOptions) -> Tensor { score(rejectedLogRatio, options) }

  /// β times the difference of the two scores, `[pairs]`: the argument of most losses.
  func scaledMargin(_ options: LossOptions) -> Tensor {
    (chosenScore(options) - rejectedScore(options)) * options.beta
  }

  /// The difference of the two scores, each divided by its completion's length, `[pairs]`.
  func meanMargin(_ options: LossOptions) -> Tensor {
    perToken(chosenScore(options), chosenTokens) - perToken(rejectedScore(options), rejectedTokens)
  }

  /// `values` divided by the number of tokens (at least one), `[pairs]`.
  func perToken(_ values: Tensor, _ tokens: [Int]) -> Tensor {
    values * Tensor(tokens.map { 1 / Double(max($0, 1)) }).to(values.dtype)
  }

  private func score(_ logRatio: Tensor, _ options: LossOptions) -> Tensor {
    switch options.divergence ?? .reverseKL {
    case .reverseKL: return logRatio
    case .forwardKL: return 1 - (-logRatio).exp()
    case .jensenShannon: return logRatio.logSigmoid() + 0.6931471805599453
    case .alpha:
      let power = (options.alphaDivergenceCoefficient ?? LossOptions.defaults.alpha) - 1
      return ((logRatio * power).exp() - 1) / power
    }
  }
}
