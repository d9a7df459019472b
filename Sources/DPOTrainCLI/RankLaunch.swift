import ArgumentParser
import Foundation
import Ranks

/// What a launcher has started: how many processes of this program, and which one this is.
struct RankLaunch: Equatable {
  /// The variable that says how many there are.
  let variable: String
  /// How many.
  let size: Int
  /// The number of this process, where the launcher says it.
  let rank: Int?

  /// Variables of launchers: Open MPI's `mpirun`, other MPIs, Slurm's `srun`, `torchrun`.
  private static let variables = [
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"), ("PMI_SIZE", "PMI_RANK"),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"), ("WORLD_SIZE", "RANK"),
  ]

  /// - Returns: nil for a process that was started alone.
  init?(environment: [String: String] = ProcessInfo.processInfo.environment) {
    for (variable, number) in Self.variables {
      guard let text = environment[variable], let size = Int(text), size > 1 else { continue }
      (self.variable, self.size, rank) = (variable, size, environment[number].flatMap(Int.init))
      return
    }
    return nil
  }

  /// The processes that train together: this one alone where no launcher started more.
  /// - Throws: ``SeveralProcesses`` where they would not know of each other, which all but the first leave
  ///   unsaid.
  static func team() throws -> RankTeam {
    guard let launch = RankLaunch() else { return .alone }
    #if MPI
      guard launch.variable != "WORLD_SIZE" else { throw launch.refusal("mpirun or srun starts several") }
      let group = try MPIRanks()
      guard group.count == launch.size else {
        group.leave()
        throw launch.refusal("MPI knows of \(group.count); with Slurm, srun --mpi=pmix or mpirun starts them")
      }
      return try RankTeam(group)
    #else
      throw launch.refusal(
        "this build trains on one machine; build it with --traits Server,MPI, or start it without the "
          + "launcher"
      )
    #endif
  }

  /// One sentence, said by the first process.
  private func refusal(_ remedy: String) -> any Error {
    (rank ?? 0) == 0 ? SeveralProcesses(variable: variable, size: size, remedy: remedy) : ExitCode(1)
  }
}

/// A launcher started more processes than this build can use.
struct SeveralProcesses: Error, CustomStringConvertible {
  let variable: String
  let size: Int
  let remedy: String
  var description: String { "found \(variable)=\(size), expected a single process: \(remedy)" }
}
