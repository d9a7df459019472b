import CTensorKernels

extension Tensor {
  /// The same memory with another layout; the caller vouches that it stays inside.
  package func view(shape: [Int], strides: [Int], offset: Int? = nil) -> Tensor {
    Tensor(storage: storage, shape: shape, strides: strides, offset: offset ?? self.offset, dtype: dtype)
  }

  /// The same elements in C order under another shape; one extent may be −1 and is worked out.
  ///
  /// A view where the strides allow it, else a copy.
  public func reshaped(_ newShape: [Int]) -> Tensor {
    if newShape == shape { return self }
    var target = newShape
    if let unknown = target.firstIndex(of: -1) {
      let known = Self.elementCount(target.indices.filter { $0 != unknown }.map { target[$0] }) ?? 0
      tensorRequire(
        known > 0 && count % known == 0, "reshaped", "\(shape) does not divide into \(newShape)")
      target[unknown] = count / known
    }
    tensorRequire(
      Self.elementCount(target) == count, "reshaped",
      "\(shape) has \(count) elements, \(newShape) does not fit")
    if isStandIn { return overBatch { x, shift in x.reshaped(x.shape.prefix(shift) + target) } }
    let original = shape
    let result: Tensor =
      if let strides = stridesOfView(target) {
        view(shape: target, strides: strides)
      } else {
        materialized().view(shape: target, strides: Self.contiguousStrides(target), offset: 0)
      }
    return recorded("reshaped", from: self, result) { gradient, _ in gradient.reshaped(original) }
  }

  /// Strides under which the same memory reads as `target`, if there are any.
  private func stridesOfView(_ target: [Int]) -> [Int]? {
    if isContiguous { return Self.contiguousStrides(target) }
    if count == 0 { return nil }
    let walk = StridedIteration(shape: shape, strides: [strides])
    var result = [Int](repeating: 1, count: target.count)
    var axis = target.count - 1
    for block in stride(from: walk.shape.count - 1, through: 0, by: -1) {
      var rest = walk.shape[block]
      var step = walk.strides[0][block]
      while axis >= 0, rest % target[axis] == 0, target[axis] == 1 || rest > 1 {
        result[axis] = step
        step *= target[axis]
        rest /= target[axis]
        axis -= 1
      }
      if rest != 1 { return nil }
    }
    return axis < 0 ? result : nil
  }

  /// All axes in one.
  public func flattened() -> Tensor { reshaped([-1]) }

  /// A view with the axes in another order: axis `i` of the result is axis `order[i]` of this tensor.
  public func permuted(_ order: [Int]) -> Tensor {
    let axes = order.map { normalizedAxis($0, "permuted") }
    tensorRequire(
      axes.sorted() == Array(shape.indices), "permuted",
      "\(order) is not an order of the axes of shape \(shape)")
    if axes == Array(shape.indices) { return self }
    if isStandIn { return overBatch { x, shift in x.permuted(Array(0..<shift) + axes.map { $0 + shift }) } }
    let result = view(shape: axes.map { shape[$0] }, strides: axes.map { strides[$0] })
    return recorded("permuted", from: self, result) { gradient, _ in
      var inverse = axes
      for (i, axis) in axes.enumerated() { inverse[axis] = i }
      return gradient.permuted(inverse)
    }
  }

  /// A view with two axes exchanged.
  public func transposed(_ a: Int = -2, _ b: Int = -1) -> Tensor {
    var order = Array(shape.indices)
    order.swapAt(normalizedAxis(a, "transposed"), normalizedAxis(b, "transposed"))
    return permuted(order)
  }

