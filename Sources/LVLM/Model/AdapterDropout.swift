import Tensor

extension VisionLanguageModel {
  /// Runs something in which every adapter drops elements of its input; afterwards none does.
  ///
  /// What an adapter drops depends on `generator`, its own place among the adapters and the shape of its
  /// input: a pass that is computed again drops the same.
  /// - Parameters:
  ///   - probability: how likely an element is dropped, from 0 to below 1.
  ///   - generator: each adapter draws from a split of it.
  package func withAdapterDropout<Result>(
    _ probability: Double, from generator: RandomGenerator, _ body: () throws -> Result
  ) rethrows -> Result {
    for (index, adapter) in adapters.enumerated() {
      adapter.inputDropout = (probability, generator.split(UInt64(index)))
    }
    defer { for adapter in adapters { adapter.inputDropout = nil } }
    return try body()
  }
}
