import Tensor

extension OperatorTable {
  static let gathering: [String: OnnxOperator] = [
    "Gather": { call in
      let (x, indices) = (try call.tensor(), try call.tensor(1))
      let axis = try call.axis(default: 0, rank: x.rank)
      let rows = x.moved(axis: axis, to: 0).rows(at: indices)
      // The axes of the indices stand where the axis stood.
      let places = Array(axis..<axis + indices.rank)
      return [rows.moved(axes: Array(0..<indices.rank), to: places)]
    },
    "GatherElements": { call in
      let x = try call.tensor()
      return [x.gather(axis: try call.axis(default: 0, rank: x.rank), try call.tensor(1))]
    },
    "GatherND": { call in
      let (x, indices) = (try call.tensor(), try call.tensor(1))
      let batch = try call.integer("batch_dims", default: 0)
      try call.require(
        0..<min(x.rank, indices.rank) ~= batch && x.shape[..<batch] == indices.shape[..<batch],
        "\(batch) common axes of \(x.shape) and \(indices.shape)")
      let (elements, numbers) = try flatPlaces(call, x.shape, indices, batch: batch)
      let depth = indices.shape[indices.rank - 1]
      let kept = Array(x.shape[(batch + depth)...])
      let rows = x.reshaped([elements] + kept).rows(at: numbers)
      return [rows.reshaped(Array(indices.shape.dropLast()) + kept)]
    },
    "Compress": { call in
      let (x, condition) = (try call.tensor(), try call.tensor(1))
      let axis = try call.has("axis") ? call.axis(rank: x.rank) : nil
      let (from, along) = (axis == nil ? x.flattened() : x, axis ?? 0)
      let places = condition.nonZero().flattened()
      return [from.indexSelect(axis: along, places)]
    },
    "NonZero": { call in [try call.tensor().nonZero().transposed().contiguous()] },
    "OneHot": { call in
      let (indices, depth, values) = (try call.tensor(), try call.tensor(1), try call.tensor(2))
      try call.require(depth.count == 1 && values.shape == [2], "depth of shape \(depth.shape)")
      let classes = Int(depth.flattened().to(.int64).array(of: Int64.self)[0])
      _ = try call.shape([classes, indices.count])
      let axis = try call.axis(default: -1, rank: indices.rank + 1)
      let numbers = indices.to(.int64)
      let wrapped = Tensor.select(numbers .< 0, numbers + classes, numbers)
      let hot = wrapped.expandedDimensions(axis: -1) .== Tensor.arange(classes)
      let pieces = values.split([1, 1]).map { $0.reshaped([]) }
      return [Tensor.select(hot, pieces[1], pieces[0]).moved(axis: -1, to: axis)]
    },
  ]

