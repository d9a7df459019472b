import Foundation

/// Training in rounds (`train.rounds`): a run of N rounds has the run of its first N − 1 rounds in the folder
/// `earlier_round`, whose trained model answers the prompts, and is trained on, in the last one.
extension RunConfiguration {
  static let earlierRoundFolder = "earlier_round"

  /// The run that has all rounds but the last; `nil` in a run of one.
  func earlierRound() -> RunConfiguration? {
    guard train.rounds > 1 else { return nil }
    var earlier = self
    earlier.train.rounds -= 1
    earlier.run.outputDirectory =
      run.outputDirectory + (run.outputDirectory.hasSuffix("/") ? "" : "/") + Self.earlierRoundFolder
    return earlier
  }

  /// The model that answers the prompts and that preference optimization starts from, which is its reference
  /// too: the base model in the first round, otherwise what the round before made of it.
  func startingModel(in directory: URL) -> URL {
    earlierRound()?.trainedModel(
      in: directory.appendingPathComponent(Self.earlierRoundFolder, isDirectory: true))
      ?? baseModel(in: directory)
  }

  /// What companions, places and answers are drawn with: other ones in each round.
  var roundSeed: UInt64 { run.seed &+ UInt64(max(train.rounds, 1) - 1) &* 0x9E37_79B9_7F4A_7C15 }
}

extension RunDirectory {
  /// The folders of a run and of the rounds before its last one, from the last.
  static func rounds(of run: URL) -> [URL] {
    Array(
      sequence(first: run) { folder in
        let earlier = folder.appendingPathComponent(RunConfiguration.earlierRoundFolder)
        return FileManager.default.fileExists(atPath: earlier.path) ? earlier : nil
      })
  }
}

extension Pipeline {
  /// Finishes the rounds before the last one, which take over what they have in common with this run.
  /// - Throws: as ``run(_:)``, and ``EarlierRoundError``.
  func finish(_ earlier: RunConfiguration, in directory: RunDirectory) throws {
    let stages: [Stage] = [.sft, .compose, .select, .train]
    let place = directory.file(RunConfiguration.earlierRoundFolder)
    let isFinished = stages.allSatisfy { isDone($0, of: earlier, in: place) }
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
        takingFrom: others + [directory.url]
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
