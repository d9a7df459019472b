import CTensorKernels

#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// e^x of one number; within an extension of `Tensor` the name `exp` is the tensor's.
private func exponential(_ x: Double) -> Double { exp(x) }

/// ln(e^a + e^b), without overflow.
func logarithmOfSum(_ a: Double, _ b: Double) -> Double {
  let (low, high) = a < b ? (a, b) : (b, a)
  // Both infinite with one sign: their difference is not a number.
  return low == high && low.isInfinite ? high : high + log1p(exp(low - high))
}

extension Tensor {
  /// The running sum along an axis. Integers and bools add up as int64.
  public func cumsum(axis: Int) -> Tensor {
    if isStandIn { return overBatch(axis: axis, "cumsum") { $0.cumsum(axis: $1) } }
    let source = dtype.isFloatingPoint ? self : detached()
    let axis = normalizedAxis(axis, "cumsum")
    return source.recorded("cumsum", from: source, source.accumulated(axis)) { gradient, _ in
      gradient.flipped(axes: [axis]).cumsum(axis: axis).flipped(axes: [axis])
    }
  }

  /// The running product along an axis. Integers and bools multiply as int64.
  ///
  /// Its gradient, `Σ_{j≥i} g_j Π_{k≤j, k≠i} x_k`, is computed without dividing, so zeros are no problem:
  /// with `tail_i = g_i + x_{i+1} tail_{i+1}` it is the product of the elements before `i` times `tail_i`.
  public func cumprod(axis: Int) -> Tensor {
    if isStandIn { return overBatch(axis: axis, "cumprod") { $0.cumprod(axis: $1) } }
    let source = dtype.isFloatingPoint ? self : detached()
    let axis = normalizedAxis(axis, "cumprod")
    let length = shape[axis]
    let products = source.accumulated(axis, isProduct: true)
    return source.recorded("cumprod", from: source, products) { gradient, _ in
      if length == 0 { return gradient }
      guard GradientMode.isEnabled else {
        return Self.alongRows(axis, [source, gradient]) { rows, result, n in
          var before = 1.0
          for i in 0..<n {
            result[i] = before
            before *= rows[0][i]
          }
          var tail = 0.0
          for i in (0..<n).reversed() {
            tail = rows[1][i] + (i + 1 < n ? rows[0][i + 1] * tail : 0)
            result[i] *= tail
          }
        }
      }
      let elements = (0..<length).map { source.slice(axis: axis, $0..<$0 + 1) }
      let parts = (0..<length).map { gradient.slice(axis: axis, $0..<$0 + 1) }
      var before = [Tensor.ones(elements[0].shape, dtype: source.dtype)]
      for element in elements.dropLast() { before.append(before.last! * element) }
      var tail = parts[length - 1]
      var gradients = [before[length - 1] * tail]
      for i in stride(from: length - 2, through: 0, by: -1) {
        tail = parts[i] + elements[i + 1] * tail
        gradients.append(before[i] * tail)
      }
      return Tensor.concatenated(gradients.reversed(), axis: axis)
    }
  }

  /// The running ln Σ e^x along an axis, without overflow and exact for elements far below the others.
  ///
  /// With `y` the result and `tail_i = g_i + tail_{i+1} e^{y_i − y_{i+1}}` its gradient is `e^{x_i − y_i}
  /// tail_i`; no exponent is positive.
  public func logCumSumExp(axis: Int) -> Tensor {
    if isStandIn { return overBatch(axis: axis, "logCumSumExp") { $0.logCumSumExp(axis: $1) } }
    // The gradient needs every digit of the result.
    if let rounded = inSinglePrecision({ $0.logCumSumExp(axis: axis) }) { return rounded }
    let source = self
    let axis = normalizedAxis(axis, "logCumSumExp")
    let length = shape[axis]
    let scanned = Self.alongRows(axis, [source]) { rows, result, n in
      var total = -Double.infinity
      for i in 0..<n {
        total = i == 0 ? rows[0][0] : logarithmOfSum(total, rows[0][i])
        result[i] = total
      }
    }
    return source.recorded("logCumSumExp", from: source, scanned, keepingOutput: true) {
      gradient, output in
      let y = output!
      if length == 0 { return gradient }
      guard GradientMode.isEnabled else {
        return Self.alongRows(axis, [source, gradient, y.detached()]) { rows, result, n in
          var tail = 0.0
          for i in (0..<n).reversed() {
            let y = rows[2][i]
            tail = rows[1][i] + (i + 1 < n && y != -.infinity ? tail * exponential(y - rows[2][i + 1]) : 0)
            result[i] = y != -.infinity ? exponential(rows[0][i] - y) * tail : 0
          }
        }
      }
      let totals = (0..<length).map { y.slice(axis: axis, $0..<$0 + 1) }
      let parts = (0..<length).map { gradient.slice(axis: axis, $0..<$0 + 1) }
      var tails = [parts[length - 1]]
      for i in stride(from: length - 2, through: 0, by: -1) {
        tails.append(parts[i] + tails.last! * (totals[i] - totals[i + 1]).exp())
      }
      return (source - y).exp() * Tensor.concatenated(tails.reversed(), axis: axis)
    }
  }

