import Tensor

/// Which code of ours stands for which operator of ONNX.
enum OperatorTable {
  static let operators: [String: OnnxOperator] = [
    unary, activations, binary, comparisons, bits, reductions, ordered, shapes, pieces, gathering, scattering,
    creation, conversions, products, convolutions, pooling, resampling, normalizations, losses, attentions,
    recurrent, fourier, control, optimizers,
  ]
  .reduce(into: [:]) { $0.merge($1) { first, _ in first } }

  /// An operator of one tensor and nothing else.
  static func one(_ body: @escaping @Sendable (Tensor) -> Tensor) -> OnnxOperator {
    { call in [body(try call.tensor())] }
  }

  /// An operator of two tensors and nothing else.
  static func two(_ body: @escaping @Sendable (Tensor, Tensor) -> Tensor) -> OnnxOperator {
    { call in [body(try call.tensor(), try call.tensor(1))] }
  }

  /// `body` in float32 for a half, rounded once; ONNX says of several operators that they compute so.
  static func inSingle(_ x: Tensor, _ body: (Tensor) throws -> Tensor) rethrows -> Tensor {
    x.dtype.isHalfPrecision ? try body(x.to(.float32)).to(x.dtype) : try body(x)
  }
}
