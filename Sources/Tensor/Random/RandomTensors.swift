extension Tensor {
  /// Numbers from a normal distribution.
  public static func randomNormal(
    _ shape: [Int], mean: Double = 0, standardDeviation: Double = 1, dtype: DType = .float32,
    using generator: inout RandomGenerator
  ) -> Tensor {
    tensorRequire(
      mean.isFinite && standardDeviation >= 0 && standardDeviation.isFinite, "randomNormal",
      "needs a finite mean and a deviation that is not negative, found \(mean) and \(standardDeviation)")
    if generator.isPlaceholder { return Tensor(placeholder: shape, dtype: dtype) }
    return drawn(shape, draws: 2, as: Double.self, using: &generator) {
      mean + standardDeviation * $0.normal()
    }
    .to(dtype)
  }

  /// Numbers from a uniform distribution over `range`.
  public static func randomUniform(
    _ shape: [Int], in range: Range<Double> = 0..<1, dtype: DType = .float32,
    using generator: inout RandomGenerator
  ) -> Tensor {
    if generator.isPlaceholder { return Tensor(placeholder: shape, dtype: dtype) }
    let (start, width) = (range.lowerBound, range.upperBound - range.lowerBound)
    tensorRequire(width.isFinite, "randomUniform", "needs a range of finite length, found \(range)")
    return drawn(shape, draws: 1, as: Double.self, using: &generator) { start + width * $0.uniform() }
      .to(dtype)
  }

  /// Numbers from a normal distribution of which only `range` is kept.
  ///
  /// The bounds are values, not multiples of the deviation, as in PyTorch's `trunc_normal_`. One draw per
  /// element, by inverting the distribution function.
  /// - Precondition: the range is not empty and the deviation positive.
  public static func randomTruncatedNormal(
    _ shape: [Int], mean: Double = 0, standardDeviation: Double = 1, in range: ClosedRange<Double> = -2...2,
    dtype: DType = .float32, using generator: inout RandomGenerator
  ) -> Tensor {
    tensorRequire(
      standardDeviation > 0 && range.lowerBound < range.upperBound, "randomTruncatedNormal",
      "needs a positive deviation and a range with room, found \(standardDeviation) and \(range)")
    let source = TruncatedNormal(
      (range.lowerBound - mean) / standardDeviation, (range.upperBound - mean) / standardDeviation)
    return drawn(shape, draws: 1, as: Double.self, using: &generator) {
      Swift.min(
        Swift.max(mean + standardDeviation * source.value(at: $0.uniform()), range.lowerBound),
        range.upperBound)
    }.to(dtype)
  }

  /// Integers drawn uniformly from `range`.
  /// - Precondition: the range is not empty.
  public static func randomInteger(
    _ shape: [Int], in range: Range<Int>, dtype: DType = .int64, using generator: inout RandomGenerator
  ) -> Tensor {
    let (width, isTooLong) = range.upperBound.subtractingReportingOverflow(range.lowerBound)
    tensorRequire(
      width > 0 && !isTooLong, "randomInteger", "the range \(range) is empty or longer than Int.max")
    tensorRequire(
      dtype.holds(range.lowerBound) && dtype.holds(range.upperBound - 1), "randomInteger",
      "\(dtype) does not hold the numbers of \(range)")
    let start = range.lowerBound
    return drawn(shape, draws: 1, as: Int64.self, using: &generator) {
      Int64(start + $0.integer(below: width))
    }.to(dtype)
  }

  /// True with probability `probability`, else false.
  /// - Parameter dtype: bool, or a type in which true is 1.
  public static func randomBernoulli(
    _ shape: [Int], probability: Double, dtype: DType = .bool, using generator: inout RandomGenerator
  ) -> Tensor {
    tensorRequire(
      probability >= 0 && probability <= 1, "randomBernoulli",
      "a probability is between 0 and 1, found \(probability)")
    return drawn(shape, draws: 1, as: Bool.self, using: &generator) { $0.uniform() < probability }.to(dtype)
  }

  /// For every element of this tensor true with that probability, as bool.
  /// - Precondition: all elements are between 0 and 1.
  public func bernoulli(using generator: inout RandomGenerator) -> Tensor {
    let probabilities = array(of: Double.self)
    tensorRequire(
      probabilities.allSatisfy { $0 >= 0 && $0 <= 1 }, "bernoulli",
      "probabilities are between 0 and 1, found \(probabilities.first { !($0 >= 0 && $0 <= 1) } ?? 0)")
    return Tensor.drawn(shape, draws: 1, as: Bool.self, using: &generator) { generator, index in
      generator.uniform() < probabilities[index]
    }
  }

  /// A uniformly drawn order of `0 ..< count`, int64 `[count]`.
  public static func randomPermutation(_ count: Int, using generator: inout RandomGenerator) -> Tensor {
    tensorRequire(count >= 0, "randomPermutation", "the count must not be negative, found \(count)")
    return tensorOperation("randomPermutation") {
      Tensor(generator.permutation(count).map { Int64($0) }, shape: [count])
    }
  }

  /// The same slices along an axis in a random order; see ``randomPermutation(_:using:)``.
  public func shuffled(axis: Int = 0, using generator: inout RandomGenerator) -> Tensor {
    let axis = normalizedAxis(axis, "shuffled")
    return indexSelect(axis: axis, Tensor.randomPermutation(shape[axis], using: &generator))
  }

  /// A tensor whose elements `draw` makes one after the other in C order, each with `draws` 64-bit numbers of
  /// the generator: threads start theirs where it would have been, so the numbers do not depend on how many
  /// there are.
  static func drawn<Scalar: TensorScalar>(
    _ shape: [Int], draws: Int, as _: Scalar.Type, using generator: inout RandomGenerator,
    _ draw: (_ generator: inout RandomGenerator, _ index: Int) -> Scalar
  ) -> Tensor {
    let result = Tensor(uninitialized: shape, dtype: Scalar.dtype)
    let output = result.pointer(Scalar.self)
    let start = generator
    Threads.parallel(result.count, grain: 1 << 13) { range in
      var local = start
      local.skip(range.lowerBound * draws)
      for index in range { output[index] = draw(&local, index) }
    }
    generator.skip(result.count * draws)
    return result
  }

  /// As ``drawn(_:draws:as:using:_:)`` for elements that are alike.
  @inline(__always)
  static func drawn<Scalar: TensorScalar>(
    _ shape: [Int], draws: Int, as type: Scalar.Type, using generator: inout RandomGenerator,
    _ draw: (inout RandomGenerator) -> Scalar
  ) -> Tensor {
    drawn(shape, draws: draws, as: type, using: &generator) { generator, _ in draw(&generator) }
  }
}
