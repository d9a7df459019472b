import DPOTrain
import Evaluation
import Foundation
import MultiImageData
import Records
import Reporting

/// The TensorBoard events of a run, written as they come.
///
/// Every process that works on a run begins a file: a mark on which TensorBoard forgets what it has read of
/// the run, then what the run has logged so far, at the times it was logged. A run that went on from a
/// checkpoint shows each step once, also to a TensorBoard that has seen the steps that were cut back; a mark
/// at the first new step would drop the other stage's steps too, which begin with 1 again. Earlier files,
/// which say nothing more, are removed once the new one has all of it.
final class RunEvents: MetricsObserver {
  private let directory: RunDirectory
  private let console: Console
  private var writer: TensorBoardWriter?
  /// The rows that the file has.
  private var rows: [MetricRow] = []
  /// The stages whose pictures and texts the file has.
  private var told: Set<Stage> = []

  /// Events of a run; a file is made when there is something to write.
  init(_ directory: RunDirectory, console: Console) {
    self.directory = directory
    self.console = console
  }

  // MARK: Rows

  func opened(_ log: MetricsLog) throws { try open() }

  func logged(_ row: MetricRow) throws {
    try writer?.write(row)
    rows.append(row)
  }

  /// Makes sure that there is a file with what the run has logged.
  func complete() throws {
    try open()
    try addStages()
    try writer?.flush()
  }

  /// Adds what a stage that is done has left: pictures, texts, accuracies.
  func finished(_ stage: Stage) throws {
    do {
      guard writer != nil else { return try open() }
      try addStages()
      try writer?.flush()
    } catch let error as RowFileError {
      // The log is put together again by the report.
      console.warning("TensorBoard has nothing of \(stage.rawValue): \(error)")
    }
  }

  /// Begins a file, unless the open one has the rows of the log and no others.
  private func open() throws {
    let files = FileManager.default
    let logged =
      files.fileExists(atPath: directory.metrics.path)
      ? try RowFile.readSoFar(MetricRow.self, from: directory.metrics).rows : []
    guard writer == nil || logged != rows else { return }
    let earlier = try files.contentsOfDirectory(atPath: directory.url.path)
      .filter(TensorBoardWriter.isEventFile)
    let file = try TensorBoardWriter(directory: directory.url, resumingAt: 0)
    (writer, rows, told) = (file, [], [])
    try file.write(
      text: Self.fenced(directory.configuration.yaml), tag: "configuration", step: 0,
      wallTime: time(of: "config.yaml"))
    for row in logged { try self.logged(row) }
    try addStages()
    try file.flush()
    for name in earlier { try? files.removeItem(at: directory.file(name)) }
  }

  // MARK: Pictures and texts

  /// What sets the tag of a text apart from that of its picture: TensorBoard gives a tag to one plugin alone.
  private static let text = "/text"

  /// What stages that are done, also those that were taken over from another run, have left.
  private func addStages() throws {
    for stage in Stage.allCases
    where stage != .report && directory.isDone(RunPart(stage)) && !told.contains(stage) {
      told.insert(stage)
      try add(stage)
    }
  }

  private func add(_ stage: Stage) throws {
    guard let writer else { return }
    do {
      switch stage {
      case .sft, .train, .report: break
      case .compose: try addPrompts(to: writer)
      case .select: try addMaps(to: writer)
      case .evaluate: try addAnswers(to: writer)
      }
    } catch let error as RowFileError {
      console.warning("TensorBoard has nothing of \(stage.rawValue): \(error)")
    } catch let error as RunDirectoryError {
      console.warning("TensorBoard has nothing of \(stage.rawValue): \(error)")
    }
  }

  private func addPrompts(to writer: TensorBoardWriter) throws {
    let samples = try ReportStage.samples(
      ofRun: directory.url, perKind: directory.configuration.report.samples)
    let wallTime = time(of: "compose/\(ComposeStage.records)")
    var numbers: [QuestionKind: Int] = [:]
    for sample in samples {
      numbers[sample.kind, default: 0] += 1
      let tag = "prompts/\(sample.kind.rawValue)/\(numbers[sample.kind]!)"
      let asked = sample.pictures.count > 1 ? sample.targets ?? [sample.target] : []
      try write(EventPicture.strip(sample.pictures, asked: asked), tag, wallTime, to: writer)
      try writer.write(
        text: Self.exchange(sample.id, sample.prompt, [("right answer", sample.chosen)]),
        tag: tag + Self.text, step: 0, wallTime: wallTime)
    }
  }

