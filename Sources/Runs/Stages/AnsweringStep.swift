import DPOTrain
import Foundation
import LVLM
import MultiImageData
import Ranks
import Records
import Tensor

/// The first half of selection: composed prompts and the base model in, `select/answers.jsonl` out.
struct AnsweringStep {
  let context: StageContext

  static let file = "answers.jsonl"

  /// The candidates that could be asked, in their order, with their answers: those on file, or new ones.
  func answers(to all: [StoredQuestion]) throws -> [(candidate: StoredQuestion, answered: AnsweredPrompt)] {
    let folder = try context.directory.folder(.select)
    let file = folder.appendingPathComponent(Self.file)
    if context.directory.isDone(.answers) {
      try context.directory.verify(.answers)
      return Self.joined(all, try RowFile.read(from: file))
    }
    let candidates = try usable(all)
    var stored = try ResumableRows<AnsweredPrompt>(
      folder: folder, name: "answers", key: context.directory.identity(of: .answers), id: \.id)
    context.tellDamaged(stored.damagedCount, of: "select")
    try context.together(.answers) {
      try ask(candidates, known: Set(stored.rows.keys)) { try stored.append($0, id: \.id) }
    }
    let rows = readByWidestLayer(candidates.compactMap { stored.rows[$0.id] }, to: candidates)
    try RowFile.write(rows, to: file)
    try context.directory.markDone(.answers, seconds: 0)
    stored.discard()
    return Self.joined(candidates, rows)
  }

  /// What a rank other than the lead does of it.
  func follow() throws {
    try ask(try usable(try StoredQuestion.candidates(ofRun: context.directory.url)))
  }

  private func usable(_ all: [StoredQuestion]) throws -> [StoredQuestion] {
    let usable = try UsableQuestions(
      all, in: context.directory.url,
      encoder: try context.encoder(template: context.configuration.select.template),
      room: context.configuration.select.maxNewTokens, pictures: context.pictureCheck)
    try context.omissions.leaveOut(usable.problems, stage: .select)
    try usable.requireSome(for: "select")
    return usable.questions
  }

  private static func joined(
    _ candidates: [StoredQuestion], _ rows: [AnsweredPrompt]
  ) -> [(candidate: StoredQuestion, answered: AnsweredPrompt)] {
    let byID = Dictionary(rows.map { ($0.id, $0) }) { first, _ in first }
    return candidates.compactMap { candidate in byID[candidate.id].map { (candidate, $0) } }
  }

  /// Asks what is not known yet, on every rank its share.
  /// - Parameters:
  ///   - known: ids of the candidates whose answers the lead has.
  ///   - keep: takes the answers of a batch; called on the lead.
  private func ask(
    _ candidates: [StoredQuestion], known: Set<String> = [],
    keep: ([AnsweredPrompt]) throws -> Void = { _ in }
  ) throws {
    let settings = context.configuration.select
    let grading = try context.grading(of: candidates)
    let base = try context.open(context.startingModel, template: settings.template)
    let pieces = try AnswerPieces(base.encoder.tokenizer, madeOf: try sharedTexts())
    base.model.setTrainable(false, .vision, .projector, .decoder)
    let features = try context.features(base.model, context.pictures(base, cacheBytes: 64 << 20))
    let answerer = try Answerer(
      candidates.enumerated().map { request(for: $1, number: $0) }, model: base.model, encoder: base.encoder,
      features: features, batchTokens: settings.batchTokens, maxNewTokens: settings.maxNewTokens)
    let reading = AttentionProfile(settings, layers: base.model.configuration.text.hiddenLayerCount)
    func rows(ofBatch index: Int) throws -> [AnsweredPrompt] {
      let batch = answerer.batches[index]
      func judged(_ answers: [AttendedAnswer], sampled: Bool = false) throws -> [AnsweredPrompt.Answer] {
        try zip(batch, answers).map { number, answer in
          var judged = try reading.judged(
            answer, record: candidates[number].record,
            keepsMap: number % mapStride(candidates.count) == 0)
          if !pieces.areText(answer.answer.ids) || sampled && !pieces.areWords(judged.text) {
            judged.isOfWholePieces = false
          }
          return judged
        }
      }
      let drawn = (0..<settings.samples).map { sample in
        pieces.restrict(
          Sampling(
            temperature: settings.temperature,
            generator: RandomGenerator(seed: context.configuration.roundSeed, stream: 0x5341_4D50)
              .split(UInt64(index)).split(UInt64(sample))))
      }
      func answers(_ samplings: [Sampling]) throws -> [[AttendedAnswer]] {
        try answerer.answers(batch: index, attention: reading.capture, samplings: samplings)
      }
      // Which prompts are sampled may depend on their greedy answers.
      let samplesAll = !settings.requireWrong && batch.contains { settings.samples(candidates[$0].kind) }
      var ways = try answers([pieces.restrict(.greedy)] + (samplesAll ? drawn : []))
      var rows = zip(batch, try judged(ways.removeFirst())).map {
        AnsweredPrompt(id: candidates[$0].id, greedy: $1, samples: [])
      }
      let open = rows.indices.filter { place in
        let candidate = candidates[batch[place]]
        return settings.samples(candidate.kind)
          && (!settings.requireWrong || grading.isRight(rows[place].greedy.text, to: candidate))
      }
      if !samplesAll, !open.isEmpty, !drawn.isEmpty { ways = try answers(drawn) }
      for way in ways {
        let sampled = try judged(way, sampled: true)
        for place in open { rows[place].samples.append(sampled[place]) }
      }
      return rows
    }
    try context.divide(
      answerer.batches, of: candidates, known: known, id: \.id, name: "select",
      stop: { "select, \($0) of \(candidates.count) prompts" }, compute: rows(ofBatch:), keep: keep)
  }

