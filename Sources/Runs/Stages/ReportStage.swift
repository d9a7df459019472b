import Checkpoint
import DPOTrain
import Evaluation
import Foundation
import MultiImageData
import Records
import Reporting

/// Makes `report.html` from the files of a run.
///
/// It reads what is there: `config.yaml`, `metrics.jsonl`, `results.json`, `<stage>/done.json`,
/// `compose/records.jsonl`, `select/candidates.jsonl`, `evaluate/before.jsonl` and `evaluate/after.jsonl`.
/// What a stage has not written yet is named in the report.
public enum ReportStage {
  /// Writes `report.html` into a run directory.
  /// - Parameters:
  ///   - runDirectory: the run.
  ///   - title: the run's name; by default that in `results.json`, else the directory's.
  ///   - samples: composed prompts of each kind on the contact sheet.
  ///   - attentionMaps: attention maps of kept and of dropped candidates, each.
  /// - Throws: ``RowFileError`` for a file that is there and broken, or the file system's error where the
  ///   report cannot be written. The previous report is kept then.
  public static func writeReport(
    runDirectory: URL, title: String? = nil, samples: Int = 6, attentionMaps: Int = 4
  ) throws {
    let content = try content(
      runDirectory: runDirectory, title: title, samples: samples, attentionMaps: attentionMaps)
    let target = runDirectory.appendingPathComponent("report.html")
    try AtomicFile.write(ReportPage(content).html.utf8, to: target)
  }

  /// Reads what the report of a run shows.
  /// - Throws: ``RowFileError`` for a file that is there and broken.
  public static func content(
    runDirectory: URL, title: String? = nil, samples: Int = 6, attentionMaps: Int = 4
  ) throws -> ReportContent {
    let heldOut = try HeldOutSummary(ofRun: runDirectory)
    let isOnOwnPairs = try Self.isOnOwnPairs(runDirectory)
    var reader = RunReader(directory: runDirectory, expected: isOnOwnPairs ? ["train", "run"] : nil)
    let results = try reader.results()
    var content = ReportContent(title: title ?? results?.configName ?? runDirectory.lastPathComponent)
    content.results = results
    content.heldOut = heldOut
    content.heldOutAnswers = try reader.heldOutAnswers()
    content.seed = results?.seed
    content.configHash = results?.configHash
    content.versions = results?.versions ?? [:]
    content.seconds = results?.orderedSeconds ?? reader.stageSeconds()
    content.configuration = try reader.text("config.yaml")
    content.metrics = try reader.rows("metrics.jsonl", "curves", by: isOnOwnPairs ? "train" : "sft")
    content.candidates = try reader.rows(
      "select/candidates.jsonl", "selection and attention maps", by: "select")
    content.layers = try reader.decoded("select/\(LayerProfile.file)")
    content.quality = try reader.decoded("select/summary.json")
    content.before = try reader.rows("evaluate/before.jsonl", "answers before", by: "evaluate")
    content.after = try reader.rows("evaluate/after.jsonl", "answers after", by: "evaluate")
    let records: [ComposedRow] = try reader.rows("compose/records.jsonl", "composed prompts", by: "compose")
    content.samples = try sheet(records, content.candidates, perKind: samples, &reader)
    content.attention = try maps(content.candidates, each: attentionMaps, &reader)
    content.omissions = try OmissionLog.counts(in: runDirectory)
    content.missing = reader.missing
    return content
  }

  /// Whether the run is one on pairs that were there already.
  private static func isOnOwnPairs(_ run: URL) throws -> Bool {
    let file = run.appendingPathComponent("config.yaml")
    guard FileManager.default.fileExists(atPath: file.path) else { return false }
    return (try? RunConfiguration(contentsOf: file))?.hasOwnPairs ?? false
  }

