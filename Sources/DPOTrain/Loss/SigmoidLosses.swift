import Tensor

extension PreferenceLoss {
  /// `−log σ(βΔ)`, the loss of DPO (Rafailov et al., 2023, eq. 7); with ε set, conservative DPO:
  /// `(1−ε)·(−log σ(βΔ)) + ε·(−log σ(−βΔ))`.
  static let sigmoid = PreferenceLoss(
    "sigmoid", reads: [.labelSmoothing, .divergence, .alphaDivergenceCoefficient],
    check: requireSmoothing(0..<0.5, of: "sigmoid")
  ) { scores, options in
    smoothedSigmoid(scores.scaledMargin(options), options.labelSmoothing ?? 0)
  }

  /// `−log σ(βΔ̄)`, the margin taken between per-token means.
  static let sigmoidNorm = PreferenceLoss(
    "sigmoid_norm", reads: [.divergence, .alphaDivergenceCoefficient]
  ) { scores, options in
    -(scores.meanMargin(options) * options.beta).logSigmoid()
  }

  /// `[(1−ε)(−log σ(βΔ)) − ε(−log σ(−βΔ))] / (1−2ε)` (Chowdhury et al., "Provably Robust DPO", 2024).
  static let robust = PreferenceLoss(
    "robust", reads: [.labelSmoothing, .divergence, .alphaDivergenceCoefficient],
    check: requireSmoothing(0..<0.5, of: "robust")
  ) { scores, options in
    let margin = scores.scaledMargin(options)
    let epsilon = options.labelSmoothing ?? 0
    let kept = -margin.logSigmoid() * (1 - epsilon)
    return (kept + (-margin).logSigmoid() * epsilon) / (1 - 2 * epsilon)
  }

  /// `−log σ(β(Δ − λ·max(0, −r_w)))`, DPO-positive (Pal et al., "Smaug", 2024, eq. 3).
  static let dpop = PreferenceLoss(
    "dpop", reads: [.dpopLambda],
    check: { options in
      if let lambda = options.dpopLambda, !(lambda >= 0) {
        throw LossError.invalidOption(
          LossOption.dpopLambda.rawValue, loss: "dpop", found: lambda, expected: "a number of at least 0")
      }
    }
  ) { scores, options in
    let penalty = (-scores.chosenLogRatio).relu() * (options.dpopLambda ?? LossOptions.defaults.dpopLambda)
    let margin = scores.chosenLogRatio - scores.rejectedLogRatio - penalty
    return -(margin * options.beta).logSigmoid()
  }

  /// `−log σ(β(l̄_w − l̄_l) − γ)` on mean log-probabilities, without a reference (Meng et al., "SimPO",
  /// 2024).
  static let simpo = PreferenceLoss("simpo", reads: [.simpoGamma], readsReference: false) { scores, options in
    let margin =
      scores.perToken(scores.policyChosen, scores.chosenTokens)
      - scores.perToken(scores.policyRejected, scores.rejectedTokens)
    return -(margin * options.beta - (options.simpoGamma ?? LossOptions.defaults.simpoGamma)).logSigmoid()
  }

  /// `(1−m)(−log σ(βΔ)) + m·exp(−βΔ)` with `m = σ(βΔ/τ)` (Lu et al., "DiscoPOP", 2024).
  static let discopop = PreferenceLoss(
    "discopop", reads: [.discopopTau],
    check: { options in
      if let tau = options.discopopTau, !(tau > 0) {
        throw LossError.invalidOption(
          LossOption.discopopTau.rawValue, loss: "discopop", found: tau, expected: "a number above 0")
      }
    }
  ) { scores, options in
    let margin = scores.scaledMargin(options)
    let mixture = (margin / (options.discopopTau ?? LossOptions.defaults.discopopTau)).sigmoid()
    return (1 - mixture) * -margin.logSigmoid() + mixture * (-margin).exp()
  }
}

/// `(1−ε)·(−log σ(m)) + ε·(−log σ(−m))` for margins `m`.
func smoothedSigmoid(_ margin: Tensor, _ epsilon: Double) -> Tensor {
  let kept = -margin.logSigmoid()
  return epsilon == 0 ? kept : kept * (1 - epsilon) - (-margin).logSigmoid() * epsilon
}
