import Checkpoint
import Foundation
import LVLM
import Ranks
import Records
import Tensor

/// The loop around an objective: gradients, clipping, update, metrics, checkpoints, interruption.
public final class TrainingLoop {
  /// What the loop needs to know beside the objective.
  public struct Settings: Sendable {
    /// The stage the loop belongs to.
    public var stage: Stage
    /// Optimizer steps.
    public var steps: Int
    /// The learning rate of every step.
    public var schedule: LearningRateSchedule
    /// What changes parameters by their gradients.
    public var optimizer = OptimizerChoice.adamW
    /// The optimizer's decay of the first moment.
    public var beta1: Double
    /// The optimizer's decay of the second moment.
    public var beta2: Double
    /// What Adam adds to the root of the second moment.
    public var epsilon = 1e-8
    /// The optimizer's weight decay.
    public var weightDecay: Double
    /// Which parameters learn at another rate.
    public var rateFactors = LearningRateFactors()
    /// 0 turns clipping off.
    public var maxGradNorm: Double
    /// Decay of the average of the weights that looks and the outcome have; 0 takes the weights themselves.
    public var emaDecay = 0.0
    /// Steps between two lines of metrics.
    public var loggingSteps: Int
    /// 0 saves only at the end.
    public var saveSteps: Int
    /// How many checkpoints are kept; 0 keeps all.
    public var saveTotalLimit: Int
    /// Steps between two looks at validation data; 0 never looks.
    public var evalSteps = 0
    /// Steps at the end in which the learning rate decays, which a look may bring forward.
    public var decaySteps = 0
    /// Whether the weights of the best look are kept, and taken at the end.
    public var keepsBest = false
    /// Looks in a row without a better one after which the loop ends; 0 never ends early.
    public var patience = 0
    /// Hash of everything the stage's outcome depends on.
    public var configurationHash: String
    /// The resolved configuration as text.
    public var configuration: String

    /// Creates settings.
    public init(
      stage: Stage, steps: Int, schedule: LearningRateSchedule, beta1: Double, beta2: Double,
      weightDecay: Double, maxGradNorm: Double, loggingSteps: Int, saveSteps: Int, saveTotalLimit: Int,
      optimizer: OptimizerChoice = .adamW, epsilon: Double = 1e-8,
      rateFactors: LearningRateFactors = LearningRateFactors(), emaDecay: Double = 0,
      evalSteps: Int = 0, decaySteps: Int = 0, keepsBest: Bool = false, patience: Int = 0,
      configurationHash: String, configuration: String
    ) {
      self.optimizer = optimizer
      self.epsilon = epsilon
      self.rateFactors = rateFactors
      self.emaDecay = emaDecay
      self.keepsBest = keepsBest
      self.patience = patience
      self.evalSteps = evalSteps
      self.decaySteps = decaySteps
      self.stage = stage
      self.steps = steps
      self.schedule = schedule
      self.beta1 = beta1
      self.beta2 = beta2
      self.weightDecay = weightDecay
      self.maxGradNorm = maxGradNorm
      self.loggingSteps = loggingSteps
      self.saveSteps = saveSteps
      self.saveTotalLimit = saveTotalLimit
      self.configurationHash = configurationHash
      self.configuration = configuration
    }
  }

  /// What a look at validation data found.
  public struct Look {
    /// Named values for the log.
    public var values: [(String, Double)]
    /// What the console shows of it; nil for all values.
    public var words: String?
    /// Whether the decay of the learning rate is to begin.
    public var decays: Bool
    /// What looks are compared by, greater is better; nil where they are not.
    public var score: Double?

    /// A look.
    public init(
      values: [(String, Double)], words: String? = nil, decays: Bool = false, score: Double? = nil
    ) {
      self.words = words
      self.values = values
      self.decays = decays
      self.score = score
    }
  }

  private let settings: Settings
  private let model: VisionLanguageModel
  private let directory: CheckpointDirectory
  private let metricsURL: URL
  private let console: Console
  private let optimizer: any Optimizer
  private let baseHash: String
  private let reference: MovingReference?
  private let average: WeightAverage?
  private let observer: (any MetricsObserver)?
  private let team: RankTeam
  private var window = MetricWindow()
  private var totalTokens = 0
  /// Steps that were taken.
  public private(set) var step = 0
  /// Steps of the schedule that are left out because the decay began early.
  private var skippedSteps = 0
  /// The most that a step took since stale buffers were given back, in bytes.
  private var largestUse = 0
  private var best = BestLook()
  private var log: MetricsLog?
  /// Where the log stood at the checkpoint that is gone on from.
  private var resumedPosition: MetricsLog.Position?

