import CTensorKernels

extension Tensor {
  /// The axes to reduce, sorted, and the shapes of the result with and without them.
  func reducedShapes(_ axes: [Int]?, _ name: String) -> (axes: [Int], kept: [Int], dropped: [Int]) {
    let axes = axes.map { list in list.map { normalizedAxis($0, name) }.sorted() } ?? Array(shape.indices)
    tensorRequire(Set(axes).count == axes.count, name, "an axis is named twice in \(axes)")
    let kept = shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
    let dropped = shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
    return (axes, kept, dropped)
  }

  /// This tensor with `axes` moved to the end, and how many elements they hold.
  func movingToEnd(_ axes: [Int]) -> (tensor: Tensor, inner: Int) {
    let order = shape.indices.filter { !axes.contains($0) } + axes
    return (detached().permuted(order), axes.reduce(1) { $0 * shape[$1] })
  }

  /// The sum over some axes (all when omitted). Integers and bools add up as int64.
  /// - Parameters:
  ///   - axes: axes to sum over; negative ones count from the back.
  ///   - keepDims: keeps the summed axes with extent 1.
  public func sum(axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    tensorOperation("sum") {
      if isStandIn {
        return overBatch(axes: axes, "sum") { $0.sum(axes: $1, keepDims: keepDims) }
      }
      switch dtype {
      case .float16, .bfloat16: return to(.float32).sum(axes: axes, keepDims: keepDims).to(dtype)
      case .float32, .float64: break
      default: return orderless(.sum, "sum", axes: axes, keepDims: keepDims)
      }
      let (axes, kept, dropped) = reducedShapes(axes, "sum")
      let result = Tensor(uninitialized: dropped, dtype: dtype)
      if axes.last == rank - 1 || axes.isEmpty || count == 0 {
        sumRows(axes, into: result)
      } else {
        sumColumns(axes, into: result)
      }
      let shape = self.shape
      return recorded("sum", from: self, result) { gradient, _ in
        gradient.reshaped(kept).expanded(to: shape)
      }.reshaped(keepDims ? kept : dropped)
    }
  }

  /// Sums where the last axis is among the summed ones: every output element is the sum of rows.
  private func sumRows(_ axes: [Int], into result: Tensor) {
    let (moved, inner) = movingToEnd(axes)
    let outer = result.count
    let outerWalk = StridedIteration(
      shape: result.shape + [1], strides: [Array(moved.strides.prefix(result.rank)) + [0]])
    let innerWalk = StridedIteration(
      shape: Array(moved.shape.suffix(axes.count)), strides: [Array(moved.strides.suffix(axes.count))])
    let (rows, length, stride) = (innerWalk.rowCount, innerWalk.rowLength, innerWalk.rowStride(0))
    let pieces = outer == 1 && rows == 1 && length > 1 << 16 ? 64 : 1
    if dtype == .float32 {
      let (input, output) = (moved.pointer(Float.self), result.pointer(Float.self))
      if pieces > 1 {
        // Fixed pieces, so that the rounding does not depend on the number of threads.
        var partial = [Double](repeating: 0, count: pieces)
        partial.withUnsafeMutableBufferPointer { partial in
          nonisolated(unsafe) let partial = partial
          Threads.parallel(pieces, grain: 8) { range in
            for piece in range {
              let (low, high) = (length * piece / pieces, length * (piece + 1) / pieces)
              partial[piece] = tk_sum_f32(Int64(high - low), input + low * stride, Int64(stride))
            }
          }
        }
        output.pointee = Float(partial.reduce(0, +))
        return
      }
      Threads.parallel(outer, grain: Swift.max(1, (1 << 14) / Swift.max(inner, 1))) { range in
        for index in range {
          let base = input + Self.flatOffset(outerWalk, index)
          var total = 0.0
          if inner > 0 {
            for row in 0..<rows {
              total += tk_sum_f32(Int64(length), base + innerWalk.offset(0, row: row), Int64(stride))
            }
          }
          output[index] = Float(total)
        }
      }
    } else {
      let (input, output) = (moved.pointer(Double.self), result.pointer(Double.self))
      Threads.parallel(outer, grain: Swift.max(1, (1 << 14) / Swift.max(inner, 1))) { range in
        for index in range {
          let base = input + Self.flatOffset(outerWalk, index)
          var total = 0.0
          if inner > 0 {
            for row in 0..<rows {
              total += tk_sum_f64(Int64(length), base + innerWalk.offset(0, row: row), Int64(stride))
            }
          }
          output[index] = total
        }
      }
    }
  }

