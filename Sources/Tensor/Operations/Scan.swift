#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// e^x of one number; within an extension of `Tensor` the name `exp` is the tensor's.
private func exponential(_ x: Double) -> Double { exp(x) }

/// ln(e^a + e^b), without overflow.
private func logAddExp(_ a: Double, _ b: Double) -> Double {
  let (low, high) = a < b ? (a, b) : (b, a)
  // Both infinite with one sign: their difference is not a number.
  return low == high && low.isInfinite ? high : high + log1p(exp(low - high))
}

/// How a running value takes in the next element.
private enum ScanKind { case sum, product, logSumExp }

extension Tensor {
  /// The running sum along an axis. Integers and bools add up as int64.
  public func cumsum(axis: Int) -> Tensor {
    let source = dtype.isFloatingPoint ? self : detached()
    let axis = normalizedAxis(axis, "cumsum")
    return source.recorded("cumsum", from: source, source.scanned(axis, .sum)) { gradient, _ in
      gradient.flipped(axes: [axis]).cumsum(axis: axis).flipped(axes: [axis])
    }
  }

  /// The running product along an axis. Integers and bools multiply as int64.
  ///
  /// Its gradient, `Σ_{j≥i} g_j Π_{k≤j, k≠i} x_k`, is computed without dividing, so zeros are no problem:
  /// with `tail_i = g_i + x_{i+1} tail_{i+1}` it is the product of the elements before `i` times `tail_i`.
  public func cumprod(axis: Int) -> Tensor {
    let source = dtype.isFloatingPoint ? self : detached()
    let axis = normalizedAxis(axis, "cumprod")
    let length = shape[axis]
    return source.recorded("cumprod", from: source, source.scanned(axis, .product)) { gradient, _ in
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
    let source = dtype.isFloatingPoint ? self : detached().to(.float32)
    let axis = normalizedAxis(axis, "logCumSumExp")
    let length = shape[axis]
    return source.recorded(
      "logCumSumExp", from: source, source.scanned(axis, .logSumExp), keepingOutput: true
    ) {
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

  /// Combines neighbours along an axis from the front.
  private func scanned(_ axis: Int, _ kind: ScanKind) -> Tensor {
    if dtype.isHalfPrecision { return to(.float32).scanned(axis, kind).to(dtype) }
    // A copy, or a conversion, that nobody else knows.
    let type = dtype.isFloatingPoint ? dtype : .int64
    let source = detached().transposed(axis, rank - 1)
    let rows = dtype == type ? source.materialized() : source.to(type)
    let length = rows.shape[rank - 1]
    if rows.count == 0 { return rows.transposed(axis, rank - 1).contiguous() }
    Threads.parallel(rows.count / length, grain: Swift.max(1, (1 << 14) / length)) { range in
      for row in range {
        switch type {
        case .float32: Self.scan(rows.pointer(Float.self) + row * length, length, kind)
        case .float64: Self.scan(rows.pointer(Double.self) + row * length, length, kind)
        default:
          let values = rows.pointer(Int64.self) + row * length
          for i in 1..<Swift.max(length, 1) {
            values[i] = kind == .sum ? values[i - 1] &+ values[i] : values[i - 1] &* values[i]
          }
        }
      }
    }
    return rows.transposed(axis, rank - 1).contiguous()
  }

  private static func scan<T: BinaryFloatingPoint>(
    _ values: UnsafeMutablePointer<T>, _ n: Int, _ kind: ScanKind
  ) {
    var total = Double(values[0])
    for i in 1..<Swift.max(n, 1) {
      let next = Double(values[i])
      switch kind {
      case .sum: total += next
      case .product: total *= next
      case .logSumExp: total = logAddExp(total, next)
      }
      values[i] = T(total)
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