  /// - Parameters:
  ///   - checkpoints: Folder of `step-<n>.h5`.
  ///   - metrics: `metrics.jsonl`.
  ///   - baseHash: hash of the model that stays while adapters on it are trained, for checkpoints that hold
  ///     those alone.
  ///   - reference: follows the model, and is kept in checkpoints too.
  ///   - observer: is told each row as it is logged.
  ///   - team: the ranks that take the same steps; the lead alone looks at validation data and writes.
  public init(
    settings: Settings, model: VisionLanguageModel, checkpoints: URL, metrics: URL, console: Console,
    baseHash: String = "", reference: MovingReference? = nil, observer: (any MetricsObserver)? = nil,
    team: RankTeam = .alone
  ) {
    self.observer = observer
    self.team = team
    self.reference = reference
    self.settings = settings
    average = settings.emaDecay > 0 ? WeightAverage(decay: settings.emaDecay) : nil
    self.model = model
    directory = CheckpointDirectory(
      checkpoints, keepLast: settings.saveTotalLimit > 0 ? settings.saveTotalLimit : .max)
    metricsURL = metrics
    self.console = console
    self.baseHash = baseHash
    optimizer = settings.optimizer.optimizer(
      learningRate: settings.schedule.peak, beta1: settings.beta1, beta2: settings.beta2,
      epsilon: settings.epsilon, weightDecay: settings.weightDecay)
  }

  /// Goes on from the newest checkpoint, if there is one.
  /// - Returns: The step it was written after, 0 without one.
  /// - Throws: `CheckpointError` when the newest checkpoint is damaged or of another configuration.
  @discardableResult
  public func resume() throws -> Int {
    guard let (found, url) = try directory.newest() else { return 0 }
    var parameters = ModelState.Loader(model, from: url)
    var moving = reference.map { MovingReference.Loader($0, of: model, from: url) }
    var averaged = average.map { WeightAverage.Loader($0, of: model, from: url) }
    let checkpoint = try TrainingCheckpoint(reading: url) {
      try $0.requireConfiguration(hash: settings.configurationHash, in: url)
      try $0.requireBase(hash: baseHash, named: "this run", in: url)
    } take: { entry in
      if try moving?.take(entry) == true { return }
      if try averaged?.take(entry) != true { try parameters.take(entry) }
    }
    try parameters.finish()
    try moving?.finish()
    try averaged?.finish(step: found)
    try optimizer.load(
      state: checkpoint.optimizer,
      stepCount: found, parameters: model.trainableParameters())
    window = MetricWindow(progress: checkpoint.progress)
    totalTokens = checkpoint.integer("num_tokens") ?? 0
    skippedSteps = checkpoint.integer("skipped_steps") ?? 0
    best = BestLook(progress: checkpoint)
    step = found
    try requireBest()
    if let bytes = checkpoint.integer("metrics_bytes"), let checksum = checkpoint.integer("metrics_crc32") {
      resumedPosition = .init(byteCount: bytes, crc32: UInt32(truncatingIfNeeded: checksum))
    }
    if team.isLead { try directory.removeSuperseded(by: found) }
    step = found
    return found
  }

  /// Runs the remaining steps.
  /// - Parameter look: validates the model.
  /// - Throws: ``TrainingError`` when a loss is not finite, ``InterruptedRun`` when a stop was asked for,
  ///   errors of the objective and of the checkpoint files. Of several ranks all throw the first two in the
  ///   same step.
  public func run(
    _ objective: some TrainingObjective,
    look: (() throws -> Look)? = nil
  ) throws {
    let metrics =
      team.isLead
      ? try MetricsLog(metricsURL, resuming: settings.stage, after: step, expected: resumedPosition) : nil
    log = metrics
    if let metrics { try observer?.opened(metrics) }
    defer { try? metrics?.close() }
    let progress = console.progress(
      settings.stage.rawValue, total: settings.steps - skippedSteps, start: step)
    defer { progress.finish() }
    let parameters = model.trainableParameters()
    let groups = rateGroups(parameters)
    while !isFinished {
      if try team.isAskedToEnd() { throw try interrupted() }
      let rate = settings.schedule.rate(step: step + skippedSteps)
      TensorRuntime.resetPeak()
      let outcome = try Profile.phase("step \(step + 1)") {
        try objective.outcome(ofStep: step, isLogged: mayBeLogged(step + 1))
      }
      try requireFinite("the loss", outcome.loss, objective)
      let norm = Profile.phase("gradient norm") { outcome.gradients.norm(of: parameters) }
      try requireFinite("the gradient's norm", norm, objective)
      Profile.phase("optimizer") {
        optimizer.learningRate = rate
        optimizer.step(
          groups, outcome.gradients,
          gradientScale: settings.maxGradNorm > 0
            ? Gradients.clippingFactor(norm: norm, maximum: settings.maxGradNorm) : 1,
          isDecayed: { $0.parameter.shape.count > 1 })
      }
      returnStaleBuffers()
      step += 1
      try reference?.follow(model, afterStep: step)
      average?.update(model, afterStep: step)
      totalTokens += outcome.tokens
      note(outcome, norm: norm, rate: rate)
      if let look, settings.evalSteps > 0, step % settings.evalSteps == 0 || isFinished {
        try Profile.phase("look") { try withOutcome { try see(look) } }
      }
      if step % settings.loggingSteps == 0 || isFinished {
        let row = row(objective)
        try metrics?.append(row)
        try observer?.logged(row)
        window.reset()
      }
      progress.shorten(to: settings.steps - skippedSteps)
      progress.update(
        step: step, tokens: outcome.tokens,
        fields: [("loss", fixed(outcome.loss, 4))] + outcome.highlights)
      if isFinished || (settings.saveSteps > 0 && step % settings.saveSteps == 0) {
        try requireSameWeights(parameters)
        _ = try Profile.phase("checkpoint") { try save() }
      }
    }
    average?.put(into: model)
    // The others are done; what the model has become is the lead's to keep.
    if settings.keepsBest, team.isLead { try takeBest() }
  }

