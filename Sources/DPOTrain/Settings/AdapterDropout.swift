import Tensor

/// Dropout on the inputs of adapters while a step is trained (PEFT's `lora_dropout`).
///
/// What is dropped is a function of the seed, the step, the place of a micro-batch in it, the adapter and the
/// rows of the micro-batch: a run that goes on from a checkpoint drops what an uninterrupted one does, and
/// other micro-batches, or answers that do not share their prompts, drop something else.
public struct AdapterDropout: Sendable {
  /// How likely an element is dropped.
  public var probability: Double
  private let generator: RandomGenerator

  /// - Precondition: the probability is at least 0 and below 1.
  public init(probability: Double, seed: UInt64) {
    tensorRequire(
      probability >= 0 && probability < 1, "AdapterDropout",
      "a probability of at least 0 and below 1 is needed, found \(probability)")
    self.probability = probability
    generator = RandomGenerator(seed: seed, stream: 0x4452_4F50)
  }

  /// What the adapters of one micro-batch draw from.
  func generator(step: Int, start: Int) -> RandomGenerator {
    generator.split(UInt64(step)).split(UInt64(start))
  }
}
