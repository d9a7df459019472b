import Foundation
import Records
import Tensor

/// An estimate and the interval that covers the true value in 95 of 100 repetitions.
public struct Interval: Sendable, Equatable {
  /// The estimate from the data as they are.
  public var estimate: Double
  /// The lower end.
  public var low: Double
  /// The upper end.
  public var high: Double

  /// Creates an interval.
  public init(estimate: Double, low: Double, high: Double) {
    self.estimate = estimate
    self.low = low
    self.high = high
  }

  /// `high - low`.
  public var width: Double { high - low }
}

/// Intervals for proportions, means and differences.
public enum Statistics {
  /// Resamples drawn by default. The ends of an interval then repeat to about a tenth of its width.
  public static let defaultResamples = 4000

  /// The quantile of sorted values, interpolated linearly between neighbours (NumPy's default, type 7).
  /// - Precondition: `sorted` is not empty and `0 <= q <= 1`.
  public static func quantile(_ q: Double, of sorted: [Double]) -> Double {
    tensorRequire(!sorted.isEmpty && (0...1).contains(q), "quantile", "no values, or \(q) outside 0 ... 1")
    let position = q * Double(sorted.count - 1)
    let lower = Int(position)
    let upper = min(lower + 1, sorted.count - 1)
    return sorted[lower] + (position - Double(lower)) * (sorted[upper] - sorted[lower])
  }

  /// Percentile bootstrap of a mean (Efron 1979): the 2.5 % and 97.5 % quantiles of the means of resamples.
  /// - Parameters:
  ///   - values: one number per question.
  ///   - generator: the source of resamples; the same state gives the same interval.
  /// - Returns: `nil` where there are no values.
  public static func bootstrapMean(
    _ values: [Double], resamples: Int = defaultResamples, using generator: inout RandomGenerator
  ) -> Interval? {
    guard !values.isEmpty else { return nil }
    let scale = 1 / Double(values.count)
    let mean = values.reduce(0, +) * scale
    var means = (0..<resamples).map { _ in
      var sum = 0.0
      for _ in values.indices { sum += values[generator.integer(below: values.count)] }
      return sum * scale
    }
    means.sort()
    return Interval(estimate: mean, low: quantile(0.025, of: means), high: quantile(0.975, of: means))
  }

  /// Bootstrap of a proportion. Where all outcomes agree every resample is the same and the bootstrap
  /// interval has no width, which says nothing; there the Wilson interval is given instead.
  public static func proportion(
    _ outcomes: [Bool], resamples: Int = defaultResamples, using generator: inout RandomGenerator
  ) -> Interval? {
    let hits = outcomes.count(where: { $0 })
    guard hits > 0, hits < outcomes.count else { return wilson(hits: hits, of: outcomes.count) }
    return bootstrapMean(outcomes.map { $0 ? 1 : 0 }, resamples: resamples, using: &generator)
  }

  /// Paired bootstrap of `mean(after) - mean(before)` over the same questions in the same order.
  /// - Precondition: both have the same count.
  public static func pairedDifference(
    before: [Double], after: [Double], resamples: Int = defaultResamples,
    using generator: inout RandomGenerator
  ) -> Interval? {
    tensorRequire(
      before.count == after.count, "pairedDifference", "\(before.count) values before, \(after.count) after")
    return bootstrapMean(zip(after, before).map { $0 - $1 }, resamples: resamples, using: &generator)
  }

  /// Wilson's score interval of a proportion (Wilson 1927) with z = 1.959964.
  /// - Returns: `nil` where there are no trials.
  public static func wilson(hits: Int, of trials: Int) -> Interval? {
    guard trials > 0 else { return nil }
    let (n, p, z) = (Double(trials), Double(hits) / Double(trials), normalQuantile975)
    let denominator = 1 + z * z / n
    let center = (p + z * z / (2 * n)) / denominator
    let half = z / denominator * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    return Interval(
      estimate: p, low: hits == 0 ? 0 : max(0, center - half),
      high: hits == trials ? 1 : min(1, center + half))
  }

  /// Student's interval of a mean over few repetitions: `mean ± t * s / sqrt(k)`, for several seeds of one
  /// run.
  /// - Returns: `nil` for fewer than two values.
  public static func studentMean(_ values: [Double]) -> Interval? {
    guard values.count > 1 else { return nil }
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let variance = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / (count - 1)
    let half = studentQuantile975(degreesOfFreedom: values.count - 1) * (variance / count).squareRoot()
    return Interval(estimate: mean, low: mean - half, high: mean + half)
  }

  /// The 97.5 % quantile of the standard normal distribution.
  static let normalQuantile975 = 1.959963984540054

  /// The 97.5 % quantile of Student's t: tabulated up to 10 degrees of freedom, above that by the
  /// Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5).
  static func studentQuantile975(degreesOfFreedom: Int) -> Double {
    let table = [
      12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139,
    ]
    if degreesOfFreedom <= table.count { return table[degreesOfFreedom - 1] }
    let (z, n) = (normalQuantile975, Double(degreesOfFreedom))
    let z3 = z * z * z
    let z5 = z3 * z * z
    let z7 = z5 * z * z
    return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n)
      + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n)
  }
}

extension Format {
  /// `0.612 [0.551, 0.669]`, with so many decimals; of a share in per cent with `scale` 100.
  package static func interval(_ interval: Interval?, _ digits: Int, scale: Double = 1) -> String {
    guard let interval else { return "–" }
    let (mean, low, high) = (interval.estimate, interval.low, interval.high)
    return
      "\(decimal(scale * mean, digits)) [\(decimal(scale * low, digits)), \(decimal(scale * high, digits))]"
  }

  /// `+6.0 [+2.3, +9.7]`, in points.
  package static func change(_ interval: Interval?) -> String {
    guard let interval else { return "–" }
    return "\(points(interval.estimate)) [\(points(interval.low)), \(points(interval.high))]"
  }
}
