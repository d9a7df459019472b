import Tensor

/// Views and copies that change the shape or the order of axes.
extension TorchTable {
  static let shapes: [String: TorchOperation] = [
    "reshape": { call in [try call.tensor().reshaped(try call.remainingIntegers(1, "shape"))] },
    "view": { call in
      if case .type? = call[1, "dtype"] { throw TorchCallError.noCounterpart("bits as another type") }
      return [try call.tensor().reshaped(try call.remainingIntegers(1, "size"))]
    },
    "view_copy": { call in
      if case .type? = call[1, "dtype"] { throw TorchCallError.noCounterpart("bits as another type") }
      return [try call.tensor().reshaped(try call.remainingIntegers(1, "size"))]
    },
    "reshape_as": two { $0.reshaped($1.shape) }, "view_as": two { $0.reshaped($1.shape) },
    "ravel": one { $0.flattened() },
    "flatten": { call in
      let x = try call.tensor()
      let (first, last) = (
        try call.integer(1, "start_dim", default: 0), try call.integer(2, "end_dim", default: -1)
      )
      if x.rank == 0 { return [x.flattened()] }
      let (from, to) = (first < 0 ? first + x.rank : first, last < 0 ? last + x.rank : last)
      guard from >= 0, to < x.rank, from <= to else {
        throw TorchCallError.unwritable("axes \(from)...\(to)")
      }
      let joined = x.shape[from...to].reduce(1, *)
      return [x.reshaped(Array(x.shape[..<from]) + [joined] + x.shape[(to + 1)...])]
    },
    "unflatten": { call in
      let (x, axis, sizes) = (try call.tensor(), try call.integer(1, "dim"), try call.integers(2, "sizes"))
      let place = axis < 0 ? axis + x.rank : axis
      guard x.shape.indices.contains(place) else { throw TorchCallError.unwritable("axis \(axis)") }
      let known = sizes.filter { $0 != -1 }.reduce(1, *)
      let whole = sizes.map { $0 == -1 && known > 0 ? x.shape[place] / known : $0 }
      return [x.reshaped(Array(x.shape[..<place]) + whole + x.shape[(place + 1)...])]
    },
    "permute": { call in [try call.tensor().permuted(try call.remainingIntegers(1, "dims"))] },
    "permute_copy": { call in [try call.tensor().permuted(try call.remainingIntegers(1, "dims"))] },
    "transpose": { call in
      [try call.tensor().transposed(try call.integer(1, "dim0"), try call.integer(2, "dim1"))]
    },
    "transpose_copy": { call in
      [try call.tensor().transposed(try call.integer(1, "dim0"), try call.integer(2, "dim1"))]
    },
    "t": matrixTransposed, "t_copy": matrixTransposed,
    "T": one { $0.permuted($0.shape.indices.reversed()) }, "mT": one { $0.transposed() },
    "movedim": { call in
      [
        try call.tensor().moved(
          axes: try call.integers(1, "source"), to: try call.integers(2, "destination"))
      ]
    },
    "squeeze": squeezed, "squeeze_copy": squeezed,
    "unsqueeze": { call in [try call.tensor().expandedDimensions(axis: try call.integer(1, "dim"))] },
    "unsqueeze_copy": { call in [try call.tensor().expandedDimensions(axis: try call.integer(1, "dim"))] },
    "expand": expanded, "expand_copy": expanded, "broadcast_to": expanded,
    "expand_as": two { $0.expanded(to: $1.shape) },
    "flip": { call in [try call.tensor().flipped(axes: try call.remainingIntegers(1, "dims"))] },
    "fliplr": one { $0.flipped(axis: 1) }, "flipud": one { $0.flipped(axis: 0) },
    "roll": { call in
      let (x, shifts) = (try call.tensor(), try call.integers(1, "shifts"))
      guard let axes = try call.axes(2, "dims") else {
        guard shifts.count == 1 else { throw TorchCallError.unwritable("\(shifts.count) shifts") }
        return [x.flattened().rolled(shifts[0], axis: 0).reshaped(x.shape)]
      }
      guard axes.count == shifts.count else { throw TorchCallError.unwritable("shifts \(shifts) of \(axes)") }
      return [zip(shifts, axes).reduce(x) { $0.rolled($1.0, axis: $1.1) }]
    },
    "tile": { call in
      let (x, counts) = (try call.tensor(), try call.remainingIntegers(1, "dims"))
      let lead = [Int](repeating: 1, count: max(0, counts.count - x.rank))
      return [
        x.reshaped(lead + x.shape).tiled([Int](repeating: 1, count: max(0, x.rank - counts.count)) + counts)
      ]
    },
    "repeat": { call in
      let (x, counts) = (try call.tensor(), try call.remainingIntegers(1, "repeats"))
      let lead = [Int](repeating: 1, count: max(0, counts.count - x.rank))
      return [x.reshaped(lead + x.shape).tiled(counts)]
    },
    "repeat_interleave": { call in
      if case .tensor? = call[1, "repeats"] { throw TorchCallError.noCounterpart("a count for each element") }
      let (x, count) = (try call.tensor(), try call.integer(1, "repeats"))
      guard let axis = try call.optionalInteger(2, "dim") else {
        return [x.flattened().repeated(count, axis: 0)]
      }
      return [x.repeated(count, axis: axis)]
    },
    "tril": { call in [try call.tensor().lowerTriangle(diagonal: try call.integer(1, "diagonal", default: 0))]
    },
    "triu": { call in [try call.tensor().upperTriangle(diagonal: try call.integer(1, "diagonal", default: 0))]
    },
    "clone": one { $0.contiguous() }, "contiguous": one { $0.contiguous() },
    "alias_copy": one { $0 },
  ]

  private static let matrixTransposed: TorchOperation = { call in
    let x = try call.tensor()
    guard x.rank <= 2 else { throw TorchCallError.unwritable("`transposed()` swaps two axes of any rank") }
    return [x.rank < 2 ? x : x.transposed()]
  }

  private static let squeezed: TorchOperation = { call in
    let x = try call.tensor()
    let axes = try call.optionalIntegers(1, "dim") ?? x.shape.indices.filter { x.shape[$0] == 1 }
    let places = axes.map { $0 < 0 ? $0 + x.rank : $0 }.sorted(by: >)
    return [places.reduce(x) { $0.squeezed(axis: $1) }]
  }

  private static let expanded: TorchOperation = { call in
    let (x, shape) = (try call.tensor(), try call.remainingIntegers(1, "size"))
    let lead = shape.count - x.rank
    return [
      x.expanded(to: shape.indices.map { shape[$0] == -1 && $0 >= lead ? x.shape[$0 - lead] : shape[$0] })
    ]
  }
}
