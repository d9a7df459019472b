import Tensor

/// Sums over pairs from which the metrics of a step are computed; named as TRL names them.
///
/// Accuracy is counted per pair (chosen reward above the rejected one by more than rounding), never on batch
/// means.
public struct PreferenceMetrics: Sendable, Equatable, MetricSums {
  /// Pairs that were added.
  public private(set) var pairs = 0
  /// Sum of the rewards of the chosen answers.
  public private(set) var chosenRewards = 0.0
  /// Sum of the rewards of the rejected answers.
  public private(set) var rejectedRewards = 0.0
  /// Pairs whose chosen reward is above the rejected one, by more than rounding explains.
  public private(set) var accurate = 0
  /// Pairs whose two rewards are equal up to rounding, as all are before the first update.
  public private(set) var ties = 0
  /// Sum of the policy's log-probabilities of the chosen answers.
  public private(set) var chosenLogProbability = 0.0
  /// The same of the rejected answers.
  public private(set) var rejectedLogProbability = 0.0
  /// Tokens of the chosen answers.
  public private(set) var chosenTokens = 0
  /// As ``chosenLogProbability``, every token with weight 1.
  public private(set) var chosenLikelihood = 0.0

  /// Metrics of no pair.
  public init() {}

  /// Adds the pairs of a batch; rewards are β times the log-ratio.
  ///
  /// - Parameter chosenSums: log-probabilities of the chosen answers where those of `scores` weigh tokens.
  public mutating func add(_ scores: PreferenceScores, chosenSums: Tensor? = nil, beta: Double) {
    chosenLikelihood += (chosenSums ?? scores.policyChosen).array(of: Double.self).reduce(0, +)
    let policyChosen = scores.policyChosen.array(of: Double.self)
    let policyRejected = scores.policyRejected.array(of: Double.self)
    let referenceChosen = scores.referenceChosen.array(of: Double.self)
    let referenceRejected = scores.referenceRejected.array(of: Double.self)
    for i in policyChosen.indices {
      let chosen = beta * (policyChosen[i] - referenceChosen[i])
      let rejected = beta * (policyRejected[i] - referenceRejected[i])
      pairs += 1
      chosenRewards += chosen
      rejectedRewards += rejected
      let difference = RewardDifference(
        (policyChosen[i], referenceChosen[i]), over: (policyRejected[i], referenceRejected[i]))
      if difference.isWin { accurate += 1 }
      if difference.isTie { ties += 1 }
      chosenLogProbability += policyChosen[i]
      rejectedLogProbability += policyRejected[i]
      chosenTokens += scores.chosenTokens[i]
    }
  }

  var numbers: [Double] {
    [
      Double(pairs), chosenRewards, rejectedRewards, Double(accurate), Double(ties), chosenLogProbability,
      rejectedLogProbability, Double(chosenTokens), chosenLikelihood,
    ]
  }

  mutating func add(numbers: [Double]) {
    pairs += Int(numbers[0])
    chosenRewards += numbers[1]
    rejectedRewards += numbers[2]
    accurate += Int(numbers[3])
    ties += Int(numbers[4])
    chosenLogProbability += numbers[5]
    rejectedLogProbability += numbers[6]
    chosenTokens += Int(numbers[7])
    chosenLikelihood += numbers[8]
  }

  /// Mean reward margin over the pairs.
  public var margin: Double { (chosenRewards - rejectedRewards) / Double(max(pairs, 1)) }

  /// Share of pairs whose chosen reward is above the rejected one.
  public var accuracy: Double { Double(accurate) / Double(max(pairs, 1)) }

  /// Name and value in TRL's spelling, in a fixed order.
  public var named: [(String, Double)] {
    let n = Double(max(pairs, 1))
    return [
      ("rewards/chosen", chosenRewards / n), ("rewards/rejected", rejectedRewards / n),
      ("rewards/margins", margin), ("rewards/accuracies", accuracy),
      ("logps/chosen", chosenLogProbability / n), ("logps/rejected", rejectedLogProbability / n),
      ("nll_loss", -chosenLikelihood / Double(max(chosenTokens, 1))),
    ]
  }
}
