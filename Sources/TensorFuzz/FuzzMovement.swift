import Tensor

// MARK: Shapes and indices

extension FuzzOperation {
  static var movement: [FuzzOperation] {
    [
      shaped("flatten", "x[0].reshape(-1)", rank: 1...4) { _, _ in { $0.flattened() } },
      FuzzOperation("reshape") { g in
        var shape = g.shape(rank: 2...4)
        let x = RandomOperand(shape, dtype: g.pick(DType.inTorch), in: 0...9, using: &g)
        let last = shape.removeLast()
        shape[shape.count - 1] *= last
        let target = shape
        return FuzzCase(operands: [x], python: "x[0].reshape(\(pythonTuple(target)))", isDifferentiable: true)
        {
          $0[0].reshaped(target)
        }
      },
      FuzzOperation("cat") { g in
        var shape = g.shape(rank: 1...4)
        let axis = g.below(shape.count)
        let type = g.pick(DType.inTorch)
        let parts = (0..<1 + g.below(3)).map { _ in
          shape[axis] = g.below(4)
          return RandomOperand(shape, dtype: type, in: 0...9, using: &g)
        }
        return FuzzCase(operands: parts, python: "torch.cat(x, \(axis))", isDifferentiable: true) {
          Tensor.concatenated($0, axis: axis)
        }
      },
      FuzzOperation("stack") { g in
        let shape = g.shape(rank: 0...3)
        let axis = g.below(shape.count + 1)
        let type = g.pick(floats)
        let parts = (0..<1 + g.below(3)).map { _ in RandomOperand(shape, dtype: type, in: -1...1, using: &g) }
        return FuzzCase(operands: parts, python: "torch.stack(x, \(axis))", isDifferentiable: true) {
          Tensor.stacked($0, axis: axis)
        }
      },
      FuzzOperation("pad") { g in
        let x = RandomOperand(g.shape(rank: 1...3), dtype: g.pick(floats), in: -1...1, using: &g)
        let widths = x.shape.map { _ in (before: g.below(3), after: g.below(3)) }
        let torch = widths.reversed().flatMap { [$0.before, $0.after] }
        return FuzzCase(
          operands: [x], python: "F.pad(x[0], \(pythonTuple(torch)), value=2.5)", isDifferentiable: true
        ) {
          $0[0].padded(widths, value: 2.5)
        }
      },
      FuzzOperation("pad mode") { g in
        // PyTorch has these modes for the last axis of three and the last two of four.
        let shape = g.shape(rank: 3...4, allowsEmpty: false)
        let x = RandomOperand(shape, dtype: g.pick(floats), in: -1...1, using: &g)
        let mode = g.pick([PaddingMode.reflect, .replicate, .circular])
        let widths = shape.enumerated().map { axis, extent in
          let most = axis < 2 ? 0 : mode == .reflect ? extent - 1 : mode == .circular ? extent : 6
          return (before: g.below(most + 1), after: g.below(most + 1))
        }
        let torch = widths[2...].reversed().flatMap { [$0.before, $0.after] }
        return FuzzCase(
          operands: [x], python: "F.pad(x[0], \(pythonTuple(torch)), mode='\(mode.rawValue)')",
          isDifferentiable: true
        ) {
          $0[0].padded(widths, mode: mode)
        }
      },
      shaped("roll", "torch.roll(x[0], B, A)", rank: 1...4) { axis, amount in
        { $0.rolled(amount, axis: axis) }
      },
      shaped("repeat interleave", "x[0].repeat_interleave(B, A)", rank: 1...3) { axis, amount in
        { $0.repeated(amount, axis: axis) }
      },
      shaped("tril", "x[0].tril(B)", rank: 2...4) { _, amount in { $0.lowerTriangle(diagonal: amount) } },
      shaped("triu", "x[0].triu(B)", rank: 2...4) { _, amount in { $0.upperTriangle(diagonal: amount) } },
      shaped("transpose", "x[0].transpose(A, -1)", rank: 1...4) { axis, _ in { $0.transposed(axis, -1) } },
      shaped("unsqueeze", "x[0].unsqueeze(A)", rank: 1...4) { axis, _ in { $0.expandedDimensions(axis: axis) }
      },
      FuzzOperation("tile") { g in
        let x = RandomOperand(g.shape(rank: 1...3), dtype: g.pick(floats), in: -1...1, using: &g)
        let counts = x.shape.map { _ in 1 + g.below(3) }
        return FuzzCase(operands: [x], python: "x[0].repeat(\(pythonTuple(counts)))", isDifferentiable: true)
        {
          $0[0].tiled(counts)
        }
      },
      FuzzOperation("diagonal") { g in
        let x = RandomOperand(
          g.shape(rank: 2...4, allowsEmpty: false), dtype: g.pick(floats), in: -1...1, using: &g)
        let offset = g.below(3) - 1
        let fits = x.shape.suffix(2).allSatisfy { $0 > 1 } ? offset : 0
        return FuzzCase(
          operands: [x], python: "x[0].diagonal(\(fits), -2, -1)", isDifferentiable: true
        ) { $0[0].diagonal(offset: fits) }
      },
      FuzzOperation("unfold") { g in
        let shape = g.shape(rank: 1...3, allowsEmpty: false)
        let axis = g.below(shape.count)
        let (size, step) = (1 + g.below(shape[axis]), 1 + g.below(2))
        let x = RandomOperand(shape, dtype: g.pick(floats), in: -1...1, using: &g)
        return FuzzCase(
          operands: [x], python: "x[0].unfold(\(axis), \(size), \(step))", isDifferentiable: true
        ) { $0[0].unfolded(axis: axis, size: size, step: step) }
      },
    ]
  }

