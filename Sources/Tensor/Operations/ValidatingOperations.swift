extension Tensor {
  private func checkedAxis(_ axis: Int, _ operation: String, rank: Int? = nil) throws(TensorError) -> Int {
    let rank = rank ?? self.rank
    let (result, isBeyond) = axis < 0 ? axis.addingReportingOverflow(rank) : (axis, false)
    try tensorCheck(
      !isBeyond && result >= 0 && result < rank, operation, "axis \(axis) is out of range for shape \(shape)")
    return result
  }

  /// Fails unless this holds integers from `-extent` to `extent − 1`.
  private func checkPositions(
    _ operation: String, below extent: Int, kind: String = "indices", _ place: String
  ) throws(TensorError) {
    try tensorCheck(!dtype.isFloatingPoint, operation, "\(kind) must be integers, found \(dtype)")
    if count == 0 { return }
    let numbers = detached().asIndices().contiguous()
    let bad = withExtendedLifetime(numbers) {
      UnsafeBufferPointer(start: numbers.pointer(Int64.self), count: numbers.count)
        .first { !(-extent..<extent).contains(Int($0)) }
    }
    if let bad { throw TensorError(operation: operation, message: "index \(bad) is outside \(place)") }
  }

  /// As ``expanded(to:)``, for shapes that come from data.
  /// - Throws: ``TensorError`` when this tensor cannot be expanded to it.
  public func expanded(validating newShape: [Int]) throws(TensorError) -> Tensor {
    let fits =
      newShape.count >= rank && Tensor.elementCount(newShape) != nil
      && zip(shape.reversed(), newShape.reversed()).allSatisfy { $0 == $1 || $0 == 1 }
    try tensorCheck(fits, "expanded", "shape \(shape) cannot be expanded to \(newShape)")
    return expanded(to: newShape)
  }

  /// As ``permuted(_:)``, for orders that come from data.
  /// - Throws: ``TensorError`` when it is no order of the axes.
  public func permuted(validating order: [Int]) throws(TensorError) -> Tensor {
    var axes: [Int] = []
    for axis in order { axes.append(try checkedAxis(axis, "permuted")) }
    try tensorCheck(
      axes.sorted() == Array(shape.indices), "permuted",
      "\(order) is not an order of the axes of shape \(shape)")
    return permuted(axes)
  }

  /// As ``slice(axis:_:step:)``, for ranges that come from data.
  /// - Throws: ``TensorError`` when the range is not within the axis.
  public func slice(axis: Int, validating range: Range<Int>, step: Int = 1) throws(TensorError) -> Tensor {
    let axis = try checkedAxis(axis, "slice")
    try tensorCheck(
      range.lowerBound >= 0 && range.upperBound <= shape[axis], "slice",
      "range \(range) is outside axis \(axis) of shape \(shape)")
    try tensorCheck(step != 0, "slice", "the step must not be 0")
    return slice(axis: axis, range, step: step)
  }

  /// As ``indexed(_:)``, for positions that come from data.
  /// - Throws: ``TensorError`` when a position is outside of its axis, or lists or masks do not fit.
  public func indexed(validating positions: [TensorIndex]) throws(TensorError) -> Tensor {
    let mentioned = positions.reduce(0) { sum, position in
      switch position {
      case .index, .range: sum + 1
      case .elements(let list): sum + (list.dtype == .bool ? list.rank : 1)
      case .remainingAxes, .insertedAxis: sum
      }
    }
    try tensorCheck(
      mentioned <= rank
        && positions.count(where: { if case .remainingAxes = $0 { true } else { false } }) <= 1,
      "subscript", "positions for \(mentioned) axes of shape \(shape), or more than one ellipsis")
    var (axis, common) = (0, [Int]())
    for position in positions {
      switch position {
      case .index(let index):
        try tensorCheck(
          (-shape[axis]..<shape[axis]).contains(index), "subscript",
          "index \(index) is outside axis \(axis) of shape \(shape)")
        axis += 1
      case .range(_, _, let step):
        try tensorCheck(step != 0, "subscript", "a step must not be 0")
        axis += 1
      case .remainingAxes: axis += rank - mentioned
      case .insertedAxis: break
      case .elements(let list) where list.dtype == .bool:
        let covered = Array(shape[axis..<axis + list.rank])
        try tensorCheck(
          list.shape == covered, "subscript",
          "a mask of shape \(list.shape) does not fit axes \(covered) of shape \(shape)")
        let chosen = list.rank == 0 ? [] : [Int(list.countNonZero().item())]
        common = try Self.broadcastShape(validating: common, chosen, "subscript")
        axis += list.rank
      case .elements(let list):
        try list.checkPositions(
          "subscript", below: shape[axis], kind: "positions", "axis \(axis) of shape \(shape)")
        common = try Self.broadcastShape(validating: common, list.shape, "subscript")
        axis += 1
      }
    }
    return indexed(positions)
  }

  private static func broadcastShape(
    validating a: [Int], _ b: [Int], _ operation: String
  ) throws(TensorError) -> [Int] {
    guard let shape = try? broadcastShape(validating: a, b) else {
      throw TensorError(operation: operation, message: "shapes \(a) and \(b) cannot be broadcast")
    }
    return shape
  }

  /// As ``concatenated(_:axis:)``, for tensors that come from data.
  /// - Throws: ``TensorError`` when there is none, or their shapes differ beside the axis.
  public static func concatenated(validating tensors: [Tensor], axis: Int = 0) throws(TensorError) -> Tensor {
    guard let first = tensors.first else {
      throw TensorError(operation: "concatenated", message: "needs at least one tensor")
    }
    let axis = try first.checkedAxis(axis, "concatenated")
    for part in tensors.dropFirst() {
      var comparable = part.shape
      if comparable.count == first.rank { comparable[axis] = first.shape[axis] }
      try tensorCheck(
        comparable == first.shape, "concatenated",
        "shapes \(first.shape) and \(part.shape) differ beside axis \(axis)")
    }
    return concatenated(tensors, axis: axis)
  }

  /// As ``stacked(_:axis:)``, for tensors that come from data.
  /// - Throws: ``TensorError`` when there is none, or their shapes differ.
  public static func stacked(validating tensors: [Tensor], axis: Int = 0) throws(TensorError) -> Tensor {
    try tensorCheck(
      !tensors.isEmpty && tensors.allSatisfy { $0.shape == tensors[0].shape }, "stacked",
      "needs at least one tensor, and all of one shape, found shapes \(tensors.map(\.shape))")
    return stacked(tensors, axis: try tensors[0].checkedAxis(axis, "stacked", rank: tensors[0].rank + 1))
  }

  /// As ``split(_:axis:)``, for lengths that come from data.
  /// - Throws: ``TensorError`` when they do not add up to the axis.
  public func split(validating lengths: [Int], axis: Int = 0) throws(TensorError) -> [Tensor] {
    let axis = try checkedAxis(axis, "split")
    try tensorCheck(
      lengths.allSatisfy { $0 >= 0 } && Tensor.sum(of: lengths) == shape[axis], "split",
      "lengths \(lengths) do not add up to axis \(axis) of \(shape)")
    return split(lengths, axis: axis)
  }

  /// As ``rows(at:)``, for indices that come from data.
  /// - Throws: ``TensorError`` when there are no rows, or an index is none of a row.
  public func rows(validating indices: Tensor) throws(TensorError) -> Tensor {
    try tensorCheck(rank >= 1, "rows", "a scalar has no rows")
    try indices.checkPositions("rows", below: shape[0], "\(shape[0]) rows")
    return rows(at: indices)
  }

  /// As ``gather(axis:_:)``, for indices that come from data.
  /// - Throws: ``TensorError`` when their shape does not fit or one is outside of the axis.
  public func gather(axis: Int, validating indices: Tensor) throws(TensorError) -> Tensor {
    let axis = try checkedAxis(axis, "gather")
    try tensorCheck(
      !indices.dtype.isFloatingPoint, "gather", "indices must be integers, found \(indices.dtype)")
    try tensorCheck(
      indices.rank == rank
        && indices.shape.indices.allSatisfy { $0 == axis || indices.shape[$0] <= shape[$0] },
      "gather", "indices of shape \(indices.shape) do not fit shape \(shape) beside axis \(axis)")
    try indices.checkPositions("gather", below: shape[axis], "axis \(axis) of shape \(shape)")
    return gather(axis: axis, indices)
  }

  /// As ``matmul(_:)->Tensor``, for operands that come from data.
  /// - Throws: ``TensorError`` when their shapes do not fit.
  public func matmul(validating other: Tensor) throws(TensorError) -> Tensor {
    try tensorCheck(
      rank > 0 && other.rank > 0, "matmul",
      "needs at least one axis on both sides, found shapes \(shape) and \(other.shape)")
    let (a, b) = (rank == 1 ? [1] + shape : shape, other.rank == 1 ? other.shape + [1] : other.shape)
    try tensorCheck(
      a[a.count - 1] == b[b.count - 2], "matmul", "shapes \(a) and \(b) do not agree inside")
    let batch = try Self.broadcastShape(validating: Array(a.dropLast(2)), Array(b.dropLast(2)), "matmul")
    try tensorCheck(
      Tensor.elementCount(batch + [a[a.count - 2], b[b.count - 1]]) != nil, "matmul",
      "the product of shapes \(a) and \(b) is beyond all memory")
    return matmul(other)
  }
}

