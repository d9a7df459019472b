import Checkpoint
import Tensor

extension OperationTable {
  static let arithmetic: [String: Operation] = [
    "add": binary { $0 + $1 },
    "sub": binary { $0 - $1 },
    "mul": binary { $0 * $1 },
    "div": binary { $0 / $1 },
    "pow.tensor": binary { $0.pow($1) },
    "pow": { item, x in [x[0].pow(try item.real("exponent"))] },
    "maximum": binary { $0.maximum($1) },
    "minimum": binary { $0.minimum($1) },
    "where": { _, x in [Tensor.select(x[0] .!= 0, x[1], x[2])] },
    "masked_fill": { item, x in [Tensor.select(x[1] .!= 0, Tensor(try item.real("value")), x[0])] },
  ]

  static let pointwise: [String: Operation] = [
    "neg": unary { -$0 },
    "abs": unary { $0.abs() },
    "exp": unary { $0.exp() },
    "expm1": unary { $0.expm1() },
    "sin": unary { $0.sin() },
    "cos": unary { $0.cos() },
    "tanh": unary { $0.tanh() },
    "sigmoid": unary { $0.sigmoid() },
    "logsigmoid": unary { $0.logSigmoid() },
    "softplus": unary { $0.softplus() },
    "erf": unary { $0.erf() },
    "relu": unary { $0.relu() },
    "silu": unary { $0.silu() },
    "gelu_erf": unary { $0.gelu() },
    "gelu_tanh": unary { $0.geluTanh() },
    "quick_gelu": unary { $0.quickGELU() },
    "square": unary { $0.square() },
    "log": unary { $0.log() },
    "log1p": unary { $0.log1p() },
    "sqrt": unary { $0.sqrt() },
    "rsqrt": unary { $0.rsqrt() },
    "reciprocal": unary { $0.reciprocal() },
    "clamp": { item, x in [x[0].clamped(try item.real("lo"), try item.real("hi"))] },
  ]

  static let reductions: [String: Operation] = [
    "sum": { item, x in
      [x[0].sum(axes: item.axes(of: x[0].shape), keepDims: item.keepsDimensions)]
    },
    "mean": { item, x in [x[0].mean(axes: item.axes(of: x[0].shape), keepDims: item.keepsDimensions)] },
    "var": { item, x in
      let correction = item.attributes["unbiased"] == .integer(0) ? 0.0 : 1
      return [
        x[0].variance(axes: item.axes(of: x[0].shape), correction: correction, keepDims: item.keepsDimensions)
      ]
    },
    "std": { item, x in
      [x[0].standardDeviation(axes: item.axes(of: x[0].shape), keepDims: item.keepsDimensions)]
    },
    "amax": { item, x in [x[0].max(axes: item.axes(of: x[0].shape), keepDims: item.keepsDimensions)] },
    "amin": { item, x in [x[0].min(axes: item.axes(of: x[0].shape), keepDims: item.keepsDimensions)] },
    "max": { item, x in
      let axis = try item.integer("dim")
      return [x[0].max(axes: [axis]), x[0].argmax(axis: axis)]
    },
    "min": { item, x in
      let axis = try item.integer("dim")
      return [x[0].min(axes: [axis]), x[0].argmin(axis: axis)]
    },
    "argmax.flat": unary { $0.argmax() },
    "argmax": { item, x in [x[0].argmax(axis: try item.integer("dim"))] },
    "argmin": { item, x in [x[0].argmin(axis: try item.integer("dim"))] },
    "logsumexp": { item, x in
      [x[0].logSumExp(axes: item.axes(of: x[0].shape), keepDims: item.keepsDimensions)]
    },
  ]

  static let layout: [String: Operation] = [
    "cat": { item, x in [Tensor.concatenated(x, axis: try item.integer("dim"))] },
    "stack": { item, x in [Tensor.stacked(x, axis: try item.integer("dim"))] },
    "split": { item, x in x[0].split(try item.integers("sizes"), axis: try item.integer("dim")) },
    "chunk": { item, x in
      let (chunks, axis) = (try item.integer("chunks"), try item.integer("dim"))
      let extent = x[0].shape[axis < 0 ? axis + x[0].rank : axis]
      return x[0].split([Int](repeating: extent / chunks, count: chunks), axis: axis)
    },
    "reshape.permuted": unary { $0.reshaped([-1, $0.shape[2]]) },
    "expand": { item, x in [x[0].expanded(to: try item.integers("shape")) * x[1]] },
    "flip": { item, x in [x[0].flipped(axes: try item.integers("dims"))] },
    "slice": unary { $0[1..., .slice(step: 2), .slice(from: -3)] * 1 },
    "squeeze": binary { $0.squeezed(axis: 1) * $1 },
  ]

  static let indexing: [String: Operation] = [
    "embedding": binary { $0.rows(at: $1) },
    "embedding.padding_idx": { item, x in
      let table = x[0]
      let padding = Tensor([Int64(try item.integer("padding_idx"))])
      let frozen = table.replacingRows(at: padding, with: table.detached().rows(at: padding))
      return [frozen.rows(at: x[1])]
    },
    "masked_scatter": { _, x in
      let flat = x[0].reshaped([-1, x[0].shape[2]])
      let marks = x[1].array(of: Int64.self).enumerated().filter { $0.element != 0 }.map { Int64($0.offset) }
      return [
        flat.replacingRows(at: Tensor(marks), with: x[2].slice(axis: 0, 0..<marks.count)).reshaped(x[0].shape)
      ]
    },
  ]

  static let products: [String: Operation] = [
    "matmul.heads": binary { $0.matmul($1.transposed()) },
    "matmul": binary { $0.matmul($1) },
    "linear": { _, x in [linear(x[0], weight: x[1], bias: x.count > 2 ? x[2] : nil)] },
  ]
}
