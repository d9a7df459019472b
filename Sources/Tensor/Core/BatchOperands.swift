/// The operands of an operation as its rule for batches gets them.
struct BatchOperands {
  /// The run for which the operation is computed; nil when it has to be computed as it is.
  let run: BatchRun?
  /// Batches in place of the run's stand-ins, and the other operands as they are.
  var tensors: [Tensor]
  /// Which operands are batches.
  let isBatch: [Bool]

  /// Looks through the stand-ins of the innermost run among the operands. Where its batches cannot be
  /// computed with, slices stand in their place and the next run further out is looked at.
  init(_ operands: [Tensor]) {
    var operands = operands
    while true {
      var innermost: BatchRun?
      for operand in operands {
        if let run = operand.storage.standIn?.run, run.depth > innermost?.depth ?? 0 { innermost = run }
      }
      guard let run = innermost else {
        (self.run, tensors) = (nil, operands)
        isBatch = operands.map { _ in false }
        return
      }
      let standIns = operands.map { $0.storage.standIn.flatMap { $0.run === run ? $0 : nil } }
      if run.isForBatch, zip(operands, standIns).allSatisfy({ $1?.isWhole($0) ?? true }) {
        self.run = run
        tensors = zip(operands, standIns).map { operand, standIn in
          standIn.map { operand.behind($0) } ?? operand
        }
        isBatch = standIns.map { $0 != nil }
        return
      }
      operands = zip(operands, standIns).map { operand, standIn in
        standIn.map { operand.first(of: $0) } ?? operand
      }
    }
  }

  /// All operands as batches: those that are none are repeated, without copying.
  func spread() -> [Tensor] {
    guard let run else { return tensors }
    return zip(tensors, isBatch).map { $1 ? $0 : $0.expanded(to: [run.count] + $0.shape) }
  }

  /// Batches with axes of extent 1 behind the first, so that the axes of slices with fewer than `rank` stand
  /// where broadcasting looks for them.
  func aligned(to rank: Int) -> [Tensor] {
    zip(tensors, isBatch).map { tensor, isBatch in
      let missing = rank + 1 - tensor.rank
      if !isBatch || missing <= 0 { return tensor }
      let ones = [Int](repeating: 1, count: missing)
      return tensor.reshaped([tensor.shape[0]] + ones + tensor.shape.dropFirst())
    }
  }

  /// The result of an operation on `tensors`.
  func result(_ tensor: Tensor) -> Tensor { run?.standIn(for: tensor) ?? tensor }
}

// What operations call at their entry when an operand is a stand-in. Closures run the operation again, with
// batches or, where that cannot be, with slices.

extension Tensor {
  /// An operation of one tensor.
  /// - Parameter operation: gets a tensor, and by how much its axes are further back than those of `self`.
  func overBatch(_ operation: (_ tensor: Tensor, _ shift: Int) -> Tensor) -> Tensor {
    let operands = BatchOperands([self])
    return operands.result(operation(operands.tensors[0], operands.run == nil ? 0 : 1))
  }

  /// An operation over some axes (all when nil), which the closure gets counted from the front.
  func overBatch(axes: [Int]?, _ name: String, _ operation: (_ tensor: Tensor, _ axes: [Int]) -> Tensor)
    -> Tensor
  {
    let axes = reducedShapes(axes, name).axes
    return overBatch { x, shift in operation(x, axes.map { $0 + shift }) }
  }

  /// An operation along one axis.
  func overBatch(axis: Int, _ name: String, _ operation: (_ tensor: Tensor, _ axis: Int) -> Tensor)
    -> Tensor
  {
    let axis = normalizedAxis(axis, name)
    return overBatch { x, shift in operation(x, axis + shift) }
  }

  /// An operation of tensors that are broadcast together.
  static func overBatch(
    _ name: String, broadcasting tensors: [Tensor], _ operation: (_ tensors: [Tensor]) -> Tensor
  ) -> Tensor {
    let operands = BatchOperands(tensors)
    if operands.run == nil { return operation(operands.tensors) }
    // A mistake is told in shapes of one example.
    let shape = tensors.reduce([]) { broadcastShape($0, $1.shape, name) }
    return operands.result(operation(operands.aligned(to: shape.count)))
  }

  /// An operation of tensors with axes in common, all of which become batches.
  static func overBatch(
    _ tensors: [Tensor], _ operation: (_ tensors: [Tensor], _ shift: Int) -> Tensor
  ) -> Tensor {
    let operands = BatchOperands(tensors)
    return operands.result(operation(operands.spread(), operands.run == nil ? 0 : 1))
  }
}
