/// Sums over pairs or tokens, as numbers that another process adds up: counts are exact in them.
protocol MetricSums {
  /// Sums of nothing.
  init()

  /// Its sums in a fixed order.
  var numbers: [Double] { get }

  /// Adds the sums of further pairs.
  /// - Precondition: there are as many as ``numbers`` has.
  mutating func add(numbers: [Double])
}

extension MetricSums {
  /// Adds the sums of further pairs.
  mutating func add(_ other: Self) { add(numbers: other.numbers) }
}
