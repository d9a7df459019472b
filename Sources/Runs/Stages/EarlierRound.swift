import Foundation
import Records

extension Pipeline {
  /// Finishes the rounds before the last one, which take over what they have in common with this run.
  /// - Throws: as ``run(_:)``, and ``EarlierRoundError``.
  /// - Parameters:
  ///   - outside: digests of the files outside the run that count, by the key that names them.
  ///   - accepted: keys whose files are taken as they are.
  func finish(
    _ earlier: RunConfiguration, in directory: RunDirectory, outside: [String: String],
    accepting accepted: [String]
  ) throws {
    let stages: [Stage] = [.sft, .compose, .select, .train]
    let place = directory.file(RunConfiguration.earlierRoundFolder)
    let isFinished = stages.allSatisfy { isDone($0, of: earlier, in: place, outside: outside) }
    // A round says its number when it begins: this one may have rounds before it.
    if isFinished {
      console.message("round \(earlier.train.rounds): done before")
    } else if earlier.train.rounds == 1 {
      console.message("round 1")
    }
    // Also where it is done: its files are compared with their checksums.
    do {
      try Pipeline(
        configuration: earlier, console: isFinished ? console.progressOnly : console,
        takingFrom: others + [directory.url], accepting: accepted, team: team
      ).run(stages)
    } catch let error as RunDirectoryError {
      throw EarlierRoundError(configuration: place.appendingPathComponent("config.yaml").path, error: error)
    }
    directory.readEarlierRound()
    if !isFinished { console.message("round \(earlier.train.rounds + 1)") }
  }
}

/// What stands against a round before the last one, whose files are those of a run of its own.
struct EarlierRoundError: Error, CustomStringConvertible {
  /// Its `config.yaml`.
  let configuration: String
  /// The error of that run.
  let error: RunDirectoryError

  var description: String { "\(error); of the run --config \(configuration), which takes these options" }
}
