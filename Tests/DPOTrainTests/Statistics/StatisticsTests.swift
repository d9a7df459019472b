import DPOTrain
import Foundation
import Tensor
import Testing

@Suite("Statistics")
struct StatisticsTests {
  private func expect(
    _ interval: Interval?, _ estimate: Double, _ low: Double, _ high: Double, within: Double
  ) {
    guard let interval else {
      Issue.record("no interval")
      return
    }
    #expect(abs(interval.estimate - estimate) <= within)
    #expect(abs(interval.low - low) <= within)
    #expect(abs(interval.high - high) <= within)
  }

  @Test("Wilson interval of 8 in 10, and of none in 10")
  func wilson() {
    // z² = 3.841459; centre (0.8 + 0.192073) / 1.3841459 = 0.716741;
    // half 1.959964 / 1.3841459 · sqrt(0.8 · 0.2 / 10 + 3.841459 / 400) = 1.416010 · 0.160011 = 0.226577.
    expect(Statistics.wilson(hits: 8, of: 10), 0.8, 0.490162, 0.943318, within: 1e-5)
    // p = 0: the upper end is z² / (n + z²) = 3.841459 / 13.841459 = 0.277533.
    expect(Statistics.wilson(hits: 0, of: 10), 0, 0, 0.277533, within: 1e-6)
    #expect(Statistics.wilson(hits: 0, of: 0) == nil)
  }

  @Test("Quantiles interpolate between neighbours")
  func quantile() {
    // Position 0.25 · (4 − 1) = 0.75 lies between 1 and 2: 1 + 0.75 · (2 − 1).
    #expect(Statistics.quantile(0.25, of: [1, 2, 3, 4]) == 1.75)
    #expect(Statistics.quantile(1, of: [1, 2, 3, 4]) == 4)
  }

  @Test("Bootstrap of a proportion agrees with the normal approximation for many trials")
  func bootstrapProportion() {
    // p = 0.5, n = 400: standard error sqrt(0.25 / 400) = 0.025, so 0.5 ± 1.96 · 0.025 = 0.451 … 0.549.
    var generator = RandomGenerator(seed: 1)
    let outcomes = (0..<400).map { $0 % 2 == 0 }
    expect(
      Statistics.proportion(outcomes, using: &generator), 0.5, 0.451, 0.549, within: 0.004)
  }

  @Test("Groups are resampled whole: values that agree within groups are worth one per group")
  func groups() {
    // 100 groups of 4 equal outcomes, p = 0.5: standard error sqrt(0.25 / 100) = 0.05, so 0.5 ± 0.098.
    var generator = RandomGenerator(seed: 1)
    let outcomes = (0..<400).map { $0 / 4 % 2 == 0 }
    let groups = (0..<400).map { $0 / 4 }
    expect(
      Statistics.groupedProportion(outcomes, groups: groups, using: &generator), 0.5, 0.402, 0.598,
      within: 0.008)
    // All agree: Wilson's interval of as many trials as groups.
    let all = Statistics.groupedProportion(outcomes.map { _ in true }, groups: groups, using: &generator)
    #expect(all == Statistics.wilson(hits: 100, of: 100))
    #expect(Statistics.groupedMean([], groups: [Int](), using: &generator) == nil)
  }

  @Test("The same seed gives the same interval, another seed another one")
  func seeded() {
    func interval(_ seed: UInt64) -> Interval? {
      var generator = RandomGenerator(seed: seed)
      return Statistics.bootstrapMean([1, 2, 4, 8, 16], resamples: 200, using: &generator)
    }
    #expect(interval(7) == interval(7))
    #expect(interval(7) != interval(8))
  }

  @Test("Where all answers agree the interval is Wilson's, not a point")
  func degenerateProportion() {
    var generator = RandomGenerator(seed: 1)
    let interval = Statistics.proportion(Array(repeating: true, count: 10), using: &generator)
    expect(interval, 1, 1 - 0.277533, 1, within: 1e-6)
    #expect(Statistics.proportion([], using: &generator) == nil)
  }

  @Test("95 % intervals cover the true proportion about 95 times in 100")
  func coverage() {
    // 300 experiments: the standard error of a coverage near 0.94 is 0.014, the band below is three of them.
    var generator = RandomGenerator(seed: 3)
    let covered = (0..<300).count { _ in
      let outcomes = (0..<80).map { _ in generator.uniform() < 0.4 }
      let interval = Statistics.proportion(outcomes, resamples: 300, using: &generator)!
      return interval.low <= 0.4 && 0.4 <= interval.high
    }
    #expect((0.895...0.98).contains(Double(covered) / 300))
  }

  @Test("A paired difference ignores what both sides share")
  func pairedDifference() {
    var generator = RandomGenerator(seed: 5)
    let before = (0..<200).map { $0 % 2 == 0 ? 1.0 : 0.0 }
    let same = Statistics.pairedDifference(before: before, after: before, using: &generator)
    #expect(same == Interval(estimate: 0, low: 0, high: 0))
    // 20 of 200 wrong answers become right: differences are 1 with p = 0.1, else 0, so the mean is 0.1 and
    // its standard error sqrt(0.1 · 0.9 / 200) = 0.0212; unpaired it would be sqrt(0.25 / 200 + 0.24 / 200) =
    // 0.0495.
    let after = before.enumerated().map { $0.offset < 40 ? 1.0 : $0.element }
    let better = Statistics.pairedDifference(before: before, after: after, using: &generator)
    expect(better, 0.1, 0.1 - 1.96 * 0.0212, 0.1 + 1.96 * 0.0212, within: 0.006)
  }

  @Test("Student's interval over few seeds")
  func student() {
    // 1, 2, 3: mean 2, s = 1, t(2) = 4.302653: half 4.302653 / sqrt(3) = 2.484138.
    expect(Statistics.studentMean([1, 2, 3]), 2, -0.484138, 4.484138, within: 1e-6)
    #expect(Statistics.studentMean([1]) == nil)
    // Twelve values ±1: s² = 12 / 11, t(11) = 2.200985: half 2.200985 · sqrt(1 / 11) = 0.663622.
    let many = (0..<12).map { $0 % 2 == 0 ? 1.0 : -1.0 }
    expect(Statistics.studentMean(many), 0, -0.663622, 0.663622, within: 1e-4)
  }

  @Test("Area under the curve with a tie, and DeLong's interval")
  func areaUnderCurve() {
    // Pairs (3,1) (3,2) (2,1) are in order, (2,2) is a tie: 3.5 / 4. Placements of positives 1 and 0.75, of
    // negatives 1 and 0.75: each variance 0.03125, of the mean 0.015625; half 1.959964 · sqrt(0.03125) =
    // 0.346476.
    expect(
      Statistics.areaUnderCurve(positives: [3, 2], negatives: [1, 2]), 0.875, 0.528524, 1, within: 1e-5)
    #expect(Statistics.areaUnderCurve(positives: [], negatives: [1]) == nil)
    #expect(Statistics.areaUnderCurve(positives: [0], negatives: [1, 2])?.estimate == 0)
  }

  @Test("Histogram bins are half open, the last one is closed, the rest is counted")
  func histogram() {
    let histogram = Histogram([0, 0.099, 0.1, 0.55, 1, 1.2, .nan], bins: 10)
    #expect(histogram.counts == [2, 1, 0, 0, 0, 1, 0, 0, 0, 1])
    #expect(histogram.outside == 2)
    #expect(histogram.edge(10) == 1)
  }
}
