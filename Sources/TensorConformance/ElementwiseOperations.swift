import Tensor

extension OperationTable {
  static let arithmetic: [String: Operation] = [
    "add": binary { $0 + $1 },
    "sub": binary { $0 - $1 },
    "mul": binary { $0 * $1 },
    "div": binary { $0 / $1 },
    "pow": { item, x in [x.count > 1 ? x[0].pow(x[1]) : x[0].pow(try item.real("exponent"))] },
    "maximum": binary { $0.maximum($1) },
    "minimum": binary { $0.minimum($1) },
    "where": { _, x in [Tensor.select(x[0] .!= 0, x[1], x[2])] },
    "masked_fill": { item, x in [x[0].maskedFill(x[1] .!= 0, try item.real("value"))] },
    "lerp": { item, x in [x[0].lerp(x[1], try item.real("weight"))] },
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
    "sign": unary { $0.sign() },
    "floor": unary { $0.floor() },
    "ceil": unary { $0.ceil() },
    "round": unary { $0.round() },
    "clamp": { item, x in
      [x[0].clamped(try item.real("lo", default: -.infinity), try item.real("hi", default: .infinity))]
    },
    "leaky_relu": { item, x in [x[0].leakyReLU(slope: try item.real("slope", default: 0.01))] },
    "elu": { item, x in [x[0].elu(alpha: try item.real("alpha", default: 1))] },
  ]
}
