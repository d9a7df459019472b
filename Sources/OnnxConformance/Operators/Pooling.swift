import Tensor

extension OperatorTable {
  static let pooling: [String: OnnxOperator] = [
    "MaxPool": { call in
      let x = try call.tensor()
      try call.require(!call.needs(1), "places of the largest elements")
      let windows = try SpatialWindows(call, x.shape)
      if windows.isWithinHalf { return [try maxima(x, windows, windows.before)] }
      let lowest = x.dtype.isFloatingPoint ? -Double.infinity : 0
      return [try maxima(try windows.padded(x, lowest), windows, windows.none)]
    },
    "AveragePool": { call in
      let x = try call.tensor()
      let windows = try SpatialWindows(call, x.shape)
      let countsPadding = try call.flag("count_include_pad")
      guard windows.dilations.allSatisfy({ $0 == 1 }) else {
        return [try dilatedMeans(x, windows, countsPadding)]
      }
      if windows.isWithinHalf { return [try means(x, windows, windows.before, countsPadding)] }
      let all = try means(try windows.padded(x), windows, windows.none, true)
      if countsPadding { return [all] }
      return [all / (try means(try windows.padded(Tensor.ones(like: x)), windows, windows.none, true))]
    },
    "GlobalAveragePool": one { $0.mean(axes: Array(2..<max($0.rank, 2)), keepDims: true) },
    "GlobalMaxPool": one { $0.max(axes: Array(2..<max($0.rank, 2)), keepDims: true) },
    "LpPool": { call in
      let x = try call.tensor()
      let (windows, order) = (try SpatialWindows(call, x.shape), Double(try call.integer("p", default: 2)))
      let powers = x.abs().pow(order)
      let sums =
        windows.dilations.allSatisfy { $0 == 1 }
        ? try means(try windows.padded(powers), windows, windows.none, true)
          * Double(windows.kernel.reduce(1, *))
        : try windowSums(try windows.padded(powers), windows)
      return [sums.pow(1 / order)]
    },
    "LRN": { call in
      let x = try call.tensor()
      let size = try call.integer("size")
      try call.require(1..<1 << 16 ~= size && x.rank > 1, "size \(size)")
      var widths = [(before: Int, after: Int)](repeating: (0, 0), count: x.rank)
      widths[1] = ((size - 1) / 2, size / 2)
      let sums = x.square().padded(widths).unfolded(axis: 1, size: size).sum(axis: -1)
      let alpha = try call.real("alpha", default: 0.0001) / Double(size)
      return [
        x / (sums * alpha + (try call.real("bias", default: 1))).pow(try call.real("beta", default: 0.75))
      ]
    },
  ]

  private static func maxima(_ x: Tensor, _ windows: SpatialWindows, _ padding: [Int]) throws -> Tensor {
    let (kernel, strides, dilations) = (windows.kernel, windows.strides, windows.dilations)
    switch padding.count {
    case 1:
      return maxPool1d(
        x, kernel: kernel[0], stride: strides[0], padding: padding[0], dilation: dilations[0],
        ceilMode: windows.isRoundedUp)
    case 2:
      return maxPool2d(
        x, kernel: SpatialWindows.pair(kernel), stride: SpatialWindows.pair(strides),
        padding: SpatialWindows.pair(padding), dilation: SpatialWindows.pair(dilations),
        ceilMode: windows.isRoundedUp)
    case 3:
      return maxPool3d(
        x, kernel: SpatialWindows.triple(kernel), stride: SpatialWindows.triple(strides),
        padding: SpatialWindows.triple(padding), dilation: SpatialWindows.triple(dilations),
        ceilMode: windows.isRoundedUp)
    case let axes: throw OnnxError("pooling over \(axes) axes")
    }
  }

  private static func means(
    _ x: Tensor, _ windows: SpatialWindows, _ padding: [Int], _ countsPadding: Bool
  ) throws -> Tensor {
    let (kernel, strides) = (windows.kernel, windows.strides)
    switch padding.count {
    case 1:
      return averagePool1d(
        x, kernel: kernel[0], stride: strides[0], padding: padding[0], ceilMode: windows.isRoundedUp,
        countsPadding: countsPadding)
    case 2:
      return averagePool2d(
        x, kernel: SpatialWindows.pair(kernel), stride: SpatialWindows.pair(strides),
        padding: SpatialWindows.pair(padding), ceilMode: windows.isRoundedUp, countsPadding: countsPadding)
    case 3:
      return averagePool3d(
        x, kernel: SpatialWindows.triple(kernel), stride: SpatialWindows.triple(strides),
        padding: SpatialWindows.triple(padding), ceilMode: windows.isRoundedUp, countsPadding: countsPadding)
    case let axes: throw OnnxError("pooling over \(axes) axes")
    }
  }

  /// The sums over windows with gaps of what is padded already, by a convolution with ones; a window that is
  /// partly inside at the end meets zeros.
  private static func windowSums(_ x: Tensor, _ windows: SpatialWindows) throws -> Tensor {
    let axes = x.rank - 2
    var input = x.reshaped([x.shape[0] * x.shape[1], 1] + x.shape[2...])
    if windows.isRoundedUp {
      let missing = (0..<axes).map { axis in
        let room = input.shape[axis + 2] - (windows.kernel[axis] - 1) * windows.dilations[axis] - 1
        return (windows.strides[axis] - room % windows.strides[axis]) % windows.strides[axis]
      }
      input = try padded(input, Array(2..<axes + 2), windows.none + missing, "constant", 0)
    }
    let ones = Tensor.ones([1, 1] + windows.kernel, dtype: x.dtype)
    let sums: Tensor
    switch axes {
    case 1: sums = conv1d(input, weight: ones, stride: windows.strides[0], dilation: windows.dilations[0])
    case 2:
      sums = conv2d(
        input, weight: ones, stride: SpatialWindows.pair(windows.strides),
        dilation: SpatialWindows.pair(windows.dilations))
    case 3:
      sums = conv3d(
        input, weight: ones, stride: SpatialWindows.triple(windows.strides),
        dilation: SpatialWindows.triple(windows.dilations))
    default: throw OnnxError("pooling over \(axes) axes")
    }
    return sums.reshaped(Array(x.shape[..<2]) + sums.shape.dropFirst(2))
  }

  /// Means over windows with gaps, where the padding counts or not.
  private static func dilatedMeans(
    _ x: Tensor, _ windows: SpatialWindows, _ countsPadding: Bool
  ) throws -> Tensor {
    let (all, ones) = (try windows.padded(x), Tensor.ones(like: x))
    let counted = countsPadding ? Tensor.ones(like: all) : try windows.padded(ones)
    return try windowSums(all, windows) / windowSums(counted, windows)
  }
}
