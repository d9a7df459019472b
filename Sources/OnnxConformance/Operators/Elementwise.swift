import Tensor

extension OperatorTable {
  static let unary: [String: OnnxOperator] = [
    "Abs": one { $0.abs() }, "Acos": one { $0.acos() }, "Acosh": one { $0.acosh() },
    "Asin": one { $0.asin() },
    "Asinh": one { $0.asinh() }, "Atan": one { $0.atan() }, "Atanh": one { $0.atanh() },
    "Ceil": one { $0.ceil() }, "Cos": one { $0.cos() }, "Cosh": one { $0.cosh() }, "Erf": one { $0.erf() },
    "Exp": one { $0.exp() }, "Floor": one { $0.floor() }, "Identity": one { $0 }, "IsNaN": one { $0.isNaN() },
    "Log": one { $0.log() }, "Neg": one { -$0 }, "Not": one { .!$0 }, "Reciprocal": one { $0.reciprocal() },
    "Round": one { $0.round() }, "Sigmoid": one { $0.sigmoid() }, "Sign": one { $0.sign() },
    "Sin": one { $0.sin() }, "Sinh": one { $0.sinh() }, "Sqrt": one { $0.sqrt() }, "Tan": one { $0.tan() },
    "Tanh": one { $0.tanh() },
    "IsInf": { call in
      let x = try call.tensor()
      let (below, above) = (
        try call.flag("detect_negative", default: true), try call.flag("detect_positive", default: true)
      )
      let found = Tensor.zeros(x.shape, dtype: .bool)
      return [
        (below ? x.isNegativeInfinity() : found) .| (above ? x.isPositiveInfinity() : found)
      ]
    },
  ]

  static let activations: [String: OnnxOperator] = [
    "Relu": one { $0.relu() }, "Softplus": one { $0.softplus() },
    "Softsign": one { x in inSingle(x) { $0 / ($0.abs() + 1) } },
    "Mish": one { x in inSingle(x) { $0 * $0.softplus().tanh() } },
    "HardSwish": one { x in inSingle(x) { $0 * ($0 / 6 + 0.5).clamped(0.0, 1.0) } },
    "Elu": { call in [try call.tensor().elu(alpha: try call.real("alpha", default: 1))] },
    "Celu": { call in
      let alpha = try call.real("alpha", default: 1)
      return [inSingle(try call.tensor()) { ($0 / alpha).elu() * alpha }]
    },
    "Selu": { call in
      let alpha = try call.real("alpha", default: 1.67326319217681884765625)
      let gamma = try call.real("gamma", default: 1.05070102214813232421875)
      return [inSingle(try call.tensor()) { $0.elu(alpha: alpha) * gamma }]
    },
    "Gelu": { call in
      let x = try call.tensor()
      return [try call.text("approximate", default: "none") == "tanh" ? x.geluTanh() : x.gelu()]
    },
    "HardSigmoid": { call in
      let (alpha, beta) = (try call.real("alpha", default: 0.2), try call.real("beta", default: 0.5))
      return [inSingle(try call.tensor()) { ($0 * alpha + beta).clamped(0.0, 1.0) }]
    },
    "LeakyRelu": { call in [try call.tensor().leakyReLU(slope: try call.real("alpha", default: 0.01))] },
    "ThresholdedRelu": { call in
      let x = try call.tensor()
      return [Tensor.select(x .> (try call.real("alpha", default: 1)), x, Tensor.zeros(like: x))]
    },
    "Shrink": { call in
      let x = try call.tensor()
      let (bias, limit) = (try call.real("bias", default: 0), try call.real("lambd", default: 0.5))
      let moved = Tensor.select(
        x .< -limit, x + Tensor(bias, dtype: x.dtype), x - Tensor(bias, dtype: x.dtype))
      return [Tensor.select((x .>= -limit) .& (x .<= limit), Tensor.zeros(like: x), moved)]
    },
    "PRelu": { call in
      let (x, given) = (try call.tensor(), try call.tensor(1))
      // Before version 7 a list of slopes was one for each channel.
      let isOfChannels = call.version < 7 && given.rank == 1 && x.rank > 2 && given.count > 1
      let slope = isOfChannels ? given.reshaped([-1] + x.shape[2...].map { _ in 1 }) : given
      return [Tensor.select(x .>= 0, x, x * slope)]
    },
    "Swish": { call in [try swish(call.tensor(), call)] },
    "SwiGLU": { call in
      let (gate, value) = (try call.tensor(), try call.tensor(1))
      if try call.real("alpha", default: 1) == 1 { return [swiGLU(gate, value)] }
      return [(try swish(gate.to(.float32), call) * value.to(.float32)).to(gate.dtype)]
    },
    "Clip": { call in
      var x = try call.tensor()
      func limit(_ key: String, _ input: Int) throws -> Tensor? {
        call.has(key) ? Tensor(try call.real(key), dtype: x.dtype) : call.optional(input)
      }
      if let lower = try limit("min", 1) { x = x.maximum(lower) }
      if let upper = try limit("max", 2) { x = x.minimum(upper) }
      return [x]
    },
    "Dropout": { call in
      let x = try call.tensor()
      let isTraining = try call.truth(2) ?? false
      let given = call.optional(1)?.flattened().array(of: Double.self).first
      let ratio = try given ?? call.real("ratio", default: 0.5)
      try call.require(!isTraining || ratio == 0, "drops at random")
      return [x, Tensor.ones(x.shape, dtype: .bool)]
    },
  ]

  private static func swish(_ x: Tensor, _ call: NodeCall) throws -> Tensor {
    let alpha = try call.real("alpha", default: 1)
    return alpha == 1 ? x.silu() : inSingle(x) { $0 * ($0 * alpha).sigmoid() }
  }
}
