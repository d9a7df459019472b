import Checkpoint
import Tensor

extension OperationTable {
  static let convolutions: [String: Operation] = [
    "conv1d": { item, x in
      [
        conv1d(
          x[0], weight: x[1], bias: x.count > 2 ? x[2] : nil, stride: try item.integer("stride", default: 1),
          padding: try item.integer("padding", default: 0),
          dilation: try item.integer("dilation", default: 1),
          groups: try item.integer("groups", default: 1))
      ]
    },
    "conv2d": { item, x in
      [
        conv2d(
          x[0], weight: x[1], bias: x.count > 2 ? x[2] : nil, stride: try pair(item, "stride", 1),
          padding: try pair(item, "padding", 0), dilation: try pair(item, "dilation", 1),
          groups: try item.integer("groups", default: 1))
      ]
    },
    "conv_transpose1d": { item, x in
      [
        convTransposed1d(
          x[0], weight: x[1], bias: x.count > 2 ? x[2] : nil, stride: try item.integer("stride", default: 1),
          padding: try item.integer("padding", default: 0),
          outputPadding: try item.integer("output_padding", default: 0),
          dilation: try item.integer("dilation", default: 1), groups: try item.integer("groups", default: 1))
      ]
    },
    "conv_transpose2d": { item, x in
      [
        convTransposed2d(
          x[0], weight: x[1], bias: x.count > 2 ? x[2] : nil, stride: try pair(item, "stride", 1),
          padding: try pair(item, "padding", 0), outputPadding: try pair(item, "output_padding", 0),
          dilation: try pair(item, "dilation", 1), groups: try item.integer("groups", default: 1))
      ]
    },
    "max_pool1d": { item, x in
      [
        maxPool1d(
          x[0], kernel: try item.integer("kernel"), stride: try stride(item, 1)?[0],
          padding: try item.integer("padding", default: 0),
          dilation: try item.integer("dilation", default: 1),
          ceilMode: item.flag("ceil_mode"))
      ]
    },
    "max_pool2d": { item, x in
      let pooled = maxPool2d(
        x[0], kernel: try pair(item, "kernel"), stride: try stride(item, 2).map { ($0[0], $0[1]) },
        padding: try pair(item, "padding", 0), dilation: try pair(item, "dilation", 1),
        ceilMode: item.flag("ceil_mode"))
      return [pooled]
    },
    "avg_pool1d": { item, x in
      [
        averagePool1d(
          x[0], kernel: try item.integer("kernel"), stride: try stride(item, 1)?[0],
          padding: try item.integer("padding", default: 0), ceilMode: item.flag("ceil_mode"),
          countsPadding: item.flag("count_include_pad", default: true))
      ]
    },
    "avg_pool2d": { item, x in
      [
        averagePool2d(
          x[0], kernel: try pair(item, "kernel"), stride: try stride(item, 2).map { ($0[0], $0[1]) },
          padding: try pair(item, "padding", 0), ceilMode: item.flag("ceil_mode"),
          countsPadding: item.flag("count_include_pad", default: true))
      ]
    },
    "adaptive_avg_pool1d": { item, x in [adaptiveAveragePool1d(x[0], size: item.outputs[0].shape.last ?? 0)]
    },
    "adaptive_avg_pool2d": { item, x in
      let shape = item.outputs[0].shape
      return [adaptiveAveragePool2d(x[0], size: (shape[shape.count - 2], shape[shape.count - 1]))]
    },
    "interpolate": { item, x in
      let name = item.attributes["mode"]?.text ?? String(item.variant.prefix { $0 != "_" && $0 != "." })
      guard let mode = InterpolationMode(rawValue: name) else {
        throw ConformanceError("unknown interpolation `\(name)`")
      }
      let alignsCorners = item.flag("align_corners", default: item.expression.contains("align_corners=True"))
      let antialiases = item.flag("antialias", default: item.expression.contains("antialias=True"))
      let size = try item.integers("size", count: x[0].rank - 2)
      return [
        interpolate(x[0], size: size, mode: mode, alignsCorners: alignsCorners, antialiases: antialiases)
      ]
    },
  ]

  /// An attribute for both directions of a picture.
  private static func pair(_ item: ConformanceCase, _ key: String, _ value: Int? = nil) throws -> (Int, Int) {
    let numbers = try item.integers(key, count: 2, default: value)
    guard numbers.count == 2 else { throw ConformanceError("attribute `\(key)` needs two numbers") }
    return (numbers[0], numbers[1])
  }

  /// The stride of a pooling; nil for the kernel's size.
  private static func stride(_ item: ConformanceCase, _ count: Int) throws -> [Int]? {
    item.attributes["stride"] == nil ? nil : try item.integers("stride", count: count)
  }
}