  /// A view that repeats axes of extent 1 (and new leading axes) without copying.
  public func expanded(to newShape: [Int]) -> Tensor {
    if newShape == shape { return self }
    tensorRequire(
      newShape.count >= rank && Self.elementCount(newShape) != nil
        && Self.broadcastShape(shape, newShape, "expanded") == newShape, "expanded",
      "shape \(shape) cannot be expanded to \(newShape)")
    if isStandIn {
      let ones = [Int](repeating: 1, count: newShape.count - rank)
      return overBatch { [shape] x, shift in
        x.reshaped(x.shape.prefix(shift) + ones + shape).expanded(to: x.shape.prefix(shift) + newShape)
      }
    }
    let original = shape
    let result = view(shape: newShape, strides: broadcastStrides(to: newShape))
    return recorded("expanded", from: self, result) { gradient, _ in gradient.reduced(to: original) }
  }

  /// A view without an axis of extent 1.
  public func squeezed(axis: Int) -> Tensor {
    let axis = normalizedAxis(axis, "squeezed")
    tensorRequire(shape[axis] == 1, "squeezed", "axis \(axis) of shape \(shape) is not 1")
    var newShape = shape
    newShape.remove(at: axis)
    return reshaped(newShape)
  }

  /// A view with a new axis of extent 1 at `axis`.
  public func expandedDimensions(axis: Int) -> Tensor {
    let axis = normalizedAxis(axis, "expandedDimensions", rank: rank + 1)
    var newShape = shape
    newShape.insert(1, at: axis)
    return reshaped(newShape)
  }

  /// A view of part of an axis: elements `start, start + step, …` while before `end` (after it for a negative
  /// step).
  /// - Parameters:
  ///   - axis: the axis; negative counts from the back.
  ///   - range: the positions, within the axis.
  ///   - step: the distance between elements; negative walks backwards from the last of the range.
  public func slice(axis: Int, _ range: Range<Int>, step: Int = 1) -> Tensor {
    let axis = normalizedAxis(axis, "slice")
    tensorRequire(
      range.lowerBound >= 0 && range.upperBound <= shape[axis], "slice",
      "range \(range) is outside axis \(axis) of shape \(shape)")
    tensorRequire(step != 0, "slice", "the step must not be 0")
    if range == 0..<shape[axis] && step == 1 { return self }
    if isStandIn { return overBatch { x, shift in x.slice(axis: axis + shift, range, step: step) } }
    let first = step > 0 ? range.lowerBound : range.upperBound - 1
    // A step beyond the range leaves one element, however long it is.
    let step = Swift.min(Swift.max(step, -Swift.max(range.count, 1)), Swift.max(range.count, 1))
    let length = (range.count + Swift.abs(step) - 1) / Swift.abs(step)
    var (newShape, newStrides) = (shape, strides)
    newShape[axis] = length
    newStrides[axis] *= step
    let start = length == 0 ? offset : offset + first * strides[axis]
    let result = view(shape: newShape, strides: newStrides, offset: start)
    let (original, type) = (shape, dtype)
    return recorded("slice", from: self, result) { gradient, _ in
      if GradientMode.isEnabled { return gradient.scattered(intoAxis: axis, range, step: step, of: original) }
      let full = Tensor.zeros(original, dtype: type)
      gradient.write(into: full.slice(axis: axis, range, step: step))
      return full
    }
  }

  /// The differentiable inverse of a slice: zeros with this tensor in place of the slice.
  func scattered(intoAxis axis: Int, _ range: Range<Int>, step: Int, of shape: [Int]) -> Tensor {
    let full = Tensor.zeros(shape, dtype: dtype)
    detached().write(into: full.slice(axis: axis, range, step: step))
    return recorded("scattered", from: self, full) { gradient, _ in
      gradient.slice(axis: axis, range, step: step)
    }
  }

  /// Copies this tensor's elements into a view that nobody else reads.
  package func write(into view: Tensor) {
    let walk = StridedIteration(shape: view.shape, strides: [broadcastStrides(to: view.shape), view.strides])
    let size = dtype.byteSize
    let (source, target) = (rawPointer, view.rawPointer)
    walk.forEachPiece { row, start, length in
      tk_copy_strided(
        Int32(size), Int64(length),
        source + (walk.offset(0, row: row) + start * walk.rowStride(0)) * size, Int64(walk.rowStride(0)),
        target + (walk.offset(1, row: row) + start * walk.rowStride(1)) * size, Int64(walk.rowStride(1)))
    }
  }

