import DPOTrain
import Foundation
import MultiImageData
import Ranks
import Records
import Tensor

/// What a rank has read of the run's inputs before it began.
public struct RankInputs {
  /// The pairs of a run that brings its own.
  let ownPairs: OwnPairs?
  /// The data.
  let source: any QuestionSource
  /// Digests of the files outside the run, by the key that names them.
  let digests: [String: String]
  /// These files as they were at the start.
  let atStart: OutsideFiles.AtStart
}

/// What is compared among ranks before anything is written, so that a step is the same on all of them.
public struct RankChecks {
  private let team: RankTeam

  /// Checks of a team.
  public init(_ team: RankTeam) { self.team = team }

  /// Compares program, machine, configuration and files.
  /// - Returns: what this rank has read.
  /// - Throws: on the lead one sentence: what differs and on which rank, or what cannot be done over ranks;
  ///   `RankError.leadStopped` on the others.
  public func run(_ configuration: RunConfiguration) throws -> RankInputs {
    try team.requireSame(Self.program)
    try team.requireSame(Self.machine)
    try team.requireSame(configuration.values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    try team.agreed { try Self.require(configuration, ranks: team.count) }
    let inputs = try team.agreed { try Self.inputs(of: configuration) }
    try team.requireSame(
      inputs.digests.sorted { $0.key < $1.key }.map {
        ("files of \($0.key) with the digest", Self.short($0.value))
      }
    )
    return inputs
  }

  /// The program itself.
  static var program: [(name: String, value: String)] {
    let file = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    return [
      ("dpotrain", PackageVersion.current),
      ("a program of SHA-256", (try? Digest.of(file: file)).map(short) ?? "unknown"),
    ]
  }

  /// What rounding depends on beside the program.
  static var machine: [(name: String, value: String)] {
    let compared = ["threads", "openblas core", "cpu features", "bfloat16 products"]
    return EnvironmentReport().entries.filter { compared.contains($0.name) }.map {
      ($0.name == "threads" ? "run.threads" : $0.name, $0.value)
    }
  }

  /// - Throws: `RankError.refused` for a configuration that cannot be trained over so many ranks.
  static func require(_ configuration: RunConfiguration, ranks: Int) throws {
    let train = configuration.train
    let batch = train.perDeviceTrainBatchSize * train.gradientAccumulationSteps
    if let problem = problem(ranks: ranks, pairs: batch) { throw RankError.refused(problem) }
    let losses = train.lossType.compactMap { name in PreferenceLoss.registry.first { $0.name == name } }
    if ranks > 1, let whole = losses.first(where: { !$0.isPerPair }) {
      throw RankError.refused(
        "found train.loss_type \(whole.name) over \(ranks) ranks, expected one rank: this loss compares all "
          + "pairs of a step with each other")
    }
  }

  /// What stands against so many ranks for a step of so many pairs.
  static func problem(ranks: Int, pairs: Int) -> String? {
    guard ranks > pairs else { return nil }
    return "found \(ranks) ranks for \(pairs) pairs in a step, expected at most a rank for each pair "
      + "(train.per_device_train_batch_size × train.gradient_accumulation_steps, whatever the ranks)"
  }

  private static func inputs(of configuration: RunConfiguration) throws -> RankInputs {
    let place = URL(fileURLWithPath: configuration.run.outputDirectory, isDirectory: true)
    let pictures = PictureCheck(console: .silent, remembering: place)
    let ownPairs = try OwnPairs(configuration)
    let source = try configuration.questionSource(pictures: pictures, collects: true)
    let files = OutsideFiles(configuration, source: source, ownPairs: ownPairs)
    let atStart = files.atStart()
    return RankInputs(
      ownPairs: ownPairs, source: source, digests: files.digests(remembering: place), atStart: atStart)
  }

  private static func short(_ digest: String) -> String { String(digest.prefix(12)) }
}
