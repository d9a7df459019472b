import Checkpoint
import Foundation
import Ranks
import Records

/// What the lead tells ranks that wait.
enum RankOrder {
  /// What is done together, and how it finds its run.
  struct Work: Codable, Equatable {
    /// The part of the run that it makes.
    var part: RunPart
    /// What that part must be made for.
    var identity: String
    /// The newest checkpoint's step, 0 without one.
    var step: Int
    /// The configuration of the run, which may be that of an earlier round.
    var yaml: String
  }

  /// Take part from here.
  case work(Work)
  /// The run is over, with an exit status.
  case end(Int32)

  /// Tells it; the others wait for it.
  func send(to team: RankTeam) throws {
    _ = try team.shared {
      switch self {
      case .work(let work): try Array(JSONEncoder().encode(work))
      case .end(let status): Array("\(status)".utf8)
      }
    }
  }

  /// Waits for the lead.
  /// - Throws: `RankError.askedToEnd` where this rank was asked to end and the lead did not end the run.
  static func receive(from team: RankTeam) throws -> RankOrder {
    let bytes = try team.shared(patience: RankTeam.patience) { [] }
    if let status = Int32(String(decoding: bytes, as: UTF8.self)) { return .end(status) }
    return .work(try JSONDecoder().decode(Work.self, from: Foundation.Data(bytes)))
  }
}

extension StageContext {
  /// Runs on all ranks what makes a part of the run: the others join in when they are told to, each with the
  /// files that are there by then.
  /// - Throws: what `body` throws that all ranks have; any other error ends them all.
  func together(_ part: RunPart, _ body: () throws -> Void) throws {
    guard !team.isAlone else { return try body() }
    let newest = try CheckpointDirectory(directory.checkpoints).newest()?.step
    try RankOrder.work(
      RankOrder.Work(
        part: part, identity: directory.identity(of: part), step: newest ?? 0,
        yaml: configuration.yaml)
    ).send(to: team)
    console.message("\(part.stage.rawValue): over \(team.count) ranks")
    try team.together(body)
  }
}

extension RankTeam {
  /// Tells the other ranks that the run is over, and leaves.
  public func end(status: Int32) {
    if !isAlone { try? RankOrder.end(status).send(to: self) }
    group.leave()
  }
}