  /// Every rank took the same steps, or a processor or its memory computes otherwise than the others'.
  private func requireSameWeights(_ parameters: [NamedParameter]) throws {
    guard !team.isAlone else { return }
    let checksum = parameters.reduce(UInt32(0)) { checksum, named in
      named.parameter.tensor.detached().withElementBytes { CRC32.of($0, after: checksum) }
    }
    try team.requireSame([
      ("after step \(step) of \(settings.stage.rawValue) weights of CRC-32", CRC32.digits(checksum))
    ])
  }

  /// Runs something while the model is what it would be if the run ended here.
  private func withOutcome(_ body: () throws -> Void) rethrows {
    if let average { try average.inPlace(of: model, body) } else { try body() }
  }

  /// Parameters that learn at one rate each.
  private func rateGroups(_ parameters: [NamedParameter]) -> [ParameterGroup] {
    Dictionary(grouping: parameters) { settings.rateFactors[$0.name] }
      .sorted { $0.key < $1.key }.map { ParameterGroup($0.value, learningRateFactor: $0.key) }
  }

  /// Whether a row is written after so many steps, or may be.
  private func mayBeLogged(_ steps: Int) -> Bool {
    steps % settings.loggingSteps == 0 || steps + skippedSteps >= settings.steps
      || settings.patience > 0 && settings.evalSteps > 0 && steps % settings.evalSteps == 0
  }

  private var isFinished: Bool {
    step + skippedSteps >= settings.steps || (settings.patience > 0 && best.looksSince >= settings.patience)
  }

  /// Takes a look at validation data, and begins the decay when it says so.
  private func see(_ look: () throws -> Look) throws {
    let seen = try look()
    if let score = seen.score {
      if best.isBetter(score, at: step), settings.keepsBest, team.isLead { try saveBest() }
      if settings.patience > 0, best.looksSince == settings.patience {
        console.message(
          "\(settings.stage.rawValue): ends at step \(step), \(settings.patience) looks after the best one "
            + "at step \(best.step)")
      }
    }
    for (name, value) in seen.values { window.set(name, value) }
    console.message(
      "\(settings.stage.rawValue) step \(step): "
        + (seen.words ?? seen.values.map { "\($0.0) \(fixed($0.1, 3))" }.joined(separator: ", ")))
    let rest = settings.steps - settings.decaySteps - step
    guard seen.decays, skippedSteps == 0, rest > 0 else { return }
    skippedSteps = rest
    console.message("\(settings.stage.rawValue): ends after \(settings.decaySteps) further steps of decay")
  }

  /// Bytes of freed buffers that a loop keeps in any case.
  private static let keptBytes = 256 << 20

  /// Steps of unequal lengths leave buffers of many sizes behind. Once there are more than ``keptBytes`` of
  /// them, and a quarter more than any step used since the last time, they go back to the operating system.
  private func returnStaleBuffers() {
    let used = TensorRuntime.peakBytes - TensorRuntime.bytesInUse
    largestUse = max(largestUse, used)
    guard TensorRuntime.cachedBytes > max(Self.keptBytes, largestUse + largestUse / 4) else { return }
    TensorRuntime.trim()
    largestUse = used
  }

  private func note(_ outcome: StepOutcome, norm: Double, rate: Double) {
    if !outcome.metrics.contains(where: { $0.name == "loss" }) { window.add("loss", outcome.loss) }
    for metric in outcome.metrics { window.add(metric.name, metric.value, weight: metric.weight) }
    window.add("grad_norm", norm)
    window.set("learning_rate", rate)
  }

