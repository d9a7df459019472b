import LVLM
import Tensor

/// Attention as a loss: `λ · mean_pairs(max(0, τ − R))` for the chosen answers.
///
/// R is the share of a chosen answer's attention to images that falls on the image asked about, with its
/// gradient (``AttentionShare``; MIA-DPO's equation 4, which selects rejected answers, asked of the chosen
/// ones). The penalty is what AA-DPO describes (Sutariya et al., *Attention-aware DPO*), with λ 0.9, τ 0.75
/// and the mean of R over layers 14 to 22 of 32. Its code does otherwise: one version measures R without a
/// gradient, the other puts R itself in the place of the hinge, which makes it small.
public struct AttentionPenalty: Sendable, Equatable {
  /// λ; 0 is no penalty.
  public var weight: Double
  /// τ: R from which on nothing is left to penalise.
  public var threshold: Double

  /// A penalty.
  public init(weight: Double, threshold: Double) {
    self.weight = weight
    self.threshold = threshold
  }

  /// This part's share of the penalty of an optimizer step, a scalar.
  /// - Parameters:
  ///   - ratios: R of the chosen answers that have one; the others of the step count with 0.
  ///   - stepPairs: pairs in the whole optimizer step.
  func share(of ratios: Tensor, stepPairs: Int) -> Tensor {
    (threshold - ratios).relu().sum() * (weight / Double(stepPairs))
  }
}

/// Sums over chosen answers from which the attention metrics of a step are computed.
struct AttentionMetrics: MetricSums {
  private(set) var answers = 0
  private var ratios = 0.0
  private var penalties = 0.0

  mutating func add(_ found: Tensor, _ penalty: AttentionPenalty) {
    for ratio in found.array(of: Double.self) {
      answers += 1
      ratios += ratio
      penalties += max(0, penalty.threshold - ratio)
    }
  }

  var numbers: [Double] { [Double(answers), ratios, penalties] }

  mutating func add(numbers: [Double]) {
    answers += Int(numbers[0])
    ratios += numbers[1]
    penalties += numbers[2]
  }

  /// `attention/chosen`, the mean R, and `attention/penalty`, the mean of `max(0, τ − R)`, both over the
  /// chosen answers with an R; none without any.
  var named: [(String, Double)] {
    guard answers > 0 else { return [] }
    return [
      ("attention/chosen", ratios / Double(answers)), ("attention/penalty", penalties / Double(answers)),
    ]
  }
}