  /// Running sums or products along an axis; of integers and bools in int64 or uint64.
  private func accumulated(_ axis: Int, isProduct: Bool = false) -> Tensor {
    if dtype.isHalfPrecision { return to(.float32).accumulated(axis, isProduct: isProduct).to(dtype) }
    let type = dtype.totalType
    let source = detached().to(type).contiguous()
    // Numbers that were converted are changed where they lie: nobody else knows them.
    let result = type == dtype ? Tensor(uninitialized: shape, dtype: type) : source
    if count == 0 { return result }
    switch type {
    case .float32:
      source.scan(axis, isProduct, result, Float.self, tk_scan_rows_f32, tk_scan_columns_f32)
    case .float64:
      source.scan(axis, isProduct, result, Double.self, tk_scan_rows_f64, tk_scan_columns_f64)
    default:
      // The low bits of sums and products are the same with and without a sign.
      source.viewed(as: .int64).scan(
        axis, isProduct, result.viewed(as: .int64), Int64.self, tk_scan_rows_i64, tk_scan_columns_i64)
    }
    return result
  }

  /// Fills `result` from this contiguous tensor by one kernel along the last axis, by the other down columns.
  private func scan<T>(
    _ axis: Int, _ isProduct: Bool, _ result: Tensor, _: T.Type,
    _ alongRows: (Int32, Int64, Int64, UnsafePointer<T>?, UnsafeMutablePointer<T>?) -> Void,
    _ downColumns: (
      Int32, Int64, Int64, Int64, UnsafePointer<T>?, UnsafeMutablePointer<T>?, UnsafeMutableRawPointer?
    ) -> Void
  ) {
    let (input, output) = (pointer(T.self), result.pointer(T.self))
    let (length, width) = (shape[axis], shape[(axis + 1)...].reduce(1, *))
    let kind: Int32 = isProduct ? 1 : 0
    if width == 1 {
      Threads.parallel(count / length, grain: Swift.max(1, (1 << 14) / length)) { rows in
        let start = rows.lowerBound * length
        alongRows(kind, Int64(rows.count), Int64(length), input + start, output + start)
      }
      return
    }
    let block = Swift.min(width, 1024)
    let blocks = (width + block - 1) / block
    let grain = Swift.max(1, (1 << 14) / (length * block))
    Threads.parallel(count / (length * width) * blocks, grain: grain) { range in
      MemoryPool.withScratch(Int64.self, count: block) { totals in
        for task in range {
          let (outer, part) = task.quotientAndRemainder(dividingBy: blocks)
          let start = outer * length * width + part * block
          downColumns(
            kind, Int64(length), Int64(Swift.min(block, width - part * block)), Int64(width), input + start,
            output + start, totals)
        }
      }
    }
  }

  /// Runs `body` on rows of Double along an axis of tensors of one shape, and returns what it writes, in
  /// their type.
  private static func alongRows(
    _ axis: Int, _ tensors: [Tensor],
    _ body: (_ rows: [UnsafePointer<Double>], _ result: UnsafeMutablePointer<Double>, _ n: Int) -> Void
  ) -> Tensor {
    let (last, type) = (tensors[0].rank - 1, tensors[0].dtype)
    let rows = tensors.map { $0.detached().transposed(axis, last).to(.float64).contiguous() }
    let length = rows[0].shape[last]
    let result = Tensor(uninitialized: rows[0].shape, dtype: .float64)
    if result.count > 0 {
      Threads.parallel(result.count / length, grain: Swift.max(1, (1 << 12) / length)) { range in
        for row in range {
          let start = row * length
          body(
            rows.map { UnsafePointer($0.pointer(Double.self) + start) }, result.pointer(Double.self) + start,
            length)
        }
      }
    }
    return result.to(type).transposed(axis, last).contiguous()
  }
}
