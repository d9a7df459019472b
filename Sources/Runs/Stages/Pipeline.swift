import Checkpoint
import DPOTrain
import Evaluation
import Foundation
import MultiImageData
import Ranks
import Records
import Reporting
import Tensor

/// Runs the stages of a configuration in its run directory.
///
/// A stage that is done with the same settings is left out; a stage that was stopped goes on where it was.
/// What a part left with other settings is moved to `replaced/` before it is made again.
///
///     try Pipeline(configuration: configuration).run(Stage.allCases)
public struct Pipeline {
  private let configuration: RunConfiguration
  let console: Console
  private let isFresh: Bool
  let others: [URL]
  private let redone: [RunPart]
  private let accepted: [String]
  let team: RankTeam

  /// - Parameters:
  ///   - console: Where messages, progress and the final table go.
  ///   - fresh: Removes what an earlier run left in the directory.
  ///   - others: Directories of other runs, of which parts that would come out the same are taken over.
  ///   - redone: Parts that are made again in any case.
  ///   - accepted: Files of finished parts that were changed by hand, and are taken as they are.
  ///   - team: The processes that train together, of which this one is the lead; the others are
  ///     ``Follower``s.
  public init(
    configuration: RunConfiguration, console: Console = .silent, fresh: Bool = false,
    takingFrom others: [URL] = [], redoing redone: [RunPart] = [], accepting accepted: [String] = [],
    team: RankTeam = .alone
  ) {
    self.team = team
    self.configuration = configuration
    self.console = console
    isFresh = fresh
    self.others = others
    self.redone = redone
    self.accepted = accepted
  }

