import Tensor
import Testing

@Suite(.serialized) struct RandomTensorTests {
  /// Every way to draw a tensor.
  static let draws: [@Sendable (inout RandomGenerator) -> Tensor] = [
    { .randomNormal([30_001], using: &$0) },
    { .randomUniform([30_001], in: -1..<2, dtype: .float64, using: &$0) },
    { .randomTruncatedNormal([30_001], in: -1...0.5, using: &$0) },
    { .randomInteger([30_001], in: -5..<6, using: &$0) },
    { .randomBernoulli([30_001], probability: 0.3, using: &$0) },
    { Tensor.full([30_001], 0.6).bernoulli(using: &$0) },
    { .randomCategorical(logits: Tensor([0, 1, -1] as [Float]), samples: 30_001, using: &$0) },
    { .randomPermutation(30_001, using: &$0) },
  ]

  @Test(arguments: draws.indices) func sameNumbersForAnyThreadCount(_ index: Int) {
    let before = Threads.count
    defer { Threads.count = before }
    var results: [[Double]] = []
    for count in [1, 2, 4] {
      Threads.count = count
      var generator = RandomGenerator(seed: 9, stream: 2)
      // An odd number of draws before leaves half a block.
      _ = generator.next()
      let first = Self.draws[index](&generator).array(of: Double.self)
      results.append(first + [generator.uniform()])
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  @Test(arguments: draws.indices) func goesOnFromASavedState(_ index: Int) throws {
    var generator = RandomGenerator(seed: 4)
    _ = Self.draws[index](&generator)
    var restored = try #require(RandomGenerator(state: generator.state))
    #expect(
      Self.draws[index](&generator).array(of: Double.self)
        == Self.draws[index](&restored).array(of: Double.self))
    #expect(generator == restored)
  }

  @Test func tensorsAreTheGeneratorsNumbers() {
    var (a, b) = (RandomGenerator(seed: 1), RandomGenerator(seed: 1))
    let uniform = Tensor.randomUniform([3], dtype: .float64, using: &a)
    let normal = Tensor.randomNormal([2], dtype: .float64, using: &a)
    #expect(uniform.array(of: Double.self) == (0..<3).map { _ in b.uniform() })
    #expect(normal.array(of: Double.self) == (0..<2).map { _ in b.normal() })
    #expect(a == b)
  }

  @Test(arguments: [0, 1, 2, 3, 7, 8]) func skippingIsDrawing(_ count: Int) {
    for before in 0..<3 {
      var (a, b) = (RandomGenerator(seed: 5), RandomGenerator(seed: 5))
      for _ in 0..<before { _ = (a.next(), b.next()) }
      for _ in 0..<count { _ = a.next() }
      b.skip(count)
      #expect(a == b)
      #expect(a.next() == b.next())
    }
  }

  @Test func splitGeneratorsDiffer() {
    let parent = RandomGenerator(seed: 3)
    var children = [parent.split(0), parent.split(1), parent.split(0).split(0), parent]
    let firsts = children.indices.map { children[$0].next() }
    #expect(Set(firsts).count == 4)
    // No correlation between neighbours: 4 standard errors of 20,000 products.
    var (a, b) = (parent.split(10), parent.split(11))
    let x = Tensor.randomNormal([20_000], dtype: .float64, using: &a)
    let y = Tensor.randomNormal([20_000], dtype: .float64, using: &b)
    #expect(abs((x * y).mean().item()) < 4 / 20_000.0.squareRoot())
  }

  /// Mean and variance within 4.5 standard errors, and the largest distance of the distribution functions
  /// (Kolmogorov and Smirnov) below its 0.1 % point.
  private func check(
    _ x: Tensor, mean: Double, variance: Double, kurtosis: Double, _ probability: (Double) -> Double
  ) {
    let values = x.array(of: Double.self).sorted()
    let n = Double(values.count)
    let average = values.reduce(0, +) / n
    let spread = values.reduce(0) { $0 + ($1 - average) * ($1 - average) } / (n - 1)
    #expect(abs(average - mean) < 4.5 * (variance / n).squareRoot())
    #expect(abs(spread - variance) < 4.5 * variance * ((kurtosis - 1) / n).squareRoot())
    let distance = values.enumerated().map { index, value in
      let p = probability(value)
      return max(abs(p - Double(index) / n), abs(p - Double(index + 1) / n))
    }.max()!
    #expect(distance < 1.95 / n.squareRoot())
  }

  private func normalBelow(_ x: Double) -> Double {
    0.5 * (1 + Tensor(x / 2.0.squareRoot(), dtype: .float64).erf().item())
  }

  @Test func uniformIsUniform() {
    var generator = RandomGenerator(seed: 11)
    let x = Tensor.randomUniform([20_000], in: -1..<3, dtype: .float64, using: &generator)
    check(x, mean: 1, variance: 16.0 / 12, kurtosis: 1.8) { ($0 + 1) / 4 }
  }

  @Test func normalIsNormal() {
    var generator = RandomGenerator(seed: 12)
    let x = Tensor.randomNormal(
      [20_000], mean: 2, standardDeviation: 3, dtype: .float64, using: &generator)
    check(x, mean: 2, variance: 9, kurtosis: 3) { normalBelow(($0 - 2) / 3) }
  }

  @Test(arguments: [(-2.0, 2.0, 0.0, 0.7737413, 2.37), (1.0, 3.0, 1.5100491, 0.1734530, 3.61)])
  func truncatedNormalIsTruncated(
    lower: Double, upper: Double, mean: Double, variance: Double, kurtosis: Double
  ) {
    var generator = RandomGenerator(seed: 13)
    let x = Tensor.randomTruncatedNormal([20_000], in: lower...upper, dtype: .float64, using: &generator)
    #expect(x.min().item() >= lower && x.max().item() <= upper)
    let (first, last) = (normalBelow(lower), normalBelow(upper))
    check(x, mean: mean, variance: variance, kurtosis: kurtosis) {
      (normalBelow($0) - first) / (last - first)
    }
  }

  @Test func truncatedNormalFarOut() {
    var generator = RandomGenerator(seed: 14)
    let x = Tensor.randomTruncatedNormal([1000], in: 12...13, dtype: .float64, using: &generator)
    #expect(x.min().item() >= 12 && x.max().item() < 12.8)
    // The mean excess over a far bound is about 1 / bound.
    #expect(abs(x.mean().item() - 12.0822) < 0.012)
    let y = Tensor.randomTruncatedNormal([1000], in: -13 ... -12, dtype: .float64, using: &generator)
    #expect(y.max().item() <= -12 && abs(y.mean().item() + 12.0822) < 0.012)
  }

  @Test func truncatedNormalKeepsMeanAndDeviation() {
    var generator = RandomGenerator(seed: 15)
    let x = Tensor.randomTruncatedNormal(
      [20_000], mean: 1, standardDeviation: 0.02, in: 0.96...1.04, dtype: .float64, using: &generator)
    check(x, mean: 1, variance: 0.0004 * 0.7737413, kurtosis: 2.37) {
      (normalBelow(($0 - 1) / 0.02) - normalBelow(-2)) / (normalBelow(2) - normalBelow(-2))
    }
  }

  /// Counts against expectation: χ² below its 0.1 % point.
  private func checkCounts(_ values: [Int64], _ probabilities: [Double], limit: Double) {
    var counts = [Double](repeating: 0, count: probabilities.count)
    for value in values { counts[Int(value)] += 1 }
    let total = Double(values.count)
    let chiSquare = zip(counts, probabilities).reduce(0.0) { sum, pair in
      let expected = pair.1 * total
      if expected == 0 {
        #expect(pair.0 == 0)
        return sum
      }
      return sum + (pair.0 - expected) * (pair.0 - expected) / expected
    }
    #expect(chiSquare < limit)
  }

  @Test func integersAreUniform() {
    var generator = RandomGenerator(seed: 16)
    let x = Tensor.randomInteger([20_000], in: -3..<7, using: &generator)
    #expect(x.dtype == .int64)
    checkCounts((x + 3).array(), [Double](repeating: 0.1, count: 10), limit: 27.88)
    #expect(
      Tensor.randomInteger([5], in: 4..<5, dtype: .int32, using: &generator).array() == [4, 4, 4, 4, 4]
        as [Int32])
  }

