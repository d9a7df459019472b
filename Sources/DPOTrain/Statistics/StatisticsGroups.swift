import Tensor

extension Statistics {
  /// Percentile bootstrap of a mean whose values come in groups that belong together, such as the questions
  /// about one picture: whole groups are resampled, the mean is over their values.
  /// - Parameters:
  ///   - values: one number per question.
  ///   - groups: the group of each.
  /// - Returns: `nil` where there are no values.
  /// - Precondition: both have the same count.
  public static func groupedMean(
    _ values: [Double], groups: [some Hashable], resamples: Int = defaultResamples,
    using generator: inout RandomGenerator
  ) -> Interval? {
    tensorRequire(
      values.count == groups.count, "groupedMean", "\(values.count) values, \(groups.count) groups")
    guard !values.isEmpty else { return nil }
    var (sums, counts) = ([Double](), [Double]())
    var places: [AnyHashable: Int] = [:]
    for (value, group) in zip(values, groups) {
      let place = places[group] ?? sums.count
      if place == sums.count {
        places[group] = place
        sums.append(0)
        counts.append(0)
      }
      sums[place] += value
      counts[place] += 1
    }
    var means = (0..<resamples).map { _ in
      var (sum, count) = (0.0, 0.0)
      for _ in sums.indices {
        let place = generator.integer(below: sums.count)
        sum += sums[place]
        count += counts[place]
      }
      return sum / count
    }
    means.sort()
    return Interval(
      estimate: values.reduce(0, +) / Double(values.count), low: quantile(0.025, of: means),
      high: quantile(0.975, of: means))
  }

  /// ``groupedMean(_:groups:resamples:using:)`` of a proportion. Where all outcomes agree, Wilson's interval
  /// with as many trials as groups.
  public static func groupedProportion(
    _ outcomes: [Bool], groups: [some Hashable], resamples: Int = defaultResamples,
    using generator: inout RandomGenerator
  ) -> Interval? {
    let hits = outcomes.count(where: { $0 })
    guard hits > 0, hits < outcomes.count else {
      let trials = Set(groups).count
      return wilson(hits: hits == 0 ? 0 : trials, of: trials)
    }
    return groupedMean(outcomes.map { $0 ? 1 : 0 }, groups: groups, resamples: resamples, using: &generator)
  }
}
