import Checkpoint
import Evaluation
import Foundation
import LVLM
import Records
import Tensor

/// The evaluation of a model on a benchmark's file, which goes on where it was stopped.
///
/// Writes `<name>_answers.jsonl`, `<name>_predictions.tsv`, `<name>_results.json` and `<name>_results.md`,
/// with their checksums in `<name>.sfv`, `<name>` being the file's without `.tsv`.
public struct BenchmarkRun {
  /// How answers are taken.
  public enum Score: String, CaseIterable, Sendable {
    /// Generated, and read by the matching rules.
    case generate
    /// The likeliest option.
    case likelihood
    /// Both.
    case both
  }

  /// What is evaluated, and how.
  public struct Options: Sendable {
    /// The benchmark's file.
    public var data: String
    /// A model directory, or a GGUF file.
    public var model: String
    /// The vision tower and projector of a GGUF file; the one beside it when nil.
    public var projector: String?
    /// A PEFT directory, or the checkpoint of a LoRA run.
    public var adapter: String?
    /// How weights are kept.
    public var weights = WeightStorage.auto
    /// The chat template; what fits the vocabulary when nil.
    public var template: ChatTemplate?
    /// How the questions are asked and read; by the file's name when nil.
    public var preset: BenchmarkPreset?
    /// How a row becomes a question; the preset's when nil.
    public var form: BenchmarkPrompt.Form?
    /// Added at the end of every question.
    public var suffix = ""
    /// Where paths of pictures start; the file's folder when nil.
    public var imageRoot: String?
    /// Where results go; a folder of their own for this model and these options in `evaluations` when nil.
    public var outputFolder: String?
    /// How answers are taken.
    public var score = Score.generate
    /// Rows to look at.
    public var limit: Int?
    /// Rows that are answered at a time, at most.
    public var batchSize = 16
    /// Tokens that are computed at a time, at most; a longer row goes alone.
    public var batchTokens = 8192
    /// Tokens of an answer at most; the preset's when nil.
    public var maxNewTokens: Int?
    /// Whether rows without a picture are asked; VLMEvalKit leaves them out.
    public var asksTextRows = false
    /// What becomes of rows that cannot be asked.
    public var onBadRow = RunConfiguration.Run.BadRecordPolicy.error
    /// Whether earlier answers are thrown away.
    public var fresh = false

    /// Options with the usual values.
    public init(data: String, model: String) {
      self.data = data
      self.model = model
    }

    func settings(for preset: BenchmarkPreset) -> BenchmarkAnswerer.Settings {
      .init(
        generates: score != .likelihood, scoresOptions: score != .generate, batchSize: batchSize,
        batchTokens: batchTokens, maxNewTokens: maxNewTokens ?? preset.maxNewTokens,
        form: form ?? preset.prompt,
        suffix: suffix)
    }
  }

  private let options: Options
  private let preset: BenchmarkPreset
  private let console: Console
  private let folder: URL
  private let name: String

  /// - Throws: ``DataError`` when no preset is named and none fits the file's name, or options are to be
  ///   compared where there are none.
  public init(_ options: Options, console: Console) throws {
    self.options = options
    self.console = console
    guard let preset = options.preset ?? BenchmarkPreset(inferredFrom: options.data) else {
      throw DataError(
        file: options.data,
        problem: "found no preset for this name, expected --preset with one of "
          + BenchmarkPreset.all.map(\.name).joined(separator: ", "))
    }
    guard options.score != .likelihood || preset.hasChoices else {
      throw DataError(
        file: options.data,
        problem: "found --score likelihood, expected generate: questions of \(preset.name) have no options")
    }
    self.preset = preset
    folder = URL(
      fileURLWithPath: options.outputFolder ?? "evaluations/\(Self.folderName(options, preset: preset))",
      isDirectory: true)
    name = URL(fileURLWithPath: options.data).deletingPathExtension().lastPathComponent
  }