  @Test func bernoulliHasItsProbability() {
    var generator = RandomGenerator(seed: 17)
    let x = Tensor.randomBernoulli([20_000], probability: 0.3, using: &generator)
    #expect(x.dtype == .bool)
    checkCounts(x.array(of: Int64.self), [0.7, 0.3], limit: 10.83)
    let y = Tensor([0, 1, 0.5]).expanded(to: [1000, 3]).bernoulli(using: &generator).to(.float64)
      .mean(axes: [0]).array(of: Double.self)
    #expect(y[0] == 0 && y[1] == 1 && abs(y[2] - 0.5) < 0.07)
  }

  @Test func categoricalHasItsProbabilities() {
    var generator = RandomGenerator(seed: 18)
    let weights = [1.0, 0, 2, 5, 0]
    let x = Tensor.randomCategorical(probabilities: Tensor(weights), samples: 20_000, using: &generator)
    checkCounts(x.array(), weights.map { $0 / 8 }, limit: 13.82)
    let logits = Tensor([0, -.infinity, 2, 1] as [Float])
    let y = Tensor.randomCategorical(logits: logits, samples: 20_000, using: &generator)
    checkCounts(y.array(), logits.softmax().array(), limit: 13.82)
  }

  @Test func categoricalIsBatched() {
    var generator = RandomGenerator(seed: 19)
    let sure = Tensor([0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1] as [Double], shape: [2, 2, 3])
    let one = Tensor.randomCategorical(probabilities: sure, using: &generator)
    #expect(one.shape == [2, 2] && one.array(of: Int64.self) == [2, 0, 1, 2])
    let many = Tensor.randomCategorical(probabilities: sure.transposed(0, 1), samples: 3, using: &generator)
    #expect(many.shape == [2, 2, 3])
    #expect(many.array(of: Int64.self) == [2, 2, 2, 1, 1, 1, 0, 0, 0, 2, 2, 2])
    #expect(Tensor.randomCategorical(logits: Tensor.zeros([0, 3]), using: &generator).shape == [0])
  }