  /// Runs stages in their order.
  /// - Throws: ``RunDirectoryError``, ``InterruptedRun`` after a signal, ``TrainingError`` for a loss that is
  ///   not finite, and the typed errors of data, pictures and checkpoints.
  public func run(_ stages: [Stage]) throws {
    if configuration.run.threads > 0 { Threads.count = configuration.run.threads }
    _ = try configuration.train.objectiveTerms()
    // The data first: where it cannot be read, `fresh` must not have cost an earlier run.
    let place = URL(fileURLWithPath: configuration.run.outputDirectory, isDirectory: true)
    let pictures = PictureCheck(console: console, remembering: place)
    let stages = try stagesOfRun(among: stages)
    var ownPairs = try OwnPairs(configuration)
    let all = try configuration.questionSource(pictures: pictures, collects: true)
    if stages.contains(.sft), configuration.sft.maxSteps > 0, let path = configuration.model.languageModel {
      try ModelBuilder.requireLanguageModel(path)
    }
    let vocabulary = OwnVocabulary(configuration, source: all)
    let files = OutsideFiles(configuration, source: all, ownPairs: ownPairs)
    try files.refuseThose(in: place)
    let atStart = files.atStart()
    let outside = files.digests(remembering: place)
    let looked = outside.filter { !accepted.contains($0.key) }
    let open = stages.filter { stage in
      stage != .report
        && (isFresh || redone.contains { $0.stage == stage }
          || !isDone(stage, of: configuration, in: place, outside: looked))
    }
    let preparation = RunPreparation(
      configuration: configuration, directory: place, console: console, pictures: pictures)
    let (source, long): (any QuestionSource, [Stage: [DataError]])
    if open.isEmpty || ownPairs != nil {
      (source, long) = (all, [:])
    } else {
      (source, long) = try preparation.prepared(all, stages: open, vocabulary: vocabulary)
    }
    if !open.isEmpty, let own = ownPairs { ownPairs = try preparation.prepared(own) }
    let directory = try RunDirectory(configuration, fresh: isFresh, outside: outside)
    for note in directory.notes { console.warning(note) }
    for path in accepted {
      if outside[path] != nil { try directory.acceptFiles(of: path) } else { try directory.accept(path) }
    }
    let earlier = directory.replacedRuns
    tellChanges(directory, stages)
    for part in redone.sorted() { try setAside(part, directory, checkpoints: true) }
    try pictures.remember(in: directory.url)
    try files.remember(in: directory.url)
    let omissions = OmissionLog(directory.url, policy: configuration.run.onBadRecord, console: console)
    if !open.isEmpty {
      try omissions.replace(OmissionLog.reading, by: all.omissions)
    }
    for stage in open { try omissions.leaveOut(long[stage] ?? [], stage: stage, part: " length") }
    let context = StageContext(
      configuration: configuration, directory: directory, console: console, source: source,
      omissions: omissions, pictureCheck: pictures, vocabulary: vocabulary, ownPairs: ownPairs,
      events: RunEvents(directory, console: console), outside: atStart, team: team)
    if !open.isEmpty { try RunProvenance.note(in: directory.url) }
    var earlierRound = configuration.earlierRound()
    for stage in stages.sorted() {
      let isRedone = redone.contains { $0.stage == stage && !directory.isDone($0) }
      if stage != .report, directory.isDone(RunPart(stage)), !isRedone {
        for part in RunPart.allCases where part.stage == stage { try directory.verify(part) }
        console.message("\(stage.rawValue): done before")
        if stage == .train { try printHeldOut(directory) }
        if stage == .evaluate {
          try renameResults(directory)
          try printTable(directory)
        }
        continue
      }
      try directory.requirePrerequisites(of: stage)
      if stage == .select || stage == .train, let round = earlierRound.take() {
        try finish(
          round, in: directory, outside: looked, accepting: accepted.filter { outside[$0] != nil })
        try directory.requirePrerequisites(of: stage)
      }
      try directory.verifyInputs(of: stage)
      for part in RunPart.allCases where part.stage == stage && part != .report && !directory.isDone(part) {
        try setAside(part, directory)
        guard !redone.contains(part) else { continue }
        try directory.takeOver(part, from: others + earlier) { console.warning("not taken over: \($0)") }
      }
      if !redone.contains(RunPart(stage)), !directory.isDone(RunPart(stage)),
        let folder = try directory.takeBackCheckpoints(of: RunPart(stage))
      {
        console.message("\(stage.rawValue): goes on with the checkpoints kept in \(folder)")
      }
      if let from = directory.record(of: RunPart(stage))?.from {
        console.message("\(stage.rawValue): the same as in \(from)")
        if stage == .evaluate { try printTable(directory) }
        continue
      }
      let start = ContinuousClock.now
      try directory.markUndone(stage)
      if stage == .report { try restoreMetrics(directory) }
      try Profile.phase("stage \(stage.rawValue)") { try run(stage, context) }
      // Each stage has buffers of other sizes; those of the last one would only be kept beside them.
      TensorRuntime.trim()
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      if stage == .sft || stage == .train { try MetricsLog.keep(stage, of: directory.metrics) }
      try directory.markDone(RunPart(stage), seconds: seconds)
      if stage != .report { try context.events?.finished(stage) }
      console.message(
        "\(stage.rawValue): \(fixed(seconds, 1)) s, at most \(EnvironmentReport.peakResidentBytes >> 20) MiB "
          + "so far"
      )
      if stage == .evaluate { try printTable(directory) }
      if stage == .train { try printHeldOut(directory) }
    }
  }

  /// Those of some stages that the run has.
  /// - Throws: ``RunCheckError`` where it has none of them.
  private func stagesOfRun(among wanted: [Stage]) throws -> [Stage] {
    let own = wanted.filter(configuration.stages.contains)
    guard own.isEmpty, let first = wanted.first else { return own }
    throw RunCheckError(problems: [
      RunProblem(
        place: configuration.places.name("data.pairs"),
        text: "a run on pairs of one's own has no stage \(first.rawValue), only "
          + configuration.stages.map(\.rawValue).joined(separator: " and "))
    ])
  }

  /// The table of the pairs held out, where there are some.
  private func printHeldOut(_ directory: RunDirectory) throws {
    guard let summary = try HeldOutSummary(ofRun: directory.url) else { return }
    console.result(summary.table.plain)
    if let verdict = summary.verdict { console.result(verdict) }
  }

