import CTensorKernels

extension Tensor {
  /// For every element of `indices` along `axis`, where the element with that index lies in a contiguous
  /// tensor of `shape`; indices are checked, negative ones count from the back.
  private static func positions(
    of indices: Tensor, along axis: Int, in shape: [Int], _ operation: String
  ) -> [Int] {
    tensorRequire(
      !indices.dtype.isFloatingPoint, operation, "indices must be integers, found \(indices.dtype)")
    tensorRequire(
      indices.rank == shape.count
        && indices.shape.indices.allSatisfy { $0 == axis || indices.shape[$0] <= shape[$0] },
      operation, "indices of shape \(indices.shape) do not fit shape \(shape) beside axis \(axis)")
    if indices.count == 0 { return [] }
    let strides = contiguousStrides(shape)
    let numbers = indices.asIndices().contiguous()
    let values = numbers.pointer(Int64.self)
    let (extents, last) = (indices.shape, indices.rank - 1)
    let length = extents.last ?? 1
    let extent = shape[axis]
    // Before anything is allocated: what a failed check leaves behind is lost.
    Threads.parallel(indices.count, grain: 1 << 15) { range in
      if let bad = range.first(where: { !(-extent..<extent).contains(Int(values[$0])) }) {
        tensorFailure(operation, "index \(values[bad]) is outside axis \(axis) of shape \(shape)")
      }
    }
    let (stride, step) = (strides[axis], axis == last ? 0 : 1)
    // Rows of the indices: along one, every element but its index is a step further.
    let lead = StridedIteration(
      shape: Array(extents.dropLast()) + [1],
      strides: [extents.indices.dropLast().map { $0 == axis ? 0 : strides[$0] } + [0]])
    return [Int](unsafeUninitializedCapacity: indices.count) { buffer, initialized in
      nonisolated(unsafe) let positions = buffer
      Threads.parallel(indices.count / length, grain: Swift.max(1, (1 << 14) / length)) { range in
        for row in range {
          let base =
            lead.offset(0, row: row / lead.rowLength) + row % lead.rowLength * lead.rowStride(0)
          for i in 0..<length {
            let value = Int(values[row * length + i])
            let index = value < 0 ? value + extent : value
            positions[row * length + i] = base + index * stride + i * step
          }
        }
      }
      initialized = indices.count
    }
  }

  /// Picks one element for each index: `result[i, j] = self[i, indices[i, j]]` for axis 1, PyTorch's
  /// `gather`.
  /// - Parameters:
  ///   - axis: the axis the indices run along.
  ///   - indices: integers with this tensor's rank; not larger than this tensor beside `axis`.
  /// - Returns: a tensor of the indices' shape.
  public func gather(axis: Int, _ indices: Tensor) -> Tensor {
    let axis = normalizedAxis(axis, "gather")
    if isStandIn || indices.isStandIn {
      return Self.overBatch([self, indices]) { $0[0].gather(axis: axis + $1, $0[1]) }
    }
    let positions = Self.positions(of: indices, along: axis, in: shape, "gather")
    let source = detached().contiguous()
    let result = Tensor(uninitialized: indices.shape, dtype: dtype)
    func copy<T: TensorScalar>(_: T.Type) {
      let (input, output) = (source.pointer(T.self), result.pointer(T.self))
      positions.withUnsafeBufferPointer { positions in
        nonisolated(unsafe) let positions = positions
        Threads.parallel(positions.count, grain: 1 << 14) { range in
          for i in range { output[i] = input[positions[i]] }
        }
      }
    }
    dtype.withScalarType { copy($0) }
    let (original, type) = (shape, dtype)
    return recorded("gather", from: self, result) { gradient, _ in
      Tensor.zeros(original, dtype: type).scatterAdd(axis: axis, indices, gradient)
    }
  }

  /// A copy with `self[i, indices[i, j]] = source[i, j]` (for axis 1), PyTorch's `scatter`; the last of equal
  /// indices wins.
  ///
  /// Gradients are those of distinct indices: nothing flows to a replaced element.
  public func scatter(axis: Int, _ indices: Tensor, _ source: Tensor) -> Tensor {
    let axis = normalizedAxis(axis, "scatter")
    if isStandIn || indices.isStandIn || source.isStandIn {
      return Self.overBatch([self, indices, source]) { $0[0].scatter(axis: axis + $1, $0[1], $0[2]) }
    }
    let positions = Self.positions(of: indices, along: axis, in: shape, "scatter")
    let values = source.to(dtype)
    tensorRequire(
      values.shape == indices.shape, "scatter",
      "source of shape \(source.shape) and indices of shape \(indices.shape) differ")
    let result = materialized()
    let updates = values.detached().contiguous()
    func copy<T: TensorScalar>(_: T.Type) {
      let (input, output) = (updates.pointer(T.self), result.pointer(T.self))
      for (i, position) in positions.enumerated() { output[position] = input[i] }
    }
    dtype.withScalarType { copy($0) }
    return Tensor.recorded("scatter", from: [self, values], result) { gradient, _ in
      [
        gradient.scatter(axis: axis, indices, Tensor.zeros(indices.shape, dtype: gradient.dtype)),
        gradient.gather(axis: axis, indices),
      ]
    }
  }

