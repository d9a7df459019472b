import Tensor

extension PreferenceLoss {
  /// `max(0, 1 − βΔ)` (Liu et al., "RSO", 2023; Zhao et al., "SLiC-HF", 2023).
  static let hinge = PreferenceLoss(
    "hinge", reads: [.divergence, .alphaDivergenceCoefficient]
  ) { scores, options in
    (1 - scores.scaledMargin(options)).relu()
  }

  /// `(Δ̄ − 1/(2β))²` on per-token means (Azar et al., "IPO", 2023, eq. 17; averaged as its authors
  /// confirmed).
  static let ipo = PreferenceLoss(
    "ipo", reads: [.divergence, .alphaDivergenceCoefficient]
  ) { scores, options in
    (scores.meanMargin(options) - 1 / (2 * options.beta)).square()
  }

  /// `(r_w − 1/(2β))² + (r_l + 1/(2β))²` (Wu et al., "SPPO", 2024, hard labels).
  static let sppoHard = PreferenceLoss("sppo_hard") { scores, options in
    let target = 1 / (2 * options.beta)
    return (scores.chosenLogRatio - target).square() + (scores.rejectedLogRatio + target).square()
  }
}
