import Foundation

/// Candidates of the selection: questions on file whose answer may become a rejected one.
extension StoredQuestion {
  /// The composed prompts of a run, then its single images; paths as written in pairs, relative to the run directory
  /// or absolute.
  static func candidates(ofRun directory: URL) throws -> [StoredQuestion] {
    let found = try Files(composed: ComposeStage.records, single: ComposeStage.single).read(
      directory.appendingPathComponent("compose", isDirectory: true)
    ) { "compose/" + $0 }
    return found.composed + found.single
  }

  /// What the rules make of the model's answers: the greedy one, or where that is right the first sampled one that
  /// passes.
  func row(
    _ answered: AnsweredPrompt, rule: SelectionRule, grading: AnswerGrading
  ) throws -> CandidateRow {
    let first = try row(answered.greedy, rule: rule, grading: grading)
    guard first.outcome == .correct else { return first }
    for sample in answered.samples {
      var other = try row(sample, rule: rule, grading: grading)
      guard other.kept else { continue }
      other.sampled = true
      return other
    }
    return first
  }

  private func row(
    _ answer: AnsweredPrompt.Answer, rule: SelectionRule, grading: AnswerGrading
  ) throws -> CandidateRow {
    let isRight = grading.isRight(answer.text, to: self)
    let evidence = AnswerEvidence(
      answer: answer.text, groundTruth: groundTruth, ratio: record == nil ? nil : answer.ratio,
      perplexity: answer.perplexity, isOfWholePieces: answer.isOfWholePieces ?? true,
      isRight: rule.requiresWrong ? isRight : nil)
    return CandidateRow(
      id: id, kind: kind, count: record?.count ?? 1, target: record?.target ?? 1, images: images,
      prompt: prompt, answer: answer.text, groundTruth: groundTruth, correct: isRight,
      ratio: answer.ratio,
      threshold: try record.map { try rule.threshold(kind: $0.kind, count: $0.count).value } ?? 1,
      shares: answer.shares, layerRatios: answer.layerRatios, perplexity: answer.perplexity,
      lengthRatio: CandidateRow.lengthRatio(answer.text, groundTruth),
      editDistance: Double(evidence.editDistance),
      outcome: try record.map { try rule.outcome(evidence, kind: $0.kind, count: $0.count) }
        ?? rule.outcomeOfSingle(evidence), attention: answer.attention,
      verdict: grading.verdict(answer.text, to: self))
  }
}
