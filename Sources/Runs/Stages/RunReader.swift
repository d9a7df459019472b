import Checkpoint
import DPOTrain
import Evaluation
import Foundation
import MultiImageData
import Records
import Reporting

/// The fields of a composed record that the contact sheet shows.
struct ComposedRow: Decodable, Sendable {
  var id: String
  var kind: QuestionKind
  var count: Int
  var target: Int
  var level: PromptLevel?
  var targets: [Int]?
  var images: [String]
  var prompt: String
  var answer: String
}

/// Reads the files of a run, without its lock, and notes which are not there.
struct RunReader {
  let directory: URL
  var missing: [String] = []
  /// The stages that the run has; nil for all of them.
  private let expected: Set<String>?
  /// Where the stages stand, as far as that is known.
  private let stages: [StageProgress]

  init(directory: URL, expected: Set<String>?, stages: [StageProgress] = []) {
    (self.directory, self.expected, self.stages) = (directory, expected, stages)
  }

  private func url(_ name: String) -> URL { directory.appendingPathComponent(name) }

  private mutating func exists(_ name: String, _ what: String, by stage: String) -> Bool {
    if FileManager.default.fileExists(atPath: url(name).path) { return true }
    if let expected, !expected.contains(stage) { return false }
    let isUnderWay = stages.contains { $0.stage == stage && $0.state == .underWay }
    missing.append(
      "\(name) (\(what)): written by the stage \(stage), which "
        + (isUnderWay ? "is not done" : "has not run here"))
    return false
  }

  mutating func text(_ name: String) throws -> String? {
    guard exists(name, "the configuration", by: "run") else { return nil }
    return String(decoding: try WrittenFile.read(url(name)), as: UTF8.self)
  }

  /// A file of figures, where there is one.
  func decoded<Value: Decodable>(_ name: String) throws -> Value? {
    let file = url(name)
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    try WrittenFile.verify(file)
    return try RowDecoding.value(from: Data(try StoredBytes.read(file)), file: file.path, line: nil)
  }

  mutating func results() throws -> EvaluationResult? {
    guard exists("results.json", "the table before and after", by: "evaluate") else { return nil }
    return try EvaluationResult.read(from: url("results.json"))
  }

  /// The log of steps, which another process may be writing.
  mutating func metrics(by stage: String) throws -> [MetricRow] {
    let name = "metrics.jsonl"
    guard exists(name, "curves", by: stage) else { return [] }
    let (rows, isCut) = try RowFile.readSoFar(MetricRow.self, from: url(name))
    if isCut {
      missing.append("\(name), last line: it is being written, or its process was killed while it wrote")
    }
    return rows
  }

  /// The pictures of questions, by their ids.
  mutating func answerPictures(of answers: [AnswerRecord]) throws -> [String: [ReportPicture?]] {
    let folder = "evaluate/questions"
    let wanted = Set(answers.map(\.id))
    var found: [String: [ReportPicture?]] = [:]
    for name in ["single.jsonl", "composed.jsonl"] where !wanted.isEmpty {
      let file = url("\(folder)/\(name)")
      guard FileManager.default.fileExists(atPath: file.path) else { continue }
      for row in try RowFile.read(QuestionPictures.self, from: file) where wanted.contains(row.id) {
        found[row.id] = try pictures(row.images ?? [row.image].compactMap { $0 }, folder: folder)
      }
    }
    return found
  }

  mutating func rows<Row: Decodable>(_ name: String, _ what: String, by stage: String) throws -> [Row] {
    guard exists(name, what, by: stage) else { return [] }
    return try RowFile.read(Row.self, from: url(name))
  }

  /// What the model answered to prompts held out, prompt by prompt, with their pictures.
  mutating func heldOutAnswers() throws -> [ReportAnswers] {
    let rows = try HeldOutAnswers.rows(in: url("train/\(HeldOutAnswer.file)"))
    var (order, byID): ([String], [String: [HeldOutAnswer]]) = ([], [:])
    for row in rows {
      if byID[row.id] == nil { order.append(row.id) }
      byID[row.id, default: []].append(row)
    }
    return try order.map { id in
      let answers = byID[id] ?? []
      return ReportAnswers(
        answers: answers, pictures: try pictures(answers.first?.images ?? [], folder: "train"))
    }
  }

  /// Seconds of the stages that are done.
  func stageSeconds() -> [(stage: String, seconds: Double)] {
    EvaluationResult.stageOrder.compactMap { stage in
      guard let part = RunPart(rawValue: stage), let done = RunDirectory.record(of: part, in: directory)
      else {
        return nil
      }
      return (stage, done.seconds)
    }
  }

  /// Pictures by their paths, looked for from the folder of the file that names them, then from the run.
  mutating func pictures(_ paths: [String], folder: String) throws -> [ReportPicture?] {
    try paths.map { path in
      let places =
        path.hasPrefix("/")
        ? [path] : [url(folder), directory, url("compose")].map { $0.appendingPathComponent(path).path }
      let found = places.first { FileManager.default.fileExists(atPath: $0) }
      if let found { try WrittenFile.verify(URL(fileURLWithPath: found)) }
      if let found, let picture = try? ReportPicture(contentsOf: found) { return picture }
      let state = found == nil ? "not there" : "not a readable PNG, JPEG or WebP file"
      missing.append("picture \(path): \(state)")
      return nil
    }
  }
}

/// The fields of a held-out question that its pictures are found by.
private struct QuestionPictures: Decodable, Sendable {
  var id: String
  var images: [String]?
  var image: String?
}
