import DPOTrain
import Evaluation
import Foundation
import LVLM
import MultiImageData
import Ranks
import Records
import Tensor

/// Held-out questions before and after training: `evaluate/questions/` made, `evaluate/before.jsonl`,
/// `evaluate/after.jsonl` and `results.json` out.
///
/// *Blind* is the same prompt with zeros in the place of the image features.
struct EvaluateStage {
  let context: StageContext

  /// - Parameter seconds: Wall time of the stages before, for `results.json`.
  func run(seconds: [String: Double]) throws {
    let start = ContinuousClock.now
    let folder = try context.directory.folder(.evaluate)
    let questions = try usable(try questions(folder))
    let before = try before(questions, folder: folder)
    let after = try answers(questions, of: .evaluate, name: "after", folder: folder)
    try RowFile.write(after, to: folder.appendingPathComponent("after.jsonl"))
    let layer =
      context.configuration.select.layer == .auto
      ? WidestLayer(
        deciding: before.compactMap { row in row.layerRatios.map { (row.kind, row.count, $0) } })?.layer
      : nil
    /// With the ratio of the layer that the base model's answers choose.
    func read(_ rows: [AnswerRecord]) -> [AnswerRecord] {
      guard let layer else { return rows }
      return rows.map { row in
        var row = row
        row.ratio = row.layerRatios?[layer]
        return row
      }
    }
    var times = seconds
    times[Stage.evaluate.rawValue] = (ContinuousClock.now - start) / .seconds(1)
    let results = try EvaluationResult(
      configName: context.configuration.run.name, configHash: context.configuration.hash,
      configuration: context.configuration.recipe, seed: context.configuration.run.seed,
      versions: ["mia-dpo-swift": PackageVersion.current, "swift": PackageVersion.swift], seconds: times,
      before: read(before), after: read(after))
    try results.write(to: context.directory.results)
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path)
    where name.hasSuffix(".partial") {
      try FileManager.default.removeItem(at: folder.appendingPathComponent(name))
    }
  }

  /// What a rank other than the lead does of a part.
  func follow(_ part: RunPart) throws {
    let made = context.directory.file(Stage.evaluate.rawValue).appendingPathComponent(Self.questionFolder)
    try ask(try usable(try Self.stored(in: made)), of: part)
  }

  private func usable(_ all: [StoredQuestion]) throws -> [StoredQuestion] {
    let settings = context.configuration.evaluate
    let usable = try UsableQuestions(
      all, in: context.directory.url, encoder: try context.encoder(), room: settings.maxNewTokens,
      permuted: settings.permuted, pictures: context.pictureCheck)
    try context.omissions.leaveOut(usable.problems, stage: .evaluate)
    try usable.requireSome(for: "evaluate")
    return usable.questions
  }

  /// The base model's answers: those on file, or new ones.
  private func before(_ questions: [StoredQuestion], folder: URL) throws -> [AnswerRecord] {
    let file = folder.appendingPathComponent("before.jsonl")
    if context.directory.isDone(.before) {
      try context.directory.verify(.before)
      return try RowFile.read(from: file)
    }
    let records = try answers(questions, of: .before, name: "before", folder: folder)
    try RowFile.write(records, to: file)
    try context.directory.markDone(.before, seconds: 0)
    return records
  }

  private func questions(_ folder: URL) throws -> [StoredQuestion] {
    let made = folder.appendingPathComponent(Self.questionFolder, isDirectory: true)
    if !context.directory.isDone(.questions) {
      try FileManager.default.createDirectory(at: made, withIntermediateDirectories: true)
      try makeQuestions(made)
      try context.directory.markDone(.questions, seconds: 0)
    }
    try context.directory.verify(.questions)
    return try Self.stored(in: made)
  }

  private static func stored(in made: URL) throws -> [StoredQuestion] {
    let found = try files.read(made) { made.appendingPathComponent($0).path }
    return found.single + found.composed
  }

  private static let questionFolder = "questions"
  private static let files = StoredQuestion.Files(composed: "composed.jsonl", single: "single.jsonl")

  private func makeQuestions(_ made: URL) throws {
    let settings = context.configuration.evaluate
    let split: DataSplit = settings.split == .val ? .validation : .test
    try SingleQuestions(source: context.source, folder: made).write(
      count: min(settings.questions, context.source.count(of: split)), split: split, to: Self.files.single)
    let plan = CompositionPlan(settings)
    let progress = context.console.progress("questions", total: plan.total)
    defer { progress.finish() }
    let composer = Composer(
      source: context.source, options: try context.configuration.compositionOptions(),
      seed: context.configuration.run.seed)
    var problems: [DataError] = []
    try CompositionWriter(composer: composer, folder: made).write(
      plan, split: split, to: Self.files.composed,
      progress: { done, total in
        progress.update(step: done)
        try Interruption.check("evaluate, \(done) of \(total) questions made")
      },
      broken: { problems.append(DataError($0, file: "evaluate", record: "")) })
    try context.omissions.leaveOut(problems, stage: .evaluate, part: " questions")
    guard problems.count < plan.total || plan.total == 0 else {
      throw DataError(
        file: "evaluate",
        problem: "none of \(plan.total) questions can be made; the first problem: \(problems[0])")
    }
  }

  /// A model's answers: those that an interrupted attempt left, and new ones.
  private func answers(
    _ questions: [StoredQuestion], of part: RunPart, name: String, folder: URL
  ) throws -> [AnswerRecord] {
    var stored = try ResumableRows<AnswerRecord>(
      folder: folder, name: name, key: context.directory.identity(of: part), id: \.id)
    context.tellDamaged(stored.damagedCount, of: "evaluate")
    try context.together(part) {
      try ask(questions, of: part, name: name, known: Set(stored.rows.keys)) {
        try stored.append($0, id: \.id)
      }
    }
    return questions.compactMap { stored.rows[$0.id] }
  }

  /// Asks the model of a part what is not known yet, on every rank its share.
  /// - Parameters:
  ///   - name: what the answers are called.
  ///   - known: ids of the questions whose answers the lead has.
  ///   - keep: takes the answers of a batch; called on the lead.
  private func ask(
    _ questions: [StoredQuestion], of part: RunPart, name: String = "", known: Set<String> = [],
    keep: ([AnswerRecord]) throws -> Void = { _ in }
  ) throws {
    let settings = context.configuration.evaluate
    let grading = try context.grading(of: questions)
    let loaded = try context.open(part == .before ? context.baseModel : context.trainedModel)
    loaded.model.setTrainable(false, .vision, .projector, .decoder)
    let features = try context.features(loaded.model, context.pictures(loaded, cacheBytes: 64 << 20))
    func answerer(of questions: [StoredQuestion]) throws -> Answerer {
      try Answerer(
        questions.map { AnswerRequest(id: $0.id, pictures: $0.images.map(Picture.file), prompt: $0.prompt) },
        model: loaded.model, encoder: loaded.encoder, features: features, batchTokens: settings.batchTokens,
        maxNewTokens: settings.maxNewTokens)
    }
    /// The answers to those questions that can be asked in another order, by id.
    func permutedAnswers(to questions: [StoredQuestion]) throws -> [String: String] {
      let others = settings.permuted ? questions.compactMap(\.permuted) : []
      let answerer = try answerer(of: others)
      var found: [String: String] = [:]
      for (index, batch) in answerer.batches.enumerated() {
        for (place, answer) in zip(batch, try answerer.answers(batch: index)) {
          found[others[place].id] = answer.trimmedText
        }
      }
      return found
    }
    let answerer = try answerer(of: questions)
    let reading = AttentionProfile(
      context.configuration.select, layers: loaded.model.configuration.text.hiddenLayerCount)
    func records(ofBatch index: Int) throws -> [AnswerRecord] {
      let batch = answerer.batches[index]
      let answers = try answerer.answers(batch: index, attention: reading.capture)
      let blind = settings.blind ? try answerer.answers(batch: index, isBlind: true) : []
      let permuted = try permutedAnswers(to: batch.map { questions[$0] })
      return try batch.indices.map { place in
        let question = questions[batch[place]]
        var record = try record(
          question, answers[place], blind: blind.isEmpty ? nil : blind[place], reading: reading,
          grading: grading)
        record.permutedPrediction = permuted[question.id]
        record.permutedCorrect = permuted[question.id].map {
          grading.isRight($0, to: question.permuted ?? question)
        }
        return record
      }
    }
    try context.divide(
      answerer.batches, of: questions, known: known, id: \.id, name: name,
      stop: { "evaluate (\(name)), \($0) of \(questions.count) questions" }, compute: records(ofBatch:),
      keep: keep)
  }

  private func record(
    _ question: StoredQuestion, _ answer: AttendedAnswer, blind: GeneratedAnswer?, reading: AttentionProfile,
    grading: AnswerGrading
  ) throws -> AnswerRecord {
    let text = answer.answer.trimmedText
    let ratios = try question.record.map {
      try reading.ratios(answer, record: $0)
    }
    return AnswerRecord(
      id: question.id, kind: question.kind, count: question.record?.count ?? 1,
      target: question.record?.target ?? 1, family: question.family, prompt: question.prompt,
      answer: question.groundTruth, prediction: text, correct: grading.isRight(text, to: question),
      answeredFromAnotherImage: grading.isFromAnotherImage(text, to: question),
      blindCorrect: blind.map { grading.isRight($0.trimmedText, to: question) },
      ratio: ratios?.chosen?.ratio, layerRatios: ratios?.byLayer)
  }
}
