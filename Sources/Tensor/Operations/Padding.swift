extension Tensor {
  /// The tensor with constant elements before and after every axis.
  /// - Parameters:
  ///   - widths: for each axis how many to put before and after.
  ///   - value: the constant.
  public func padded(_ widths: [(before: Int, after: Int)], value: Double = 0) -> Tensor {
    tensorRequire(
      widths.count == rank && widths.allSatisfy { $0.before >= 0 && $0.after >= 0 }, "padded",
      "needs \(rank) pairs of widths that are not negative, found \(widths)")
    let outer = zip(shape, widths).map { $0 + $1.before + $1.after }
    let result = Tensor.full(outer, value, dtype: dtype)
    func inside(_ tensor: Tensor) -> Tensor {
      shape.indices.reduce(tensor) { $0.slice(axis: $1, widths[$1].before..<widths[$1].before + shape[$1]) }
    }
    detached().write(into: inside(result))
    return recorded("padded", from: self, result) { gradient, _ in inside(gradient) }
  }

  /// The tensor laid side by side with itself, `counts[i]` times along axis `i` (NumPy's `tile`).
  public func tiled(_ counts: [Int]) -> Tensor {
    tensorRequire(
      counts.count == rank && counts.allSatisfy { $0 >= 0 }, "tiled",
      "needs \(rank) counts that are not negative, found \(counts)")
    let spread = zip(counts, shape).flatMap { [$0, $1] }
    return reshaped(shape.flatMap { [1, $0] }).expanded(to: spread).reshaped(zip(counts, shape).map(*))
  }

  /// Every element `count` times in a row along an axis (PyTorch's `repeat_interleave`).
  public func repeated(_ count: Int, axis: Int) -> Tensor {
    let axis = normalizedAxis(axis, "repeated")
    tensorRequire(count >= 0, "repeated", "the count must not be negative, found \(count)")
    var (spread, joined) = (shape, shape)
    spread.insert(count, at: axis + 1)
    joined[axis] *= count
    return expandedDimensions(axis: axis + 1).expanded(to: spread).reshaped(joined)
  }

  /// The elements moved along an axis, those that leave at the end coming back in front (NumPy's `roll`).
  public func rolled(_ shift: Int, axis: Int) -> Tensor {
    let axis = normalizedAxis(axis, "rolled")
    let extent = shape[axis]
    if extent == 0 { return self }
    let cut = (extent - shift % extent) % extent
    return cut == 0
      ? self : Tensor.concatenated([slice(axis: axis, cut..<extent), slice(axis: axis, 0..<cut)], axis: axis)
  }

  /// The lower triangle of the last two axes, zero above it.
  /// - Parameter diagonal: the last diagonal that is kept; 0 is the main one.
  public func lowerTriangle(diagonal: Int = 0) -> Tensor {
    triangle { column, row in column - row <= diagonal }
  }

  /// The upper triangle of the last two axes, zero below it.
  /// - Parameter diagonal: the first diagonal that is kept; 0 is the main one.
  public func upperTriangle(diagonal: Int = 0) -> Tensor {
    triangle { column, row in column - row >= diagonal }
  }

  private func triangle(_ keeps: (_ column: Int, _ row: Int) -> Bool) -> Tensor {
    tensorRequire(rank >= 2, "triangle", "needs at least two axes, found shape \(shape)")
    let (rows, columns) = (shape[rank - 2], shape[rank - 1])
    let mask = (0..<rows * columns).map { keeps($0 % columns, $0 / columns) }
    return Tensor.select(Tensor(mask, shape: [rows, columns]), self, Tensor.zeros([], dtype: dtype))
  }

  /// One row for each integer with a one at its place, shape `shape + [classes]`.
  public func oneHot(classes: Int, dtype: DType = .float32) -> Tensor {
    let indices = expandedDimensions(axis: rank)
    return (indices .== Tensor.arange(classes)).to(dtype)
  }
}