  /// Answers of which no layer is chosen yet, read by the one whose ratios differ most between greedy ones.
  private func readByWidestLayer(
    _ rows: [AnsweredPrompt], to candidates: [StoredQuestion]
  ) -> [AnsweredPrompt] {
    guard let layers = rows.first?.greedy.readings?.count else { return rows }
    let widest = WidestLayer(
      deciding: zip(candidates, rows).compactMap { candidate, row in
        guard let record = candidate.record, let ratios = row.greedy.layerRatios else { return nil }
        return (candidate.kind, record.count, ratios)
      })
    if let widest {
      let spreads = widest.spreads.map { fixed($0, 3) }.joined(separator: ", ")
      context.console.message(
        "select: layer \(widest.layer) is read, whose attention ratios differ most between answers (standard "
          + "deviations by layer \(spreads))")
    }
    return rows.map { $0.read(by: widest?.layer ?? layers / 2) }
  }

  /// The texts that answers can be made of, where the run made its vocabulary of them: on every rank what the
  /// lead read.
  private func sharedTexts() throws -> [String]? {
    var own: [String]?
    let bytes = try context.team.shared {
      own = context.vocabulary == nil ? nil : try texts()
      return context.team.isAlone ? [] : Array(try JSONEncoder().encode(own.map { Set($0).sorted() }))
    }
    return context.team.isLead ? own : try JSONDecoder().decode([String]?.self, from: Data(bytes))
  }

  /// What the run learns from: every question and answer, and the words that composed prompts add.
  private func texts() throws -> [String] {
    var texts = try context.vocabulary?.texts ?? []
    for split in [DataSplit.sft, .preference] {
      for index in 0..<context.source.count(of: split) {
        let record = try context.source.record(split, index)
        texts += [record.question, record.answer]
        texts += record.laterTurns.flatMap { [$0.question, $0.answer] }
      }
    }
    return texts
  }

  private func request(for candidate: StoredQuestion, number: Int) -> AnswerRequest {
    let noise = candidate.record.flatMap {
      PictureNoise(
        context.configuration.select, record: $0, prompt: number, seed: context.configuration.roundSeed)
    }
    return AnswerRequest(
      id: candidate.id,
      pictures: candidate.images.enumerated().map { place, path in
        let file = URL(fileURLWithPath: path, relativeTo: context.directory.url).path
        guard var noise else { return .file(file) }
        noise.place = place
        return .noisy(file, noise)
      }, prompt: candidate.prompt)
  }

  /// Every how many-th candidate keeps its attention map: a hundred in all, so that some are of kept and some
  /// of dropped answers. Not as many as the report shows, on whose settings these files would then depend.
  private func mapStride(_ count: Int) -> Int { max(1, count / 128) }
}
