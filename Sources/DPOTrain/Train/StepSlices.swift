/// How a step's pairs and ballast go through the model: in micro-batches, and each of those on one rank.
///
/// Micro-batch *i* is rank *i mod N*'s, so that gradients that are added round by round in the order of ranks
/// are added in the order of micro-batches: what a process alone does. Where there are fewer micro-batches
/// than ranks, they are cut so that every rank has one, as far as there are pairs.
package struct StepSlices {
  /// A micro-batch.
  package enum Slice: Equatable {
    /// Of these pairs of the step.
    case pairs(Range<Int>)
    /// Of these examples of its ballast.
    case ballast(Range<Int>)
  }

  /// All micro-batches of the step in their order.
  package let all: [Slice]
  private let ranks: Int

  /// - Parameter microBatch: pairs that go through the model at a time.
  package init(pairs: Int, ballast: Int, microBatch: Int, ranks: Int = 1) {
    self.ranks = ranks
    let whole = Self.slices(pairs, ballast, size: microBatch)
    guard whole.count < ranks else {
      all = whole
      return
    }
    all = Self.slices(pairs, ballast, size: min(microBatch, max(1, (pairs + ballast + ranks - 1) / ranks)))
  }

  private static func slices(_ pairs: Int, _ ballast: Int, size: Int) -> [Slice] {
    func ranges(_ count: Int) -> [Range<Int>] {
      stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }
    return ranges(pairs).map(Slice.pairs) + ranges(ballast).map(Slice.ballast)
  }

  /// How many micro-batches the ranks with most have.
  package var rounds: Int { (all.count + ranks - 1) / ranks }

  /// What a rank computes in a round, counted from 0; nil where nothing is left for it.
  package func slice(ofRank rank: Int, round: Int) -> Slice? {
    let index = round * ranks + rank
    return index < all.count ? all[index] : nil
  }
}
