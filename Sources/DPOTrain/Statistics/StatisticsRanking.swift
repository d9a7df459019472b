import Foundation
import Tensor

extension Statistics {
  /// The area under the ROC curve of a score: the probability that a positive scores higher than a negative,
  /// ties counting half, with the 95 % interval of DeLong, DeLong and Clarke-Pearson (1988), cut to 0 … 1.
  ///
  /// Positives here are right answers and the score is the attention ratio: 0.5 means attention says nothing.
  /// - Returns: `nil` without at least one of each; an interval of no width where one side has a single value
  ///   and the other varies by nothing.
  public static func areaUnderCurve(positives: [Double], negatives: [Double]) -> Interval? {
    guard !positives.isEmpty, !negatives.isEmpty else { return nil }
    let placedPositives = placements(of: positives, among: negatives)
    let placedNegatives = placements(of: negatives, among: positives).map { 1 - $0 }
    let area = placedPositives.reduce(0, +) / Double(positives.count)
    let half =
      normalQuantile975
      * (varianceOfMean(placedPositives) + varianceOfMean(placedNegatives)).squareRoot()
    return Interval(estimate: area, low: max(0, area - half), high: min(1, area + half))
  }

  /// For each value, the share of `others` below it, equal ones counting half.
  private static func placements(of values: [Double], among others: [Double]) -> [Double] {
    let sorted = others.sorted()
    return values.map { value in
      let below = sorted.partitionPoint { $0 < value }
      let notAbove = sorted.partitionPoint { $0 <= value }
      return Double(below + notAbove) / Double(2 * sorted.count)
    }
  }

  private static func varianceOfMean(_ values: [Double]) -> Double {
    guard values.count > 1 else { return 0 }
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    return values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / (count - 1) / count
  }
}

extension Array {
  /// The number of leading elements for which the condition holds, where it holds for a prefix only.
  fileprivate func partitionPoint(_ holds: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if holds(self[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// Counts of values in bins of equal width.
public struct Histogram: Sendable, Equatable {
  /// The covered range; the last bin includes its upper end.
  public var range: ClosedRange<Double>
  /// Values in each bin.
  public var counts: [Int]
  /// Values below the range, above it, or not a number.
  public var outside: Int

  /// Counts `values` in `bins` bins over `range`.
  /// - Precondition: `bins > 0` and the range is not empty.
  public init(_ values: [Double], bins: Int, range: ClosedRange<Double> = 0...1) {
    tensorRequire(bins > 0 && range.lowerBound < range.upperBound, "Histogram", "no bins or an empty range")
    self.range = range
    counts = Array(repeating: 0, count: bins)
    outside = 0
    let scale = Double(bins) / (range.upperBound - range.lowerBound)
    for value in values {
      guard range.contains(value) else {
        outside += 1
        continue
      }
      counts[min(bins - 1, Int((value - range.lowerBound) * scale))] += 1
    }
  }

  /// Lower end of bin `index`; `index` may be the number of bins.
  public func edge(_ index: Int) -> Double {
    range.lowerBound + Double(index) * (range.upperBound - range.lowerBound) / Double(counts.count)
  }
}
