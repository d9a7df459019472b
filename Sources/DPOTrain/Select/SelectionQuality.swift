import MultiImageData
import Records

/// How good the pairs are that selection makes without looking at the ground truth, measured with it
/// afterwards: `quality` in `select/summary.json`.
///
/// A pair is good when its rejected answer is really wrong by the source's grader; where nobody can grade an
/// answer, it counts nowhere. Nothing here decides anything.
public struct SelectionQuality: Sendable, Equatable {
  /// One format, or one number of images of it.
  public struct Part: Sendable, Equatable {
    /// How the images are shown.
    public var kind: QuestionKind
    /// Number of images; `nil` for all of them together.
    public var count: Int?
    /// Prompts.
    public var prompts = 0
    /// Pairs with the attention rule, and those of them whose rejected answer is wrong.
    public var withRule = Tally()
    /// The same without the attention rule.
    public var withoutRule = Tally()
    /// Prompts with a wrong answer that could be rejected, and those of them of which such an answer is kept.
    public var found = Tally()
    /// Prompts whose answers, greedy and sampled, are all the same text.
    public var equalAnswers = 0
    /// Prompts of which every answer that differs from the ground truth passes the attention rule.
    public var allPass = 0
    /// Prompts that have such answers, of which none passes.
    public var nonePass = 0
  }

  /// How many of how many.
  public struct Tally: Sendable, Equatable {
    /// All that were graded.
    public var all = 0
    /// Those that count.
    public var good = 0

    package init(all: Int = 0, good: Int = 0) {
      self.all = all
      self.good = good
    }

    /// The share; `nil` of nothing.
    public var share: Double? { all > 0 ? Double(good) / Double(all) : nil }

    mutating func add(_ isGood: Bool) {
      all += 1
      if isGood { good += 1 }
    }

    mutating func add(_ other: Tally) {
      all += other.all
      good += other.good
    }
  }

  /// Every format, each followed by its numbers of images where there are several.
  public private(set) var parts: [Part]
  /// The profile by layer, whose areas are `auc_by_layer`.
  package let profile: LayerProfile?

  /// - Parameters:
  ///   - asked: the prompts with their answers.
  ///   - judged: what the rule has made of each.
  ///   - rule: what selects.
  ///   - grading: what knows whether an answer is right, by its claims.
  package init(
    _ asked: [(candidate: StoredQuestion, answered: AnsweredPrompt)], judged: [CandidateRow],
    rule: SelectionRule, grading: AnswerGrading, profile: LayerProfile?
  ) throws {
    self.profile = profile
    let plain = rule.withoutAttention
    parts = []
    for kind in QuestionKind.allCases {
      let own = zip(asked, judged).filter { $0.0.candidate.kind == kind }
      guard !own.isEmpty else { continue }
      var whole = Part(kind: kind)
      var byCount: [Part] = []
      for count in Set(own.map(\.1.count)).sorted() {
        var part = Part(kind: kind, count: count)
        for ((question, answered), row) in own where row.count == count {
          try part.add(
            answered, to: question, judged: row, rule: rule, plain: plain, grading: grading)
        }
        whole.add(part)
        byCount.append(part)
      }
      parts += [whole] + (byCount.count > 1 ? byCount : [])
    }
  }
}

extension SelectionQuality.Part {
  fileprivate mutating func add(_ other: Self) {
    prompts += other.prompts
    withRule.add(other.withRule)
    withoutRule.add(other.withoutRule)
    found.add(other.found)
    equalAnswers += other.equalAnswers
    allPass += other.allPass
    nonePass += other.nonePass
  }

  fileprivate mutating func add(
    _ answered: AnsweredPrompt, to question: StoredQuestion, judged: CandidateRow, rule: SelectionRule,
    plain: SelectionRule, grading: AnswerGrading
  ) throws {
    prompts += 1
    func isRight(_ answer: String) -> Bool? { grading.verdict(answer, to: question)?.isRight }
    if !answered.samples.isEmpty, Set(answered.all.map(\.text)).count == 1 { equalAnswers += 1 }
    if judged.kept, let isRight = isRight(judged.answer) { withRule.add(!isRight) }
    let open = try answered.all.filter {
      try question.outcome(of: $0, rule: plain, grading: grading) == .kept
    }
    guard let first = open.first else { return }
    if let isRight = isRight(first.text) { withoutRule.add(!isRight) }
    if open.contains(where: { isRight($0.text) == false }) {
      found.add(judged.kept && isRight(judged.answer) == false)
    }
    let passing = try open.count { try !question.isOverThreshold($0, rule: rule) }
    if passing == open.count { allPass += 1 }
    if passing == 0 { nonePass += 1 }
  }
}

extension SelectionQuality {
  /// `quality` of `select/summary.json`: for each format its figures, and under `by_images` those of each
  /// number of images.
  package var json: OrderedJSON {
    func number(_ value: Double?) -> OrderedJSON { value.map(OrderedJSON.number) ?? .null }
    func members(_ part: Part) -> [OrderedJSON.Member] {
      [
        .init("prompts", .integer(part.prompts)), .init("pairs", .integer(part.withRule.all)),
        .init("yield", .number(Double(part.withRule.all) / Double(max(part.prompts, 1)))),
        .init("precision_with_rule", number(part.withRule.share)),
        .init("precision_without_rule", number(part.withoutRule.share)),
        .init("recall", number(part.found.share)), .init("equal_answers", .integer(part.equalAnswers)),
        .init("all_pass", .integer(part.allPass)), .init("none_pass", .integer(part.nonePass)),
      ]
    }
    return .object(
      parts.filter { $0.count == nil }.map { whole in
        var own = members(whole)
        let areas = profile?.parts.first { $0.kind == whole.kind }?.areas ?? []
        own.append(.init("auc_by_layer", .array(areas.map { number($0?.estimate) })))
        let split = parts.filter { $0.kind == whole.kind && $0.count != nil }
        own.append(
          .init("by_images", .object(split.map { .init("\($0.count ?? 0)", .object(members($0))) })))
        return .init(whole.kind.rawValue, .object(own))
      })
  }

  /// One row per format and number of images.
  package var table: TextTable {
    func percent(_ tally: Tally) -> String { tally.share.map { Format.percent($0) } ?? "–" }
    return TextTable(
      header: [
        "", "prompts", "pairs", "really wrong with the rule, %", "without it, %", "found, %",
        "all answers equal", "all pass", "none passes",
      ],
      rows: parts.map { part in
        [
          part.count.map { "\(part.kind.title), \($0) images" } ?? part.kind.title, "\(part.prompts)",
          "\(part.withRule.all)", percent(part.withRule), percent(part.withoutRule), percent(part.found),
          "\(part.equalAnswers)", "\(part.allPass)", "\(part.nonePass)",
        ]
      })
  }
}
