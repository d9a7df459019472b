/// How often lengths occur, in at most a dozen bins of a round width.
public struct LengthHistogram: Sendable, Equatable {
  /// Lengths from `start` on.
  public struct Bin: Sendable, Equatable {
    /// The smallest length of the bin.
    public var start: Int
    /// The largest length of the bin.
    public var end: Int
    /// How often such lengths occur.
    public var count: Int

    /// Creates a bin.
    public init(start: Int, end: Int, count: Int) {
      self.start = start
      self.end = end
      self.count = count
    }
  }

  /// Lengths, ascending.
  private let sorted: [Int]

  /// Counts lengths.
  public init(_ lengths: [Int]) { sorted = lengths.sorted() }

  /// The value below which half of the lengths are; the upper of the two middle ones. 0 when there is none.
  public var median: Int { sorted.isEmpty ? 0 : sorted[sorted.count / 2] }
  /// The smallest length.
  public var least: Int { sorted.first ?? 0 }
  /// The largest length.
  public var most: Int { sorted.last ?? 0 }

  /// Bins of one width (1, 2 or 5 times a power of ten); the last one takes the longest hundredth as well.
  public var bins: [Bin] {
    guard !sorted.isEmpty else { return [] }
    let usual = sorted[(sorted.count - 1) * 99 / 100]
    var (width, step) = (1, 0)
    while usual / width - least / width >= 11 {
      width = width / [1, 2, 5][step % 3] * [2, 5, 10][step % 3]
      step += 1
    }
    let first = least / width
    var bins = (first...usual / width).map { Bin(start: $0 * width, end: ($0 + 1) * width - 1, count: 0) }
    for length in sorted { bins[min(length / width - first, bins.count - 1)].count += 1 }
    bins[bins.count - 1].end = max(bins[bins.count - 1].end, most)
    return bins
  }

  /// The bins as lines of `#`, the fullest 40 wide.
  public var lines: [String] {
    let bins = bins
    let top = bins.map(\.count).max() ?? 1
    let digits = String(bins.last?.end ?? 0).count
    let figures = bins.map { String($0.count) }
    func padded(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    let columns = figures.map(\.count).max() ?? 1
    return zip(bins, figures).map { bin, figure in
      let bar = String(repeating: "#", count: (bin.count * 40 + top - 1) / top)
      return "\(padded(String(bin.start), digits))–\(padded(String(bin.end), digits))  "
        + padded(figure, columns) + (bar.isEmpty ? "" : " " + bar)
    }
  }
}
