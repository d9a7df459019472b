import Checkpoint
import DPOTrain
import Foundation
import MultiImageData
import Ranks
import Records
import Tensor

/// What a rank other than the lead does: waits while the lead works alone, takes its share of answers and of
/// training, and writes nothing.
public struct Follower {
  private let team: RankTeam
  private let configuration: RunConfiguration
  private let inputs: RankInputs
  private let isPatient: Bool

  /// - Parameters:
  ///   - inputs: the run's data, as ``RankChecks`` has read them.
  ///   - isPatient: whether files that the lead has just written may take a while to be seen here, as on a
  ///     network file system.
  public init(
    _ configuration: RunConfiguration, inputs: RankInputs, team: RankTeam, isPatient: Bool = true
  ) {
    self.configuration = configuration
    self.inputs = inputs
    self.team = team
    self.isPatient = isPatient
  }

  /// Follows the lead until it ends the run.
  /// - Returns: the exit status that the lead ends with.
  public func run() -> Int32 {
    while true {
      do {
        switch try RankOrder.receive(from: team) {
        case .end(let status): return status
        case .work(let work): try team.together { try take(work) }
        }
      } catch RankError.askedToEnd {
        team.fail(RankError.askedToEnd)
      } catch {
        // All know of it, and the lead says it: it ends the run next.
        if !team.hasAgreedToEnd { team.fail(error) }
      }
    }
  }

  private func take(_ order: RankOrder.Work) throws {
    let configuration =
      order.yaml == self.configuration.yaml
      ? self.configuration : try RunConfiguration(yaml: order.yaml, file: "config.yaml")
    let directory = try directory(configuration, order)
    let console = Console.silent
    let pictures = PictureCheck(console: console, remembering: directory.url)
    var ownPairs = inputs.ownPairs
    if let own = ownPairs {
      ownPairs = try RunPreparation(
        configuration: configuration, directory: directory.url, console: console, pictures: pictures
      ).prepared(own)
    }
    let omissions = OmissionLog(
      directory.url, policy: configuration.run.onBadRecord, console: console, isReadOnly: true)
    let context = StageContext(
      configuration: configuration, directory: directory, console: console, source: inputs.source,
      omissions: omissions, pictureCheck: pictures, ownPairs: ownPairs, outside: inputs.atStart, team: team)
    switch order.part {
    case .answers: try AnsweringStep(context: context).follow()
    case .train: try TrainStage(context: context).run()
    case .before, .evaluate: try EvaluateStage(context: context).follow(order.part)
    case .sft, .compose, .select, .questions, .report:
      throw RankError.refused("found an order to make \(order.part), which rank 0 does alone")
    }
    TensorRuntime.trim()
  }

  /// The run as the lead sees it.
  /// - Throws: `RankError.refused` where this machine sees another one.
  private func directory(
    _ configuration: RunConfiguration, _ order: RankOrder.Work
  ) throws -> RunDirectory {
    var tries = isPatient ? 120 : 1
    while true {
      tries -= 1
      let directory = try? RunDirectory(following: configuration, outside: inputs.digests)
      let checkpoints = directory?.file("checkpoints")
      let newest = try checkpoints.flatMap { try CheckpointDirectory($0).newest() }?.step ?? 0
      if let directory, directory.identity(of: order.part) == order.identity, newest == order.step {
        return directory
      }
      guard tries > 0 else {
        throw RankError.refused(
          "\(configuration.run.outputDirectory): found another content than on rank 0, expected a folder "
            + "that all ranks see")
      }
      usleep(500_000)
    }
  }
}
