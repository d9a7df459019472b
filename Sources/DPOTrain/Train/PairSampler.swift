/// The pairs of each step: those with several images in a fresh order per epoch, and beside them, where asked
/// for, a fixed share of single-image pairs, which start over on their own when they are used up.
public struct PairSampler: Sendable {
  private let several: [Int]
  private let single: [Int]
  private let main: RecordSampler
  private let ballast: RecordSampler?

  /// - Parameters:
  ///   - isSingle: For each pair whether it has one image as it came, not composed.
  ///   - singleShare: Share of single-image pairs in a step; 0 treats all pairs alike.
  /// - Precondition: There is a pair. Where all are of one sort, `singleShare` has no effect.
  public init(isSingle: [Bool], batchSize: Int, singleShare: Double, seed: UInt64) {
    let own = singleShare > 0 ? Int((Double(batchSize) * singleShare).rounded()) : 0
    if own == 0 || Set(isSingle).count < 2 {
      several = Array(isSingle.indices)
      single = []
      main = RecordSampler(recordCount: isSingle.count, batchSize: batchSize, seed: seed)
      ballast = nil
    } else {
      several = isSingle.indices.filter { !isSingle[$0] }
      single = isSingle.indices.filter { isSingle[$0] }
      main = RecordSampler(recordCount: several.count, batchSize: max(batchSize - own, 1), seed: seed)
      ballast = RecordSampler(
        recordCount: single.count, batchSize: min(own, single.count), seed: seed ^ 0x5349_4E47_4C45)
    }
  }

  /// Steps in which every pair with several images is seen once.
  public var stepsPerEpoch: Int { main.stepsPerEpoch }

  /// Epochs finished after `step` steps, counted on the pairs with several images.
  public func epoch(afterSteps step: Int) -> Double { main.epoch(afterSteps: step) }

  /// Indices of the pairs of step `step`, counted from 0 over all epochs.
  public func pairs(ofStep step: Int) -> [Int] {
    main.records(ofStep: step).map { several[$0] }
      + (ballast?.records(ofStep: step).map { single[$0] } ?? [])
  }
}
