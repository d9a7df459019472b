/// What ``Tensor/padded(_:mode:value:)`` puts around a tensor; the names are those of PyTorch's `F.pad`.
public enum PaddingMode: String, Sendable, CaseIterable {
  /// A number: `0 0 | a b c | 0 0`.
  case constant
  /// The tensor mirrored at its first and last element: `c b | a b c | b a`.
  case reflect
  /// The first and the last element: `a a | a b c | c c`.
  case replicate
  /// The tensor again from its other end: `b c | a b c | a b`.
  case circular

  /// Which element of an axis stands at `position`, which may lie outside of it.
  fileprivate func source(_ position: Int, _ extent: Int) -> Int {
    switch self {
    case .reflect: position < 0 ? -position : position < extent ? position : 2 * (extent - 1) - position
    case .circular: (position % extent + extent) % extent
    case .constant, .replicate: max(0, min(position, extent - 1))
    }
  }
}

extension Tensor {
  /// The tensor with elements put before and after every axis, the first axis first.
  /// - Parameters:
  ///   - widths: for each axis how many to put before and after.
  ///   - mode: what to put there.
  ///   - value: the constant of ``PaddingMode/constant``.
  /// - Precondition: other modes need an axis that is not empty, and ``PaddingMode/reflect`` one longer than
  ///   the widths.
  public func padded(
    _ widths: [(before: Int, after: Int)], mode: PaddingMode = .constant, value: Double = 0
  ) -> Tensor {
    tensorRequire(
      widths.count == rank && widths.allSatisfy { $0.before >= 0 && $0.after >= 0 }, "padded",
      "needs \(rank) pairs of widths that are not negative, found \(widths)")
    let outer = zip(shape, widths).compactMap { Tensor.sum(of: [$0, $1.before, $1.after]) }
    tensorRequire(
      outer.count == rank && Tensor.elementCount(outer) != nil, "padded",
      "\(widths) around shape \(shape) is beyond all memory")
    return mode == .constant ? paddedByConstant(widths, value) : paddedByItself(widths, mode)
  }

  private func paddedByItself(_ widths: [(before: Int, after: Int)], _ mode: PaddingMode) -> Tensor {
    var sources: [[Int]] = []
    for (axis, (before, after)) in widths.enumerated() {
      let extent = shape[axis]
      tensorRequire(
        before + after == 0 || extent > (mode == .reflect ? Swift.max(before, after) : 0), "padded",
        "\(mode) by \(before) and \(after) needs a longer axis \(axis), found shape \(shape)")
      sources.append((-before..<extent + after).map { before + after == 0 ? $0 : mode.source($0, extent) })
    }
    guard requiresGradient else { return copying(sources, widths) }
    var result = self
    for (axis, (before, after)) in widths.enumerated() where before + after > 0 {
      result = result.indexSelect(axis: axis, Tensor(sources[axis].map(Int64.init)))
    }
    return result
  }

  /// The tensor whose element at a place is the one that `sources` names for each axis, row by row: what lies
  /// within the tensor is copied as one piece.
  private func copying(_ sources: [[Int]], _ widths: [(before: Int, after: Int)]) -> Tensor {
    let source = contiguous()
    let result = Tensor(uninitialized: sources.map(\.count), dtype: dtype)
    guard let last = sources.last, result.count > 0 else { return rank == 0 ? self : result }
    let size = dtype.byteSize
    let (before, extent) = (widths[rank - 1].before, shape[rank - 1])
    let (input, output) = (source.rawPointer, result.rawPointer)
    let strides = Tensor.contiguousStrides(shape)
    let edges = Array(0..<before) + Array(before + extent..<last.count)
    Threads.parallel(result.count / last.count, grain: Swift.max(1, (1 << 16) / (last.count * size))) {
      range in
      for line in range {
        var (rest, offset) = (line, 0)
        for axis in stride(from: rank - 2, through: 0, by: -1) {
          let (quotient, place) = rest.quotientAndRemainder(dividingBy: sources[axis].count)
          offset += sources[axis][place] * strides[axis]
          rest = quotient
        }
        let (from, to) = (input + offset * size, output + line * last.count * size)
        (to + before * size).copyMemory(from: from, byteCount: extent * size)
        for place in edges {
          (to + place * size).copyMemory(from: from + last[place] * size, byteCount: size)
        }
      }
    }
    return result
  }

  private func paddedByConstant(_ widths: [(before: Int, after: Int)], _ value: Double) -> Tensor {
    let outer = zip(shape, widths).map { $0 + $1.before + $1.after }
    let result = tensorOperation("padded") { Tensor.full(outer, value, dtype: dtype) }
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
    tensorRequire(
      Tensor.elementCount(spread) != nil, "tiled", "\(counts) times shape \(shape) is beyond all memory")
    return reshaped(shape.flatMap { [1, $0] }).expanded(to: spread).reshaped(zip(counts, shape).map(*))
  }

  /// Every element `count` times in a row along an axis (PyTorch's `repeat_interleave`).
  public func repeated(_ count: Int, axis: Int) -> Tensor {
    let axis = normalizedAxis(axis, "repeated")
    tensorRequire(count >= 0, "repeated", "the count must not be negative, found \(count)")
    var (spread, joined) = (shape, shape)
    spread.insert(count, at: axis + 1)
    tensorRequire(
      Tensor.elementCount(spread) != nil, "repeated",
      "\(count) times axis \(axis) of shape \(shape) is beyond all memory")
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

  /// One row for each integer with a one at its place, shape `shape + [classes]`.
  /// - Precondition: every integer is a class, from 0 to `classes − 1`.
  public func oneHot(classes: Int, dtype: DType = .float32) -> Tensor {
    tensorRequire(!self.dtype.isFloatingPoint, "oneHot", "classes must be integers, found \(self.dtype)")
    tensorRequire(classes >= 0, "oneHot", "the number of classes must not be negative, found \(classes)")
    tensorRequire(
      Tensor.elementCount(shape + [classes]) != nil, "oneHot",
      "\(classes) classes for shape \(shape) are beyond all memory")
    if count > 0, self.dtype != .bool {
      let (least, most) = (detached().min().array(of: Int.self)[0], detached().max().array(of: Int.self)[0])
      tensorRequire(
        least >= 0 && most < classes, "oneHot",
        "class \(least < 0 ? least : most) is outside \(classes) classes")
    }
    let indices = expandedDimensions(axis: rank)
    return (indices .== Tensor.arange(classes)).to(dtype)
  }
}