  /// The elements in reverse along some axes, as a view.
  public func flipped(axes: [Int]) -> Tensor {
    axes.reduce(self) { tensor, axis in
      let axis = tensor.normalizedAxis(axis, "flipped")
      return tensor.slice(axis: axis, 0..<tensor.shape[axis], step: -1)
    }
  }

  /// Joins tensors along an axis they already have.
  /// - Precondition: all shapes agree on every other axis, and there is at least one tensor.
  public static func concatenated(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
    guard let first = tensors.first else { tensorFailure("concatenated", "needs at least one tensor") }
    let type = tensors.dropFirst().reduce(first.dtype) { DType.promoted($0, $1.dtype) }
    let parts = tensors.map { $0.to(type) }
    let axis = first.normalizedAxis(axis, "concatenated")
    var shape = first.shape
    for part in parts.dropFirst() {
      var comparable = part.shape
      if comparable.count == shape.count { comparable[axis] = first.shape[axis] }
      tensorRequire(
        comparable == first.shape, "concatenated",
        "shapes \(first.shape) and \(part.shape) differ beside axis \(axis)")
      shape[axis] += part.shape[axis]
    }
    if parts.contains(where: { $0.isStandIn }) {
      return overBatch(parts) { concatenated($0, axis: axis + $1) }
    }
    let result = Tensor(uninitialized: shape, dtype: type)
    var ranges: [Range<Int>] = []
    var start = 0
    for part in parts {
      let range = start..<start + part.shape[axis]
      part.detached().write(into: result.slice(axis: axis, range))
      ranges.append(range)
      start = range.upperBound
    }
    return recorded("concatenated", from: parts, result) { gradient, _ in
      ranges.map { gradient.slice(axis: axis, $0) }
    }
  }

  /// Joins tensors of one shape along a new axis.
  public static func stacked(_ tensors: [Tensor], axis: Int = 0) -> Tensor {
    tensorRequire(
      !tensors.isEmpty && tensors.allSatisfy { $0.shape == tensors[0].shape }, "stacked",
      "needs at least one tensor, and all of one shape, found shapes \(tensors.map(\.shape))")
    return tensorOperation("stacked") {
      concatenated(tensors.map { $0.expandedDimensions(axis: axis) }, axis: axis)
    }
  }

  /// Cuts an axis into parts of the given lengths.
  /// - Precondition: the lengths add up to the axis.
  public func split(_ lengths: [Int], axis: Int = 0) -> [Tensor] {
    let axis = normalizedAxis(axis, "split")
    tensorRequire(
      lengths.allSatisfy { (0...shape[axis]).contains($0) }
        && lengths.reduce(0.0) { $0 + Double($1) } == Double(shape[axis]),
      "split", "lengths \(lengths) do not add up to axis \(axis) of \(shape)")
    var start = 0
    return lengths.map { length in
      defer { start += length }
      return slice(axis: axis, start..<start + length)
    }
  }

  /// Cuts an axis into that many parts of one length, the last one shorter or absent when it does not divide
  /// (PyTorch's `chunk`).
  public func chunked(_ count: Int, axis: Int = 0) -> [Tensor] {
    let axis = normalizedAxis(axis, "chunked")
    tensorRequire(count > 0, "chunked", "the number of parts must be positive, found \(count)")
    let extent = shape[axis]
    let length = extent / count + (extent % count == 0 ? 0 : 1)
    if length == 0 { return [Tensor](repeating: self, count: count) }
    return stride(from: 0, to: extent, by: length).map {
      slice(axis: axis, $0..<Swift.min($0 + length, extent))
    }
  }
}
