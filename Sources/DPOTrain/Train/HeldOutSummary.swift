import Records

/// What training changed on the pairs held out: `train/held_out.json`.
public struct HeldOutSummary: Decodable, Sendable, Equatable {
  /// The name of its file in the folder of the stage.
  package static let file = "held_out.json"

  /// A mean or share with the interval that covers it in 95 of 100 repetitions.
  public struct Estimate: Decodable, Sendable, Equatable {
    /// The estimate.
    public var mean: Double
    /// The lower end.
    public var low: Double
    /// The upper end.
    public var high: Double

    init?(_ interval: Interval?) {
      guard let interval else { return nil }
      (mean, low, high) = (interval.estimate, interval.low, interval.high)
    }

    /// The same.
    public var interval: Interval { Interval(estimate: mean, low: low, high: high) }
  }

  /// The figures of one model.
  public struct Figures: Decodable, Sendable, Equatable {
    /// The training objective.
    public var loss: Double
    /// Mean negative log-likelihood of a token of the chosen answers, natural logarithm.
    public var nllLoss: Double
    /// Share of pairs whose chosen answer is the likelier one.
    public var prefersChosen: Estimate?
    /// Share of pairs whose chosen reward is above the rejected one.
    public var rewardAccuracy: Estimate?
    /// Mean reward margin.
    public var rewardMargin: Estimate?

    private enum CodingKeys: String, CodingKey {
      case loss
      case nllLoss = "nll_loss"
      case prefersChosen = "prefers_chosen"
      case rewardAccuracy = "reward_accuracy"
      case rewardMargin = "reward_margin"
    }

    init(_ figures: HeldOutPairs.Figures) {
      loss = figures.loss
      nllLoss = figures.metrics.named.first { $0.0 == "nll_loss" }?.1 ?? 0
      prefersChosen = Estimate(figures.preference)
      rewardAccuracy = Estimate(figures.accuracy)
      rewardMargin = Estimate(figures.margin)
    }
  }

  /// Pairs held out.
  public var pairs: Int
  /// The step whose weights the trained model has.
  public var step: Int
  /// The model that training began with.
  public var before: Figures
  /// The trained model.
  public var after: Figures

  /// Collects what two models say to the same pairs.
  public init(pairs: Int, step: Int, before: HeldOutPairs.Figures, after: HeldOutPairs.Figures) {
    (self.pairs, self.step) = (pairs, step)
    (self.before, self.after) = (Figures(before), Figures(after))
  }

  /// The file's text.
  package var json: OrderedJSON {
    func estimate(_ value: Estimate?) -> OrderedJSON {
      guard let value else { return .null }
      return .object([
        .init("mean", .number(value.mean)), .init("low", .number(value.low)),
        .init("high", .number(value.high)),
      ])
    }
    func figures(_ value: Figures) -> OrderedJSON {
      .object([
        .init("loss", .number(value.loss)), .init("nll_loss", .number(value.nllLoss)),
        .init("prefers_chosen", estimate(value.prefersChosen)),
        .init("reward_accuracy", estimate(value.rewardAccuracy)),
        .init("reward_margin", estimate(value.rewardMargin)),
      ])
    }
    return .object([
      .init("pairs", .integer(pairs)), .init("step", .integer(step)), .init("before", figures(before)),
      .init("after", figures(after)),
    ])
  }

  /// For people: shares in per cent.
  public var table: TextTable {
    func share(_ value: Estimate?) -> String { Format.interval(value?.interval, 1, scale: 100) }
    func number(_ value: Estimate?) -> String { Format.interval(value?.interval, 3) }
    // Rewards of the reference itself are 0 but for the last bits; those of losses without one are not.
    let isReference = before.rewardMargin.map { Swift.max(abs($0.low), abs($0.high)) < 1e-4 } ?? true
    return TextTable(
      header: ["\(pairs) pairs held out", "before", "after"],
      rows: [
        ["chosen answer the likelier one, %", share(before.prefersChosen), share(after.prefersChosen)],
        [
          "reward accuracy, %", isReference ? "–" : share(before.rewardAccuracy), share(after.rewardAccuracy),
        ],
        ["reward margin", isReference ? "0" : number(before.rewardMargin), number(after.rewardMargin)],
        ["loss", fixed(before.loss, 4), fixed(after.loss, 4)],
        ["NLL of a chosen token", fixed(before.nllLoss, 4), fixed(after.nllLoss, 4)],
      ])
  }
}
