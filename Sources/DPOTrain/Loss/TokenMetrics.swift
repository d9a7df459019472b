import LVLM

/// Sums over the tokens of the answers of pairs from which TRL's `logits/*`, `entropy` and
/// `mean_token_accuracy` are computed.
///
/// TRL 1.16 (`DPOTrainer._compute_loss`): the mean over the vocabulary of the logits that predict a token of
/// an answer, averaged over the tokens of the chosen and of the rejected answers; the entropy of these
/// distributions over the tokens of both; the share of the tokens of chosen answers that are the likeliest.
public struct TokenMetrics: Sendable, Equatable, MetricSums {
  /// Tokens of the chosen answers.
  public private(set) var chosenTokens = 0
  /// Tokens of the rejected answers.
  public private(set) var rejectedTokens = 0
  private var chosenLogits = 0.0
  private var rejectedLogits = 0.0
  private var entropy = 0.0
  private var right = 0

  /// Metrics of no token.
  public init() {}

  init(_ statistics: TokenStatistics, isChosen: [Bool]) {
    for (index, isChosen) in isChosen.enumerated() {
      entropy += statistics.entropies[index]
      if isChosen {
        chosenTokens += 1
        chosenLogits += statistics.meanLogits[index]
        right += statistics.isTop[index] ? 1 : 0
      } else {
        rejectedTokens += 1
        rejectedLogits += statistics.meanLogits[index]
      }
    }
  }

  /// Adds the tokens of further pairs.
  public mutating func add(_ other: TokenMetrics) { add(numbers: other.numbers) }

  var numbers: [Double] {
    [
      Double(chosenTokens), Double(rejectedTokens), chosenLogits, rejectedLogits, entropy, Double(right),
    ]
  }

  mutating func add(numbers: [Double]) {
    chosenTokens += Int(numbers[0])
    rejectedTokens += Int(numbers[1])
    chosenLogits += numbers[2]
    rejectedLogits += numbers[3]
    entropy += numbers[4]
    right += Int(numbers[5])
  }

  /// Name, value and weight in a mean, in TRL's spelling; none without tokens.
  public var named: [(name: String, value: Double, weight: Double)] {
    let all = chosenTokens + rejectedTokens
    let (chosen, rejected) = (Double(chosenTokens), Double(rejectedTokens))
    guard all > 0 else { return [] }
    return [
      ("logits/chosen", chosenLogits / max(chosen, 1), chosen),
      ("logits/rejected", rejectedLogits / max(rejected, 1), rejected),
      ("entropy", entropy / Double(all), Double(all)),
      ("mean_token_accuracy", Double(right) / max(chosen, 1), chosen),
    ]
  }
}