  /// The offset of element `index` in C order.
  static func flatOffset(_ walk: StridedIteration, _ index: Int) -> Int {
    let (row, column) = index.quotientAndRemainder(dividingBy: walk.rowLength)
    return walk.offset(0, row: row) + column * walk.rowStride(0)
  }

  /// Sums where the last axis stays: whole rows are added to the output's rows.
  private func sumColumns(_ axes: [Int], into result: Tensor) {
    if sumNarrowColumns(axes, into: result) { return }
    let (moved, inner) = movingToEnd(axes)
    let last = result.rank - 1
    let length = result.shape[last]
    let stride = moved.strides[last]
    let outerRows = result.count / Swift.max(length, 1)
    let outerWalk = StridedIteration(
      shape: Array(result.shape.prefix(last)) + [1, 1], strides: [Array(moved.strides.prefix(last)) + [0, 0]])
    let innerWalk = StridedIteration(
      shape: Array(moved.shape.suffix(axes.count)) + [1],
      strides: [Array(moved.strides.suffix(axes.count)) + [0]])
    // Threads share one output row by columns when there are fewer rows than threads; wide parts are read
    // faster.
    let columnBlock =
      outerRows >= Threads.count
      ? length : Swift.max(16, (length + Threads.count - 1) / Threads.count + 15) / 16 * 16
    let blocks = (length + columnBlock - 1) / columnBlock
    let float = dtype == .float32
    Threads.parallel(outerRows * blocks, grain: Swift.max(1, (1 << 14) / Swift.max(inner * columnBlock, 1))) {
      range in
      for task in range {
        let (row, block) = task.quotientAndRemainder(dividingBy: blocks)
        let start = block * columnBlock
        let width = Int64(Swift.min(columnBlock, length - start))
        let base = Self.flatOffset(outerWalk, row) + start * stride
        if float {
          let output = result.pointer(Float.self) + row * length + start
          Self.addRows(
            inner, width, output, stride: stride,
            source: { UnsafePointer(moved.pointer(Float.self) + base + Self.flatOffset(innerWalk, $0)) },
            add: { tk_accumulate_f32($0, 1, $1, $2, $3) }, addFour: tk_accumulate_rows_f32,
            carry: tk_carry_f32)
        } else {
          let output = result.pointer(Double.self) + row * length + start
          Self.addRows(
            inner, width, output, stride: stride,
            source: { UnsafePointer(moved.pointer(Double.self) + base + Self.flatOffset(innerWalk, $0)) },
            add: { tk_accumulate_f64($0, 1, $1, $2, $3) }, addFour: tk_accumulate_rows_f64,
            carry: tk_carry_f64)
        }
      }
    }
  }

  /// Adds `count` rows: sixteen at a time in their own type, those sums in Double, so that a sum loses no
  /// digits however long it is. (One level of 256 rows lost 4e-4 of ten million equal numbers.)
  private static func addRows<T: BinaryFloatingPoint>(
    _ count: Int, _ width: Int64, _ output: UnsafeMutablePointer<T>, stride: Int,
    source: (Int) -> UnsafePointer<T>, add: (Int64, UnsafePointer<T>, Int64, UnsafeMutablePointer<T>) -> Void,
    addFour: (
      Int64, UnsafePointer<T>?, UnsafePointer<T>?, UnsafePointer<T>?, UnsafePointer<T>?,
      UnsafeMutablePointer<T>?
    ) -> Void,
    carry: (Int64, UnsafeMutablePointer<T>?, UnsafeMutablePointer<Double>?) -> Void
  ) {
    func addGroup(_ rows: Range<Int>) {
      var row = rows.lowerBound
      while stride == 1, row + 4 <= rows.upperBound {
        addFour(width, source(row), source(row + 1), source(row + 2), source(row + 3), output)
        row += 4
      }
      for row in row..<rows.upperBound { add(width, source(row), Int64(stride), output) }
    }
    output.zero(count: Int(width))
    let group = 16
    if count <= group { return addGroup(0..<count) }
    withUnsafeTemporaryAllocation(of: Double.self, capacity: Int(width)) { totals in
      totals.initialize(repeating: 0)
      for first in Swift.stride(from: 0, to: count, by: group) {
        addGroup(first..<Swift.min(first + group, count))
        carry(width, output, totals.baseAddress)
      }
      for i in 0..<Int(width) { output[i] = T(totals[i]) }
    }
  }

