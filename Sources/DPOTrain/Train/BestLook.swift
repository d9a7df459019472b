import Checkpoint

/// Which look at validation data was the best one so far; goes into checkpoints.
struct BestLook {
  /// The step it was taken after; 0 before any.
  private(set) var step = 0
  /// Looks since.
  private(set) var looksSince = 0
  /// Its score, greater is better.
  private(set) var score = -Double.infinity

  init() {}

  /// Compares a look with the best one: whether it takes its place. What is no number is never better.
  mutating func isBetter(_ score: Double, at step: Int) -> Bool {
    guard score > self.score || (self.step == 0 && !score.isNaN) else {
      looksSince += 1
      return false
    }
    (self.score, self.step, looksSince) = (score, step, 0)
    return true
  }

  /// The content as values of a checkpoint; none before the first look.
  var progress: [String: TrainingCheckpoint.Progress] {
    guard step > 0 || looksSince > 0 else { return [:] }
    return [
      "best_step": .integer(Int64(step)), "best_score": .real(score),
      "looks_since_best": .integer(Int64(looksSince)),
    ]
  }

  /// Restores ``progress``.
  init(progress checkpoint: TrainingCheckpoint) {
    step = checkpoint.integer("best_step") ?? 0
    score = checkpoint.real("best_score") ?? -.infinity
    looksSince = checkpoint.integer("looks_since_best") ?? 0
  }
}
