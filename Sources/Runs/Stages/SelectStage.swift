import Checkpoint
import DPOTrain
import Foundation
import LVLM
import MultiImageData
import Records

/// Attention-aware selection: composed prompts and the base model in, `select/answers.jsonl`,
/// `select/candidates.jsonl`, `select/summary.json`, `select/summary.md`, `select/layers.json` and
/// `pairs.jsonl` out.
struct SelectStage {
  let context: StageContext

  func run() throws {
    let settings = context.configuration.select
    let folder = try context.directory.folder(.select)
    let asked = try AnsweringStep(context: context).answers(
      to: try StoredQuestion.candidates(ofRun: context.directory.url))
    let (candidates, answered) = (asked.map(\.candidate), asked.map(\.answered))
    let grading = try context.grading(of: candidates)
    let rule = SelectionRule(
      settings, template: try context.encoder(template: settings.template).template,
      adapted: AdaptedThresholds(settings, ratios: Self.ratios(asked)))
    let judged = try asked.map { try $0.candidate.row($0.answered, rule: rule, grading: grading) }
    let rows = PairSelection(settings, seed: context.configuration.run.seed).applied(
      to: judged, families: candidates.map(\.answerPool), facts: { candidates[$0].exchangeableFacts },
      isRight: { grading.isRight($1, to: candidates[$0]) })
    let profile = try writeProfile(candidates, answered, grading, folder: folder)
    // Of the formats that may become pairs; what the number of pairs cut off counts too.
    let wanted = asked.indices.filter { settings.accepts(candidates[$0].kind) }
    let quality = try SelectionQuality(
      wanted.map { asked[$0] }, judged: wanted.map { judged[$0] }, rule: rule, grading: grading,
      profile: profile)
    try write(rows, quality, folder: folder)
  }

  /// How well each layer's attention ratio tells right from wrong greedy answers.
  private func writeProfile(
    _ candidates: [StoredQuestion], _ answered: [AnsweredPrompt], _ grading: AnswerGrading, folder: URL
  ) throws -> LayerProfile? {
    let answers = zip(candidates, answered).compactMap { candidate, answer -> LayerProfile.Answer? in
      guard let record = candidate.record, let ratios = answer.greedy.layerRatios else { return nil }
      return .init(
        kind: candidate.kind, count: record.count,
        isRight: grading.isRight(answer.greedy.text, to: candidate), ratios: ratios)
    }
    let file = folder.appendingPathComponent(LayerProfile.file)
    guard var profile = LayerProfile(answers) else {
      try? FileManager.default.removeItem(at: file)
      return nil
    }
    profile.layer = WidestLayer.read(by: answered)
    try AtomicFile.write(profile.json.pretty.utf8, to: file)
    if let (layer, area) = profile.best {
      context.console.message(
        "select: attention tells right from wrong answers best in layer \(layer) (AUC "
          + "\(fixed(area.estimate, 2)), \(fixed(area.low, 2)) to \(fixed(area.high, 2)))")
    }
    return profile
  }

  /// R of every answer, greedy and sampled, by format, level and number of images.
  private static func ratios(
    _ asked: [(candidate: StoredQuestion, answered: AnsweredPrompt)]
  ) -> [AdaptedThresholds.Place: [Double]] {
    asked.reduce(into: [:]) { ratios, one in
      guard let record = one.candidate.record else { return }
      let place = AdaptedThresholds.Place(kind: record.kind, count: record.count, level: record.level)
      ratios[place, default: []] += one.answered.all.map(\.ratio)
    }
  }

  private func write(_ rows: [CandidateRow], _ quality: SelectionQuality, folder: URL) throws {
    try RowFile.write(rows, to: folder.appendingPathComponent("candidates.jsonl"))
    let pairs = rows.filter(\.kept).map {
      PreferencePair(
        id: $0.id, images: $0.images, prompt: $0.prompt, chosen: $0.chosen ?? $0.groundTruth,
        rejected: $0.answer, groundTruth: $0.groundTruth)
    }
    try PreferencePairFile.write(pairs, to: context.directory.pairs.path)
    let summary = SelectionSummary(rows)
    for kind in summary.kinds {
      context.console.message(
        "select: \(kind.kind.title): \(kind.candidates) answers, \(kind.right) right, \(kind.pairs) pairs"
          + (kind.outcomes[.notText].map { ", \($0) not text" } ?? ""))
    }
    try AtomicFile.write(summary.json(quality).pretty.utf8, to: folder.appendingPathComponent("summary.json"))
    try AtomicFile.write(
      ([summary.table, quality.table] + (quality.profile.map { [$0.table] } ?? [])).map(\.markdown)
        .joined(separator: "\n").utf8,
      to: folder.appendingPathComponent("summary.md"))
    guard !pairs.isEmpty else {
      throw SelectionError.noPairs(outcomes: rows.reduce(into: [:]) { $0[$1.outcome, default: 0] += 1 })
    }
  }
}
