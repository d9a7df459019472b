/// Splits records into batches by the number of tokens they bring, so that memory is bounded and no row is
/// wasted.
public enum TokenBatches {
  /// Consecutive runs of at most `maximumRecords` records whose tokens add up to at most `budget`.
  ///
  /// A record longer than the budget gets a batch of its own.
  /// - Returns: Ranges that cover `0 ..< lengths.count` in order.
  public static func consecutive(
    lengths: [Int], budget: Int, maximumRecords: Int = .max
  ) -> [Range<Int>] {
    var batches: [Range<Int>] = []
    var start = 0
    var tokens = 0
    for (index, length) in lengths.enumerated() {
      if index > start, tokens + length > budget || index - start >= maximumRecords {
        batches.append(start..<index)
        start = index
        tokens = 0
      }
      tokens += length
    }
    if start < lengths.count { batches.append(start..<lengths.count) }
    return batches
  }

  /// Batches of records of similar length, longest last; ties keep their order.
  /// - Returns: Indices into `lengths`; every index occurs once.
  public static func byLength(lengths: [Int], budget: Int, maximumRecords: Int = .max) -> [[Int]] {
    let order = lengths.indices.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
    return consecutive(
      lengths: order.map { lengths[$0] }, budget: budget, maximumRecords: maximumRecords
    ).map { Array(order[$0]) }
  }
}
