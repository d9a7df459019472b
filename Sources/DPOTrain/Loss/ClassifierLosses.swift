#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif
import Tensor

extension PreferenceLoss {
  /// `σ(βΔ)(log σ(βΔ) − log(1−ε)) + σ(−βΔ)(log σ(−βΔ) − log ε)` (Ji et al., "EXO", 2024, eq. 16).
  ///
  /// Needs `label_smoothing` above 0: at ε = 0 it is infinite.
  static let exoPair = PreferenceLoss(
    "exo_pair", reads: [.labelSmoothing],
    check: { options in
      guard let epsilon = options.labelSmoothing, epsilon > 0, epsilon < 0.5 else {
        throw LossError.invalidOption(
          LossOption.labelSmoothing.rawValue, loss: "exo_pair", found: options.labelSmoothing ?? 0,
          expected: "above 0 and below 0.5 (for example 0.001)")
      }
    }
  ) { scores, options in
    let margin = scores.scaledMargin(options)
    let epsilon = options.labelSmoothing ?? 0.001
    return margin.sigmoid() * (margin.logSigmoid() - log(1 - epsilon))
      + (-margin).sigmoid() * ((-margin).logSigmoid() - log(epsilon))
  }

  /// `−log σ(βr_w) − ½ log σ(−βr_w) − ½ log σ(−βr_l)` (Chen et al., "NCA", 2024).
  static let ncaPair = PreferenceLoss("nca_pair") { scores, options in
    let chosen = scores.chosenLogRatio * options.beta
    let rejected = scores.rejectedLogRatio * options.beta
    return -chosen.logSigmoid() - (-chosen).logSigmoid() * 0.5 - (-rejected).logSigmoid() * 0.5
  }

  /// `−log σ(βr_w) − log σ(−βr_l)` (Jung et al., "BCO", 2024, without its running mean, as TRL has it).
  static let bcoPair = PreferenceLoss("bco_pair") { scores, options in
    -(scores.chosenLogRatio * options.beta).logSigmoid()
      - (scores.rejectedLogRatio * -options.beta).logSigmoid()
  }

  /// `½(1 − σ(β(r_w − z_l))) + ½(1 − σ(β(z_w − r_l)))`: KTO on the two answers of a pair (Ethayarajh et al.,
  /// "KTO", 2024, arXiv 2402.01306, eq. 7, with both weights 1), as TRL had it up to version 0.9.
  ///
  /// z of one side is its estimated divergence from the reference, the mean log-ratio over the batch and at
  /// least 0; each side is held against that of the other. No gradient goes through it, as the paper says.
  static let ktoPair = PreferenceLoss("kto_pair", isPerPair: false) { scores, options in
    func divergence(_ logRatio: Tensor) -> Tensor { logRatio.detached().mean().relu() }
    let (chosen, rejected) = (scores.chosenLogRatio, scores.rejectedLogRatio)
    let won = ((chosen - divergence(rejected)) * options.beta).sigmoid()
    let lost = ((divergence(chosen) - rejected) * options.beta).sigmoid()
    return 1 - (won + lost) * 0.5
  }

  /// `1 − σ(βr_w) + σ(βr_l)` (D'Oosterlinck et al., "APO", 2024, eq. 7).
  static let apoZero = PreferenceLoss("apo_zero") { scores, options in
    1 - (scores.chosenLogRatio * options.beta).sigmoid() + (scores.rejectedLogRatio * options.beta).sigmoid()
  }

  /// `σ(βr_w) + 1 − σ(βΔ)` (D'Oosterlinck et al., "APO", 2024, eq. 8).
  static let apoDown = PreferenceLoss("apo_down") { scores, options in
    (scores.chosenLogRatio * options.beta).sigmoid() + 1 - scores.scaledMargin(options).sigmoid()
  }
}