  /// The last parts of the model's path, for people, and six digits of a digest of all that makes an
  /// evaluation another one.
  ///
  /// What the model's files hold is not among it: a model that changed in its place is told, not put
  /// elsewhere.
  private static func folderName(_ options: Options, preset: BenchmarkPreset) -> String {
    let path = URL(fileURLWithPath: options.model).standardizedFileURL
    let adapter = options.adapter.map { URL(fileURLWithPath: $0).standardizedFileURL.path } ?? ""
    let choices = BenchmarkIdentity.choices(options, preset: preset)
    let key = Digest.of(
      ([path.path, adapter] + choices.map { "\($0.name)=\($0.value)" }).joined(separator: "\n"))
    let parts = path.pathComponents.filter { $0 != "/" }.suffix(3)
    return parts.joined(separator: "-") + "-" + key.prefix(6)
  }

  private func file(_ ending: String) -> URL { folder.appendingPathComponent(name + ending) }

  /// Answers what is not answered yet, writes the files and prints the table.
  /// - Throws: ``DataError``, ``BenchmarkProblems``, the errors of a model directory, or ``InterruptedRun``.
  public func run() throws {
    var rows = try BenchmarkRows(
      TSVFile(contentsOf: options.data), preset: preset, imageRoot: options.imageRoot,
      asksTextRows: options.asksTextRows, limit: options.limit)
    let identity = try BenchmarkIdentity(options, preset: preset, pictures: rows.pictureFiles)
    let lock = try open(identity)
    defer { withExtendedLifetime(lock) {} }
    if FileManager.default.fileExists(atPath: file("_results.json").path) {
      try verify()
      let table = String(decoding: try storedResult("_results.md"), as: UTF8.self)
      console.message("\(name): done already, in \(folder.path)")
      console.result(table)
      return
    }
    console.message("\(name): \(rows.rows.count) rows, preset \(preset.name)")
    let progress = console.progress("pictures", total: rows.rows.count)
    rows.leaveOut(
      try BenchmarkPictures(rows: rows).problems { done in
        progress.update(step: done)
        try Interruption.check("evaluate, pictures of \(done) rows checked")
      })
    progress.finish()
    try judge(rows.problems)
    let known = rows.problems.count
    let loaded = try model()
    let answerer = try BenchmarkAnswerer(
      &rows, model: loaded, settings: options.settings(for: preset))
    if rows.problems.count > known { try judge(rows.problems) }
    guard !rows.rows.isEmpty else {
      let first = rows.problems.first.map { "; the first of \(rows.problems.count) problems: \($0)" }
      throw DataError(
        file: options.data,
        problem: "has no row that can be asked (\(rows.leftOut) without a picture)\(first ?? "")")
    }
    warn(about: rows)
    let answers = try answers(to: rows, answerer, key: identity.key)
    try write(rows, answers)
  }

  /// Takes the folder, and makes sure that what is in it belongs to the same evaluation.
  private func open(_ identity: BenchmarkIdentity) throws -> FileLock {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let lock: FileLock
    do {
      lock = try FileLock(file(".lock"), directory: folder.path)
    } catch RunDirectoryError.locked(_, let holder) {
      throw DataError(
        file: folder.path,
        problem: "another process\(holder) evaluates \(name) here; wait for it or use another --output-dir")
    }
    let place = file("_evaluation.json")
    let answers = try answerFiles()
    if !options.fresh, !answers.isEmpty, FileManager.default.fileExists(atPath: place.path) {
      guard let stored = BenchmarkIdentity(contentsOf: place) else {
        throw DataError(
          file: place.path, problem: "is damaged: found no object of texts; start over with --fresh")
      }
      if let difference = identity.differences(from: stored).first {
        throw DataError(
          file: place.path,
          problem: "\(difference); start over with --fresh or keep both with another --output-dir")
      }
      return lock
    }
    let results = ["_results.json", "_predictions.tsv", "_results.md", ".sfv"].map(file)
    let present = (results + answers).filter { FileManager.default.fileExists(atPath: $0.path) }
    if !options.fresh, let foreign = present.first, !FileManager.default.fileExists(atPath: place.path) {
      throw DataError(
        file: foreign.path,
        problem: "is there, but no \(place.lastPathComponent) that says what it was made of; "
          + "keep it with another --output-dir or write over it with --fresh")
    }
    for old in present { try FileManager.default.removeItem(at: old) }
    try AtomicFile.write(identity.json.pretty.utf8, to: place)
    return lock
  }

