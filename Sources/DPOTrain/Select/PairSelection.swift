import MultiImageData
import Tensor

/// The part of selection that looks at all candidates together: cuts by quantile, formats, random rejected
/// answers and the number of pairs.
public struct PairSelection: Sendable {
  private let settings: SelectionSettings
  private let seed: UInt64

  /// - Parameter seed: what random rejected answers and the pairs beyond `max_pairs` are drawn with.
  public init(_ settings: SelectionSettings, seed: UInt64) {
    self.settings = settings
    self.seed = seed
  }

  /// Decides over rows that single answers' rules have kept.
  /// - Parameters:
  ///   - families: kind of question of each row; random rejected answers are drawn within it.
  ///   - facts: what is known of the pictures of a row's prompt, for swapped answers.
  ///   - isRight: whether a text is a right answer to the question of a row, beside its ground truth; for
  ///     answers that are put in the place of the model's alone.
  public func applied(
    to rows: [CandidateRow], families: [String],
    facts: (Int) -> (own: [String: String], others: [[String: String]])? = { _ in nil },
    isRight: (Int, String) -> Bool = { _, _ in false }
  ) -> [CandidateRow] {
    var rows = rows
    for index in rows.indices where rows[index].kept && !settings.accepts(rows[index].kind) {
      rows[index].outcome = .surplus
    }
    if settings.postSelection { cutQuantiles(&rows) }
    switch settings.rejected {
    case .model: break
    case .random: replaceRejected(&rows, families: families, isRight: isRight)
    case .swapped: rewriteRejected(&rows, isRight) { swapped($0, facts($1), number: $1) }
    case .truncated: rewriteRejected(&rows, isRight) { text, _ in Self.truncated(text) }
    }
    limit(&rows)
    return rows
  }

  /// Puts a spoiled chosen answer in the place of each rejected one; where it cannot be spoiled the pair is
  /// left out.
  private func rewriteRejected(
    _ rows: inout [CandidateRow], _ isRight: (Int, String) -> Bool, _ spoiled: (String, Int) -> String?
  ) {
    for index in rows.indices where rows[index].kept {
      let chosen = rows[index].chosen ?? rows[index].groundTruth
      guard let other = spoiled(chosen, index), !AnswerText.matches(other, chosen), !isRight(index, other)
      else {
        rows[index].outcome = .surplus
        continue
      }
      rows[index].answer = other
      rows[index].lengthRatio = CandidateRow.lengthRatio(other, chosen)
      rows[index].editDistance = Double(EditDistance.between(other, chosen))
    }
  }

  /// The text with the words of another picture's facts in the place of the own ones; of which picture is
  /// drawn.
  private func swapped(
    _ text: String, _ facts: (own: [String: String], others: [[String: String]])?, number: Int
  ) -> String? {
    guard let facts, !facts.others.isEmpty else { return nil }
    var random = RandomGenerator(seed: seed, stream: 0x5357_4150).split(UInt64(number))
    let other = facts.others[random.integer(below: facts.others.count)]
    var words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    let known = facts.own.sorted { $0.key < $1.key }
    for index in words.indices {
      guard let (attribute, value) = known.first(where: { AnswerText.normalized(words[index]) == $0.value }),
        let replacement = other[attribute]
      else { continue }
      words[index] = words[index].lowercased().replacing(value, with: replacement)
    }
    return words.joined(separator: " ")
  }

  /// The first half of the words, at least one; `nil` of a single word.
  private static func truncated(_ text: String) -> String? {
    let words = text.split(separator: " ")
    return words.count < 2 ? nil : words.prefix(words.count / 2).joined(separator: " ")
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

  /// Puts a right answer to another question of the same family in the place of each rejected one; a family
  /// with a single answer has none to give.
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