  private func row(_ objective: some TrainingObjective) -> MetricRow {
    var values = window.means
    values["num_tokens"] = Double(totalTokens)
    values["epoch"] = objective.epoch(afterSteps: step)
    let now = (Date().timeIntervalSince1970 * 1000).rounded() / 1000
    return MetricRow(stage: settings.stage.rawValue, step: step, values: values, wallTime: now)
  }

  private func requireFinite(_ what: String, _ value: Double, _ objective: some TrainingObjective) throws {
    guard !value.isFinite else { return }
    team.agreeToEnd()
    throw TrainingError.notFinite(
      what: what, value: value.isNaN ? "nan" : "\(value)", stage: settings.stage.rawValue, step: step + 1,
      records: objective.recordIDs(ofStep: step), checkpoint: try directory.newest()?.url.path)
  }

  private func interrupted() throws -> InterruptedRun {
    let place = "\(settings.stage.rawValue) step \(step) of \(settings.steps)"
    guard team.isLead else { return InterruptedRun(place: place, checkpoint: nil) }
    let url = try directory.newest().flatMap { $0.step == step ? $0.url : nil } ?? save()
    return InterruptedRun(place: place, checkpoint: url.path)
  }

  /// Writes a checkpoint; nothing on ranks that do not.
  @discardableResult
  private func save() throws -> URL {
    guard team.isLead else { return directory.file(step: step) }
    // The copies that are written take the place of buffers that wait for the next step.
    if TensorRuntime.cachedBytes > Self.keptBytes { TensorRuntime.trim() }
    var progress = window.progress
    progress["step"] = .integer(Int64(step))
    progress["num_tokens"] = .integer(Int64(totalTokens))
    if skippedSteps > 0 { progress["skipped_steps"] = .integer(Int64(skippedSteps)) }
    progress.merge(best.progress) { $1 }
    if let log {
      // What the checkpoint counts on is on disk before it is.
      try log.synchronize()
      progress["metrics_bytes"] = .integer(Int64(log.position.byteCount))
      progress["metrics_crc32"] = .integer(Int64(log.position.crc32))
    }
    return try directory.save(
      TrainingCheckpoint(
        model: ModelState.entries(of: model) + (reference?.entries(of: model) ?? [])
          + (average?.entries ?? []),
        optimizer: optimizer.namedState(),
        progress: progress, configuration: settings.configuration,
        configurationHash: settings.configurationHash, codeVersion: PackageVersion.current,
        baseHash: baseHash),
      step: step)
  }

  /// The step whose weights the model has at the end.
  public var weightsStep: Int { settings.keepsBest && best.step > 0 ? best.step : step }

  /// The best look with what it was compared by, greater is better; nil without looks that are compared.
  public var bestLook: (step: Int, score: Double)? { best.step > 0 ? (best.step, best.score) : nil }

  /// The file of the best look's weights beside the checkpoints.
  private var bestFile: URL { directory.url.appendingPathComponent("best.h5") }

  /// Tells before the last step that the weights of the best look are gone.
  private func requireBest() throws {
    guard settings.keepsBest, best.step > 0, best.step != step,
      !FileManager.default.fileExists(atPath: bestFile.path)
    else { return }
    throw CheckpointError(
      .cannotOpen, file: bestFile.path, found: "no such file",
      expected:
        "the weights of step \(best.step), the best look's; --redo \(settings.stage.rawValue) trains again")
  }

  private func saveBest() throws {
    try TrainingCheckpoint(
      model: ModelState.entries(of: model), progress: ["step": .integer(Int64(step))],
      configuration: settings.configuration, configurationHash: settings.configurationHash,
      codeVersion: PackageVersion.current, baseHash: baseHash
    ).write(to: bestFile)
  }

  /// Gives the model the weights of the best look.
  private func takeBest() throws {
    guard best.step > 0, best.step != step else { return }
    try requireBest()
    var parameters = ModelState.Loader(model, from: bestFile)
    let checkpoint = try TrainingCheckpoint(reading: bestFile) {
      try $0.requireConfiguration(hash: settings.configurationHash, in: bestFile)
      try $0.requireBase(hash: baseHash, named: "this run", in: bestFile)
    } take: {
      try parameters.take($0)
    }
    try parameters.finish()
    guard checkpoint.integer("step") == best.step else {
      throw CheckpointError(
        .mismatch, file: bestFile.path, at: "/progress/step",
        found: checkpoint.integer("step").map { "step \($0)" } ?? "no step",
        expected: "step \(best.step), the best look's; --redo \(settings.stage.rawValue) trains again")
    }
    console.message("\(settings.stage.rawValue): takes the weights of step \(best.step), the best look")
  }
}