  private static func sheet(
    _ records: [ComposedRow], _ candidates: [CandidateRow], perKind: Int, _ reader: inout RunReader
  ) throws -> [ReportSample] {
    let byID = Dictionary(candidates.map { ($0.id, $0) }) { first, _ in first }
    return try QuestionKind.allCases.flatMap { kind -> [ReportSample] in
      try spread(records.filter { QuestionKind($0.kind, $0.level) == kind }, perKind, by: \.count).map {
        record in
        let candidate = byID[record.id]
        return ReportSample(
          id: record.id, kind: kind, count: record.count, target: record.target, targets: record.targets,
          prompt: record.prompt,
          chosen: record.answer, rejected: candidate?.answer, outcome: candidate?.outcome,
          pictures: try reader.pictures(record.images, folder: "compose"))
      }
    }
  }

  /// The first elements, taking turns between groups of one key, ordered by key.
  private static func spread<Element>(
    _ elements: [Element], _ limit: Int, by key: (Element) -> Int
  ) -> [Element] {
    let groups = Set(elements.map(key)).sorted().map { one in elements.filter { key($0) == one } }
    var chosen: [(group: Int, element: Element)] = []
    var round = 0
    while chosen.count < limit, groups.contains(where: { round < $0.count }) {
      for (index, group) in groups.enumerated() where round < group.count && chosen.count < limit {
        chosen.append((index, group[round]))
      }
      round += 1
    }
    return groups.indices.flatMap { group in chosen.filter { $0.group == group }.map(\.element) }
  }

  private static func maps(
    _ candidates: [CandidateRow], each: Int, _ reader: inout RunReader
  ) throws -> [ReportAttention] {
    try [true, false].flatMap { isKept -> [ReportAttention] in
      let fitting = candidates.filter { $0.kept == isKept && $0.attention != nil }
      return try ReportPage.spread(fitting, each, by: \.kind).map { candidate in
        var shown = candidate
        shown.attention?.region = candidate.attention?.region ?? evenRegion(candidate)
        return ReportAttention(
          candidate: shown, pictures: try reader.pictures(candidate.images, folder: "select"))
      }
    }
  }

  /// The target's part of the only image by the released code's rule: even cells, or the middle two thirds;
  /// none of two.
  private static func evenRegion(_ candidate: CandidateRow) -> AttentionMap.Region? {
    guard let map = candidate.attention, map.values.count == 1, candidate.kind.level != .compare else {
      return nil
    }
    let (rows, columns) = (Double(map.rows), Double(map.columns))
    switch candidate.kind.layout {
    case .picInPic:
      return .init(row: rows / 6, column: columns / 6, rows: rows * 2 / 3, columns: columns * 2 / 3)
    case .grid:
      let across = [2: 2, 3: 3, 4: 2, 6: 3, 9: 3][candidate.count] ?? candidate.count
      let down = candidate.count / across
      let (row, column) = ((candidate.target - 1) / across, (candidate.target - 1) % across)
      let (high, wide) = (rows / Double(down), columns / Double(across))
      return .init(row: Double(row) * high, column: Double(column) * wide, rows: high, columns: wide)
    default: return nil
    }
  }
}

/// The fields of a composed record that the contact sheet shows.
private struct ComposedRow: Decodable, Sendable {
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

/// Reads the files of a run and notes which are not there.
private struct RunReader {
  let directory: URL
  var missing: [String] = []
  private var unreadable = 0
  /// The stages that the run has; nil for all of them.
  private let expected: Set<String>?

  init(directory: URL, expected: Set<String>?) { (self.directory, self.expected) = (directory, expected) }

  private func url(_ name: String) -> URL { directory.appendingPathComponent(name) }

  private mutating func exists(_ name: String, _ what: String, by stage: String) -> Bool {
    if FileManager.default.fileExists(atPath: url(name).path) { return true }
    if let expected, !expected.contains(stage) { return false }
    missing.append("\(name) (\(what)): written by the stage \(stage), which has not run here")
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
    do {
      return try JSONDecoder().decode(Value.self, from: StoredBytes.read(file))
    } catch {
      throw RowFileError(error, file: file.path, line: nil)
    }
  }

  mutating func results() throws -> EvaluationResult? {
    guard exists("results.json", "the table before and after", by: "evaluate") else { return nil }
    return try EvaluationResult.read(from: url("results.json"))
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