  private func addMaps(to writer: TensorBoardWriter) throws {
    let maps = try ReportStage.attentionMaps(
      ofRun: directory.url, each: directory.configuration.report.attentionMaps)
    let wallTime = time(of: "select/candidates.jsonl")
    var numbers: [String: Int] = [:]
    for map in maps {
      let candidate = map.candidate
      let folder = candidate.kept ? "attention/kept" : "attention/dropped"
      numbers[folder, default: 0] += 1
      let tag = "\(folder)/\(numbers[folder]!)"
      try write(EventPicture.attention(map), tag, wallTime, to: writer)
      let ratio = "\(Format.decimal(candidate.ratio, 2)), τ \(Format.decimal(candidate.threshold, 2))"
      try writer.write(
        text: Self.exchange(
          candidate.id, candidate.prompt,
          [
            ("right answer", candidate.groundTruth), ("the model's answer", candidate.answer),
            ("R", ratio), ("outcome", candidate.outcome.title),
          ]), tag: tag + Self.text, step: 0, wallTime: wallTime)
    }
  }

  /// Accuracies as curves of two points, before training and after, and answers that changed.
  private func addAnswers(to writer: TensorBoardWriter) throws {
    let last = rows.last { $0.stage == Stage.train.rawValue }?.step ?? 0
    let wallTime = time(of: "results.json")
    let results = try EvaluationResult.read(from: directory.results)
    func accuracies(_ phase: PhaseResult) -> [String: Double] {
      var values = phase.kinds.map { ("accuracy/" + $0.key.rawValue, $0.value.all.accuracy) }
      if let several = phase.multiImage { values.append(("accuracy/multi_image", several.accuracy)) }
      return Dictionary(values) { first, _ in first }
    }
    try writer.write(
      scalars: accuracies(results.before), step: 0, wallTime: time(of: "evaluate/before.jsonl"))
    if let after = results.after {
      try writer.write(scalars: accuracies(after), step: max(last, 1), wallTime: wallTime)
    }
    try writer.write(
      text: results.table(detailed: false).markdown, tag: "results", step: last, wallTime: wallTime)
    let before: [AnswerRecord] = try RowFile.read(from: directory.file("evaluate/before.jsonl"))
    let after: [AnswerRecord] = try RowFile.read(from: directory.file("evaluate/after.jsonl"))
    let later = Dictionary(after.map { ($0.id, $0) }) { first, _ in first }
    let both = before.compactMap { old in later[old.id].map { (old: old, new: $0) } }
    let table = TextTable(
      header: ["kind", "question", "right answer", "before", "after"],
      rows: ReportPage.spread(both, 24) { $0.old.kind }.map { old, new in
        [old.kind.title, Self.oneLine(old.prompt), old.answer, old.prediction, new.prediction]
          .map(Self.escaped)
      })
    try writer.write(text: table.markdown, tag: "samples", step: last, wallTime: wallTime)
  }

  private func write(
    _ picture: EventPicture?, _ tag: String, _ wallTime: Double?, to writer: TensorBoardWriter
  ) throws {
    guard let picture else { return }
    try writer.write(
      image: picture.png, width: picture.width, height: picture.height, tag: tag, step: 0,
      wallTime: wallTime)
  }

  /// When a file of the run was written, in seconds since 1970.
  private func time(of name: String) -> Double? {
    let attributes = try? FileManager.default.attributesOfItem(atPath: directory.file(name).path)
    return (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970
  }

  // MARK: Markdown

  /// A text of several lines as it is.
  private static func fenced(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }.joined(separator: "\n")
  }

  private static func exchange(_ id: String, _ prompt: String, _ rows: [(String, String)]) -> String {
    let table = TextTable(
      header: ["", id],
      rows: ([("prompt", oneLine(prompt))] + rows).map { [$0.0, escaped($0.1)] }, leftColumns: 2)
    return table.markdown
  }

  private static func oneLine(_ text: String) -> String { text.replacing("\n", with: " ") }

  /// Text that Markdown shows as it is written, in a cell of a table.
  private static func escaped(_ text: String) -> String {
    var out = ""
    for character in oneLine(text) {
      if "\\*_`<>[]#".contains(character) { out.append("\\") }
      out.append(character)
    }
    return out
  }
}