  @Test func permutationsAreUniform() {
    var generator = RandomGenerator(seed: 20)
    let ranks = (0..<12_000).map { _ -> Int64 in
      let order = Tensor.randomPermutation(3, using: &generator).array(of: Int64.self)
      #expect(order.sorted() == [0, 1, 2])
      return order[0] * 2 + (order[1] > order[2] ? 1 : 0)
    }
    checkCounts(ranks, [Double](repeating: 1.0 / 6, count: 6), limit: 20.5)
  }

  @Test func shufflingKeepsSlices() {
    var generator = RandomGenerator(seed: 21)
    let x = Tensor.arange(60).reshaped([3, 20])
    let y = x.shuffled(axis: -1, using: &generator)
    #expect(y[0].array(of: Int64.self) != x[0].array(of: Int64.self))
    #expect(y[0].array(of: Int64.self).sorted() == x[0].array(of: Int64.self))
    #expect((y[1] - y[0]).array(of: Int64.self) == [Int64](repeating: 20, count: 20))
  }

  @Test func emptyShapes() {
    var generator = RandomGenerator(seed: 22)
    let before = generator
    #expect(Tensor.randomNormal([0, 3], using: &generator).shape == [0, 3])
    #expect(Tensor.randomPermutation(0, using: &generator).shape == [0])
    #expect(generator == before)
  }
}