  /// The mean over some axes (all when omitted); of integers and bools the float32 nearest to it.
  public func mean(axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    tensorOperation("mean") {
      if isStandIn {
        return overBatch(axes: axes, "mean") { $0.mean(axes: $1, keepDims: keepDims) }
      }
      if dtype.isHalfPrecision { return to(.float32).mean(axes: axes, keepDims: keepDims).to(dtype) }
      let (named, _, _) = reducedShapes(axes, "mean")
      let inner = named.reduce(1) { $0 * shape[$1] }
      if dtype.isInteger, dtype.byteSize == 8, let mean = meanOfLarge(inner, axes: axes, keepDims: keepDims) {
        return mean
      }
      if !dtype.isFloatingPoint { return sum(axes: axes, keepDims: keepDims) / inner }
      return sum(axes: axes, keepDims: keepDims) / Double(inner)
    }
  }

  /// The mean of 64-bit elements of which `inner` add up to more than an int64 holds; nil if they cannot.
  private func meanOfLarge(_ inner: Int, axes: [Int]?, keepDims: Bool) -> Tensor? {
    if count == 0 { return nil }
    let ends = [min(), max()]
    let magnitudes = ends.map {
      dtype == .int64 ? $0.item(of: Int64.self).magnitude : $0.item(of: UInt64.self)
    }
    let (bound, isBeyond) = magnitudes.reduce(0, Swift.max).multipliedReportingOverflow(by: UInt64(inner))
    if !isBeyond && bound <= UInt64(Int64.max) { return nil }
    // The upper and the lower 32 bits have sums of their own.
    let half = 1 << 32
    let upper = floorDivided(by: half)
    let lower = (self - upper * half).sum(axes: axes, keepDims: keepDims)
    let carry = lower.floorDivided(by: half)
    let total = (upper.sum(axes: axes, keepDims: keepDims) + carry).to(.float64) * Double(half)
    return ((total + (lower - carry * half).to(.float64)) / Double(inner)).to(.float32)
  }

  /// The variance over some axes (all when omitted), computed from the deviations from the mean.
  /// - Parameter correction: subtracted from the count in the denominator, which is not below 0: 1 for a
  ///   sample's variance.
  public func variance(axes: [Int]? = nil, correction: Double = 1, keepDims: Bool = false) -> Tensor {
    tensorOperation("variance") {
      if isStandIn {
        return overBatch(axes: axes, "variance") {
          $0.variance(axes: $1, correction: correction, keepDims: keepDims)
        }
      }
      // A Float does not hold the square of 16 bits.
      if dtype.isInteger {
        return to(.float64).variance(axes: axes, correction: correction, keepDims: keepDims).to(.float32)
      }
      if let rounded = inSinglePrecision({
        $0.variance(axes: axes, correction: correction, keepDims: keepDims)
      }) {
        return rounded
      }
      let (named, _, _) = reducedShapes(axes, "variance")
      let inner = named.reduce(1) { $0 * shape[$1] }
      let deviation = self - mean(axes: axes, keepDims: true)
      let divisor = Swift.max(Double(inner) - correction, 0)
      let result = deviation.square().sum(axes: axes, keepDims: keepDims) / divisor
      guard dtype == .float32, overflowed(in: result, axes: axes) else { return result }
      return to(.float64).variance(axes: axes, correction: correction, keepDims: keepDims).to(.float32)
    }
  }

  /// Whether squares of finite elements were too large for their sum, wherever else there are infinities or
  /// NaN.
  private func overflowed(in variance: Tensor, axes: [Int]?) -> Bool {
    let isFinite = variance.isFinite()
    if count == 0 || isFinite.all().item() != 0 { return false }
    let ofFinite = self.isFinite().all(axes: axes).reshaped(variance.shape)
    return (ofFinite .& .!isFinite).any().item() != 0
  }

