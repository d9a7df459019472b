import Tensor

/// Convolutions, pooling and other sizes of sequences and pictures.
extension TorchTable {
  static let convolutions: [String: TorchOperation] = [
    "nn.functional.conv1d": { call in
      let weight = try call.tensor(1, "weight")
      let dilation = try call.integer(5, "dilation", default: 1)
      let (x, padding) = try padded(call, weight, [dilation], axes: 1)
      return [
        conv1d(
          x, weight: weight, bias: try call.optionalTensor(2, "bias"),
          stride: try call.integer(3, "stride", default: 1),
          padding: padding[0], dilation: dilation, groups: try call.integer(6, "groups", default: 1))
      ]
    },
    "nn.functional.conv2d": { call in
      let weight = try call.tensor(1, "weight")
      let dilation = try call.pair(5, "dilation", default: 1)
      let (x, padding) = try padded(call, weight, [dilation.0, dilation.1], axes: 2)
      return [
        conv2d(
          x, weight: weight, bias: try call.optionalTensor(2, "bias"),
          stride: try call.pair(3, "stride", default: 1),
          padding: (padding[0], padding[1]), dilation: dilation,
          groups: try call.integer(6, "groups", default: 1))
      ]
    },
    "nn.functional.conv_transpose1d": { call in
      [
        convTransposed1d(
          try call.tensor(), weight: try call.tensor(1, "weight"), bias: try call.optionalTensor(2, "bias"),
          stride: try call.integer(3, "stride", default: 1),
          padding: try call.integer(4, "padding", default: 0),
          outputPadding: try call.integer(5, "output_padding", default: 0),
          dilation: try call.integer(7, "dilation", default: 1),
          groups: try call.integer(6, "groups", default: 1))
      ]
    },
    "nn.functional.conv_transpose2d": { call in
      [
        convTransposed2d(
          try call.tensor(), weight: try call.tensor(1, "weight"), bias: try call.optionalTensor(2, "bias"),
          stride: try call.pair(3, "stride", default: 1), padding: try call.pair(4, "padding", default: 0),
          outputPadding: try call.pair(5, "output_padding", default: 0),
          dilation: try call.pair(7, "dilation", default: 1),
          groups: try call.integer(6, "groups", default: 1))
      ]
    },
  ]

  static let pooling: [String: TorchOperation] = [
    "nn.functional.max_pool1d": { call in
      [
        maxPool1d(
          try call.tensor(), kernel: try call.integer(1, "kernel_size"), stride: try stride(call)?[0],
          padding: try call.integer(3, "padding", default: 0),
          dilation: try call.integer(4, "dilation", default: 1),
          ceilMode: try call.flag(5, "ceil_mode"))
      ]
    },
    "nn.functional.max_pool2d": { call in
      [
        maxPool2d(
          try call.tensor(), kernel: try call.pair(1, "kernel_size"),
          stride: try stride(call).map { ($0[0], $0[1]) },
          padding: try call.pair(3, "padding", default: 0),
          dilation: try call.pair(4, "dilation", default: 1),
          ceilMode: try call.flag(5, "ceil_mode"))
      ]
    },
    "nn.functional.avg_pool1d": { call in
      [
        averagePool1d(
          try call.tensor(), kernel: try call.integer(1, "kernel_size"), stride: try stride(call)?[0],
          padding: try call.integer(3, "padding", default: 0), ceilMode: try call.flag(4, "ceil_mode"),
          countsPadding: try call.flag(5, "count_include_pad", default: true))
      ]
    },
    "nn.functional.avg_pool2d": { call in
      [
        averagePool2d(
          try call.tensor(), kernel: try call.pair(1, "kernel_size"),
          stride: try stride(call).map { ($0[0], $0[1]) },
          padding: try call.pair(3, "padding", default: 0), ceilMode: try call.flag(4, "ceil_mode"),
          countsPadding: try call.flag(5, "count_include_pad", default: true),
          divisor: try call.optionalReal(6, "divisor_override"))
      ]
    },
    "nn.functional.adaptive_avg_pool1d": { call in
      [adaptiveAveragePool1d(try call.tensor(), size: try call.integer(1, "output_size"))]
    },
    "nn.functional.adaptive_avg_pool2d": { call in
      let x = try call.tensor()
      if case .list(let sides)? = call[1, "output_size"], sides.count == 2, x.rank >= 2 {
        // Where there is no number, the axis keeps its extent.
        let sizes = zip(sides, x.shape.suffix(2)).map { $0.integers?[0] ?? $1 }
        return [adaptiveAveragePool2d(x, size: (sizes[0], sizes[1]))]
      }
      return [adaptiveAveragePool2d(x, size: try call.pair(1, "output_size"))]
    },
  ]

