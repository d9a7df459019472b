import Tensor

extension OperatorTable {
  static let reductions: [String: OnnxOperator] = [
    "ReduceSum": reduction { x, axes, keeps in x.sum(axes: axes, keepDims: keeps) },
    "ReduceMean": reduction { x, axes, keeps in x.mean(axes: axes, keepDims: keeps) },
    "ReduceProd": reduction { x, axes, keeps in x.prod(axes: axes, keepDims: keeps) },
    "ReduceMax": reduction { x, axes, keeps in extreme(x, axes, keeps, isLargest: true) },
    "ReduceMin": reduction { x, axes, keeps in extreme(x, axes, keeps, isLargest: false) },
    "ReduceL1": reduction { x, axes, keeps in x.abs().sum(axes: axes, keepDims: keeps) },
    "ReduceL2": reduction { x, axes, keeps in x.norm(axes: axes, keepDims: keeps) },
    "ReduceSumSquare": reduction { x, axes, keeps in x.square().sum(axes: axes, keepDims: keeps) },
    "ReduceLogSum": reduction { x, axes, keeps in x.sum(axes: axes, keepDims: keeps).log() },
    "ReduceLogSumExp": reduction { x, axes, keeps in x.logSumExp(axes: axes, keepDims: keeps) },
    "ArgMax": position { $0.argmax(axis: $1, keepDims: $2) },
    "ArgMin": position { $0.argmin(axis: $1, keepDims: $2) },
  ]

  static let ordered: [String: OnnxOperator] = [
    "CumSum": running(neutral: 0) { $0.cumsum(axis: $1) },
    "CumProd": running(neutral: 1) { $0.cumprod(axis: $1) },
    "TopK": { call in
      let x = try call.tensor()
      let count = try call.has("k") ? call.integer("k") : call.number(1)
      let axis = try call.axis(default: -1, rank: x.rank)
      let (values, indices) = x.topK(count, axis: axis, largest: try call.flag("largest", default: true))
      return [values, indices]
    },
    "Hardmax": { call in
      let x = try call.tensor()
      let axis = try call.axis(default: call.version < 13 ? 1 : -1, rank: x.rank)
      return [x.argmax(axis: axis).oneHot(classes: x.shape[axis], dtype: x.dtype).moved(axis: -1, to: axis)]
    },
    "Unique": { call in
      let x = try call.tensor()
      try call.require(!call.has("axis"), "distinct slices")
      let (values, inverse, counts) = x.unique()
      // The first place of each: the places in the order of their values, of which every first one counts.
      let order = inverse.argsort(axis: 0)
      let starts = counts.cumsum(axis: 0) - counts
      let first = order.indexSelect(axis: 0, starts)
      if try call.flag("sorted", default: true) { return [values, first, inverse.flattened(), counts] }
      let appearance = first.argsort(axis: 0)
      let rank = appearance.argsort(axis: 0)
      return [
        values.indexSelect(axis: 0, appearance), first.indexSelect(axis: 0, appearance),
        rank.indexSelect(axis: 0, inverse.flattened()), counts.indexSelect(axis: 0, appearance),
      ]
    },
  ]

  /// An operator over some axes, all where none are named; its result has the type of its operand, where our
  /// sums of integers are int64.
  private static func reduction(
    _ body: @escaping @Sendable (Tensor, [Int]?, Bool) -> Tensor
  ) -> OnnxOperator {
    { call in
      let x = try call.tensor()
      var axes = try call.axes(input: 1, rank: x.rank)
      if axes == nil || axes == [] { axes = try call.flag("noop_with_empty_axes") ? [] : nil }
      return [body(x, axes, try call.flag("keepdims", default: true)).to(x.dtype)]
    }
  }

  /// The largest or smallest element; of none the number that all others are beyond.
  private static func extreme(_ x: Tensor, _ axes: [Int]?, _ keeps: Bool, isLargest: Bool) -> Tensor {
    let all = axes ?? Array(0..<x.rank)
    guard all.contains(where: { x.shape[$0] == 0 }) else {
      return isLargest ? x.max(axes: axes, keepDims: keeps) : x.min(axes: axes, keepDims: keeps)
    }
    let shape = x.sum(axes: axes, keepDims: keeps).shape
    if x.dtype == .bool { return Tensor.full(shape, !isLargest) }
    return Tensor.full(shape, isLargest ? -Double.infinity : .infinity, dtype: .float64).to(x.dtype)
  }

  /// The position of the largest or smallest element along an axis, of equals the first or the last.
  private static func position(_ body: @escaping @Sendable (Tensor, Int, Bool) -> Tensor) -> OnnxOperator {
    { call in
      let x = try call.tensor()
      let axis = try call.axis(default: 0, rank: x.rank)
      let keeps = try call.flag("keepdims", default: true)
      guard try call.flag("select_last_index") else { return [body(x, axis, keeps)] }
      return [x.shape[axis] - 1 - body(x.flipped(axis: axis), axis, keeps)]
    }
  }

  /// Running sums or products, from either end, with or without the element itself.
  private static func running(
    neutral: Int, _ body: @escaping @Sendable (Tensor, Int) -> Tensor
  ) -> OnnxOperator {
    { call in
      let x = try call.tensor()
      let axis = try call.axis(call.number(1), rank: x.rank)
      let isReversed = try call.flag("reverse")
      var result = body(isReversed ? x.flipped(axis: axis) : x, axis).to(x.dtype)
      if try call.flag("exclusive"), x.shape[axis] > 0 {
        var widths = [(before: Int, after: Int)](repeating: (0, 0), count: x.rank)
        widths[axis].before = 1
        result = result.slice(axis: axis, 0..<x.shape[axis] - 1).padded(widths, value: Double(neutral))
      }
      return [isReversed ? result.flipped(axis: axis) : result]
    }
  }
}
