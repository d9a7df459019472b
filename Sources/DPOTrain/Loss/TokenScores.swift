import Tensor

/// Log-probabilities of the single tokens of both answers of each pair, and how they add up to scores.
public struct TokenScores {
  /// `[2 · pairs, tokens]`, the chosen answers first; anything outside an answer.
  public var policy: Tensor
  /// As ``policy``, of the reference.
  public var reference: Tensor
  /// `[2 · pairs, tokens]` of the same type: 1 for tokens of an answer, 0 outside.
  public var mask: Tensor

  /// - Precondition: all three have the same shape, with an even number of rows.
  public init(policy: Tensor, reference: Tensor, mask: Tensor) {
    tensorRequire(
      policy.rank == 2 && policy.shape[0] % 2 == 0 && policy.shape == reference.shape
        && policy.shape == mask.shape, "TokenScores",
      "\(policy.shape), \(reference.shape) and \(mask.shape) must be [2 · pairs, tokens]")
    self.policy = policy
    self.reference = reference
    self.mask = mask
  }

  /// Pairs.
  public var pairs: Int { policy.shape[0] / 2 }

  /// The number of tokens of each answer, chosen first.
  public var lengths: [Int] { mask.sum(axes: [1]).array(of: Double.self).map { Int($0) } }

  /// Sums over the tokens of each answer.
  ///
  /// - Parameter lengthWeight: the weight of the tokens of the longer answer that lie beyond the length of
  ///   the shorter one (α of LD-DPO, Liu et al. 2024, arXiv:2409.06411; TRL's `ld_alpha`); 1 when nil.
  public func scores(lengthWeight: Double? = nil) -> PreferenceScores {
    let lengths = lengths
    var weights = mask
    if let lengthWeight { weights = mask * desensitising(lengthWeight, lengths) }
    func halves(_ values: Tensor) -> (Tensor, Tensor) {
      let sums = (values * weights).sum(axes: [1])
      return (sums.slice(axis: 0, 0..<pairs), sums.slice(axis: 0, pairs..<2 * pairs))
    }
    let (ours, theirs) = (halves(policy), halves(reference.detached()))
    return PreferenceScores(
      policyChosen: ours.0, policyRejected: ours.1, referenceChosen: theirs.0, referenceRejected: theirs.1,
      chosenTokens: Array(lengths[..<pairs]), rejectedTokens: Array(lengths[pairs...]))
  }

  /// The weight of each pair in WPO (Zhou et al. 2024, arXiv:2406.11827): how likely both answers are under
  /// the policy itself, `exp(Σ mean_t(log p_t − log Σ_v p_v²))` over the two answers, without a gradient.
  ///
  /// - Parameter squares: `[2 · pairs, tokens]`, for each token `log Σ_v p_v²` over the vocabulary.
  /// - Returns: `[pairs]`.
  public func onPolicyWeights(squares: Tensor) -> Tensor {
    let counts = Tensor(lengths.map { Double(max($0, 1)) }).to(policy.dtype)
    let means = ((policy.detached() - squares.detached()) * mask).sum(axes: [1]) / counts
    let chosen = means.slice(axis: 0, 0..<pairs)
    return (chosen + means.slice(axis: 0, pairs..<2 * pairs)).exp()
  }

  private func desensitising(_ alpha: Double, _ lengths: [Int]) -> Tensor {
    let width = mask.shape[1]
    let inside = mask.array(of: Double.self)
    var weights = [Double](repeating: 1, count: inside.count)
    for row in 0..<2 * pairs {
      let pair = row % pairs
      let shared = min(lengths[pair], lengths[pairs + pair])
      var position = 0
      for column in 0..<width where inside[row * width + column] != 0 {
        position += 1
        if position > shared { weights[row * width + column] = alpha }
      }
    }
    return Tensor(weights, shape: mask.shape).to(mask.dtype)
  }
}
