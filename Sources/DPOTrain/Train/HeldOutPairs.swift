import LVLM
import Records
import Tensor

/// Preference pairs that are never trained on: what the model says to them, before, during and after
/// training.
public struct HeldOutPairs {
  /// By which figure looks are compared.
  public enum Criterion: String, CaseIterable, Sendable {
    /// The lowest value of the whole objective.
    case loss = "eval_loss"
    /// The largest share of pairs whose chosen reward is above the rejected one.
    case accuracies = "eval_rewards/accuracies"
    /// The largest mean reward margin.
    case margins = "eval_rewards/margins"

    /// The figure that a score stands for.
    func figure(ofScore score: Double) -> Double { self == .loss ? -score : score }
  }

  private let pairs: [EncodedPair]
  private let microBatch: Int
  private let scorer: PairScorer
  private let terms: PreferenceObjectiveTerms
  private let reference: (Range<Int>) throws -> [PairLogProbabilities]

  /// - Parameters:
  ///   - pairs: at least one.
  ///   - microBatch: pairs that go through the model at a time.
  ///   - reference: their log-probabilities under the reference, in the same order.
  public init(
    _ pairs: [EncodedPair], microBatch: Int, scorer: PairScorer, terms: PreferenceObjectiveTerms,
    reference: [PairLogProbabilities]
  ) {
    tensorRequire(
      !pairs.isEmpty && pairs.count == reference.count, "HeldOutPairs",
      "\(pairs.count) pairs, \(reference.count) log-probabilities of the reference")
    self.init(pairs, microBatch: microBatch, scorer: scorer, terms: terms, known: { Array(reference[$0]) })
  }

  /// - Parameters:
  ///   - pairs: at least one.
  ///   - microBatch: pairs that go through the model at a time.
  ///   - asking: gives the log-probabilities of some of them under the reference, whenever they are needed.
  public init(
    _ pairs: [EncodedPair], microBatch: Int, scorer: PairScorer, terms: PreferenceObjectiveTerms,
    asking reference: @escaping ([EncodedPair]) throws -> [PairLogProbabilities]
  ) {
    tensorRequire(!pairs.isEmpty, "HeldOutPairs", "no pairs")
    self.init(
      pairs, microBatch: microBatch, scorer: scorer, terms: terms,
      known: { try reference(Array(pairs[$0])) })
  }

  private init(
    _ pairs: [EncodedPair], microBatch: Int, scorer: PairScorer, terms: PreferenceObjectiveTerms,
    known: @escaping (Range<Int>) throws -> [PairLogProbabilities]
  ) {
    self.pairs = pairs
    self.microBatch = microBatch
    self.scorer = scorer
    self.terms = terms
    reference = known
  }

  /// What a model says to the pairs.
  public struct Figures: Sendable {
    /// The training objective over all of them. A loss that compares pairs with each other is the mean over
    /// micro-batches.
    public internal(set) var loss = 0.0
    /// Sums over the pairs, named as in training.
    public internal(set) var metrics = PreferenceMetrics()
    /// Sums over the tokens of their answers.
    public internal(set) var tokens = TokenMetrics()
    /// The reward margin of each pair.
    public internal(set) var margins: [Double] = []
    /// Whether the chosen answer of each pair is the likelier one under the model itself.
    public internal(set) var prefersChosen: [Bool] = []

    /// The share of pairs whose chosen reward is above the rejected one by more than rounding, with Wilson's
    /// interval.
    public var accuracy: Interval? { Statistics.wilson(hits: metrics.accurate, of: metrics.pairs) }

    /// The share of pairs whose chosen answer is the likelier one, with Wilson's interval.
    public var preference: Interval? {
      Statistics.wilson(hits: prefersChosen.count { $0 }, of: prefersChosen.count)
    }

    /// The mean reward margin with its bootstrap interval over pairs.
    public var margin: Interval? {
      var generator = RandomGenerator(seed: 0, stream: 0x4845_4C44)
      return Statistics.bootstrapMean(margins, resamples: 1000, using: &generator)
    }

    /// Loss, accuracy and margin in a line, with their intervals.
    public var words: String {
      "eval_loss \(fixed(loss, 4)), eval_rewards/accuracies \(Format.interval(accuracy, 3)), "
        + "eval_rewards/margins \(Format.interval(margin, 4))"
    }

    /// Names and values for the log, with the ends of the intervals of accuracy and margin.
    public var named: [(String, Double)] {
      var values = [("eval_loss", loss)] + metrics.named.map { ("eval_" + $0.0, $0.1) }
      values += tokens.named.map { ("eval_" + $0.name, $0.value) }
      for (name, interval) in [("accuracies", accuracy), ("margins", margin)] {
        guard let interval else { continue }
        values.append(("eval_rewards/\(name)_low", interval.low))
        values.append(("eval_rewards/\(name)_high", interval.high))
      }
      return values
    }

    /// As ``score(_:)``, of the model that training began with. A pair that it has no preference about is
    /// half a hit, as by a coin: the reference itself has none about any.
    public func scoreOfStart(_ criterion: Criterion) -> Double {
      let half = criterion == .accuracies ? Double(metrics.ties) / Double(2 * max(metrics.pairs, 1)) : 0
      return score(criterion) + half
    }

    /// The figure that looks are compared by, greater is better.
    public func score(_ criterion: Criterion) -> Double {
      switch criterion {
      case .loss: -loss
      case .accuracies: metrics.accuracy
      case .margins: metrics.margin
      }
    }
  }

  /// What the model says as it is now.
  /// - Throws: errors of the pictures and of the reference.
  public func figures() throws -> Figures {
    let chosenTokens = pairs.reduce(0) { $0 + $1.completions[0].count }
    var figures = Figures()
    for start in stride(from: 0, to: pairs.count, by: microBatch) {
      let range = start..<min(start + microBatch, pairs.count)
      let part = Array(pairs[range])
      let known = try reference(range)
      let found = try noGradient { try scorer.sums(part, readsTokens: true) }
      if let tokens = found.tokens { figures.tokens.add(tokens) }
      noGradient {
        let scores = PreferenceObjective.scores(found.scores, pairs: part, reference: known)
        let chosen = PreferenceObjective.scores(found.sums, pairs: part, reference: known).policyChosen
        figures.loss += terms.share(
          of: scores, pairWeights: found.pairWeights, chosenSums: chosen, stepPairs: pairs.count,
          stepChosenTokens: chosenTokens
        ).item()
        figures.metrics.add(scores, chosenSums: chosen, beta: terms.options.beta)
        for (own, known) in zip(PairLogProbabilities.of(part, scores: found.scores), known) {
          let (won, lost) = (own.chosen - known.chosen, own.rejected - known.rejected)
          figures.margins.append(terms.options.beta * (won - lost))
        }
        figures.prefersChosen += PairLogProbabilities.of(part, scores: found.sums).map {
          $0.chosen > $0.rejected
        }
      }
    }
    return figures
  }
}
