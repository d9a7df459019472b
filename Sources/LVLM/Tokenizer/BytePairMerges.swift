/// Byte-pair encoding: pairs of neighbours are joined in the order of a list, the leftmost of equals first.
/// (Sennrich et al. 2016, arXiv:1508.07909.)
struct BytePairMerges: Sendable {
  private struct Merge {
    var rank: Int32
    var merged: Int32
  }
  private var merges: [UInt64: Merge] = [:]

  init() {}

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// Adds the next merge of the list; a pair that is there already keeps its place.
  mutating func append(_ left: Int32, _ right: Int32, merged: Int32) {
    let key = Self.key(left, right)
    if merges[key] == nil { merges[key] = Merge(rank: Int32(merges.count), merged: merged) }
  }

  /// The pairs in the order they are joined, and what they become.
  var ordered: [(left: Int32, right: Int32, merged: Int32)] {
    merges.sorted { $0.value.rank < $1.value.rank }.map { key, merge in
      (
        Int32(bitPattern: UInt32(truncatingIfNeeded: key >> 32)),
        Int32(bitPattern: UInt32(truncatingIfNeeded: key)), merge.merged
      )
    }
  }

  /// Joins neighbours until no pair of the list is left.
  ///
  /// - Complexity: quadratic in the number of symbols of one word, with a small constant.
  func apply(to symbols: [Int32]) -> [Int32] {
    var symbols = symbols
    guard symbols.count > 1 else { return symbols }
    let none = Merge(rank: .max, merged: 0)
    // For each symbol the merge with its right neighbour.
    var candidates = (0..<symbols.count - 1).map { merges[Self.key(symbols[$0], symbols[$0 + 1])] ?? none }
    while true {
      var best = -1
      var rank = Int32.max
      for index in candidates.indices where candidates[index].rank < rank {
        best = index
        rank = candidates[index].rank
      }
      guard best >= 0 else { return symbols }
      symbols[best] = candidates[best].merged
      symbols.remove(at: best + 1)
      candidates.remove(at: best)
      if best > 0 { candidates[best - 1] = merges[Self.key(symbols[best - 1], symbols[best])] ?? none }
      if best < candidates.count {
        candidates[best] = merges[Self.key(symbols[best], symbols[best + 1])] ?? none
      }
    }
  }
}
