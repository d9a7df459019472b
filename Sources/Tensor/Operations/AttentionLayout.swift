/// Which key rows each query row of a packed batch sees.
///
/// Sequences of a batch are concatenated without padding. A segment is a run of query rows that share their
/// view:
/// - vision encoder: one segment per image, `keys` its own rows, `causal` nil;
/// - decoder: one segment per sequence, `causal` its own rows;
/// - shared prompt: the prompt is a causal segment, each completion sees `keys` = the prompt and `causal`
///   itself;
/// - decoding with a cache: one query row, `keys` = the rows of its sequence in the cache.
public struct AttentionLayout: Sendable, Equatable {
  /// Query rows with a common view of the keys.
  public struct Segment: Sendable, Equatable {
    /// Rows of the query tensor.
    public var queries: Range<Int>
    /// Key rows that every query of the segment sees.
    public var keys: [Range<Int>]
    /// Key rows of which query `i` of the segment sees the first `i + 1`; as many as there are queries.
    public var causal: Range<Int>?

    /// A segment; the key ranges must not overlap each other.
    public init(queries: Range<Int>, keys: [Range<Int>] = [], causal: Range<Int>? = nil) {
      self.queries = queries
      self.keys = keys
      self.causal = causal
    }
  }

  /// The segments; every query row belongs to at most one. The output of a row without a segment is zero.
  public var segments: [Segment]

  /// A layout of the given segments.
  public init(segments: [Segment]) { self.segments = segments }

  /// Sequences of the given lengths, one after the other, each seeing all of itself.
  public static func full(_ counts: [Int]) -> AttentionLayout {
    AttentionLayout(segments: ranges(counts).map { Segment(queries: $0, keys: [$0]) })
  }

  /// Sequences of the given lengths, one after the other, each row seeing itself and the rows before it.
  public static func causal(_ counts: [Int]) -> AttentionLayout {
    AttentionLayout(segments: ranges(counts).map { Segment(queries: $0, causal: $0) })
  }

  private static func ranges(_ counts: [Int]) -> [Range<Int>] {
    tensorRequire(
      counts.allSatisfy { $0 >= 0 } && Tensor.sum(of: counts) != nil, "AttentionLayout",
      "lengths must not be negative or beyond all memory, found \(counts)")
    var start = 0
    return counts.map { count in
      defer { start += count }
      return start..<start + count
    }
  }

  /// What is wrong with the layout for that many query and key rows; nil when it is sound.
  public func problem(queryCount: Int, keyCount: Int) -> String? {
    var nextFree = 0
    for (index, segment) in segments.enumerated() {
      for range in segment.keys + [segment.queries] + [segment.causal].compactMap({ $0 })
      where range.lowerBound < 0 {
        return "segment \(index) begins at row \(range.lowerBound)"
      }
    }
    for (index, segment) in segments.enumerated().sorted(by: {
      $0.1.queries.lowerBound < $1.1.queries.lowerBound
    }) {
      if segment.queries.isEmpty { continue }
      if segment.queries.lowerBound < nextFree {
        return "query row \(segment.queries.lowerBound) is in more than one segment"
      }
      nextFree = segment.queries.upperBound
      if nextFree > queryCount { return "segment \(index) ends at query \(nextFree) of \(queryCount)" }
      if let causal = segment.causal, causal.count != segment.queries.count {
        return "segment \(index) has \(segment.queries.count) queries and \(causal.count) causal keys"
      }
      var end = 0
      for range in (segment.keys + [segment.causal].compactMap { $0 }).sorted(by: {
        $0.lowerBound < $1.lowerBound
      })
      where !range.isEmpty {
        if range.lowerBound < end { return "segment \(index) names key row \(range.lowerBound) twice" }
        end = range.upperBound
      }
      if end == 0 { return "segment \(index) sees no key" }
      if end > keyCount { return "segment \(index) reaches key \(end) of \(keyCount)" }
    }
    return nil
  }
}

/// A segment with its key ranges laid side by side as the columns of a score matrix.
struct AttentionView {
  /// A run of key rows and the column where it starts.
  struct Run {
    var key: Int
    var column: Int
    var count: Int
  }

  var queries: Range<Int>
  var runs: [Run] = []
  var columns = 0
  /// Columns that query 0 of the segment sees; query `i` sees `i` more, up to all.
  var visible = 0

  init(_ segment: AttentionLayout.Segment) {
    queries = segment.queries
    for range in segment.keys + [segment.causal].compactMap({ $0 }) where !range.isEmpty {
      if let last = runs.last, last.key + last.count == range.lowerBound {
        runs[runs.count - 1].count += range.count
      } else {
        runs.append(Run(key: range.lowerBound, column: columns, count: range.count))
      }
      columns += range.count
    }
    visible = columns - (segment.causal.map { $0.count - 1 } ?? 0)
  }

  var isCausal: Bool { visible < columns }

  /// Columns that matter to the queries up to `end` (counted within the segment).
  func columns(until end: Int) -> Int { min(columns, visible + end - 1) }

  /// Queries per block, few enough for their scores to stay in the second-level cache.
  var blockSize: Int { max(32, min(128, 131_072 / max(columns, 1) / 16 * 16)) }

  /// Multiplications of one head's scores.
  var cost: Int { queries.count * columns }

  /// Calls `body` with each run cut to the first `limit` columns.
  func forEachRun(limit: Int, _ body: (_ key: Int, _ column: Int, _ count: Int) -> Void) {
    for run in runs where run.column < limit {
      body(run.key, run.column, min(run.count, limit - run.column))
    }
  }

  /// Views of a layout grouped so that no two groups share a key row, the costly groups first.
  static func groupedByKeys(_ layout: AttentionLayout) -> [[AttentionView]] {
    let views = layout.segments.filter { !$0.queries.isEmpty }.map(AttentionView.init)
    var parent = Array(views.indices)
    func root(_ i: Int) -> Int {
      var i = i
      while parent[i] != i {
        parent[i] = parent[parent[i]]
        i = parent[i]
      }
      return i
    }
    let runs = views.enumerated().flatMap { index, view in view.runs.map { (index, $0) } }
      .sorted { ($0.1.key, $0.0) < ($1.1.key, $1.0) }
    var end = 0
    var owner = 0
    for (index, run) in runs {
      if run.key < end {
        let (a, b) = (root(index), root(owner))
        parent[max(a, b)] = min(a, b)
      }
      if run.key + run.count > end {
        end = run.key + run.count
        owner = index
      }
    }
    var groups: [[AttentionView]] = []
    var groupOfRoot = [Int](repeating: -1, count: views.count)
    for index in views.indices {
      let r = root(index)
      if groupOfRoot[r] < 0 {
        groupOfRoot[r] = groups.count
        groups.append([])
      }
      groups[groupOfRoot[r]].append(views[index])
    }
    return groups.enumerated().sorted { a, b in
      let (x, y) = (a.element.reduce(0) { $0 + $1.cost }, b.element.reduce(0) { $0 + $1.cost })
      return x != y ? x > y : a.offset < b.offset
    }.map(\.element)
  }
}
