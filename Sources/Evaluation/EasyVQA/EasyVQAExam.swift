import DPOTrain
import Foundation
import LVLM
import MultiImageData
import Records

/// Asks models easy-VQA's test questions: `<model>.jsonl` for each model, then ``EasyVQAResult``.
public struct EasyVQAExam {
  /// Where the rows go.
  public let folder: URL
  private let data: EasyVQA
  private let guess: QuestionOnlyGuess
  private let console: Console
  private let maxNewTokens: Int
  private let batchTokens: Int

  /// Creates an exam.
  /// - Parameters:
  ///   - folder: where the rows of answers go; made where it is missing.
  ///   - settings: tokens of an answer and of a batch.
  public init(
    _ data: EasyVQA, folder: URL, settings: EvaluationSettings = EvaluationSettings(),
    console: Console
  ) throws {
    self.data = data
    self.folder = folder
    self.console = console
    maxNewTokens = settings.maxNewTokens
    batchTokens = settings.batchTokens
    guess = QuestionOnlyGuess(
      (0..<data.count(of: .sft)).lazy.map { index in
        let record = data.record(.sft, index)
        return (record.question, record.answer)
      })
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  /// A model's answers to all test questions, written to `<name>.jsonl`. A killed exam goes on where it was.
  /// - Parameter directory: where the model came from; answers of other weights are not taken over.
  /// - Throws: `ImageError` naming a picture that cannot be read, ``RecordError`` for a question longer than
  ///   the context, ``InterruptedRun`` when a stop was asked for.
  public func answers(of loaded: PretrainedModel, named name: String, from directory: URL) throws
    -> [EasyVQAAnswer]
  {
    loaded.model.setTrainable(false, .vision, .projector, .decoder)
    let records = (0..<data.count(of: .test)).map { data.record(.test, $0) }
    let answerer = try answerer(records, loaded)
    var stored = try ResumableRows<EasyVQAAnswer>(
      folder: folder, name: name, key: try key(loaded, directory), id: \.id)
    let blind = try blindAnswers(records, loaded)
    let progress = console.progress("easy-vqa, \(name)", total: records.count, start: stored.rows.count)
    defer { progress.finish() }
    for (index, batch) in answerer.batches.enumerated()
    where !batch.allSatisfy({ stored.rows[records[$0].id] != nil }) {
      try Interruption.check("easy-vqa (\(name)), \(stored.rows.count) of \(records.count) questions")
      let rows = try zip(batch, answerer.answers(batch: index)).map { place, answer in
        let record = records[place]
        return EasyVQAAnswer(
          id: record.id, image: record.image.path,
          family: EasyVQAFamily(question: record.question, answer: record.answer), question: record.question,
          answer: record.answer, prediction: answer.trimmedText,
          blindPrediction: blind[record.question] ?? "",
          guess: guess.answer(to: record.question))
      }
      try stored.append(rows, id: \.id)
      progress.update(step: stored.rows.count)
    }
    let rows = records.compactMap { stored.rows[$0.id] }
    try RowFile.write(rows, to: folder.appendingPathComponent(name + ".jsonl"))
    stored.discard()
    return rows
  }

  /// The answers without pictures: the same to the same question, so each is asked once.
  private func blindAnswers(_ records: [SingleImageRecord], _ loaded: PretrainedModel) throws -> [String:
    String]
  {
    var seen: Set<String> = []
    let distinct = records.filter { seen.insert($0.question).inserted }
    let answerer = try answerer(distinct, loaded)
    var answers: [String: String] = [:]
    for (index, batch) in answerer.batches.enumerated() {
      try Interruption.check("easy-vqa, questions without pictures")
      for (place, answer) in zip(batch, try answerer.answers(batch: index, isBlind: true)) {
        answers[distinct[place].question] = answer.trimmedText
      }
    }
    return answers
  }

  private func answerer(_ records: [SingleImageRecord], _ loaded: PretrainedModel) throws -> Answerer {
    try Answerer(
      records.map { AnswerRequest(id: $0.id, pictures: [.source($0.image)], prompt: $0.prompt) },
      model: loaded.model, encoder: loaded.encoder,
      features: FeatureStore(
        model: loaded.model,
        pictures: PictureStore(
          source: data, processor: try loaded.pictureProcessor(of: URL(fileURLWithPath: data.folder)))),
      batchTokens: batchTokens, maxNewTokens: maxNewTokens)
  }

  /// A name for what the answers depend on: questions, template, and the model's files by size and time.
  private func key(_ loaded: PretrainedModel, _ directory: URL) throws -> String {
    var digest = Digest()
    digest.update(
      try Digest.of(file: URL(fileURLWithPath: FilePath.join(data.folder, "test/questions.json"))))
    digest.update(
      try Digest.of(file: URL(fileURLWithPath: FilePath.join(data.folder, "train/questions.json"))))
    digest.update("\(loaded.encoder.template.name) \(maxNewTokens) \(batchTokens) \(directory.path)")
    let files = FileManager.default
    for name in try files.contentsOfDirectory(atPath: directory.path).sorted() {
      let attributes = try files.attributesOfItem(atPath: directory.appendingPathComponent(name).path)
      let time = (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
      digest.update("\(name) \(attributes[.size] as? Int ?? 0) \(time)")
    }
    return digest.finalize()
  }
}
