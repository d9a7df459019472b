import Foundation
import LVLM
import Tensor

/// Attention-aware selection: composed prompts and the base model in, `select/candidates.jsonl`,
/// `select/summary.json` and `pairs.jsonl` out.
struct SelectStage {
  let context: StageContext

  /// A question on file and what it takes to judge its answer.
  private struct Candidate {
    var id: String
    /// Paths as written in pairs: relative to the run directory, or absolute.
    var images: [String]
    var prompt: String
    var groundTruth: String
    /// `nil` for a single image.
    var record: ComposedRecord?
  }

  func run() throws {
    let settings = context.configuration.select
    let folder = try context.directory.folder(.select)
    let base = try ModelBuilder.open(context.baseModel, run: context.configuration)
    base.model.setTrainable(false, .vision, .projector, .decoder)
    let candidates = try candidates()
    let answerer = try Answerer(
      candidates.enumerated().map { request(for: $1, number: $0) }, model: base.model, encoder: base.encoder,
      features: FeatureStore(model: base.model, pictures: context.pictures(base, cacheBytes: 64 << 20)),
      batchTokens: settings.batchTokens, maxNewTokens: settings.maxNewTokens)
    var stored = try ResumableRows<CandidateRow>(
      folder: folder, name: "candidates", key: context.directory.key(of: .select), id: \.id)
    let layer = settings.layer.index(of: base.model.configuration.text.hiddenLayerCount)
    let progress = context.console.progress("select", total: candidates.count, start: stored.rows.count)
    defer { progress.finish() }
    for (index, batch) in answerer.batches.enumerated() {
      if batch.allSatisfy({ stored.rows[candidates[$0].id] != nil }) { continue }
      try Interruption.check("select, \(stored.rows.count) of \(candidates.count) prompts")
      let answers = try answerer.answers(batch: index, attentionLayer: layer)
      let patchesPerSide = base.model.configuration.vision.patchesPerSide
      var rows = try zip(batch, answers).map { number, answer in
        try row(
          candidates[number], answer, patchesPerSide: patchesPerSide,
          keepsMap: number % mapStride(candidates.count) == 0)
      }
      for sample in 0..<settings.samples {
        let open = rows.indices.filter { rows[$0].outcome == .correct && candidates[batch[$0]].record != nil }
        if open.isEmpty { break }
        let sampled = try answerer.answers(
          batch: index, attentionLayer: layer,
          sampling: Sampling(
            temperature: settings.temperature,
            generator: RandomGenerator(seed: context.configuration.run.seed, stream: 0x5341_4D50)
              .split(UInt64(index)).split(UInt64(sample))))
        for place in open {
          var other = try row(
            candidates[batch[place]], sampled[place], patchesPerSide: patchesPerSide,
            keepsMap: rows[place].attention != nil)
          guard other.kept else { continue }
          other.sampled = true
          rows[place] = other
        }
      }
      try stored.append(rows, id: \.id)
      progress.update(step: stored.rows.count)
    }
    let rows = candidates.compactMap { stored.rows[$0.id] }
    try write(rows, folder: folder)
    stored.discard()
  }

  private func candidates() throws -> [Candidate] {
    let folder = context.directory.url.appendingPathComponent("compose", isDirectory: true)
    func place(_ path: String) -> String { path.hasPrefix("/") ? path : "compose/" + path }
    let composed = try ComposedRecordFile.read(folder.appendingPathComponent(ComposeStage.records)).map {
      Candidate(
        id: $0.id, images: $0.images.map(place), prompt: $0.prompt, groundTruth: $0.answer, record: $0)
    }
    let single: [SingleQuestions.Row] = try RowFile.read(
      from: folder.appendingPathComponent(ComposeStage.single))
    return composed
      + single.map {
        Candidate(id: $0.id, images: [place($0.image)], prompt: $0.prompt, groundTruth: $0.answer)
      }
  }

