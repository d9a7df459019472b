import Tensor

/// The order in which records are visited: a fresh permutation per epoch, computed from the seed and a
/// position.
///
/// It holds no state, so resuming needs nothing but the number of finished steps. An epoch's last step has
/// the records that are left; steps never mix two epochs.
public struct RecordSampler: Sendable {
  /// Records of an epoch.
  public let recordCount: Int
  /// Records of one optimizer step.
  public let batchSize: Int
  private let generator: RandomGenerator

  /// - Precondition: both counts are positive.
  public init(recordCount: Int, batchSize: Int, seed: UInt64) {
    tensorRequire(recordCount > 0 && batchSize > 0, "RecordSampler", "counts must be positive")
    self.recordCount = recordCount
    self.batchSize = batchSize
    generator = RandomGenerator(seed: seed)
  }

  /// Optimizer steps of an epoch.
  public var stepsPerEpoch: Int { (recordCount + batchSize - 1) / batchSize }

  /// Number of optimizer steps of `epochs` epochs.
  public func steps(epochs: Int) -> Int { stepsPerEpoch * epochs }

  /// Finished epochs after `step` steps, with the fraction of the current one, as TRL logs it.
  public func epoch(afterSteps step: Int) -> Double {
    let (whole, part) = step.quotientAndRemainder(dividingBy: stepsPerEpoch)
    return Double(whole) + Double(min(part * batchSize, recordCount)) / Double(recordCount)
  }

  /// The visiting order of one epoch.
  /// - Complexity: O(records).
  public func permutation(ofEpoch epoch: Int) -> [Int] {
    var own = generator.split(UInt64(epoch))
    return own.permutation(recordCount)
  }

  /// The records of step `step`, counted from 0 over all epochs.
  /// - Complexity: O(records); use ``Cursor`` in a loop.
  public func records(ofStep step: Int) -> [Int] {
    var cursor = Cursor(self)
    return cursor.records(ofStep: step)
  }

  /// Keeps the permutation of the current epoch between steps.
  public struct Cursor {
    private let sampler: RecordSampler
    private var epoch = -1
    private var order: [Int] = []

    /// A cursor that has computed nothing yet.
    public init(_ sampler: RecordSampler) { self.sampler = sampler }

    /// The records of step `step`, counted from 0 over all epochs.
    public mutating func records(ofStep step: Int) -> [Int] {
      let (wanted, part) = step.quotientAndRemainder(dividingBy: sampler.stepsPerEpoch)
      if wanted != epoch {
        epoch = wanted
        order = sampler.permutation(ofEpoch: wanted)
      }
      let start = part * sampler.batchSize
      return Array(order[start..<min(start + sampler.batchSize, order.count)])
    }
  }
}
