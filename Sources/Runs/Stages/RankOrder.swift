import Foundation
import Ranks

/// What the lead tells ranks that wait.
enum RankOrder {
  /// How a stage of training finds its run.
  struct Training: Codable, Equatable {
    /// What checkpoints must have been written for.
    var identity: String
    /// The newest checkpoint's step, 0 without one.
    var step: Int
    /// The configuration of the run, which may be that of an earlier round.
    var yaml: String
  }

  /// Train together from here.
  case train(Training)
  /// The run is over, with an exit status.
  case end(Int32)

  /// Tells it; the others wait for it.
  func send(to team: RankTeam) throws {
    _ = try team.shared {
      switch self {
      case .train(let training): try Array(JSONEncoder().encode(training))
      case .end(let status): Array("\(status)".utf8)
      }
    }
  }

  /// Waits for the lead.
  /// - Throws: `RankError.askedToEnd` where this rank was asked to end and the lead did not end the run.
  static func receive(from team: RankTeam) throws -> RankOrder {
    let bytes = try team.shared(patience: RankTeam.patience) { [] }
    if let status = Int32(String(decoding: bytes, as: UTF8.self)) { return .end(status) }
    return .train(try JSONDecoder().decode(Training.self, from: Foundation.Data(bytes)))
  }
}

extension RankTeam {
  /// Tells the other ranks that the run is over, and leaves.
  public func end(status: Int32) {
    if !isAlone { try? RankOrder.end(status).send(to: self) }
    group.leave()
  }
}