  private func request(for candidate: Candidate, number: Int) -> AnswerRequest {
    let noise = candidate.record.flatMap {
      PictureNoise(
        context.configuration.select, record: $0, seed: context.configuration.run.seed ^ UInt64(number))
    }
    return AnswerRequest(
      id: candidate.id,
      pictures: candidate.images.map { path in
        let file = URL(fileURLWithPath: path, relativeTo: context.directory.url).path
        return noise.map { .noisy(file, $0) } ?? .file(file)
      }, prompt: candidate.prompt)
  }

  /// Every how many-th candidate keeps its attention map: a few dozen in all, so that some are kept and some not.
  private func mapStride(_ count: Int) -> Int {
    max(1, count / max(context.configuration.report.attentionMaps * 16, 1))
  }

  private func row(
    _ candidate: Candidate, _ answer: GeneratedAnswer, patchesPerSide: Int, keepsMap: Bool
  ) throws -> CandidateRow {
    let rule = SelectionRule(context.configuration.select)
    let text = answer.trimmedText
    let maps =
      (answer.attention.map { attention in
        (0..<attention.imageCount).map { attention[$0].map(Double.init) }
      }) ?? []
    var evidence = AnswerEvidence(
      answer: text, groundTruth: candidate.groundTruth, ratio: nil, perplexity: answer.perplexity)
    var shares = [1.0]
    var threshold = 1.0
    let outcome: SelectionOutcome
    if let record = candidate.record {
      let attention = try AttentionRatio(
        maps: maps, record: record, rows: patchesPerSide, columns: patchesPerSide)
      evidence.ratio = attention.ratio
      shares = attention.shares
      threshold = rule.threshold(kind: record.kind, count: record.count).value
      outcome = rule.outcome(evidence, kind: record.kind, count: record.count)
    } else {
      outcome = text.isEmpty ? .empty : evidence.isCorrect ? .correct : rule.postSelection(evidence)
    }
    let lengths = (Double(max(text.count, 1)), Double(max(candidate.groundTruth.count, 1)))
    return CandidateRow(
      id: candidate.id, kind: candidate.record?.kind.questionKind ?? .single,
      count: candidate.record?.count ?? 1, target: candidate.record?.target ?? 1, images: candidate.images,
      prompt: candidate.prompt, answer: text, groundTruth: candidate.groundTruth,
      correct: evidence.isCorrect, ratio: evidence.ratio ?? 1, threshold: threshold, shares: shares,
      perplexity: evidence.perplexity, lengthRatio: max(lengths.0 / lengths.1, lengths.1 / lengths.0),
      editDistance: Double(evidence.editDistance), outcome: outcome,
      attention: keepsMap
        ? AttentionMap(rows: patchesPerSide, columns: patchesPerSide, values: maps) : nil)
  }

  private func write(_ rows: [CandidateRow], folder: URL) throws {
    try RowFile.write(rows, to: folder.appendingPathComponent("candidates.jsonl"))
    let pairs = rows.filter(\.kept).map {
      PreferencePair(
        id: $0.id, images: $0.images, prompt: $0.prompt, chosen: $0.groundTruth, rejected: $0.answer)
    }
    try PreferencePairFile.write(pairs, to: context.directory.pairs.path)
    var kinds: [OrderedJSON.Member] = []
    for kind in QuestionKind.allCases {
      let own = rows.filter { $0.kind == kind }
      guard !own.isEmpty else { continue }
      var members: [OrderedJSON.Member] = [.init("candidates", .integer(own.count))]
      members += SelectionOutcome.allCases.map { outcome in
        .init(outcome.rawValue, .integer(own.count { $0.outcome == outcome }))
      }
      kinds.append(.init(kind.rawValue, .object(members)))
      let kept = own.count(where: \.kept)
      context.console.message(
        "select: \(kind.title): \(own.count) answers, \(own.count(where: \.answeredRight)) right, \(kept) pairs"
      )
    }
    try Data(OrderedJSON.object(kinds).pretty.utf8).write(
      to: folder.appendingPathComponent("summary.json"), options: .atomic)
    guard !pairs.isEmpty else { throw PairFileError.none(file: context.directory.pairs.path) }
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
