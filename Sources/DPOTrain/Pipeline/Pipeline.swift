import Foundation
import Tensor

/// Runs the stages of a configuration in its run directory.
///
/// A stage that is done with the same settings is left out; a stage that was stopped goes on where it was.
///
///     try Pipeline(configuration: configuration).run(Stage.allCases)
public struct Pipeline {
  private let configuration: RunConfiguration
  private let console: Console
  private let isFresh: Bool
  private let others: [URL]

  /// - Parameters:
  ///   - console: Where messages, progress and the final table go.
  ///   - fresh: Removes what an earlier run left in the directory.
  ///   - others: Directories of other runs, of which parts that would come out the same are taken over.
  public init(
    configuration: RunConfiguration, console: Console = .silent, fresh: Bool = false,
    takingFrom others: [URL] = []
  ) {
    self.configuration = configuration
    self.console = console
    isFresh = fresh
    self.others = others
  }

  /// Runs stages in their order.
  /// - Throws: ``RunDirectoryError``, ``InterruptedRun`` after a signal, ``TrainingError`` for a loss that is not
  ///   finite, and the typed errors of data, pictures and checkpoints.
  public func run(_ stages: [Stage]) throws {
    if configuration.run.threads > 0 { Threads.count = configuration.run.threads }
    _ = try TrainStage.terms(configuration.train)
    // The data first: where it cannot be read, `fresh` must not have cost an earlier run.
    let source = try configuration.questionSource()
    if stages.contains(.sft), configuration.sft.maxSteps > 0, let path = configuration.model.languageModel {
      try ModelBuilder.requireLanguageModel(path)
    }
    let directory = try RunDirectory(configuration, fresh: isFresh)
    try tell(source.omissions, in: directory)
    let context = StageContext(
      configuration: configuration, directory: directory, console: console, source: source)
    for stage in stages.sorted() {
      if stage != .report, directory.isDone(RunPart(stage)) {
        console.message("\(stage.rawValue): done before")
        if stage == .evaluate { try printTable(directory) }
        continue
      }
      try directory.requirePrerequisites(of: stage)
      if try takeOver(stage, directory) { continue }
      let start = Date()
      try directory.markUndone(stage)
      try run(stage, context)
      // Each stage has buffers of other sizes; those of the last one would only be kept beside them.
      TensorRuntime.trim()
      let seconds = Date().timeIntervalSince(start)
      try directory.markDone(RunPart(stage), seconds: seconds)
      console.message(
        "\(stage.rawValue): \(fixed(seconds, 1)) s, at most \(EnvironmentReport.peakResidentBytes >> 20) MiB so far"
      )
      if stage == .evaluate { try printTable(directory) }
    }
  }

  /// Whether the whole stage could be taken over from another run; parts of it are, where not.
  private func takeOver(_ stage: Stage, _ directory: RunDirectory) throws -> Bool {
    for part in RunPart.allCases where part.stage == stage && !directory.isDone(part) {
      try directory.takeOver(part, from: others)
    }
    guard let record = directory.record(of: RunPart(stage)), let from = record.from else { return false }
    console.message("\(stage.rawValue): the same as in \(from)")
    return true
  }

  private func run(_ stage: Stage, _ context: StageContext) throws {
    switch stage {
    case .sft: try SFTStage(context: context).run()
    case .compose: try ComposeStage(context: context).run()
    case .select: try SelectStage(context: context).run()
    case .train: try TrainStage(context: context).run()
    case .evaluate: try EvaluateStage(context: context).run(seconds: seconds(context.directory))
    case .report:
      try writeEvents(context.directory)
      try ReportStage.writeReport(
        runDirectory: context.directory.url, title: configuration.run.name,
        samples: configuration.report.samples, attentionMaps: configuration.report.attentionMaps)
      console.message("report: \(context.directory.report.path)")
    }
  }

  /// Says what the data leaves out, the first few here and all of it in `omissions.txt`.
  private func tell(_ omissions: [String], in directory: RunDirectory) throws {
    let file = directory.file("omissions.txt")
    guard !omissions.isEmpty else {
      try? FileManager.default.removeItem(at: file)
      return
    }
    try Data((omissions.joined(separator: "\n") + "\n").utf8).write(to: file, options: .atomic)
    for line in omissions.prefix(5) { console.warning(line) }
    if omissions.count > 5 { console.warning("and \(omissions.count - 5) more, see \(file.path)") }
  }

  private func seconds(_ directory: RunDirectory) -> [String: Double] {
    var result: [String: Double] = [:]
    for stage in Stage.allCases {
      if let record = directory.record(of: RunPart(stage)) { result[stage.rawValue] = record.seconds }
    }
    return result
  }

  private func printTable(_ directory: RunDirectory) throws {
    console.result(try EvaluationResult.read(from: directory.results).table().plain)
  }

  /// The curves as TensorBoard events, all stages in one file that replaces earlier ones.
  private func writeEvents(_ directory: RunDirectory) throws {
    let files = FileManager.default
    for name in try files.contentsOfDirectory(atPath: directory.url.path)
    where name.hasPrefix("events.out.tfevents.") {
      try files.removeItem(at: directory.file(name))
    }
    guard files.fileExists(atPath: directory.metrics.path) else { return }
    let writer = try TensorBoardWriter(directory: directory.url)
    for row in try RowFile.read(MetricRow.self, from: directory.metrics) { try writer.write(row) }
    try writer.flush()
  }
}
