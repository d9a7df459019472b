/// By how much one answer's log-ratio lies above another's, and whether that says anything.
///
/// Policy and reference are not asked in the same batches: pairs are shuffled, the reference's values are
/// computed once in batches of their own, and sums in Float32 depend in their last bits on the rows computed
/// beside them. The same weights then give log-ratios that differ from 0 by some units in the last place of
/// the log-probabilities they were subtracted from, which is neither a win nor a loss.
struct RewardDifference {
  /// The share of the log-probabilities' sizes that rounding explains: 8 units in the last place of Float32.
  static let tolerance = 0x1p-20

  /// The difference of the two log-ratios.
  let value: Double
  /// Whether rounding alone explains it.
  let isTie: Bool

  /// - Parameters:
  ///   - first: log-probability of an answer under the policy and the reference.
  ///   - second: of the other.
  init(_ first: (policy: Double, reference: Double), over second: (policy: Double, reference: Double)) {
    value = (first.policy - first.reference) - (second.policy - second.reference)
    let size =
      Swift.abs(first.policy) + Swift.abs(first.reference) + Swift.abs(second.policy)
      + Swift.abs(second.reference)
    isTie = Swift.abs(value) <= size * Self.tolerance
  }

  /// Whether the first answer's log-ratio is the higher one.
  var isWin: Bool { !isTie && value > 0 }
}
