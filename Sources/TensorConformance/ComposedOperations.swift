import Tensor

extension OperationTable {
  /// Cases that are formulas rather than operators: a line or two in the library's operators.
  static let composed: [String: Operation] = [
    "addcmul": { item, x in [x[0] + x[1] * x[2] * (try item.real("value", default: 1))] },
    "addmm": { item, x in
      [
        x[0] * (try item.real("beta", default: 1)) + x[1].matmul(x[2]) * (try item.real("alpha", default: 1))
      ]
    },
    "dpo_sigmoid": { item, x in
      [-(((x[0] - x[2]) - (x[1] - x[3])) * (try item.real("beta"))).logSigmoid().mean()]
    },
    "mlp_gelu": { _, x in [linear(linear(x[0], weight: x[1], bias: x[2]).gelu(), weight: x[3], bias: x[4])] },
    "lora": { item, x in
      [
        linear(x[0], weight: x[1]) + linear(linear(x[0], weight: x[2]), weight: x[3])
          * (try item.real("scaling"))
      ]
    },
    "reuse": unary { $0 * $0 + $0.sin().matmul($0.transposed()) },
    "clip_grad_norm": { item, x in
      let norm = x.reduce(Tensor(0)) { $0 + $1.square().sum() }.sqrt()
      let scale = ((try item.real("max_norm")) / (norm + 1e-6)).minimum(Tensor(1))
      return x.map { $0 * scale }
    },
  ]
}