/// As ``linear(_:weight:bias:)-(_,Tensor,_)``, for operands that come from data.
/// - Throws: ``TensorError`` when their shapes do not fit.
public func linear(validating x: Tensor, weight: Tensor, bias: Tensor? = nil) throws(TensorError) -> Tensor {
  try tensorCheck(
    weight.rank == 2 && x.rank >= 1 && x.shape[x.rank - 1] == weight.shape[1], "linear",
    "input of shape \(x.shape) does not fit a weight of shape \(weight.shape)")
  try tensorCheck(
    x.dtype.isFloatingPoint || weight.dtype.isFloatingPoint || bias?.dtype.isFloatingPoint ?? false, "linear",
    "needs floating-point elements, found \(x.dtype)")
  try tensorCheck(
    bias.map { $0.shape == [weight.shape[0]] } ?? true, "linear",
    "bias of shape \(bias?.shape ?? []) does not fit a weight of shape \(weight.shape)")
  return linear(x, weight: weight, bias: bias)
}

/// As ``crossEntropy(_:targets:ignoring:labelSmoothing:reduction:)``, for targets that come from data.
/// - Throws: ``TensorError`` when shapes do not fit or a target is no class.
public func crossEntropy(
  validating logits: Tensor, targets: Tensor, ignoring: Int = -100, labelSmoothing: Double = 0,
  reduction: Reduction = .mean
) throws(TensorError) -> Tensor {
  try tensorCheck(
    logits.rank > 0 && Array(logits.shape.dropLast()) == targets.shape, "crossEntropy",
    "targets of shape \(targets.shape) do not fit logits of shape \(logits.shape)")
  try tensorCheck(
    !targets.dtype.isFloatingPoint, "crossEntropy", "targets must be integers, found \(targets.dtype)")
  let classes = logits.shape[logits.rank - 1]
  for (row, target) in targets.array(of: Int.self).enumerated() where target != ignoring {
    try tensorCheck(
      (0..<classes).contains(target), "crossEntropy",
      "target \(target) of row \(row) is outside \(classes) classes")
  }
  return crossEntropy(
    logits, targets: targets, ignoring: ignoring, labelSmoothing: labelSmoothing, reduction: reduction)
}
