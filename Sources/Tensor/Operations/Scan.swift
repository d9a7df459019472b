extension Tensor {
  /// The running sum along an axis. Integers and bools add up as int64.
  public func cumsum(axis: Int) -> Tensor {
    let source = dtype.isFloatingPoint ? self : detached().to(.int64)
    let axis = normalizedAxis(axis, "cumsum")
    let result = source.scanned(axis) {
      $0 + $1
    } integers: {
      $0 &+ $1
    }
    return source.recorded("cumsum", from: source, result) { gradient, _ in
      gradient.flipped(axes: [axis]).cumsum(axis: axis).flipped(axes: [axis])
    }
  }

  /// The running product along an axis.
  ///
  /// Its gradient, `Σ_{j≥i} g_j Π_{k≤j, k≠i} x_k`, is computed without dividing, so zeros are no problem.
  public func cumprod(axis: Int) -> Tensor {
    let source = dtype.isFloatingPoint ? self : detached().to(.int64)
    let axis = normalizedAxis(axis, "cumprod")
    let result = source.scanned(axis) {
      $0 * $1
    } integers: {
      $0 &* $1
    }
    let length = shape[axis]
    return source.recorded("cumprod", from: source, result) { gradient, _ in
      // Walking back: tail_i = g_i + x_{i+1} tail_{i+1}; the gradient is (product before i) · tail_i.
      if length == 0 { return gradient }
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

  /// The running ln Σ e^x along an axis, without overflow.
  public func logCumSumExp(axis: Int) -> Tensor {
    let axis = normalizedAxis(axis, "logCumSumExp")
    if shape[axis] == 0 { return self }
    let peak = detached().max(axes: [axis], keepDims: true)
    return (self - peak).exp().cumsum(axis: axis).log() + peak
  }

  /// Combines neighbours along an axis from the front.
  private func scanned(
    _ axis: Int, _ combine: @escaping (Double, Double) -> Double, integers: @escaping (Int64, Int64) -> Int64
  ) -> Tensor {
    let rows = detached().transposed(axis, rank - 1).materialized()
    let length = rows.shape[rank - 1]
    let count = length == 0 ? 0 : rows.count / length
    switch dtype {
    case .int64:
      let values = rows.pointer(Int64.self)
      for row in 0..<count {
        for i in row * length + 1..<Swift.max((row + 1) * length, row * length + 1) {
          values[i] = integers(values[i - 1], values[i])
        }
      }
    case .float32:
      let values = rows.pointer(Float.self)
      for row in 0..<count {
        var total = Double(values[row * length])
        for i in row * length + 1..<Swift.max((row + 1) * length, row * length + 1) {
          total = combine(total, Double(values[i]))
          values[i] = Float(total)
        }
      }
    case .float64:
      let values = rows.pointer(Double.self)
      for row in 0..<count {
        for i in row * length + 1..<Swift.max((row + 1) * length, row * length + 1) {
          values[i] = combine(values[i - 1], values[i])
        }
      }
    default: return to(.float32).scanned(axis, combine, integers: integers).to(dtype)
    }
    return rows.transposed(axis, rank - 1).contiguous()
  }
}
