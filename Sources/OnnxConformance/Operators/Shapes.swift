import Tensor

extension OperatorTable {
  static let shapes: [String: OnnxOperator] = [
    "Shape": { call in
      let shape = try call.tensor().shape
      func bound(_ key: String, _ value: Int) throws -> Int {
        let number = try call.integer(key, default: value)
        return min(max(number < 0 ? number + shape.count : number, 0), shape.count)
      }
      let (start, end) = (try bound("start", 0), try bound("end", shape.count))
      return [Tensor(start < end ? Array(shape[start..<end]) : [Int]())]
    },
    "Size": { call in [Tensor(try call.tensor().count, dtype: .int64)] },
    "Reshape": { call in
      let x = try call.tensor()
      var shape = try call.list("shape", input: 1) ?? []
      if try !call.flag("allowzero") {
        for index in shape.indices where shape[index] == 0 && index < x.rank { shape[index] = x.shape[index] }
      }
      return [try x.reshaped(validating: shape)]
    },
    "Flatten": { call in
      let x = try call.tensor()
      let axis = try call.integer("axis", default: 1)
      try call.require((-x.rank...x.rank).contains(axis), "axis \(axis) of \(x.rank)")
      let split = axis < 0 ? axis + x.rank : axis
      let rows = x.shape[..<split].reduce(1, *)
      return [x.reshaped([rows, x.shape[split...].reduce(1, *)])]
    },
    "Transpose": { call in
      let x = try call.tensor()
      return [try x.permuted(validating: try call.integers("perm") ?? Array((0..<x.rank).reversed()))]
    },
    "Squeeze": { call in
      let x = try call.tensor()
      let axes = try call.axes(input: 1, rank: x.rank) ?? x.shape.indices.filter { x.shape[$0] == 1 }
      return [Set(axes).sorted(by: >).reduce(x) { $0.squeezed(axis: $1) }]
    },
    "Unsqueeze": { call in
      let x = try call.tensor()
      let rank = x.rank + (try call.list("axes", input: 1) ?? []).count
      let axes = try call.axes(input: 1, rank: rank) ?? []
      try call.require(Set(axes).count == axes.count, "axes \(axes)")
      return [axes.sorted().reduce(x) { $0.expandedDimensions(axis: $1) }]
    },
    "Expand": { call in
      let x = try call.tensor()
      let wanted = try call.shape(try call.numbers(1) ?? [])
      return [try x.expanded(validating: try Tensor.broadcastShape(validating: x.shape, wanted))]
    },
    "Tile": { call in
      let x = try call.tensor()
      let counts = try call.shape(try call.numbers(1) ?? [])
      try call.require(counts.count == x.rank, "\(counts) for shape \(x.shape)")
      _ = try call.shape(zip(x.shape, counts).map { try call.shape([$0, $1]).reduce(1, *) })
      return [x.tiled(counts)]
    },
    // Blocks of the picture become channels, and back; the order of the channels is that of the depth first.
    "DepthToSpace": { call in
      let x = try call.tensor()
      let block = try call.integer("blocksize")
      try call.require(x.rank == 4 && 1..<1 << 16 ~= block, "blocks of \(block) for shape \(x.shape)")
      let (b, c, h, w) = (x.shape[0], x.shape[1] / (block * block), x.shape[2], x.shape[3])
      let isColumnRow = try call.text("mode", default: "DCR") == "CRD"
      let cut = x.reshaped(isColumnRow ? [b, c, block, block, h, w] : [b, block, block, c, h, w])
      let order = isColumnRow ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]
      return [cut.permuted(order).reshaped([b, c, h * block, w * block])]
    },
    "SpaceToDepth": { call in
      let x = try call.tensor()
      let block = try call.integer("blocksize")
      try call.require(x.rank == 4 && 1..<1 << 16 ~= block, "blocks of \(block) for shape \(x.shape)")
      let (b, c, h, w) = (x.shape[0], x.shape[1], x.shape[2] / block, x.shape[3] / block)
      let isColumnRow = try call.text("mode", default: "DCR") == "CRD"
      let cut = x.reshaped([b, c, h, block, w, block])
      return [
        cut.permuted(isColumnRow ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4]).reshaped([
          b, c * block * block, h, w,
        ])
      ]
    },
  ]

  static let pieces: [String: OnnxOperator] = [
    "Concat": { call in
      let all = try call.tensors()
      return [try Tensor.concatenated(validating: all, axis: try call.axis(default: 1, rank: all[0].rank))]
    },
    "Split": { call in
      let x = try call.tensor()
      let axis = try call.axis(default: 0, rank: x.rank)
      let extent = x.shape[axis]
      let parts = try call.integer("num_outputs", default: max(call.node.outputs.count, 1))
      try call.require(1...1 << 16 ~= parts, "\(parts) parts")
      let size = (extent + parts - 1) / parts
      let even = (0..<parts).map { max(0, min(size, extent - $0 * size)) }
      return try x.split(validating: try call.list("split", input: 1) ?? even, axis: axis)
    },
    "Slice": { call in
      var x = try call.tensor()
      let starts = try call.list("starts", input: 1) ?? []
      let ends = try call.list("ends", input: 2) ?? []
      let axes = try call.axes(input: 3, rank: x.rank) ?? Array(starts.indices)
      let steps = try call.numbers(4) ?? [Int](repeating: 1, count: starts.count)
      try call.require(
        starts.count == ends.count && axes.count == starts.count && steps.count == starts.count
          && axes.allSatisfy { $0 < x.rank }, "starts \(starts), ends \(ends), axes \(axes), steps \(steps)")
      for (index, axis) in axes.enumerated() {
        x = try x.indexed(
          validating: [TensorIndex](repeating: .all, count: axis) + [
            piece(starts[index], ends[index], steps[index], of: x.shape[axis])
          ])
      }
      return [x]
    },
    "Trilu": { call in
      let x = try call.tensor()
      let diagonal = min(max(try call.number(1, default: 0), -1 << 30), 1 << 30)
      return [
        try call.flag("upper", default: true)
          ? x.upperTriangle(diagonal: diagonal) : x.lowerTriangle(diagonal: diagonal)
      ]
    },
    "Pad": { call in
      let x = try call.tensor()
      let axes = try call.axes(input: 3, rank: x.rank) ?? Array(0..<x.rank)
      let given = try call.list("pads", input: 1) ?? call.integers("paddings") ?? []
      try call.require(given.count == 2 * axes.count, "\(given) for \(axes.count) axes")
      try call.require(given.allSatisfy { -1 << 28...1 << 28 ~= $0 }, "\(given)")
      let value =
        try call.optional(2).map { $0.count == 0 ? 0 : $0.flattened().array(of: Double.self)[0] }
        ?? call.real("value", default: 0)
      return [try padded(x, axes, given, call.text("mode", default: "constant"), value)]
    },
    "CenterCropPad": { call in
      var x = try call.tensor()
      let axes =
        try call.integers("axes").map { try $0.map { try call.axis($0, rank: x.rank) } }
        ?? Array(0..<x.rank)
      let wanted = try call.shape(try call.numbers(1) ?? [])
      try call.require(wanted.count == axes.count, "\(wanted) for axes \(axes)")
      for (axis, extent) in zip(axes, wanted) {
        let missing = extent - x.shape[axis]
        if missing > 0 {
          x = try padded(x, [axis], [missing / 2, missing - missing / 2], "constant", 0)
        } else {
          x = x.slice(axis: axis, -missing / 2..<(-missing / 2) + extent)
        }
      }
      return [x]
    },
    "ReverseSequence": { call in
      let x = try call.tensor()
      let time = try call.axis("time_axis", default: 0, rank: x.rank)
      let batch = try call.axis("batch_axis", default: 1, rank: x.rank)
      let lengths = try call.numbers(1) ?? []
      try call.require(
        time != batch && lengths.count == x.shape[batch] && lengths.allSatisfy { 0...x.shape[time] ~= $0 },
        "lengths \(lengths)")
      let rows = x.moved(axes: [batch, time], to: [0, 1]).unstacked().enumerated().map { index, row in
        let (front, back) = (
          row.slice(axis: 0, 0..<lengths[index]), row.slice(axis: 0, lengths[index]..<row.shape[0])
        )
        return Tensor.concatenated([front.flipped(axis: 0), back])
      }
      return [Tensor.stacked(rows).moved(axes: [0, 1], to: [batch, time])]
    },
  ]

  /// What Python's `start:end:step` names, where bounds may lie far outside of the axis.
  private static func piece(_ start: Int, _ end: Int, _ step: Int, of extent: Int) -> TensorIndex {
    func inside(_ bound: Int) -> Int { bound < 0 ? max(bound, -extent - 1) + extent : min(bound, extent) }
    guard step < 0 else { return .slice(from: max(inside(start), 0), to: max(inside(end), 0), step: step) }
    let (first, stop) = (min(inside(start), extent - 1), inside(end))
    // A bound in front of the first element has no number: what counts from the back would wrap around.
    if first < 0 { return .slice(from: 0, to: 0) }
    return .slice(from: first, to: stop < 0 ? nil : stop, step: step)
  }

  /// The tensor with elements put before and after some axes, or cut off where a width is negative.
  static func padded(
    _ x: Tensor, _ axes: [Int], _ widths: [Int], _ mode: String, _ value: Double
  ) throws -> Tensor {
    let modes: [String: PaddingMode] = [
      "constant": .constant, "reflect": .reflect, "edge": .replicate, "wrap": .circular,
    ]
    guard let mode = modes[mode] else { throw OnnxError("padding `\(mode)`") }
    var (result, all) = (x, [(before: Int, after: Int)](repeating: (0, 0), count: x.rank))
    for (index, axis) in axes.enumerated() {
      let (before, after) = (widths[index], widths[axes.count + index])
      let (first, last) = (max(-before, 0), result.shape[axis] - max(-after, 0))
      guard first <= last else { throw OnnxError("widths \(widths) for shape \(x.shape)") }
      result = result.slice(axis: axis, first..<last)
      all[axis] = (max(before, 0), max(after, 0))
    }
    return result.padded(all, mode: mode, value: value)
  }
}