  static let resampling: [String: TorchOperation] = [
    "nn.functional.interpolate": { call in
      try resampled(
        call, try call.text(3, "mode", default: "nearest"), alignsCorners: try call.flag(4, "align_corners"),
        antialiases: try call.flag(6, "antialias"), scale: try scale(call, 2, "scale_factor"))
    },
    "nn.functional.upsample_bilinear": { call in
      try resampled(
        call, "bilinear", alignsCorners: true, antialiases: false, scale: try scale(call, 2, "scale_factor"))
    },
    "nn.functional.upsample_nearest": { call in
      try resampled(
        call, "nearest", alignsCorners: false, antialiases: false, scale: try scale(call, 2, "scale_factor"))
    },
    "_upsample_bilinear2d_aa": { call in
      try resampled(
        call, "bilinear", alignsCorners: try call.flag(2, "align_corners"), antialiases: true,
        scale: try scale(call, 3, "scale_factors"))
    },
  ]

  private static func scale(_ call: TorchCall, _ position: Int, _ name: String) throws -> [Double]? {
    guard let argument = call[position, name] else { return nil }
    if case .list(let elements) = argument {
      return try elements.map {
        guard let number = $0.number else { throw TorchCallError.unwritable("a scale \($0)") }
        return number.asDouble
      }
    }
    guard let number = argument.number else { throw TorchCallError.unwritable("a scale \(argument)") }
    return [Double](repeating: number.asDouble, count: max(0, try call.tensor().rank - 2))
  }

  private static func resampled(
    _ call: TorchCall, _ mode: String, alignsCorners: Bool, antialiases: Bool, scale: [Double]?
  ) throws -> [Tensor] {
    guard let mode = InterpolationMode(rawValue: mode) else {
      throw TorchCallError.noCounterpart("mode `\(mode)`")
    }
    let x = try call.tensor()
    if let written = try call.optionalIntegers(
      1, call.keywords["output_size"] == nil ? "size" : "output_size")
    {
      let size = written.count == 1 ? [Int](repeating: written[0], count: max(0, x.rank - 2)) : written
      let scales = try ["scales_h", "scales_w"].compactMap { try call.optionalReal(9, $0) }
      return [
        interpolate(
          x, size: size, mode: mode, alignsCorners: alignsCorners, antialiases: antialiases,
          scale: scales.count == 2 ? scales : nil)
      ]
    }
    guard let scale else { throw TorchCallError.unwritable("neither a size nor a scale") }
    if try call.flag(5, "recompute_scale_factor") {
      let size = zip(x.shape.dropFirst(2), scale).map { Int(Double($0) * $1) }
      return [interpolate(x, size: size, mode: mode, alignsCorners: alignsCorners, antialiases: antialiases)]
    }
    return [interpolate(x, scale: scale, mode: mode, alignsCorners: alignsCorners, antialiases: antialiases)]
  }

  /// The stride of a pooling; nil for the kernel's size.
  private static func stride(_ call: TorchCall) throws -> [Int]? {
    guard let numbers = try call.optionalIntegers(2, "stride"), !numbers.isEmpty else { return nil }
    return numbers.count == 1 ? [numbers[0], numbers[0]] : numbers
  }

  /// The input and the padding of a convolution; `'same'` may need one zero more behind than in front.
  private static func padded(
    _ call: TorchCall, _ weight: Tensor, _ dilation: [Int], axes: Int
  ) throws -> (Tensor, [Int]) {
    let x = try call.tensor()
    guard case .text(let name)? = call[4, "padding"] else {
      let numbers = try call.optionalIntegers(4, "padding") ?? [0]
      return (x, numbers.count < axes ? [Int](repeating: numbers.first ?? 0, count: axes) : numbers)
    }
    let none = [Int](repeating: 0, count: axes)
    guard name == "same", weight.rank == axes + 2, x.rank > axes else {
      if name == "valid" { return (x, none) }
      throw TorchCallError.unwritable("padding `\(name)`")
    }
    let stride = try call.optionalIntegers(3, "stride") ?? [1]
    guard stride.allSatisfy({ $0 == 1 }) else {
      throw TorchCallError.unwritable("padding 'same' with a stride")
    }
    let sums = (0..<axes).map { dilation[$0] * (weight.shape[$0 + 2] - 1) }
    let widths = x.shape.indices.map { axis -> (before: Int, after: Int) in
      let place = axis - (x.rank - axes)
      return place < 0 ? (0, 0) : (sums[place] / 2, sums[place] - sums[place] / 2)
    }
    return (x.padded(widths), none)
  }
}
