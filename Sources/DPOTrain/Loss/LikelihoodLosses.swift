import Tensor

// Losses without a reference that stand beside the likelihood of the chosen answers: CPO is `[cpo, sft]`,
// CPO-SimPO `[simpo, sft]`, ORPO `[orpo, sft]`.
extension PreferenceLoss {
  /// `−log σ(β(l_w − l_l))` on summed log-probabilities (Xu et al., "CPO", 2024, arXiv 2401.08417, eq. 3),
  /// smoothed with ε as in TRL's `CPOTrainer`.
  static let cpo = PreferenceLoss(
    "cpo", reads: [.labelSmoothing], readsReference: false, check: requireSmoothing(0..<0.5, of: "cpo")
  ) { scores, options in
    smoothedSigmoid((scores.policyChosen - scores.policyRejected) * options.beta, options.labelSmoothing ?? 0)
  }

  /// `−β log σ(log odds(y_w) − log odds(y_l))` with `odds(y) = p/(1 − p)` of the mean log-probability of a
  /// token, `log p = l̄` (Hong et al., "ORPO", 2024, arXiv 2403.07691, eq. 7; β is its λ).
  static let orpo = PreferenceLoss("orpo", readsReference: false) { scores, options in
    func logOdds(_ values: Tensor, _ tokens: [Int]) -> Tensor {
      let mean = scores.perToken(values, tokens)
      return mean - (-mean.expm1()).log()
    }
    let ratio =
      logOdds(scores.policyChosen, scores.chosenTokens)
      - logOdds(scores.policyRejected, scores.rejectedTokens)
    return ratio.logSigmoid() * -options.beta
  }

  /// The negative log-likelihood of a token of the chosen answers, the mean over all of them, for each pair
  /// the same: TRL's `sft`.
  static let sft = PreferenceLoss("sft", readsReference: false, isLikelihood: true) { scores, _ in
    let tokens = scores.chosenTokens.reduce(0, +)
    let mean = scores.policyChosen.sum() * (-1 / Double(max(tokens, 1)))
    return Tensor.ones(scores.policyChosen.shape, dtype: scores.policyChosen.dtype) * mean
  }
}
