import Foundation
import Tensor

/// How the next token is chosen from the scores of the vocabulary.
public struct Sampling: Sendable {
  /// Divides the scores; 0 takes the best token.
  public var temperature: Double
  /// Only the best `topK` tokens can be chosen.
  public var topK: Int?
  /// Only the best tokens whose probabilities add up to this can be chosen; the token that crosses it can.
  public var topP: Double?
  /// Scores of tokens that are there already, in the prompt or the answer, are divided by this when positive
  /// and multiplied with it when negative (Keskar et al. 2019, arXiv:1909.05858); 1 leaves them alone.
  public var repetitionPenalty = 1.0
  /// Tokens that are never chosen.
  public var excluded: Set<Int32> = []
  /// Tokens that are never the first of an answer, such as the middle of a word.
  public var excludedFirst: Set<Int32> = []
  /// The source of chance. Every prompt of a batch draws from a stream of its own, split off by its index.
  public var generator: RandomGenerator

  /// Always the best token.
  public static let greedy = Sampling(temperature: 0, generator: RandomGenerator(seed: 0))

  /// Draws from the tempered distribution, cut off at `topK` tokens and then at a mass of `topP`.
  public init(
    temperature: Double, topK: Int? = nil, topP: Double? = nil, repetitionPenalty: Double = 1,
    generator: RandomGenerator
  ) {
    tensorRequire(repetitionPenalty > 0, "Sampling", "repetitionPenalty must be positive")
    tensorRequire(temperature >= 0, "Sampling", "temperature must not be negative")
    tensorRequire(topK.map { $0 > 0 } ?? true, "Sampling", "topK must be positive")
    tensorRequire(topP.map { $0 > 0 && $0 <= 1 } ?? true, "Sampling", "topP must be in (0, 1]")
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.repetitionPenalty = repetitionPenalty
    self.generator = generator
  }

  /// Whether the best token need not be the model's own.
  var changesScores: Bool { repetitionPenalty != 1 || !excluded.isEmpty || !excludedFirst.isEmpty }

  /// Whether chance plays no part.
  public var isGreedy: Bool { temperature == 0 }

  /// The token chosen from one row of scores, after the penalty on tokens that are there already.
  ///
  /// - Parameters:
  ///   - isFirst: whether the answer begins with it.
  ///   - seen: ids of the prompt and of the answer so far.
  func choose(
    from logits: ArraySlice<Float>, isFirst: Bool, seen: @autoclosure () -> Set<Int32>,
    using generator: inout RandomGenerator
  ) -> Int {
    guard changesScores else { return choose(from: logits, using: &generator) }
    var scores = Array(logits)
    for id in isFirst ? excluded.union(excludedFirst) : excluded where scores.indices.contains(Int(id)) {
      scores[Int(id)] = -.infinity
    }
    guard repetitionPenalty != 1 else { return choose(from: scores[...], using: &generator) }
    let penalty = Float(repetitionPenalty)
    for id in seen() where scores.indices.contains(Int(id)) {
      let score = scores[Int(id)]
      scores[Int(id)] = score > 0 ? score / penalty : score * penalty
    }
    return choose(from: scores[...], using: &generator)
  }

  /// The token chosen from one row of scores; of equal scores the lower id counts as better.
  func choose(from logits: ArraySlice<Float>, using generator: inout RandomGenerator) -> Int {
    if isGreedy { return Self.best(logits) }
    let first = logits.startIndex
    var order = logits.indices.filter { logits[$0] > -.infinity }
    if order.isEmpty { order = Array(logits.indices) }
    let limit = min(topK ?? order.count, order.count)
    if topK != nil || topP != nil {
      order.sort { (logits[$0], $1) > (logits[$1], $0) }
      order.removeLast(order.count - limit)
    }
    let maximum = Double(logits.max() ?? 0)
    var weights = order.map { exp((Double(logits[$0]) - maximum) / temperature) }
    if let topP {
      let enough = topP * weights.reduce(0, +)
      var sum = 0.0
      let kept = weights.firstIndex { weight in
        sum += weight
        return sum >= enough
      }
      if let kept { weights.removeLast(weights.count - kept - 1) }
    }
    var rest = generator.uniform() * weights.reduce(0, +)
    for (index, weight) in weights.enumerated() {
      rest -= weight
      if rest < 0 { return order[index] - first }
    }
    return order[weights.count - 1] - first
  }

  /// Offset of the greatest score.
  static func best(_ logits: ArraySlice<Float>) -> Int {
    logits.withUnsafeBufferPointer { scores in
      var best = 0
      for index in scores.indices where scores[index] > scores[best] { best = index }
      return best
    }
  }
}
