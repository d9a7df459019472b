extension Tensor {
  /// This list of positions as integers, one tensor for each axis of `shape` it covers from `axis` on.
  func axisIndices(along axis: Int, of shape: [Int]) -> [Tensor] {
    tensorRequire(
      !dtype.isFloatingPoint, "subscript", "positions must be integers or bool, found \(dtype)")
    guard dtype == .bool else { return [self] }
    let covered = Array(shape[axis..<Swift.min(axis + rank, shape.count)])
    tensorRequire(
      self.shape == covered, "subscript",
      "a mask of shape \(self.shape) does not fit axes \(covered) of shape \(shape)")
    let coordinates = SelectedElements(self).coordinates(in: covered)
    return covered.indices.map { coordinates.slice(axis: 1, $0..<$0 + 1).squeezed(axis: 1) }
  }

  /// The elements at positions along some axes, which are broadcast together.
  func picking(_ picked: [(axis: Int, indices: Tensor)]) -> Tensor {
    if picked.count == 1, picked[0].axis == 0 { return rows(at: picked[0].indices, "subscript") }
    let axes = picked.map(\.axis)
    let common = picked.reduce([]) { Self.broadcastShape($0, $1.indices.shape, "subscript") }
    var numbers = [Int](repeating: 0, count: common.reduce(1, *))
    for (axis, indices) in picked {
      let extent = shape[axis]
      for (i, index) in indices.expanded(to: common).array(of: Int64.self).enumerated() {
        let element = index < 0 ? Int(index) + extent : Int(index)
        tensorRequire(
          element >= 0 && element < extent, "subscript",
          "index \(index) is outside axis \(axis) of shape \(shape)")
        numbers[i] = numbers[i] * extent + element
      }
    }
    let rest = shape.indices.filter { !axes.contains($0) }
    let moved = permuted(axes + rest)
    let rows = moved.reshaped([axes.reduce(1) { $0 * shape[$1] }] + rest.map { shape[$0] })
    let result = rows.rows(at: Tensor(numbers, shape: common))
    // The common axes stand in front now; they belong where the first list stood if the lists were
    // neighbours.
    let isTogether = axes.last! - axes[0] == axes.count - 1
    guard isTogether, axes[0] > 0 else { return result }
    let lists = Array(0..<common.count)
    let others = Array(common.count..<result.rank)
    return result.permuted(Array(others.prefix(axes[0])) + lists + others.dropFirst(axes[0]))
  }

  /// Writes `value`, broadcast to its shape, into the part that a list of positions names.
  package mutating func assign(_ value: Tensor, at positions: [TensorIndex]) {
    if case .elements(let mask)? = positions.first, positions.count == 1, mask.dtype == .bool,
      mask.shape == shape, value.count == 1, value.rank <= 1
    {
      if isStandIn || mask.isStandIn || value.isStandIn {
        self = Tensor.select(mask, value.to(dtype).reshaped([]), self)
      } else if requiresGradient || value.requiresGradient {
        self = Tensor.select(mask, value.to(dtype), self)
      } else {
        makeUnique()
        Elementwise.fill(self, with: value.to(dtype), where: mask)
      }
      return
    }
    let picks = positions.contains { if case .elements = $0 { true } else { false } }
    if !picks, isStandIn || value.isStandIn { return assignOverBatch(value, at: positions) }
    if requiresGradient || value.requiresGradient {
      assignRecorded(value, at: positions)
    } else if picks {
      let numbers = elementNumbers(at: positions)
      let source = value.checkedForAssignment(to: numbers.shape).to(dtype).expanded(to: numbers.shape)
        .contiguous()
      makeUnique()
      let target = self
      func copy<T: TensorScalar>(_: T.Type) {
        let (input, output) = (source.pointer(T.self), target.pointer(T.self))
        for (i, number) in numbers.array(of: Int.self).enumerated() { output[number] = input[i] }
      }
      dtype.withScalarType { copy($0) }
    } else {
      makeUnique()
      let part = indexed(positions)
      value.checkedForAssignment(to: part.shape).to(dtype).write(into: part)
    }
  }

  /// Writes into the same part for every example.
  private mutating func assignOverBatch(_ value: Tensor, at positions: [TensorIndex]) {
    let part = indexed(positions)
    let operands = BatchOperands([self, value.checkedForAssignment(to: part.shape)])
    if operands.run == nil {
      self = operands.tensors[0]
      return assign(operands.tensors[1], at: positions)
    }
    var batch = operands.spread()[0]
    batch.assign(
      operands.aligned(to: part.rank)[1], at: [.range(from: nil, to: nil, step: 1)] + positions)
    self = operands.result(batch)
  }

  /// A recorded tensor is never written to: old and new elements are blended, so that gradients flow to both.
  private mutating func assignRecorded(_ value: Tensor, at positions: [TensorIndex]) {
    let numbers = elementNumbers(at: positions)
    let target = value.checkedForAssignment(to: numbers.shape).to(dtype).expanded(to: numbers.shape)
    if target.count == 0 { return }
    var mask = [Bool](repeating: false, count: count)
    var winner = [Int](repeating: 0, count: count)
    for (i, number) in numbers.array(of: Int.self).enumerated() {
      mask[number] = true
      winner[number] = i
    }
    let source = target.reshaped([target.count]).rows(at: Tensor(winner, shape: shape))
    self = Tensor.select(Tensor(mask, shape: shape), source, self)
  }

  /// Which elements, in C order, a list of positions names.
  private func elementNumbers(at positions: [TensorIndex]) -> Tensor {
    Tensor.arange(count).reshaped(shape).indexed(positions)
  }

  private func checkedForAssignment(to part: [Int]) -> Tensor {
    tensorRequire(
      rank <= part.count && Tensor.broadcastShape(shape, part, "subscript") == part, "subscript",
      "a value of shape \(shape) cannot be assigned to a part of shape \(part)")
    return self
  }
}
