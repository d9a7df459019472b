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

  /// The best look, the model before training counted as one.
  public struct Best: Decodable, Sendable, Equatable {
    /// The step it was taken after; 0 is the model before training.
    public var step: Int
    /// By which figure looks are compared, as ``HeldOutPairs/Criterion`` names it.
    public var metric: String
    /// The figure before training.
    public var before: Double
    /// The best figure of a look at the trained model, and the step of that look.
    public var trained: Double
    /// See ``trained``.
    public var trainedStep: Int

    private enum CodingKeys: String, CodingKey {
      case step, metric, before, trained
      case trainedStep = "trained_step"
    }

    /// Compares the best look with the model that training began with; less than rounding may make is no
    /// difference.
    init(_ look: (step: Int, score: Double), before: Double, _ criterion: HeldOutPairs.Criterion) {
      step = look.score - before > 1e-5 * max(1, abs(before)) ? look.step : 0
      metric = criterion.rawValue
      self.before = criterion.figure(ofScore: before)
      trained = criterion.figure(ofScore: look.score)
      trainedStep = look.step
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
  /// Which look was the best one; nil in files of earlier versions.
  public var best: Best?

  private enum CodingKeys: String, CodingKey {
    case pairs, step, before, after
    case best = "best_look"
  }

  /// Collects what two models say to the same pairs.
  /// - Parameter best: the best look at the trained model, with its score by the criterion.
  public init(
    pairs: Int, step: Int, before: HeldOutPairs.Figures, after: HeldOutPairs.Figures,
    best: (step: Int, score: Double)? = nil, by criterion: HeldOutPairs.Criterion = .loss
  ) {
    (self.pairs, self.step) = (pairs, step)
    (self.before, self.after) = (Figures(before), Figures(after))
    self.best = best.map { Best($0, before: before.scoreOfStart(criterion), criterion) }
  }

  /// A sentence where no look was better than the model before training.
  public var verdict: String? {
    guard let best, best.step == 0 else { return nil }
    return "Training made the model no better on the pairs held out: \(best.metric) was "
      + "\(fixed(best.before, 4)) before it and \(fixed(best.trained, 4)) at the best look "
      + "(step \(best.trainedStep))."
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
    let best = best.map { best in
      OrderedJSON.object([
        .init("step", .integer(best.step)), .init("metric", .string(best.metric)),
        .init("before", .number(best.before)), .init("trained", .number(best.trained)),
        .init("trained_step", .integer(best.trainedStep)),
      ])
    }
    return .object([
      .init("pairs", .integer(pairs)), .init("step", .integer(step)), .init("before", figures(before)),
      .init("after", figures(after)), .init("best_look", best ?? .null),
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
