import Foundation

/// A question on file whose answer may become a rejected one.
struct Candidate {
  var id: String
  /// Paths as written in pairs: relative to the run directory, or absolute.
  var images: [String]
  var prompt: String
  var groundTruth: String
  var family: String
  /// `nil` for a single image.
  var record: ComposedRecord?

  /// How the images are shown.
  var kind: QuestionKind { record?.kind.questionKind ?? .single }

  /// The composed prompts of a run, then its single images.
  static func all(ofRun directory: URL) throws -> [Candidate] {
    let folder = directory.appendingPathComponent("compose", isDirectory: true)
    func place(_ path: String) -> String { path.hasPrefix("/") ? path : "compose/" + path }
    let composed = try ComposedRecordFile.read(folder.appendingPathComponent(ComposeStage.records)).map {
      Candidate(
        id: $0.id, images: $0.images.map(place), prompt: $0.prompt, groundTruth: $0.answer,
        family: $0.family, record: $0)
    }
    let single: [SingleQuestions.Row] = try RowFile.read(
      from: folder.appendingPathComponent(ComposeStage.single))
    return composed
      + single.map {
        Candidate(
          id: $0.id, images: [place($0.image)], prompt: $0.prompt, groundTruth: $0.answer, family: $0.family)
      }
  }

  /// What the rules make of the model's answers: the greedy one, or where that is right the first sampled one that
  /// passes.
  func row(_ answered: AnsweredPrompt, rule: SelectionRule) throws -> CandidateRow {
    let first = try row(answered.greedy, rule: rule)
    guard first.outcome == .correct else { return first }
    for sample in answered.samples {
      var other = try row(sample, rule: rule)
      guard other.kept else { continue }
      other.sampled = true
      return other
    }
    return first
  }

  private func row(_ answer: AnsweredPrompt.Answer, rule: SelectionRule) throws -> CandidateRow {
    let evidence = AnswerEvidence(
      answer: answer.text, groundTruth: groundTruth, ratio: record == nil ? nil : answer.ratio,
      perplexity: answer.perplexity)
    return CandidateRow(
      id: id, kind: kind, count: record?.count ?? 1, target: record?.target ?? 1, images: images,
      prompt: prompt, answer: answer.text, groundTruth: groundTruth, correct: evidence.isCorrect,
      ratio: answer.ratio,
      threshold: try record.map { try rule.threshold(kind: $0.kind, count: $0.count).value } ?? 1,
      shares: answer.shares, layerRatios: answer.layerRatios, perplexity: answer.perplexity,
      lengthRatio: CandidateRow.lengthRatio(answer.text, groundTruth),
      editDistance: Double(evidence.editDistance),
      outcome: try record.map { try rule.outcome(evidence, kind: $0.kind, count: $0.count) }
        ?? rule.outcomeOfSingle(evidence), attention: answer.attention)
  }
}

extension CompositionKind {
  /// The kind of question it makes.
  var questionKind: QuestionKind {
    switch self {
    case .sequence: .sequence
    case .grid: .grid
    case .pictureInPicture: .picInPic
    }
  }
}