  /// The square root of ``variance(axes:correction:keepDims:)``; its gradient where all elements are equal is
  /// zero.
  public func standardDeviation(axes: [Int]? = nil, correction: Double = 1, keepDims: Bool = false) -> Tensor
  {
    tensorOperation("standardDeviation") {
      if isStandIn {
        return overBatch(axes: axes, "standardDeviation") {
          $0.standardDeviation(axes: $1, correction: correction, keepDims: keepDims)
        }
      }
      if dtype.isHalfPrecision {
        return to(.float32).standardDeviation(axes: axes, correction: correction, keepDims: keepDims).to(
          dtype)
      }
      let variance = variance(axes: axes, correction: correction, keepDims: keepDims)
      if dtype == .float32, overflowed(in: variance, axes: axes) {
        return to(.float64).standardDeviation(axes: axes, correction: correction, keepDims: keepDims).to(
          .float32)
      }
      let isFlat = variance.detached() .== 0
      guard variance.requiresGradient, isFlat.any().item() != 0 else { return variance.sqrt() }
      let zero = Tensor.zeros([], dtype: variance.dtype)
      return Tensor.select(isFlat, zero, Tensor.select(isFlat, zero + 1, variance).sqrt())
    }
  }

  /// The largest element over some axes (all when omitted); equal ones share the gradient.
  /// - Precondition: no reduced axis is empty.
  public func max(axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    extreme("max", .largest, axes: axes, keepDims: keepDims)
  }

  /// The smallest element over some axes (all when omitted); equal ones share the gradient.
  /// - Precondition: no reduced axis is empty.
  public func min(axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    extreme("min", .smallest, axes: axes, keepDims: keepDims)
  }

  private func extreme(_ name: StaticString, _ kind: OrderlessReduction, axes: [Int]?, keepDims: Bool)
    -> Tensor
  {
    tensorOperation(name) { extremes(name, kind, axes: axes, keepDims: keepDims) }
  }

  private func extremes(_ name: StaticString, _ kind: OrderlessReduction, axes: [Int]?, keepDims: Bool)
    -> Tensor
  {
    if isStandIn {
      return overBatch(axes: axes, "\(name)") { $0.extremes(name, kind, axes: $1, keepDims: keepDims) }
    }
    if dtype.isHalfPrecision {
      return to(.float32).extremes(name, kind, axes: axes, keepDims: keepDims).to(dtype)
    }
    let (axes, kept, dropped) = reducedShapes(axes, "\(name)")
    tensorRequire(
      dropped.contains(0) || !axes.contains { shape[$0] == 0 }, "\(name)",
      "nothing to compare in shape \(shape)")
    let source = self
    return recorded(name, from: self, kind.run(self, axes: axes, into: dropped), keepingOutput: true) {
      gradient, output in
      let winners = (source .== output!.detached().reshaped(kept)).to(source.dtype)
      return winners * (gradient.reshaped(kept) / winners.sum(axes: axes, keepDims: true))
    }.reshaped(keepDims ? kept : dropped)
  }

  /// ln Σ e^x over some axes, without overflow.
  public func logSumExp(axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    tensorOperation("logSumExp") {
      if isStandIn {
        return overBatch(axes: axes, "logSumExp") { $0.logSumExp(axes: $1, keepDims: keepDims) }
      }
      if let rounded = inSinglePrecision({ $0.logSumExp(axes: axes, keepDims: keepDims) }) { return rounded }
      let (axes, kept, dropped) = reducedShapes(axes, "logSumExp")
      if count == 0 { return Tensor.full(keepDims ? kept : dropped, -.infinity, dtype: dtype) }
      let peak = noGradient { detached().max(axes: axes, keepDims: true) }
      let finite = Tensor.select(peak.abs() .< .infinity, peak, Tensor.zeros([], dtype: peak.dtype))
      let result = (self - finite).exp().sum(axes: axes, keepDims: true).log() + finite
      return result.reshaped(keepDims ? kept : dropped)
    }
  }
}
