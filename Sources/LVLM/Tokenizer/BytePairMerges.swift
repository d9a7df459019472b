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
  /// - Complexity: n·log n in the number of symbols of one word; quadratic, which is faster, for short ones.
  func apply(to symbols: [Int32]) -> [Int32] {
    symbols.count <= Self.short ? applyToShort(symbols) : applyToLong(symbols)
  }

  /// Symbols up to which a word is looked through for every merge, which with 2048 symbols takes three
  /// quarters of the queue's time, with 4096 a third more than it.
  private static let short = 2048

  private func applyToShort(_ word: [Int32]) -> [Int32] {
    var symbols = word
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

  private func applyToLong(_ word: [Int32]) -> [Int32] {
    var symbols = word
    // The places of the symbols beside each that is left; a place that was joined to another has no symbol.
    var behind = Array(1...word.count)
    var before = Array(-1..<word.count - 1)
    var queue = MergeQueue()
    func offer(_ left: Int) {
      guard left >= 0, behind[left] < word.count else { return }
      let pair = Self.key(symbols[left], symbols[behind[left]])
      if let merge = merges[pair] { queue.insert(.init(rank: merge.rank, place: left, pair: pair)) }
    }
    for place in word.indices.dropLast() { offer(place) }
    while let next = queue.popFirst() {
      let (left, right) = (next.place, behind[next.place])
      // One of the two has been joined to something else meanwhile.
      guard symbols[left] >= 0, right < word.count, Self.key(symbols[left], symbols[right]) == next.pair,
        let merge = merges[next.pair]
      else { continue }
      (symbols[left], symbols[right]) = (merge.merged, -1)
      behind[left] = behind[right]
      if behind[left] < word.count { before[behind[left]] = left }
      offer(before[left])
      offer(left)
    }
    return symbols.filter { $0 >= 0 }
  }
}

/// Merges that can be done, the first of the list before others, and of the same one the leftmost.
private struct MergeQueue {
  struct Entry {
    var rank: Int32
    var place: Int
    /// The two symbols that were there.
    var pair: UInt64

    func isBefore(_ other: Entry) -> Bool { (rank, place) < (other.rank, other.place) }
  }

  /// A binary heap.
  private var entries: [Entry] = []

  mutating func insert(_ entry: Entry) {
    entries.append(entry)
    var child = entries.count - 1
    while child > 0, entries[child].isBefore(entries[(child - 1) / 2]) {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func popFirst() -> Entry? {
    guard let first = entries.first, let last = entries.popLast() else { return nil }
    guard !entries.isEmpty else { return first }
    entries[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
        if entries[child].isBefore(entries[least]) { least = child }
      }
      guard least != parent else { return first }
      entries.swapAt(parent, least)
      parent = least
    }
  }
}