  static var indexing: [FuzzOperation] {
    [
      FuzzOperation("gather") { g in
        let (x, axis) = source(using: &g)
        var shape = x.shape.map { 1 + g.below($0) }
        shape[axis] = 1 + g.below(5)
        let index = positions(shape, below: x.shape[axis], using: &g)
        return FuzzCase(
          operands: [x, index], python: "x[0].gather(\(axis), x[1])", isDifferentiable: true
        ) { $0[0].gather(axis: axis, $0[1]) }
      },
      FuzzOperation("scatter add") { g in
        let (x, axis) = source(using: &g)
        var shape = x.shape.map { 1 + g.below($0) }
        shape[axis] = 1 + g.below(5)
        let index = positions(shape, below: x.shape[axis], using: &g)
        let values = RandomOperand(shape, dtype: x.dtype, in: -2...2, using: &g)
        return FuzzCase(
          operands: [x, index, values], python: "x[0].scatter_add(\(axis), x[1], x[2])",
          isDifferentiable: true
        ) { $0[0].scatterAdd(axis: axis, $0[1], $0[2]) }
      },
      FuzzOperation("index select") { g in
        let (x, axis) = source(using: &g)
        let index = positions([g.below(6)], below: x.shape[axis], using: &g)
        return FuzzCase(
          operands: [x, index], python: "x[0].index_select(\(axis), x[1])", isDifferentiable: true
        ) { $0[0].indexSelect(axis: axis, $0[1]) }
      },
      FuzzOperation("rows") { g in
        let (x, _) = source(using: &g)
        let index = positions(g.shape(rank: 0...2), below: x.shape[0], using: &g)
        return FuzzCase(operands: [x, index], python: "x[0][x[1]]", isDifferentiable: true) {
          $0[0].rows(at: $0[1])
        }
      },
      FuzzOperation("masked select") { g in
        let (x, _) = source(using: &g)
        let mask = RandomOperand(x.shape, dtype: .bool, in: 0...1, using: &g)
        return FuzzCase(operands: [x, mask], python: "x[0].masked_select(x[1])", isDifferentiable: true) {
          $0[0].masked(by: $0[1])
        }
      },
      FuzzOperation("one hot") { g in
        let index = positions(g.shape(rank: 1...3), below: 4, using: &g)
        return FuzzCase(operands: [index], python: "F.one_hot(x[0], 4).to(torch.float32)") {
          $0[0].oneHot(classes: 4)
        }
      },
      FuzzOperation("unique") { g in
        let x = RandomOperand(
          g.shape(rank: 1...3), dtype: g.pick([.int32, .int64, .float32]), in: 0...4, isWhole: true, using: &g
        )
        return FuzzCase(operands: [x], python: "x[0].unique()") { $0[0].unique().values }
      },
    ]
  }

  private static func source(using g: inout RandomGenerator) -> (RandomOperand, axis: Int) {
    let shape = g.shape(rank: 1...3, allowsEmpty: false)
    return (RandomOperand(shape, dtype: g.pick(floats), in: -2...2, using: &g), g.below(shape.count))
  }

  private static func positions(_ shape: [Int], below bound: Int, using g: inout RandomGenerator)
    -> RandomOperand
  {
    RandomOperand(shape, dtype: .int64, in: 0...Double(bound - 1), using: &g)
  }

  private static func shaped(
    _ name: String, _ python: String, rank: ClosedRange<Int>,
    _ apply: @escaping (Int, Int) -> (Tensor) -> Tensor
  ) -> FuzzOperation {
    FuzzOperation(name) { g in
      let type = g.pick(DType.inTorch)
      let x = RandomOperand(g.shape(rank: rank), dtype: type, in: 0...9, using: &g)
      let (axis, amount) = (g.below(x.shape.count), g.below(4))
      return FuzzCase(
        operands: [x], python: python.replacing("A", with: "\(axis)").replacing("B", with: "\(amount)"),
        isDifferentiable: type.isFloatingPoint
      ) { apply(axis, amount)($0[0]) }
    }
  }
}
