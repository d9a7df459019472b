import Foundation
import MultiImageData

/// Candidates of the selection: questions on file whose answer may become a rejected one.
extension StoredQuestion {
  /// What the rules make of the model's answers: of those that pass the one that is wanted, otherwise the
  /// greedy one.
  package func row(
    _ answered: AnsweredPrompt, rule: SelectionRule, grading: AnswerGrading
  ) throws -> CandidateRow {
    guard rule.chosen == .model else { return try pickedRow(answered, rule: rule, grading: grading) }
    guard let own = try ownChosen(answered, rule: rule) else {
      var row = try pickedRow(answered, rule: rule, grading: grading)
      if row.kept { row.outcome = .noChosen }
      return row
    }
    return try pickedRow(answered, rule: rule, grading: grading, chosen: own.text)
  }

  /// The model's own answer that looked most at its image, of those that are text and over the threshold;
  /// where attention decides nothing, its greedy one.
  private func ownChosen(
    _ answered: AnsweredPrompt, rule: SelectionRule
  ) throws -> AnsweredPrompt.Answer? {
    guard let record else { return nil }
    guard rule.usesAttention else {
      return rule.isUsable(evidence(answered.greedy)) ? answered.greedy : nil
    }
    return try answered.all.filter { answer in
      try rule.isUsable(evidence(answer))
        && isOverThreshold(answer, record, rule)
    }.max { $0.ratio < $1.ratio }
  }

  private func pickedRow(
    _ answered: AnsweredPrompt, rule: SelectionRule, grading: AnswerGrading, chosen: String? = nil
  ) throws -> CandidateRow {
    let greedy = try row(answered.greedy, rule: rule, grading: grading, chosen: chosen)
    if greedy.kept, rule.pick == .first { return greedy }
    var passed = greedy.kept ? [greedy] : []
    for sample in answered.samples {
      var other = try row(sample, rule: rule, grading: grading, chosen: chosen)
      guard other.kept else { continue }
      other.sampled = true
      other.greedyCorrect = greedy.correct
      if rule.pick == .first { return other }
      passed.append(other)
    }
    // The first of equals, so that an answer given twice counts as the greedy one.
    return passed.dropFirst().reduce(passed.first ?? greedy) { $1.ratio < $0.ratio ? $1 : $0 }
  }

  /// What becomes of one answer.
  func outcome(
    of answer: AnsweredPrompt.Answer, rule: SelectionRule, grading: AnswerGrading
  ) throws -> SelectionOutcome {
    try outcome(of: evidence(answer, rule: rule, grading: grading), rule: rule)
  }

  /// Whether the attention rule speaks against an answer.
  func isOverThreshold(_ answer: AnsweredPrompt.Answer, rule: SelectionRule) throws -> Bool {
    guard let record, rule.usesAttention else { return false }
    return try isOverThreshold(answer, record, rule)
  }

  private func isOverThreshold(
    _ answer: AnsweredPrompt.Answer, _ record: ComposedRecord, _ rule: SelectionRule
  ) throws -> Bool {
    try rule.isOverThreshold(
      answer.ratio, largestOther: largestOther(answer), leastAsked: leastAsked(answer), kind: record.kind,
      count: record.count, level: record.level)
  }

  /// The largest share of an image that was not asked about.
  private func largestOther(_ answer: AnsweredPrompt.Answer) -> Double? {
    guard let asked = record?.asked else { return nil }
    return answer.shares.enumerated().filter { !asked.contains($0.offset + 1) }.map(\.element).max()
  }

  /// The smaller share of two images that are asked about; `nil` for one.
  private func leastAsked(_ answer: AnsweredPrompt.Answer) -> Double? {
    guard let asked = record?.asked, asked.count > 1 else { return nil }
    return asked.filter { answer.shares.indices.contains($0 - 1) }.map { answer.shares[$0 - 1] }.min()
  }

  private func outcome(of evidence: AnswerEvidence, rule: SelectionRule) throws -> SelectionOutcome {
    try record.map { try rule.outcome(evidence, kind: $0.kind, count: $0.count, level: $0.level) }
      ?? rule.outcomeOfSingle(evidence)
  }

  /// What a rule may know of an answer; whether it is right only where the rule asks for it.
  private func evidence(
    _ answer: AnsweredPrompt.Answer, rule: SelectionRule? = nil, grading: AnswerGrading? = nil,
    chosen: String? = nil
  ) -> AnswerEvidence {
    AnswerEvidence(
      answer: answer.text, groundTruth: chosen ?? groundTruth, ratio: record == nil ? nil : answer.ratio,
      largestOther: largestOther(answer), leastAsked: leastAsked(answer), perplexity: answer.perplexity,
      isOfWholePieces: answer.isOfWholePieces ?? true,
      isRight: rule?.requiresWrong == true ? grading?.isRight(answer.text, to: self) : nil)
  }

  private func row(
    _ answer: AnsweredPrompt.Answer, rule: SelectionRule, grading: AnswerGrading, chosen: String?
  ) throws -> CandidateRow {
    let evidence = evidence(answer, rule: rule, grading: grading, chosen: chosen)
    return CandidateRow(
      id: id, kind: kind, count: record?.count ?? 1, target: record?.target ?? 1, targets: record?.targets,
      images: images, prompt: prompt, answer: answer.text, groundTruth: groundTruth, chosen: chosen,
      correct: grading.isRight(answer.text, to: self), ratio: answer.ratio,
      threshold: try record.map {
        try rule.threshold(
          kind: $0.kind, count: $0.count, level: $0.level, largestOther: evidence.largestOther,
          mostAsked: evidence.leastAsked.map { answer.ratio - $0 }
        ).value
      } ?? 1,
      shares: answer.shares, layerRatios: answer.layerRatios, perplexity: answer.perplexity,
      lengthRatio: CandidateRow.lengthRatio(answer.text, evidence.groundTruth),
      editDistance: Double(evidence.editDistance), outcome: try outcome(of: evidence, rule: rule),
      attention: answer.attention, verdict: grading.verdict(answer.text, to: self))
  }
}
