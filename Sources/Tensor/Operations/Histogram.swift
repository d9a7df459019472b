extension Tensor {
  /// How often each whole number occurs in a vector, NumPy's `bincount`: element `i` of the result counts the
  /// elements that are `i`.
  /// - Parameters:
  ///   - weights: adds up these in place of ones, `[count]`. The result has their type, int64 for integers,
  ///     and they get a gradient.
  ///   - minLength: the least length of the result, which else ends with the largest element.
  /// - Returns: int64 counts without weights.
  /// - Precondition: integers or bools that are not negative, along one axis.
  public func binCount(weights: Tensor? = nil, minLength: Int = 0) -> Tensor {
    tensorRequire(!dtype.isFloatingPoint, "binCount", "needs integers, found \(dtype)")
    tensorRequire(rank == 1, "binCount", "needs one axis, found shape \(shape)")
    tensorRequire(minLength >= 0, "binCount", "the least length must not be negative, found \(minLength)")
    tensorRequire(
      weights.map { $0.shape == shape } ?? true, "binCount",
      "weights of shape \(weights?.shape ?? []) do not fit shape \(shape)")
    return tensorOperation("binCount") {
      let numbers = detached().asIndices().contiguous()
      var length = minLength
      if count > 0 {
        let (least, most) = (numbers.min().item(of: Int.self), numbers.max().item(of: Int.self))
        tensorRequire(
          least >= 0 && most < Int.max, "binCount",
          "needs numbers that are not negative and can be counted, found \(least) to \(most)")
        length = Swift.max(length, most + 1)
      }
      guard let weights else {
        let result = Tensor.zeros([length], dtype: .int64)
        let (values, counts) = (numbers.pointer(Int64.self), result.pointer(Int64.self))
        for i in 0..<count { counts[Int(values[i])] += 1 }
        return result
      }
      // Long sums of small numbers lose digits in a Float.
      let isReal = weights.dtype.isFloatingPoint
      let computing: DType = isReal ? .float64 : .int64
      return Tensor.zeros([length], dtype: computing).scatterAdd(axis: 0, numbers, weights.to(computing))
        .to(isReal ? weights.dtype : .int64)
    }
  }

  /// How many elements lie in each of `bins` parts of one width, NumPy's `histogram`. A part takes its lower
  /// edge, the last one both; what lies outside, and a NaN, counts nowhere.
  /// - Parameters:
  ///   - bins: the number of parts.
  ///   - range: the first and the last edge; the smallest and the largest element when nil. Where both are
  ///     equal, they are moved apart by a half each.
  ///   - weights: adds up these in place of ones, of this tensor's shape; they get a gradient.
  ///   - density: divides by the sum and by the widths, so that the integral is 1.
  /// - Returns: counts `[bins]`, int64 or as the weights of ``binCount(weights:minLength:)``, densities as
  ///   the edges; and edges `[bins + 1]`, float64 for float64, int32 and int64, else float32.
  /// - Precondition: a finite range; without one, finite elements.
  public func histogram(
    bins: Int = 10, range: (lower: Double, upper: Double)? = nil, weights: Tensor? = nil,
    density: Bool = false
  ) -> (counts: Tensor, edges: Tensor) {
    tensorRequire(
      bins > 0 && bins < 1 << 40, "histogram",
      "the number of bins must be positive and fit memory, found \(bins)")
    return tensorOperation("histogram") {
      var (lower, upper) = range ?? (0, 1)
      if range == nil, count > 0 {
        let numbers = detached().to(.float64)
        (lower, upper) = (numbers.min().item(), numbers.max().item())
      }
      tensorRequire(
        (upper - lower).isFinite && lower <= upper, "histogram",
        "needs a finite range in order, found \(lower) to \(upper)")
      if lower == upper { (lower, upper) = (lower - 0.5, upper + 0.5) }
      let type: DType = dtype == .float64 || dtype.exceedsFloat ? .float64 : .float32
      let edges = Tensor.linspace(lower, upper, count: bins + 1, dtype: type)
      let bounds = edges.array(of: Double.self)
      tensorRequire(
        bounds[bins].isFinite && zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "histogram",
        "\(bins) bins from \(lower) to \(upper) are too many for \(type)")
      let width = upper - lower
      let places = binNumbers(within: bounds) { value in
        // Rounding may put a value beside its bin: the edges decide.
        let guess = Swift.max((value - lower) / width, 0) * Double(bins)
        var bin = guess < Double(bins) ? Int(guess) : bins - 1
        while bin > 0, value < bounds[bin] { bin -= 1 }
        while bin < bins - 1, value >= bounds[bin + 1] { bin += 1 }
        return bin
      }
      return counted(places, edges, weights, density)
    }
  }

  /// How many elements lie between each two neighbours of `edges`, NumPy's `histogram` with a list of edges;
  /// see ``histogram(bins:range:weights:density:)``. Integers between integers are compared exactly.
  /// - Parameter edges: at least two numbers in ascending order, which are given back as they are.
  public func histogram(edges: Tensor, weights: Tensor? = nil, density: Bool = false) -> (
    counts: Tensor, edges: Tensor
  ) {
    tensorOperation("histogram") {
      tensorRequire(
        edges.rank == 1 && edges.count >= 2, "histogram",
        "needs at least two edges along one axis, found shape \(edges.shape)")
      let bounds = edges.array(of: Double.self)
      tensorRequire(
        zip(bounds, bounds.dropFirst()).allSatisfy { $0 <= $1 }, "histogram",
        "edges must be in ascending order, found \(edges)")
      if !dtype.isFloatingPoint && !edges.dtype.isFloatingPoint {
        return counted(binNumbers(betweenIntegers: edges.detached()), edges.detached(), weights, density)
      }
      let places = binNumbers(within: bounds) { value in
        var (low, high) = (0, bounds.count - 1)
        while low + 1 < high {
          let middle = (low + high) / 2
          if value >= bounds[middle] { low = middle } else { high = middle }
        }
        return low
      }
      return counted(places, edges.detached(), weights, density)
    }
  }

  /// The bins of integers between integers, of which a Double does not hold all.
  private func binNumbers(betweenIntegers edges: Tensor) -> Tensor {
    let (values, last) = (detached().flattened(), edges.count - 1)
    let places = edges.searchSorted(values, side: .right) - 1
    let inside = Tensor.select(places .< 0, last, places)
    return Tensor.select(values .== edges.slice(axis: 0, last..<last + 1), last - 1, inside)
  }

  /// The bins that `bin` names for elements within the bounds.
  private func binNumbers(within bounds: [Double], _ bin: (Double) -> Int) -> Tensor {
    let bins = bounds.count - 1
    let values = detached().to(.float64).contiguous()
    let places = Tensor(uninitialized: [count], dtype: .int64)
    let (input, output) = (values.pointer(Double.self), places.pointer(Int64.self))
    let (first, last) = (bounds[0], bounds[bins])
    Threads.parallel(count, grain: 1 << 13) { range in
      for i in range {
        let value = input[i]
        // Those outside have a bin of their own, which is cut off.
        output[i] = Int64(value >= first && value <= last ? bin(value) : bins)
      }
    }
    return places
  }

  /// Counts of the bins between edges; those outside are in a bin behind them.
  private func counted(_ places: Tensor, _ edges: Tensor, _ weights: Tensor?, _ density: Bool) -> (
    counts: Tensor, edges: Tensor
  ) {
    tensorRequire(
      weights.map { $0.shape == shape } ?? true, "histogram",
      "weights of shape \(weights?.shape ?? []) do not fit shape \(shape)")
    let bins = edges.count - 1
    let counts = places.binCount(weights: weights?.flattened(), minLength: bins + 1).slice(axis: 0, 0..<bins)
    if !density { return (counts, edges) }
    let type: DType = edges.dtype.isFloatingPoint ? edges.dtype : .float64
    let shares = counts.to(type)
    return (shares / edges.to(type).diff() / shares.sum(), edges)
  }
}
