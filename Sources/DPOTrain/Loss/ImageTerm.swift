import Tensor

/// Log-probabilities of the chosen answers after corrupted pictures, `[pairs]` each.
public struct CorruptedScores {
  /// The policy's.
  public var policy: Tensor
  /// The reference's.
  public var reference: Tensor

  /// The two.
  public init(policy: Tensor, reference: Tensor) {
    self.policy = policy
    self.reference = reference
  }

  /// `log π(y_w|m_l, x) − log π_ref(y_w|m_l, x)`, `[pairs]`.
  var logRatio: Tensor { policy - reference }
}

extension PreferenceScores {
  /// The image-conditional preference of mDPO (Wang et al. 2024, arXiv 2406.11839, equations 5 and 6):
  /// `−log σ(β · log π(y_w|m_w, x)/π_ref(y_w|m_w, x) − β · log π(y_w|m_l, x)/π_ref(y_w|m_l, x))` for pictures
  /// `m_w` and corrupted ones `m_l`, `[pairs]`.
  func imageLoss(_ corrupted: CorruptedScores, beta: Double) -> Tensor {
    -((chosenLogRatio - corrupted.logRatio) * beta).logSigmoid()
  }
}

/// Sums over pairs from which the metrics of the image term are computed.
struct ImageTermMetrics: MetricSums {
  private(set) var pairs = 0
  private var rewards = 0.0
  private var margins = 0.0
  private var accurate = 0

  mutating func add(_ scores: PreferenceScores, _ corrupted: CorruptedScores, beta: Double) {
    let (own, known) = (
      scores.policyChosen.array(of: Double.self), scores.referenceChosen.array(of: Double.self)
    )
    let (other, otherKnown) = (
      corrupted.policy.array(of: Double.self), corrupted.reference.array(of: Double.self)
    )
    for i in own.indices {
      let difference = RewardDifference((own[i], known[i]), over: (other[i], otherKnown[i]))
      pairs += 1
      rewards += beta * (other[i] - otherKnown[i])
      margins += beta * difference.value
      if difference.isWin { accurate += 1 }
    }
  }

  var numbers: [Double] { [Double(pairs), rewards, margins, Double(accurate)] }

  mutating func add(numbers: [Double]) {
    pairs += Int(numbers[0])
    rewards += numbers[1]
    margins += numbers[2]
    accurate += Int(numbers[3])
  }

  /// The mean reward of chosen answers after corrupted pictures, by how much that of the right ones lies
  /// above it, and how often; none without pairs.
  var named: [(String, Double)] {
    guard pairs > 0 else { return [] }
    let n = Double(pairs)
    return [
      ("rewards/corrupted", rewards / n), ("rewards/image_margins", margins / n),
      ("rewards/image_accuracies", Double(accurate) / n),
    ]
  }
}
