import Tensor

// Distributional losses (Melnyk et al., "Distributional Preference Alignment via Optimal Transport", 2024):
// both sides are sorted over the batch before they are compared, so a pair's value depends on its batch and
// accumulating small batches is not the same as one large batch.
extension PreferenceLoss {
  /// Sorted policy margins against sorted reference margins, then the sigmoid loss with ε.
  static let aot = PreferenceLoss(
    "aot", reads: [.labelSmoothing], isPerPair: false, check: requireSmoothing(0..<0.5, of: "aot")
  ) { scores, options in
    let policy = sorted(scores.policyChosen - scores.policyRejected)
    let reference = sorted(scores.referenceChosen - scores.referenceRejected)
    return smoothedSigmoid((policy - reference) * options.beta, options.labelSmoothing ?? 0)
  }

  /// Sorted chosen log-ratios against sorted rejected log-ratios, then the sigmoid loss with ε.
  static let aotUnpaired = PreferenceLoss(
    "aot_unpaired", reads: [.labelSmoothing], isPerPair: false,
    check: requireSmoothing(0..<0.5, of: "aot_unpaired")
  ) { scores, options in
    let margin = sorted(scores.chosenLogRatio) - sorted(scores.rejectedLogRatio)
    return smoothedSigmoid(margin * options.beta, options.labelSmoothing ?? 0)
  }
}

/// The values in ascending order, `[n]`; the gradient goes back to where each came from.
private func sorted(_ values: Tensor) -> Tensor {
  let plain = values.array(of: Double.self)
  let order = plain.indices.sorted { (plain[$0], $0) < (plain[$1], $1) }
  return values.rows(at: Tensor(order.map(Int64.init)))
}
