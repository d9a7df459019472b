import DPOTrain
import Tensor

/// Answers to the same questions with the pictures in another order: what a model knows of a picture does not
/// depend on where it stands.
public struct PermutedResult: Sendable, Equatable {
  /// Share of right answers in the other order, with its 95 % interval.
  public var accuracy: Interval
  /// Share of questions that are answered right in both orders or in none, with its 95 % interval.
  public var unchanged: Interval
  /// Number of questions.
  public var n: Int

  /// Creates a result from its numbers.
  public init(accuracy: Interval, unchanged: Interval, n: Int) {
    self.accuracy = accuracy
    self.unchanged = unchanged
    self.n = n
  }

  /// Summarizes the records that were asked in both orders; `nil` where there are none.
  public init?(
    _ records: [AnswerRecord], resamples: Int = Statistics.defaultResamples,
    using generator: inout RandomGenerator
  ) {
    let both = records.compactMap { record in record.permutedCorrect.map { (record.correct, $0) } }
    guard
      let accuracy = Statistics.proportion(both.map(\.1), resamples: resamples, using: &generator),
      let unchanged = Statistics.proportion(
        both.map { $0.0 == $0.1 }, resamples: resamples, using: &generator)
    else { return nil }
    self.init(accuracy: accuracy, unchanged: unchanged, n: both.count)
  }
}
