import Tensor

/// The part of selection that looks at all candidates together: cuts by quantile, formats, random rejected answers
/// and the number of pairs.
public struct PairSelection: Sendable {
  private let settings: RunConfiguration.Select
  private let seed: UInt64

  /// - Parameter seed: what random rejected answers and the pairs beyond `max_pairs` are drawn with.
  public init(_ settings: RunConfiguration.Select, seed: UInt64) {
    self.settings = settings
    self.seed = seed
  }

  /// Decides over rows that single answers' rules have kept.
  /// - Parameters:
  ///   - families: kind of question of each row; random rejected answers are drawn within it.
  ///   - isRight: whether a text is a right answer to the question of a row, beside its ground truth; for random
  ///     rejected answers alone.
  public func applied(
    to rows: [CandidateRow], families: [String], isRight: (Int, String) -> Bool = { _, _ in false }
  ) -> [CandidateRow] {
    var rows = rows
    for index in rows.indices where rows[index].kept && !settings.formats.contains(rows[index].kind.rawValue)
    {
      rows[index].outcome = .surplus
    }
    if settings.postSelection { cutQuantiles(&rows) }
    if settings.rejected == .random { replaceRejected(&rows, families: families, isRight: isRight) }
    limit(&rows)
    return rows
  }

  /// Drops what lies beyond each quantile of the pairs as they came; pairs that tie with the quantile stay.
  private func cutQuantiles(_ rows: inout [CandidateRow]) {
    let kept = rows.indices.filter { rows[$0].kept }
    func cut(_ share: Double, _ outcome: SelectionOutcome, _ value: (CandidateRow) -> Double) {
      guard share > 0, !kept.isEmpty else { return }
      let values = kept.map { value(rows[$0]) }
      let limit = Statistics.quantile(1 - share, of: values.sorted())
      for (index, value) in zip(kept, values) where value > limit && rows[index].kept {
        rows[index].outcome = outcome
      }
    }
    cut(settings.perplexityQuantile, .perplexity, \.perplexity)
    cut(settings.lengthRatioQuantile, .lengthRatio, \.lengthRatio)
    cut(settings.editDistanceQuantile, .editDistance) { -$0.editDistance }
  }

  /// Puts a right answer to another question of the same family in the place of each rejected one; a family with a
  /// single answer has none to give.
  private func replaceRejected(
    _ rows: inout [CandidateRow], families: [String], isRight: (Int, String) -> Bool
  ) {
    var pools: [String: [String]] = [:]
    for (row, family) in zip(rows, families) { pools[family, default: []].append(row.groundTruth) }
    let varied = pools.mapValues { Set($0.map(AnswerText.normalized)).count > 1 }
    let generator = RandomGenerator(seed: seed, stream: 0x5241_4E44)
    for index in rows.indices where rows[index].kept {
      guard let pool = pools[families[index]], varied[families[index]] == true else {
        rows[index].outcome = .surplus
        continue
      }
      let chosen = rows[index].groundTruth
      var own = generator.split(UInt64(index))
      var other = chosen
      var tries = 10_000
      while AnswerText.matches(other, chosen) || isRight(index, other), tries > 0 {
        other = pool[own.integer(below: pool.count)]
        tries -= 1
      }
      guard tries > 0 else {
        rows[index].outcome = .surplus
        continue
      }
      rows[index].answer = other
      rows[index].lengthRatio = CandidateRow.lengthRatio(other, chosen)
      rows[index].editDistance = Double(EditDistance.between(other, chosen))
    }
  }

  private func limit(_ rows: inout [CandidateRow]) {
    let kept = rows.indices.filter { rows[$0].kept }
    guard settings.maxPairs > 0, kept.count > settings.maxPairs else { return }
    var generator = RandomGenerator(seed: seed, stream: 0x4C49_4D49_54)
    var order = kept
    for place in 0..<settings.maxPairs {
      order.swapAt(place, place + generator.integer(below: order.count - place))
    }
    for index in order[settings.maxPairs...] { rows[index].outcome = .surplus }
  }
}
