import Tensor

extension OperatorTable {
  static let convolutions: [String: OnnxOperator] = [
    "Conv": { call in
      let (x, weight) = (try call.tensor(), try call.tensor(1))
      let windows = try SpatialWindows(call, x.shape, kernel: Array(weight.shape.dropFirst(2)))
      let input = windows.isSymmetric ? x : try windows.padded(x)
      let padding = windows.isSymmetric ? windows.before : windows.none
      let groups = try call.integer("group", default: 1)
      return [try convolution(input, weight, call.optional(2), windows, padding, groups)]
    },
    "ConvTranspose": { call in
      let (x, weight) = (try call.tensor(), try call.tensor(1))
      let windows = try SpatialWindows(call, x.shape, kernel: Array(weight.shape.dropFirst(2)))
      let axes = x.rank - 2
      let extra = try call.integers("output_padding") ?? windows.none
      try call.require(extra.count == axes && extra.allSatisfy { 0..<1 << 16 ~= $0 }, "padding \(extra)")
      var (before, after) = (windows.before, windows.after)
      let mode = try call.text("auto_pad", default: "NOTSET")
      let wanted = try call.integers("output_shape")
      try call.require((wanted ?? windows.none).count >= axes, "a shape of \(wanted ?? [])")
      if wanted != nil || mode.hasPrefix("SAME") {
        for axis in 0..<axes {
          let (extent, stride) = (x.shape[axis + 2], windows.strides[axis])
          let full =
            (extent - 1) * stride + extra[axis] + (windows.kernel[axis] - 1) * windows.dilations[axis] + 1
          let total = full - (wanted.map { $0[$0.count - axes + axis] } ?? extent * stride)
          // Halves are rounded down, also those of what is missing.
          before[axis] = mode == "SAME_UPPER" ? total >> 1 : total - (total >> 1)
          after[axis] = total - before[axis]
        }
      }
      let groups = try call.integer("group", default: 1)
      if before == after, before.allSatisfy({ $0 >= 0 }) {
        return [try transposed(x, weight, call.optional(2), windows, before, extra, groups)]
      }
      // What lies outside of the wanted part is cut off, and what is missing there is zero before the bias.
      let full = try transposed(x, weight, nil, windows, windows.none, extra, groups)
      let part = try padded(full, Array(2..<x.rank), (before + after).map { -$0 }, "constant", 0)
      guard let bias = call.optional(2) else { return [part] }
      return [part + bias.reshaped([-1] + [Int](repeating: 1, count: axes))]
    },
    "CausalConvWithState": { call in
      let (x, weight) = (try call.tensor(), try call.tensor(1))
      try call.require(
        x.rank == 3 && weight.rank == 3 && weight.shape[2] > 0, "shapes \(x.shape), \(weight.shape)")
      let reach = weight.shape[2] - 1
      let past = call.optional(3) ?? Tensor.zeros([x.shape[0], x.shape[1], reach], dtype: x.dtype)
      let all = try Tensor.concatenated(validating: [past, x], axis: 2)
      let sums = conv1d(all, weight: weight, bias: call.optional(2), groups: x.shape[1])
      let length = all.shape[2]
      let state = all.slice(axis: 2, length - reach..<length)
      return [try call.text("activation", default: "none") == "none" ? sums : sums.silu(), state]
    },
    "Col2Im": { call in
      let x = try call.tensor()
      let (size, block) = (
        try call.shape(try call.numbers(1) ?? []), try call.shape(try call.numbers(2) ?? [])
      )
      let axes = size.count
      try call.require(axes > 0 && block.count == axes && x.rank == 3 && !block.contains(0), "size \(size)")
      let strides = try call.extents("strides", count: axes, default: 1)
      let dilations = try call.extents("dilations", count: axes, default: 1)
      let pads = try call.integers("pads") ?? [Int](repeating: 0, count: 2 * axes)
      try call.require(pads.count == 2 * axes && pads.allSatisfy { 0..<1 << 16 ~= $0 }, "pads \(pads)")
      let whole = try call.shape((0..<axes).map { size[$0] + pads[$0] + pads[$0 + axes] })
      let steps = (0..<axes).map { axis -> Int in
        let room = whole[axis] - (block[axis] - 1) * dilations[axis] - 1
        return room / strides[axis] + 1
      }
      // The number in the padded picture of every element of every block: [block elements, blocks].
      let numbers = (0..<axes).reduce(Tensor.zeros([1, 1], dtype: .int64)) { numbers, axis in
        let inner = (Tensor.arange(block[axis]) * dilations[axis]).reshaped([1, -1, 1, 1])
        let outer = (Tensor.arange(steps[axis]) * strides[axis]).reshaped([1, 1, 1, -1])
        let (a, b) = (numbers.shape[0], numbers.shape[1])
        return (numbers.reshaped([a, 1, b, 1]) * whole[axis] + inner + outer).reshaped([a * block[axis], -1])
      }
      let channels = x.shape[1] / block.reduce(1, *)
      let columns = x.reshaped([x.shape[0] * channels, -1])
      let summed = Tensor.zeros([columns.shape[0], whole.reduce(1, *)], dtype: x.dtype)
        .indexAdd(axis: 1, numbers.flattened(), columns)
      let picture = summed.reshaped([x.shape[0], channels] + whole)
      return [try padded(picture, Array(2..<axes + 2), pads.map { -$0 }, "constant", 0)]
    },
  ]

  private static func convolution(
    _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ windows: SpatialWindows, _ padding: [Int], _ groups: Int
  ) throws -> Tensor {
    let (strides, dilations) = (windows.strides, windows.dilations)
    switch padding.count {
    case 1:
      return conv1d(
        x, weight: weight, bias: bias, stride: strides[0], padding: padding[0], dilation: dilations[0],
        groups: groups)
    case 2:
      return try conv2d(
        validating: x, weight: weight, bias: bias, stride: SpatialWindows.pair(strides),
        padding: SpatialWindows.pair(padding), dilation: SpatialWindows.pair(dilations), groups: groups)
    case 3:
      return conv3d(
        x, weight: weight, bias: bias, stride: SpatialWindows.triple(strides),
        padding: SpatialWindows.triple(padding), dilation: SpatialWindows.triple(dilations), groups: groups)
    case let axes: throw OnnxError("a convolution over \(axes) axes")
    }
  }

  private static func transposed(
    _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ windows: SpatialWindows, _ padding: [Int],
    _ extra: [Int],
    _ groups: Int
  ) throws -> Tensor {
    let (strides, dilations) = (windows.strides, windows.dilations)
    switch padding.count {
    case 1:
      return convTransposed1d(
        x, weight: weight, bias: bias, stride: strides[0], padding: padding[0], outputPadding: extra[0],
        dilation: dilations[0], groups: groups)
    case 2:
      return convTransposed2d(
        x, weight: weight, bias: bias, stride: SpatialWindows.pair(strides),
        padding: SpatialWindows.pair(padding), outputPadding: SpatialWindows.pair(extra),
        dilation: SpatialWindows.pair(dilations), groups: groups)
    case let axes: throw OnnxError("a transposed convolution over \(axes) axes")
    }
  }
}