  static let scattering: [String: OnnxOperator] = [
    "Scatter": scatterElements,
    "ScatterElements": scatterElements,
    "ScatterND": { call in
      let (x, indices, updates) = (try call.tensor(), try call.tensor(1), try call.tensor(2))
      let (elements, numbers) = try flatPlaces(call, x.shape, indices, batch: 0)
      let depth = indices.shape[indices.rank - 1]
      let kept = Array(x.shape[depth...]).reduce(1, *)
      let (count, flat) = (numbers.count, x.reshaped([elements, kept]))
      let places = numbers.reshaped([count, 1]).expanded(to: [count, kept]).contiguous()
      let values = updates.reshaped([count, kept])
      return [try reduce(call, flat, axis: 0, places, values).reshaped(x.shape)]
    },
    "TensorScatter": { call in
      let (cache, update) = (try call.tensor(), try call.tensor(1))
      let axis = try call.axis(default: -2, rank: cache.rank)
      try call.require(
        axis > 0 && update.rank == cache.rank && update.shape[axis] <= cache.shape[axis], "\(update.shape)")
      let (rows, length) = (cache.shape[0], update.shape[axis])
      let starts = try call.numbers(2) ?? [Int](repeating: 0, count: rows)
      let extent = cache.shape[axis]
      try call.require(starts.count == rows && starts.allSatisfy { 0...extent ~= $0 }, "starts \(starts)")
      let isCircular = try call.text("mode", default: "linear") == "circular"
      let places = starts.flatMap { start in
        (0..<length).map { isCircular ? (start + $0) % max(extent, 1) : start + $0 }
      }
      var shape = [Int](repeating: 1, count: cache.rank)
      (shape[0], shape[axis]) = (rows, length)
      let indices = Tensor(places, shape: shape).expanded(to: update.shape).contiguous()
      return [cache.scatter(axis: axis, indices, update)]
    },
    "MaxUnpool": { call in
      let (x, indices) = (try call.tensor(), try call.tensor(1))
      let axes = x.rank - 2
      try call.require(axes > 0, "shape \(x.shape)")
      let kernel = try call.extents("kernel_shape", count: axes)
      let strides = try call.extents("strides", count: axes, default: 1)
      let pads = try call.integers("pads") ?? [Int](repeating: 0, count: 2 * axes)
      try call.require(pads.count == 2 * axes && pads.allSatisfy { 0..<1 << 24 ~= $0 }, "pads \(pads)")
      let inner = (0..<axes).map {
        (x.shape[$0 + 2] - 1) * strides[$0] + kernel[$0] - pads[$0] - pads[$0 + axes]
      }
      // The numbers count in the tensor that the pooling had, which an output shape may enlarge.
      let own = try call.shape(Array(x.shape[..<2]) + inner)
      let flat = Tensor.zeros([own.reduce(1, *)], dtype: x.dtype)
      let filled = flat.scatter(axis: 0, indices.flattened(), x.flattened()).reshaped(own)
      guard let wanted = try call.numbers(2) else { return [filled] }
      let widths = zip(try call.shape(wanted), own).map { $0 - $1 }
      return [
        try padded(filled, Array(0..<x.rank), [Int](repeating: 0, count: x.rank) + widths, "constant", 0)
      ]
    },
  ]

  private static let scatterElements: OnnxOperator = { call in
    let x = try call.tensor()
    let axis = try call.axis(default: 0, rank: x.rank)
    return [try reduce(call, x, axis: axis, try call.tensor(1), try call.tensor(2))]
  }

  /// Elements written to places along an axis, or taken together with what stands there.
  private static func reduce(
    _ call: NodeCall, _ x: Tensor, axis: Int, _ places: Tensor, _ values: Tensor
  ) throws -> Tensor {
    switch try call.text("reduction", default: "none") {
    case "none": return x.scatter(axis: axis, places, values)
    case "add": return x.scatterAdd(axis: axis, places, values)
    case let kind: throw OnnxError("scatter with \(kind)")
    }
  }

  /// The places that the last axis of `indices` names, as numbers of one axis that stands for all it covers,
  /// behind `batch` axes that both share.
  private static func flatPlaces(
    _ call: NodeCall, _ shape: [Int], _ indices: Tensor, batch: Int
  ) throws -> (elements: Int, numbers: Tensor) {
    let depth = indices.shape.last ?? 0
    try call.require(
      indices.rank > 0 && batch + depth <= shape.count, "indices of shape \(indices.shape) for \(shape)")
    let extents = Array(shape[..<(batch + depth)])
    let rows = indices.reshaped([-1, max(depth, 1)]).array(of: Int64.self)
    let count = indices.count / max(depth, 1)
    let perBatch = max(count / max(extents[..<batch].reduce(1, *), 1), 1)
    var numbers: [Int] = []
    for row in 0..<count {
      var number = row / perBatch
      for axis in 0..<depth {
        let (extent, index) = (extents[batch + axis], Int(rows[row * depth + axis]))
        try call.require(-extent..<extent ~= index, "index \(index) for \(extent) elements")
        number = number * extent + (index < 0 ? index + extent : index)
      }
      numbers.append(number)
    }
    return (extents.reduce(1, *), Tensor(numbers))
  }
}