  /// What a finished evaluation consists of, the file that says so last.
  private static let parts = [
    "_evaluation.json", "_answers.jsonl", "_predictions.tsv", "_results.md", "_results.json",
  ]

  /// Compares the files of a finished evaluation with their checksums; nothing for those of earlier versions.
  private func verify() throws {
    guard let list = try ChecksumList.optional(file(".sfv")) else { return }
    for entry in list.entries {
      try list.verify(entry.path, in: folder, advice: Self.again)
    }
  }

  private static let again = "--fresh makes the evaluation again"

  private func storedResult(_ ending: String) throws -> Data {
    do {
      return try StoredBytes.read(file(ending))
    } catch let error as CheckpointError {
      throw CheckpointError(
        error.kind, file: error.file, found: error.found,
        expected: "the file that a finished evaluation has; " + Self.again)
    }
  }

  /// The files of answers, all of them or some.
  private func answerFiles() throws -> [URL] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
      $0 == name + "_answers.jsonl" || ($0.hasPrefix(name + "_answers.") && $0.hasSuffix(".partial"))
    }.map { folder.appendingPathComponent($0) }
  }

  private func model() throws -> PretrainedModel {
    try ModelChoice(
      options.model, projector: options.projector, adapter: options.adapter, weights: options.weights,
      template: options.template
    ).open(console.warning)
  }

  /// Stops for rows that cannot be asked, unless they are to be left out.
  private func judge(_ problems: [DataError]) throws {
    guard options.onBadRow == .error, !problems.isEmpty else { return }
    throw BenchmarkProblems(problems: problems)
  }

  private func warn(about rows: BenchmarkRows) {
    for problem in rows.problems.prefix(5) { console.warning("left out: \(problem)") }
    if rows.problems.count > 5 {
      console.warning(
        "and \(rows.problems.count - 5) more, \(rows.problems.count) in all, listed in \(name)_results.json")
    }
    if rows.leftOut > 0 {
      console.warning(
        "\(rows.leftOut) rows without a picture are left out, as VLMEvalKit does; --text-rows asks them")
    }
  }

  private func answers(
    to rows: BenchmarkRows, _ answerer: BenchmarkAnswerer, key: String
  ) throws -> [BenchmarkAnswer] {
    var stored = try ResumableRows<BenchmarkAnswer>(
      folder: folder, name: name + "_answers", key: key, id: \.index)
    let total = rows.rows.count
    let progress = console.progress(name, total: total, start: stored.rows.count)
    defer { progress.finish() }
    for (number, batch) in answerer.batches.enumerated() {
      if batch.allSatisfy({ stored.rows[rows.rows[$0].index] != nil }) { continue }
      try Interruption.check("evaluate, \(stored.rows.count) of \(total) rows")
      try stored.append(try answerer.answers(batch: number), id: \.index)
      progress.update(step: stored.rows.count)
    }
    let answers = rows.rows.compactMap { stored.rows[$0.index] }
    unlink(file(".sfv").path)
    try RowFile.write(answers, to: file("_answers.jsonl"))
    return answers
  }

  private func write(_ rows: BenchmarkRows, _ answers: [BenchmarkAnswer]) throws {
    let verdicts = verdicts(rows.rows, answers)
    let written = verdicts[.generated] ?? verdicts[.sum] ?? rows.rows.map { _ in nil }
    try BenchmarkPredictions(rows: rows, answers: answers, verdicts: written).write(
      to: file("_predictions.tsv"))
    let isScored = rows.rows.contains { $0.reference != nil }
    let result = BenchmarkResult(
      rows.rows, verdicts: isScored ? verdicts : [:], preset: preset, groupNames: rows.groupNames)
    let report = report(result, rows: rows, isScored: isScored)
    try AtomicFile.write(report.utf8, to: file("_results.md"))
    let json = OrderedJSON.members([
      "format_version": .integer(1), "benchmark": .string(name), "preset": .string(preset.name),
      "data": .string(options.data), "model": .string(options.model),
      "adapter": options.adapter.map(OrderedJSON.string) ?? .null, "rows": .integer(rows.rows.count),
      "rows_without_picture_left_out": .integer(rows.leftOut),
      "bad_rows": .array(rows.problems.map { .string("\($0)") }), "has_references": .bool(isScored),
      "groups": isScored ? result.json : .array([]),
    ])
    let last = Array(json.pretty.utf8)
    let entries = try Self.parts.map { part in
      ChecksumList.Entry(
        path: name + part,
        crc32: part == Self.parts.last ? CRC32.of(last) : try StoredBytes.checksum(of: file(part)).crc32)
    }
    try AtomicFile.write(ChecksumList(entries).text.utf8, to: file(".sfv"))
    // Last, as it says that all is done.
    try AtomicFile.write(last, to: file("_results.json"))
    for partial in try answerFiles() where partial.pathExtension == "partial" {
      try FileManager.default.removeItem(at: partial)
    }
    console.result(report)
  }

  private func verdicts(
    _ rows: [BenchmarkRow], _ answers: [BenchmarkAnswer]
  ) -> [BenchmarkResult.Method: [BenchmarkVerdict?]] {
    var verdicts: [BenchmarkResult.Method: [BenchmarkVerdict?]] = [:]
    if options.score != .likelihood {
      verdicts[.generated] = zip(rows, answers).map { row, answer in
        answer.prediction.map { BenchmarkVerdict($0, row: row, answers: preset.answers) }
      }
    }
    guard options.score != .generate else { return verdicts }
    let scores: [(BenchmarkResult.Method, (BenchmarkAnswer.Likelihood) -> Double?)] = [
      (.letter, { $0.letter }), (.sum, { $0.sum }), (.mean, { $0.mean }),
    ]
    for (method, score) in scores {
      let found = zip(rows, answers).map { row, answer in
        BenchmarkVerdict(answer.likelihoods.compactMap(score), row: row, answers: preset.answers)
      }
      if found.contains(where: { $0 != nil }) { verdicts[method] = found }
    }
    return verdicts
  }

  private func report(_ result: BenchmarkResult, rows: BenchmarkRows, isScored: Bool) -> String {
    var lines = [
      "# \(name)", "",
      "Preset \(preset.name), model \(options.model). Reported elsewhere: \(preset.reports).",
    ]
    if isScored {
      lines += [
        "",
        "Accuracy in per cent with 95 % intervals (Wilson). Answers are read by exact rules, without a "
          + "judge; what they "
          + "could not read counts as wrong.", "", result.table.markdown,
      ]
    } else {
      lines += ["", "The file has no references: predictions only, in \(name)_predictions.tsv."]
    }
    if rows.leftOut > 0 { lines.append("\(rows.leftOut) rows without a picture were left out.") }
    if !rows.problems.isEmpty {
      lines.append("\(rows.problems.count) rows that could not be asked were left out.")
    }
    return lines.joined(separator: "\n")
  }
}

/// The rows of a benchmark's file that cannot be asked.
public struct BenchmarkProblems: Error, CustomStringConvertible {
  /// One per row, in file order.
  public var problems: [DataError]

  /// The first ten, a line each, and how many there are.
  public var description: String {
    let shown = problems.prefix(10).map(\.description).joined(separator: "\n")
    let more = problems.count > 10 ? "\nand \(problems.count - 10) more" : ""
    return shown + more
      + "\n\(problems.count) rows cannot be asked; --on-bad-row skip leaves them out, and lists them in the "
      + "results"
  }
}
