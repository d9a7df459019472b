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
