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
/// What a stage has not written yet is named in the report. Everything is read without the run's lock, so
/// that the report of a run that another process works on can be made too: a last line of `metrics.jsonl`
/// that is being written is left out and told.
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

  /// Composed prompts of each kind for the contact sheet; none before the stage is done.
  static func samples(ofRun run: URL, perKind: Int) throws -> [ReportSample] {
    var reader = RunReader(directory: run, expected: [])
    let records: [ComposedRow] = try reader.rows(
      "compose/records.jsonl", "composed prompts", by: "compose")
    return try sheet(records, [], perKind: perKind, &reader)
  }

  /// Candidates with their attention maps; none before the stage is done.
  static func attentionMaps(ofRun run: URL, each: Int) throws -> [ReportAttention] {
    var reader = RunReader(directory: run, expected: [])
    return try maps(
      try reader.rows("select/candidates.jsonl", "attention maps", by: "select"), each: each, &reader)
  }

  /// Reads what the report of a run shows.
  /// - Throws: ``RowFileError`` for a file that is there and broken.
  public static func content(
    runDirectory: URL, title: String? = nil, samples: Int = 6, attentionMaps: Int = 4
  ) throws -> ReportContent {
    let heldOut = try HeldOutSummary(ofRun: runDirectory)
    let configuration = Self.configuration(ofRun: runDirectory)
    let isOnOwnPairs = configuration?.hasOwnPairs ?? false
    let stages = try configuration.map { try RunProgress.stages(of: $0, in: runDirectory) } ?? []
    var reader = RunReader(
      directory: runDirectory, expected: isOnOwnPairs ? ["train", "run"] : nil, stages: stages)
    let results = try reader.results()
    var content = ReportContent(title: title ?? results?.configName ?? runDirectory.lastPathComponent)
    content.stages = stages
    content.results = results
    content.heldOut = heldOut
    content.heldOutAnswers = try reader.heldOutAnswers()
    content.seed = results?.seed ?? configuration?.run.seed
    content.configHash = results?.configHash ?? configuration?.hash
    content.versions = results?.versions ?? [:]
    content.seconds = results?.orderedSeconds ?? reader.stageSeconds()
    content.provenance = RunProvenance.facts(ofRun: runDirectory)
    content.files = ReportFiles.present(in: runDirectory)
    content.configuration = try reader.text("config.yaml")
    content.metrics = try reader.metrics(by: isOnOwnPairs ? "train" : "sft")
    content.candidates = try reader.rows(
      "select/candidates.jsonl", "selection and attention maps", by: "select")
    content.layers = try reader.decoded("select/\(LayerProfile.file)")
    content.quality = try reader.decoded("select/summary.json")
    content.before = try reader.rows("evaluate/before.jsonl", "answers before", by: "evaluate")
    content.after = try reader.rows("evaluate/after.jsonl", "answers after", by: "evaluate")
    content.answerPictures = try reader.answerPictures(
      of: ChangedAnswers.tables(content.before, content.after).flatMap(\.shown).map(\.old))
    let records: [ComposedRow] = try reader.rows("compose/records.jsonl", "composed prompts", by: "compose")
    content.samples = try sheet(records, content.candidates, perKind: samples, &reader)
    content.attention = try maps(content.candidates, each: attentionMaps, &reader)
    content.omissions = try OmissionLog.counts(in: runDirectory)
    content.missing = reader.missing
    return content
  }

  /// The configuration of a run; `nil` where there is none that can be read.
  private static func configuration(ofRun run: URL) -> RunConfiguration? {
    let file = run.appendingPathComponent("config.yaml")
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    return try? RunConfiguration(contentsOf: file)
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
      // Of the kept ones those that looked elsewhere most; of the others first those that R has dropped.
      let fitting = candidates.filter { $0.kept == isKept && $0.attention != nil }.enumerated()
        .sorted { one, other in
          let places = [one, other].map { entry in
            isKept ? entry.element.ratio : entry.element.outcome == .overThreshold ? 0 : 1
          }
          return (places[0], one.offset) < (places[1], other.offset)
        }.map(\.element)
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
