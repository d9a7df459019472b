public import LVLM
import MultiImageData
import Records

/// What is known about one answer when it is decided whether it becomes a rejected one.
public struct AnswerEvidence: Sendable, Equatable {
  /// The model's answer.
  public var answer: String
  /// The data's answer.
  public var groundTruth: String
  /// Attention ratio R; `nil` where there is nothing to compare (a single image).
  public var ratio: Double?
  /// The largest share of another image; `nil` where there is none, or nobody needs it.
  public var largestOther: Double?
  /// The smallest share of an image that is asked about, where there are several; otherwise ``ratio``.
  public var leastAsked: Double?
  /// `exp(−mean log max_v p_v)` over the steps of the answer, the end of sequence included.
  public var perplexity: Double
  /// Whether the answer is made of pieces that text is made of; a character that nobody writes is found in
  /// the text itself.
  public var isOfWholePieces: Bool
  /// Whether the answer is right, as somebody says who knows what the picture shows; `nil` where nobody is
  /// asked. Read by `require_wrong` alone.
  public var isRight: Bool?

  /// Creates the evidence.
  public init(
    answer: String, groundTruth: String, ratio: Double?, largestOther: Double? = nil,
    leastAsked: Double? = nil, perplexity: Double, isOfWholePieces: Bool = true, isRight: Bool? = nil
  ) {
    self.largestOther = largestOther
    self.leastAsked = leastAsked
    self.isRight = isRight
    self.isOfWholePieces = isOfWholePieces
    self.answer = answer
    self.groundTruth = groundTruth
    self.ratio = ratio
    self.perplexity = perplexity
  }

  /// Whether the answer counts as right: by label, or where there is none as text.
  public var isCorrect: Bool { isRight ?? AnswerText.matches(answer, groundTruth) }

  /// Characters of the rejected answer over those of the chosen one.
  public var lengthRatio: Double { Double(answer.count) / Double(max(groundTruth.count, 1)) }

  /// Edits between the two answers, in characters.
  public var editDistance: Int { EditDistance.between(answer, groundTruth) }
}

/// Attention-aware selection and post-selection of single answers (MIA-DPO, sections 3.3.1 and 3.3.2).
///
/// What compares pairs with each other, such as cuts by quantile, is in ``PairSelection``.
public struct SelectionRule: Sendable {
  private let settings: SelectionSettings
  private let template: ChatTemplate
  private let adapted: AdaptedThresholds?

  /// Whether right answers are no candidates: the one rule that looks at labels.
  var requiresWrong: Bool { settings.requireWrong }

  /// The rules that `settings` state.
  /// - Parameters:
  ///   - template: whose roles and marks are no words of an answer.
  ///   - adapted: thresholds in the place of those of the settings.
  public init(
    _ settings: SelectionSettings, template: ChatTemplate = .plain, adapted: AdaptedThresholds? = nil
  ) {
    self.settings = settings
    self.template = template
    self.adapted = adapted
  }

  /// The same rules without attention.
  var withoutAttention: SelectionRule {
    var settings = settings
    settings.useAttention = false
    settings.pick = .first
    settings.chosen = .groundTruth
    return SelectionRule(settings, template: template)
  }

  /// Whether attention decides at all.
  var usesAttention: Bool { settings.useAttention }
  /// Which of the answers that pass is rejected.
  var pick: SelectionSettings.Pick { settings.pick }
  /// Which answer is chosen.
  var chosen: SelectionSettings.Chosen { settings.chosen }

  /// Whether an answer looked at what it is asked about more than a rejected one may.
  ///
  /// Of two images that are compared, the rule `argmax` wants each to have got more attention than any other
  /// image.
  /// - Parameter leastAsked: the smaller share of two images that are asked about.
  /// - Throws: ``SelectionError/noThreshold(format:count:known:)``.
  package func isOverThreshold(
    _ ratio: Double, largestOther: Double?, leastAsked: Double? = nil, kind: CompositionKind, count: Int,
    level: PromptLevel? = nil
  ) throws -> Bool {
    if settings.thresholdRule == .argmax { return (leastAsked ?? ratio) >= largestOther ?? 0 }
    let (limit, isStrict) = try threshold(kind: kind, count: count, level: level)
    return isStrict ? ratio >= limit : ratio > limit
  }