  /// A copy with `source[i, j]` added at `self[i, indices[i, j]]` (for axis 1), PyTorch's `scatter_add`;
  /// equal indices add up in order.
  public func scatterAdd(axis: Int, _ indices: Tensor, _ source: Tensor) -> Tensor {
    // Halves are added up in Float32 and rounded once.
    if dtype.isHalfPrecision { return to(.float32).scatterAdd(axis: axis, indices, source).to(dtype) }
    let axis = normalizedAxis(axis, "scatterAdd")
    if isStandIn || indices.isStandIn || source.isStandIn {
      return Self.overBatch([self, indices, source]) { $0[0].scatterAdd(axis: axis + $1, $0[1], $0[2]) }
    }
    let positions = Self.positions(of: indices, along: axis, in: shape, "scatterAdd")
    let values = source.to(dtype)
    tensorRequire(
      values.shape == indices.shape, "scatterAdd",
      "source of shape \(source.shape) and indices of shape \(indices.shape) differ")
    let result = materialized()
    let updates = values.detached().contiguous()
    func add<T: BinaryFloatingPoint>(_: T.Type) {
      let (input, output) = (updates.pointer(T.self), result.pointer(T.self))
      for (i, position) in positions.enumerated() { output[position] += input[i] }
    }
    func wrap<T: FixedWidthInteger>(_: T.Type) {
      let (input, output) = (updates.pointer(T.self), result.pointer(T.self))
      for (i, position) in positions.enumerated() { output[position] &+= input[i] }
    }
    switch dtype {
    case .float32: add(Float.self)
    case .float64: add(Double.self)
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64: dtype.withIntegerType { wrap($0) }
    default: tensorFailure("scatterAdd", "needs float32, float64 or integers, found \(dtype)")
    }
    return Tensor.recorded("scatterAdd", from: [self, values], result) { gradient, _ in
      [gradient, gradient.gather(axis: axis, indices)]
    }
  }

  /// Slices along `axis` with the given numbers, PyTorch's `index_select`; the gradient adds up where one is
  /// taken twice.
  /// - Parameter indices: `[k]` integers.
  public func indexSelect(axis: Int, _ indices: Tensor) -> Tensor {
    let axis = normalizedAxis(axis, "indexSelect")
    tensorRequire(
      indices.rank == 1, "indexSelect", "indices must have one axis, found shape \(indices.shape)")
    return tensorOperation("indexSelect") {
      axis == 0 ? rows(at: indices) : transposed(0, axis).rows(at: indices).transposed(0, axis)
    }
  }

  /// A copy with slices of `source` added along `axis` at the given numbers, PyTorch's `index_add`.
  public func indexAdd(axis: Int, _ indices: Tensor, _ source: Tensor) -> Tensor {
    let axis = normalizedAxis(axis, "indexAdd")
    var expected = shape
    if indices.rank == 1 { expected[axis] = indices.count }
    tensorRequire(
      indices.rank == 1 && source.shape == expected, "indexAdd",
      "indices of shape \(indices.shape) and a source of shape \(source.shape) do not fit axis \(axis) of "
        + "shape \(shape)"
    )
    var single = [Int](repeating: 1, count: rank)
    single[axis] = indices.count
    return tensorOperation("indexAdd") {
      scatterAdd(axis: axis, indices.reshaped(single).expanded(to: source.shape), source)
    }
  }

  /// The main diagonal of two axes (PyTorch's `diagonal`), moved to the end, as a view.
  /// - Parameter offset: diagonals above (positive) or below (negative) the main one.
  public func diagonal(offset: Int = 0, axis1: Int = -2, axis2: Int = -1) -> Tensor {
    let (first, second) = (normalizedAxis(axis1, "diagonal"), normalizedAxis(axis2, "diagonal"))
    tensorRequire(first != second, "diagonal", "needs two different axes, found \(axis1) and \(axis2)")
    if isStandIn {
      return overBatch { $0.diagonal(offset: offset, axis1: first + $1, axis2: second + $1) }
    }
    let (rows, columns) = (shape[first], shape[second])
    let length = Swift.max(
      0, offset >= 0 ? Swift.min(rows, columns - offset) : Swift.min(rows + offset, columns))
    let others = shape.indices.filter { $0 != first && $0 != second }
    let start =
      self.offset + (length == 0 ? 0 : offset >= 0 ? offset * strides[second] : -offset * strides[first])
    let result = view(
      shape: others.map { shape[$0] } + [length],
      strides: others.map { strides[$0] } + [strides[first] + strides[second]], offset: start)
    let (original, type) = (shape, dtype)
    return recorded("diagonal", from: self, result) { gradient, _ in
      let full = Tensor.zeros(original, dtype: type)
      gradient.detached().write(into: full.diagonal(offset: offset, axis1: first, axis2: second))
      return Tensor.recorded("diagonalScatter", from: [gradient], full) { gradientOfGradient, _ in
        [gradientOfGradient.diagonal(offset: offset, axis1: first, axis2: second)]
      }
    }
  }
}
