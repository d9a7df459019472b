import Foundation
import Tensor

/// McNemar's exact test of two models that answered the same questions (McNemar 1947): of the questions that
/// exactly one of them has right, as many should go to each when they are equally good.
public struct PairedTest: Sendable, Equatable {
  /// Questions that only the second model has right.
  public var gained: Int
  /// Questions that only the first model has right.
  public var lost: Int

  /// Creates a test from its counts.
  public init(gained: Int, lost: Int) {
    self.gained = gained
    self.lost = lost
  }

  /// Counts questions in the same order.
  /// - Precondition: both have the same count.
  public init(first: [Bool], second: [Bool]) {
    tensorRequire(first.count == second.count, "PairedTest", "\(first.count) answers, then \(second.count)")
    self.init(
      gained: zip(first, second).count { !$0 && $1 }, lost: zip(first, second).count { $0 && !$1 })
  }

  /// The two-sided probability of counts at least as uneven as these by chance alone, from the binomial
  /// distribution with one half; 1 where no question differs.
  public var p: Double {
    let (n, k) = (gained + lost, min(gained, lost))
    guard n > 0, gained != lost else { return 1 }
    // Terms in logarithms: a half to the power of n is 0 from n = 1075 on.
    let whole: Double = lgamma(Double(n + 1)) + Double(n) * log(0.5)
    let terms: [Double] = (0...k).map { i in
      let below: Double = lgamma(Double(i + 1))
      let above: Double = lgamma(Double(n - i + 1))
      return whole - below - above
    }
    let most = terms.max() ?? 0
    let sum = terms.reduce(0.0) { total, term in total + exp(term - most) }
    return min(1, 2 * exp(most) * sum)
  }

  /// Holm's correction of several tests (Holm 1979): values that can be compared with one level for all of
  /// them.
  public static func holm(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var adjusted = values
    var least = 0.0
    for (rank, index) in order.enumerated() {
      least = max(least, min(1, Double(values.count - rank) * values[index]))
      adjusted[index] = least
    }
    return adjusted
  }
}