  /// Says which keys are others than when the parts that these stages read or make were made, before any of
  /// them goes.
  private func tellChanges(_ directory: RunDirectory, _ stages: [Stage]) {
    let changes = directory.states.changes
    for change in changes where change.redoes.contains(where: { stages.contains($0.stage) }) {
      console.warning(change.description)
    }
    for (key, redone) in directory.states.changedFiles
    where redone.contains(where: { stages.contains($0.stage) }) {
      console.warning(
        "\(key): files hold something else than they did; redoes "
          + redone.map(\.rawValue).joined(separator: ", ") + " (--accept \(key) keeps them)")
    }
    let told = Set(changes.flatMap(\.redoes))
    let untold = directory.states.stale.filter { !told.contains($0) && stages.contains($0.stage) }
    if !untold.isEmpty {
      console.warning("made with other settings: \(untold.map(\.rawValue).joined(separator: ", "))")
    }
  }

  /// Moves to `replaced/` what a part left that is made again now, and says so.
  private func setAside(_ part: RunPart, _ directory: RunDirectory, checkpoints: Bool = false) throws {
    let inputs = directory.states.changedInputs(of: part)
    let problem = directory.problemOfList(of: part)
    guard let folder = try directory.setAside(part, checkpoints: checkpoints) else { return }
    let reason =
      inputs.isEmpty
      ? "" : " (\(inputs.map(\.rawValue).joined(separator: ", ")) made again with another outcome)"
    console.warning("\(part.rawValue): what it left before is kept in \(folder)\(reason)")
    if let problem { console.warning("\(problem); it is kept as it is") }
  }

  /// The curves of all stages from their own folders: those of a stage that was made again alone come before
  /// later ones.
  private func restoreMetrics(_ directory: RunDirectory) throws {
    let stages = [Stage.sft, .train].filter { stage in
      directory.isDone(RunPart(stage)) && !(stage == .sft && configuration.sft.maxSteps == 0)
    }
    if try MetricsLog.restore(directory.metrics, stages: stages) {
      console.message(
        "report: \(directory.metrics.lastPathComponent) is put together again from the stages' folders")
    }
  }

  /// Whether a stage is done in a run directory, which may not be there.
  func isDone(
    _ stage: Stage, of configuration: RunConfiguration, in directory: URL, outside: [String: String]
  ) -> Bool {
    let states = try? PartStates(configuration, in: directory, outside: outside)
    return states?.record(of: RunPart(stage)) != nil
  }

  private func run(_ stage: Stage, _ context: StageContext) throws {
    switch stage {
    case .sft: try SFTStage(context: context).run()
    case .compose: try ComposeStage(context: context).run()
    case .select: try SelectStage(context: context).run()
    case .train: try train(context)
    case .evaluate: try EvaluateStage(context: context).run(seconds: seconds(context.directory))
    case .report:
      try context.events?.complete()
      try ReportStage.writeReport(
        runDirectory: context.directory.url, title: configuration.run.name,
        samples: configuration.report.samples, attentionMaps: configuration.report.attentionMaps)
      console.message("report: \(context.directory.report.path)")
    }
  }

  /// Trains, with the other ranks where there are some.
  private func train(_ context: StageContext) throws {
    // Nobody else makes folders.
    _ = try context.directory.folder(.train)
    try context.together(.train) { try TrainStage(context: context).run() }
  }

  private func seconds(_ directory: RunDirectory) -> [String: Double] {
    var result: [String: Double] = [:]
    for stage in Stage.allCases {
      if let record = directory.record(of: RunPart(stage)) { result[stage.rawValue] = record.seconds }
    }
    return result
  }

  /// Gives the figures the run's name of now, which is in no key.
  private func renameResults(_ directory: RunDirectory) throws {
    var result = try EvaluationResult.read(from: directory.results)
    guard result.configName != configuration.run.name, let record = directory.record(of: .evaluate) else {
      return
    }
    result.configName = configuration.run.name
    try directory.markUndone(.evaluate)
    try result.write(to: directory.results)
    try directory.markDone(.evaluate, seconds: record.seconds, from: record.from)
  }

  private func printTable(_ directory: RunDirectory) throws {
    let results = try EvaluationResult.read(from: directory.results)
    console.result(results.table().plain)
    for sentence in results.verdict { console.result(sentence) }
  }
}
