/// What is known about one answer when it is decided whether it becomes a rejected one.
public struct AnswerEvidence: Sendable, Equatable {
  public var answer: String
  public var groundTruth: String
  /// Attention ratio R; `nil` where there is nothing to compare (a single image).
  public var ratio: Double?
  /// `exp(−mean log max_v p_v)` over the steps of the answer, the end of sequence included.
  public var perplexity: Double

  public init(answer: String, groundTruth: String, ratio: Double?, perplexity: Double) {
    self.answer = answer
    self.groundTruth = groundTruth
    self.ratio = ratio
    self.perplexity = perplexity
  }

  /// Whether the answer counts as right.
  public var isCorrect: Bool { AnswerText.matches(answer, groundTruth) }

  /// Characters of the rejected answer over those of the chosen one.
  public var lengthRatio: Double { Double(answer.count) / Double(max(groundTruth.count, 1)) }

  /// Edits between the two answers, in characters.
  public var editDistance: Int { EditDistance.between(answer, groundTruth) }
}

/// Attention-aware selection and post-selection (MIA-DPO, sections 3.3.1 and 3.3.2).
public struct SelectionRule: Sendable {
  private let settings: RunConfiguration.Select

  public init(_ settings: RunConfiguration.Select) { self.settings = settings }

  /// The largest ratio with which an answer is rejected, and whether it must stay below it.
  ///
  /// A number of images that the table does not name takes the value of the nearest smaller one that it does
  /// (the smallest, where there is none).
  public func threshold(kind: CompositionKind, count: Int) -> (value: Double, isStrict: Bool) {
    func look(_ table: [Int: Double]) -> Double {
      let counts = table.keys.sorted()
      guard let key = counts.last(where: { $0 <= count }) ?? counts.first else { return 1 }
      return table[key] ?? 1
    }
    switch kind {
    case .sequence: return (look(settings.thresholds.sequence), settings.strict.sequence)
    case .grid: return (look(settings.thresholds.grid), settings.strict.grid)
    case .pictureInPicture: return (settings.thresholds.picInPic, settings.strict.picInPic)
    }
  }

  /// What becomes of an answer to a composed prompt: the first rule that speaks against it, in the order
  /// empty, right, attention, perplexity, length, edit distance; `kept` when none does.
  public func outcome(_ evidence: AnswerEvidence, kind: CompositionKind, count: Int) -> SelectionOutcome {
    if evidence.answer.allSatisfy(\.isWhitespace) { return .empty }
    if evidence.answer == evidence.groundTruth { return .correct }
    if settings.requireWrong, evidence.isCorrect { return .correct }
    if settings.useAttention, let ratio = evidence.ratio {
      let (limit, isStrict) = threshold(kind: kind, count: count)
      if isStrict ? ratio >= limit : ratio > limit { return .overThreshold }
    }
    return postSelection(evidence)
  }

  /// Perplexity, length ratio and edit distance only; also what a single-image answer must pass.
  public func postSelection(_ evidence: AnswerEvidence) -> SelectionOutcome {
    if !(evidence.perplexity >= settings.perplexityMin) { return .perplexity }
    if settings.preset == .released, evidence.perplexity <= settings.perplexityMin { return .perplexity }
    if settings.perplexityMax > 0, evidence.perplexity > settings.perplexityMax { return .perplexity }
    if evidence.lengthRatio < settings.lengthRatioMin { return .lengthRatio }
    if settings.lengthRatioMax > 0, evidence.lengthRatio > settings.lengthRatioMax { return .lengthRatio }
    if evidence.editDistance < settings.editDistanceMin { return .editDistance }
    return .kept
  }
}