  /// The largest ratio with which an answer is rejected, and whether it must stay below it.
  ///
  /// The table is for one image of n. Where two are compared every other image may have as much attention as
  /// there: τ₂ = 1 − (1 − τ)(n − 2) / (n − 1).
  /// - Parameters:
  ///   - largestOther: the largest share of another image, which is the threshold of the rule `argmax`.
  ///   - mostAsked: the larger share of two images that are compared, beside which the smaller one has to
  ///     reach that.
  /// - Throws: ``SelectionError/noThreshold(format:count:known:)`` when the table has no entry for `count`.
  public func threshold(
    kind: CompositionKind, count: Int, level: PromptLevel? = nil, largestOther: Double? = nil,
    mostAsked: Double? = nil
  ) throws -> (value: Double, isStrict: Bool) {
    if settings.thresholdRule == .argmax { return ((largestOther ?? 0) + (mostAsked ?? 0), true) }
    func look(_ table: [Int: Double]) throws -> Double {
      guard let value = table[count] else {
        throw SelectionError.noThreshold(format: kind.rawValue, count: count, known: table.keys.sorted())
      }
      guard level == .compare, count > 1 else { return value }
      return 1 - (1 - value) * Double(count - 2) / Double(count - 1)
    }
    if let adapted {
      guard let value = adapted.value(kind, count, level) else {
        throw SelectionError.noThreshold(
          format: kind.rawValue, count: count,
          known: adapted.values.keys.filter { $0.kind == kind && $0.level == level }.map(\.count).sorted())
      }
      return (value, false)
    }
    switch kind {
    case .sequence: return (try look(settings.thresholds.sequence), settings.strict.sequence)
    case .grid: return (try look(settings.thresholds.grid), settings.strict.grid)
    case .pictureInPicture: return (settings.thresholds.picInPic, settings.strict.picInPic)
    }
  }

  /// What becomes of an answer to a composed prompt: the first rule that speaks against it, in the order
  /// empty, right, not text, attention, perplexity, length, edit distance; `kept` when none does.
  /// - Throws: ``SelectionError/noThreshold(format:count:known:)``.
  public func outcome(
    _ evidence: AnswerEvidence, kind: CompositionKind, count: Int, level: PromptLevel? = nil
  ) throws -> SelectionOutcome {
    if let plain = plainOutcome(evidence) { return plain }
    if settings.useAttention, let ratio = evidence.ratio,
      try isOverThreshold(
        ratio, largestOther: evidence.largestOther, leastAsked: evidence.leastAsked, kind: kind, count: count,
        level: level)
    {
      return .overThreshold
    }
    return postSelection(evidence)
  }

  /// What becomes of an answer about a single picture, where attention has nothing to compare.
  public func outcomeOfSingle(_ evidence: AnswerEvidence) -> SelectionOutcome {
    plainOutcome(evidence) ?? postSelection(evidence)
  }

  /// Whether an answer is text at all, right or wrong.
  func isUsable(_ evidence: AnswerEvidence) -> Bool {
    !evidence.answer.allSatisfy(\.isWhitespace) && evidence.isOfWholePieces
      && AnswerText.isText(evidence.answer, template: template)
  }

  private func plainOutcome(_ evidence: AnswerEvidence) -> SelectionOutcome? {
    if evidence.answer.allSatisfy(\.isWhitespace) { return .empty }
    if evidence.answer == evidence.groundTruth { return .correct }
    if settings.requireWrong && evidence.isCorrect { return .correct }
    return isUsable(evidence) ? nil : .notText
  }

  /// Perplexity, length and edit distance only.
  public func postSelection(_ evidence: AnswerEvidence) -> SelectionOutcome {
    guard settings.postSelection else { return .kept }
    if !(evidence.perplexity >= settings.perplexityMin) { return .perplexity }
    if settings.strict.perplexity, evidence.perplexity <= settings.perplexityMin { return .perplexity }
    if settings.perplexityMax > 0, evidence.perplexity > settings.perplexityMax { return .perplexity }
    if settings.chosenLengthMax > 0, evidence.groundTruth.count > settings.chosenLengthMax {
      return .chosenLength
    }
    if evidence.lengthRatio < settings.lengthRatioMin { return .lengthRatio }
    if settings.lengthRatioMax > 0, evidence.lengthRatio > settings.lengthRatioMax { return .lengthRatio }
    if evidence.editDistance < settings.editDistanceMin { return .editDistance }
    return .kept
  }
}

/// Why nothing can be selected.
public enum SelectionError: Error, Equatable, CustomStringConvertible {
  /// The threshold table of a format has no entry for a number of images.
  case noThreshold(format: String, count: Int, known: [Int])
  /// No candidate became a pair; how many ended where.
  case noPairs(outcomes: [SelectionOutcome: Int])

  public var description: String {
    switch self {
    case .noThreshold(let format, let count, let known):
      "select.thresholds.\(format): found no threshold for \(count) images, only for \(known.words)"
    case .noPairs(let outcomes):
      "select: all \(outcomes.values.reduce(0, +)) candidates were dropped ("
        + SelectionOutcome.allCases.compactMap { outcome in
          outcomes[outcome].map { "\($0) \(outcome.title)" }
        }.joined(separator: ", ")
        + "), expected at least one pair; loosen the keys of select that dropped them"
    }
  }
}
