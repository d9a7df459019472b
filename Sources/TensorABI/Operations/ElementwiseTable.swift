import Tensor

extension OperationTable {
  /// Functions of one element.
  static let elementwise: [String: Operation] = [
    "abs": { call in
      switch try call.value() {
      case .real(let x): [.real(x.abs())]
      case .complex(let z): [.real(z.magnitude())]
      }
    },
    "acos": unary({ $0.acos() }, { $0.acos() }),
    "acosh": unary({ $0.acosh() }, { $0.acosh() }),
    "asin": unary({ $0.asin() }, { $0.asin() }),
    "asinh": unary({ $0.asinh() }, { $0.asinh() }),
    "atan": unary({ $0.atan() }, { $0.atan() }),
    "atanh": unary({ $0.atanh() }, { $0.atanh() }),
    "bitwise_invert": unary { $0.bitwiseNot() },
    "ceil": unary({ $0.ceil() }, { .parts(of: $0) { $0.ceil() } }),
    "cos": unary({ $0.cos() }, { $0.cos() }),
    "cosh": unary({ $0.cosh() }, { $0.cosh() }),
    "erf": unary { $0.erf() },
    "exp": unary({ $0.exp() }, { $0.exp() }),
    "exp2": unary { $0.exp2() },
    "expm1": unary({ $0.expm1() }, { $0.expm1() }),
    "floor": unary({ $0.floor() }, { .parts(of: $0) { $0.floor() } }),
    "gelu": unary { $0.gelu() },
    "isfinite": truth({ $0.isFinite() }, { $0 .& $1 }),
    "isinf": truth({ $0.isInfinite() }, { $0 .| $1 }),
    "isnan": truth({ $0.isNaN() }, { $0 .| $1 }),
    "log": unary({ $0.log() }, { $0.log() }),
    "log10": unary({ $0.log10() }, { $0.log10() }),
    "log1p": unary({ $0.log1p() }, { $0.log1p() }),
    "log2": unary({ $0.log2() }, { $0.log2() }),
    "logical_not": unary { .!($0.to(.bool)) },
    "negative": unary({ -$0 }, { -$0 }),
    "positive": unary({ $0 }, { $0 }),
    "reciprocal": unary({ $0.reciprocal() }, { 1 / $0 }),
    "relu": unary { $0.relu() },
    "round": unary({ $0.round() }, { .parts(of: $0) { $0.round() } }),
    "rsqrt": unary { $0.rsqrt() },
    "sigmoid": unary { $0.sigmoid() },
    "sign": unary({ $0.standardSign() }, { $0.sign() }),
    "signbit": unary { $0.signBit() },
    "silu": unary { $0.silu() },
    "sin": unary({ $0.sin() }, { $0.sin() }),
    "sinh": unary({ $0.sinh() }, { $0.sinh() }),
    "softplus": unary { $0.softplus() },
    "sqrt": unary({ $0.sqrt() }, { $0.sqrt() }),
    "square": unary({ $0.square() }, { $0 * $0 }),
    "tan": unary({ $0.tan() }, { $0.tan() }),
    "tanh": unary({ $0.tanh() }, { $0.tanh() }),
    "trunc": unary({ $0.trunc() }, { .parts(of: $0) { $0.trunc() } }),
  ]

  /// What only complex numbers have, and the ways between both kinds.
  static let complex: [String: Operation] = [
    "real": one { .real(try $0.value().asComplex.real) },
    "imag": one { .real(try $0.value().asComplex.imaginary) },
    "angle": one { .real(try $0.value().asComplex.angle()) },
    "conj": unary({ $0 }, { $0.conjugate() }),
    "complex": complex { ComplexTensor(real: try $0.real(0), imaginary: try $0.real(1)) },
    "astype": one { call in
      switch (try call.value(), try call.attributes.type("dtype")) {
      case (.real(let x), .real(let type)): .real(x.to(type).contiguous())
      case (let value, .complex(let type)): .complex(value.asComplex.to(type).contiguous())
      case (.complex, .real): throw call.fail("complex numbers have no real type; take real or abs")
      }
    },
  ]

  /// A test of elements, which one or both parts of a complex one must pass.
  private static func truth(
    _ body: @escaping @Sendable (Tensor) -> Tensor, _ join: @escaping @Sendable (Tensor, Tensor) -> Tensor
  ) -> Operation {
    { call in
      switch try call.value() {
      case .real(let x): [.real(body(x))]
      case .complex(let z): [.real(join(body(z.real), body(z.imaginary)))]
      }
    }
  }
}

extension ComplexTensor {
  /// The same done to both parts.
  static func parts(of z: ComplexTensor, _ body: (Tensor) -> Tensor) -> ComplexTensor {
    ComplexTensor(real: body(z.real), imaginary: body(z.imaginary))
  }
}
