import LVLM

/// Prompts the base model already answers right, whose answers are kept alive by the NLL term.
///
/// Preference pairs show the model only prompts it got wrong. Alone they teach it to answer the other way
/// round wherever it had been guessing; a few right answers in every step (single images and composed ones)
/// keep what it could do. They have no rejected answer and take no part in the preference loss.
public struct Ballast: Sendable {
  /// Prompts with one answer each, the right one.
  public var examples: [EncodedPair]
  private let sampler: RecordSampler

  /// - Parameters:
  ///   - examples: prompts with one completion each.
  ///   - perStep: how many of them an optimizer step sees.
  /// - Precondition: there is an example, and `perStep` is positive.
  public init(_ examples: [EncodedPair], perStep: Int, seed: UInt64) {
    self.examples = examples
    sampler = RecordSampler(
      recordCount: examples.count, batchSize: min(perStep, examples.count), seed: seed ^ 0x4241_4C4C_4153_54)
  }

  /// The examples of step `step`, counted from 0 over all epochs.
  public func examples(ofStep step: Int) -> [EncodedPair] {
    sampler.records(ofStep: step).map { examples[$0] }
  }
}
