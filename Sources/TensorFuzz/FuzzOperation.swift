import Tensor

/// A drawn case: the operands, and the same operation in Swift and in Python, where the operands are `x[0]`,
/// `x[1]`, ….
struct FuzzCase {
  var operands: [RandomOperand]
  var python: String
  var isDifferentiable = false
  /// How many times the usual rounding the operation may differ by.
  var slack = 1.0
  var apply: ([Tensor]) -> Tensor

  var description: String {
    python + " of "
      + operands.map { operand in
        "\(operand.dtype) \(operand.storedShape)\(operand.views.map(\.python).joined())"
      }.joined(separator: " and ")
  }
}

extension DType {
  /// The types that PyTorch computes with: of the wider ones without a sign it knows little more than the
  /// name.
  static let inTorch = allCases.filter { ![.uint16, .uint32, .uint64].contains($0) }
}

/// An operation that can be compared: how to draw a case of it.
struct FuzzOperation {
  let name: String
  let draw: (inout RandomGenerator) -> FuzzCase

  init(_ name: String, _ draw: @escaping (inout RandomGenerator) -> FuzzCase) {
    self.name = name
    self.draw = draw
  }

  /// Every operation, in the order of the files that hold them.
  static var table: [FuzzOperation] {
    unary + binary + reductions + movement + indexing + products + layers
  }

  static let floats: [DType] = [.float32, .float64]
  static let storage: [DType] = [.float32, .float64, .float32, .float64, .float16, .bfloat16]
}

// MARK: Element by element

extension FuzzOperation {
  static var unary: [FuzzOperation] {
    [
      one("abs", "x[0].abs()") { $0.abs() }, one("neg", "-x[0]") { -$0 },
      one("exp", "x[0].exp()") { $0.exp() }, one("expm1", "x[0].expm1()") { $0.expm1() },
      one("log", "x[0].log()", in: 0.1...5) { $0.log() },
      one("log1p", "x[0].log1p()", in: -0.8...5) { $0.log1p() },
      one("sqrt", "x[0].sqrt()", in: 0.1...5) { $0.sqrt() },
      one("rsqrt", "x[0].rsqrt()", in: 0.1...5) { $0.rsqrt() },
      one("reciprocal", "x[0].reciprocal()", in: 0.2...4) { $0.reciprocal() },
      one("sin", "x[0].sin()") { $0.sin() }, one("cos", "x[0].cos()") { $0.cos() },
      one("tanh", "x[0].tanh()") { $0.tanh() }, one("sigmoid", "x[0].sigmoid()") { $0.sigmoid() },
      one("logsigmoid", "F.logsigmoid(x[0])") { $0.logSigmoid() },
      one("softplus", "F.softplus(x[0])") { $0.softplus() }, one("erf", "x[0].erf()") { $0.erf() },
      one("relu", "x[0].relu()") { $0.relu() }, one("silu", "F.silu(x[0])") { $0.silu() },
      one("gelu", "F.gelu(x[0])") { $0.gelu() },
      one("gelu tanh", "F.gelu(x[0], approximate='tanh')") { $0.geluTanh() },
      one("leaky relu", "F.leaky_relu(x[0], 0.1)") { $0.leakyReLU(slope: 0.1) },
      one("elu", "F.elu(x[0])") { $0.elu() }, one("square", "x[0].square()") { $0.square() },
      one("sign", "x[0].sign()") { $0.sign() }, one("floor", "x[0].floor()") { $0.floor() },
      one("ceil", "x[0].ceil()") { $0.ceil() }, one("round", "x[0].round()") { $0.round() },
      one("clamp", "x[0].clamp(-1, 1.5)") { $0.clamped(-1, 1.5) },
      one("pow number", "x[0].pow(2.5)", in: 0.1...4) { $0.pow(2.5) },
      FuzzOperation("to") { g in
        let types: [DType] = [.float32, .float64, .float16, .bfloat16, .int32, .int64, .bool, .uint8]
        let (from, to) = (g.pick(types), g.pick(types))
        let x = RandomOperand(g.shape(), dtype: from, in: 0...100, using: &g)
        return FuzzCase(operands: [x], python: "x[0].to(torch.\(to.rawValue))") { $0[0].to(to) }
      },
    ]
  }

  private static func one(
    _ name: String, _ python: String, in range: ClosedRange<Double> = -4...4,
    _ apply: @escaping (Tensor) -> Tensor
  ) -> FuzzOperation {
    FuzzOperation(name) { g in
      let x = RandomOperand(g.shape(), dtype: g.pick(storage), in: range, using: &g)
      return FuzzCase(operands: [x], python: python, isDifferentiable: true) { apply($0[0]) }
    }
  }

  static var binary: [FuzzOperation] {
    [
      two("add", "x[0] + x[1]", types: DType.inTorch) { $0 + $1 },
      two("sub", "x[0] - x[1]", types: DType.inTorch.filter { $0 != .bool }) { $0 - $1 },
      two("mul", "x[0] * x[1]", types: DType.inTorch) { $0 * $1 },
      // Two integers give a truncated integer here, and a fraction there.
      two("div", "x[0] / x[1]", types: storage, in: 1...6) { $0 / $1 },
      two("pow", "x[0].pow(x[1])", types: floats, in: 0.2...3) { $0.pow($1) },
      two("maximum", "torch.maximum(x[0], x[1])", types: DType.inTorch) { $0.maximum($1) },
      two("minimum", "torch.minimum(x[0], x[1])", types: DType.inTorch) { $0.minimum($1) },
      two("eq", "x[0] == x[1]", types: DType.inTorch, smooth: false) { $0 .== $1 },
      two("ne", "x[0] != x[1]", types: DType.inTorch, smooth: false) { $0 .!= $1 },
      two("lt", "x[0] < x[1]", types: DType.inTorch, smooth: false) { $0 .< $1 },
      two("le", "x[0] <= x[1]", types: DType.inTorch, smooth: false) { $0 .<= $1 },
      two("gt", "x[0] > x[1]", types: DType.inTorch, smooth: false) { $0 .> $1 },
      two("ge", "x[0] >= x[1]", types: DType.inTorch, smooth: false) { $0 .>= $1 },
      FuzzOperation("number") { g in
        let x = RandomOperand(
          g.shape(), dtype: g.pick([.float32, .float64, .float16, .bfloat16]), in: 1...4, using: &g)
        let choices: [(String, (Tensor) -> Tensor)] = [
          ("x[0] + 1.5", { $0 + 1.5 }), ("2 - x[0]", { 2 - $0 }), ("x[0] * -0.25", { $0 * -0.25 }),
          ("3 / x[0]", { 3 / $0 }), ("x[0] / 4", { $0 / 4 }),
        ]
        let (python, apply) = g.pick(choices)
        return FuzzCase(operands: [x], python: python, isDifferentiable: true) { apply($0[0]) }
      },
      FuzzOperation("where") { g in
        let shape = g.shape()
        let type = g.pick(floats)
        let condition = RandomOperand(g.broadcastable(with: shape), dtype: .bool, in: 0...1, using: &g)
        let a = RandomOperand(shape, dtype: type, in: -3...3, using: &g)
        let b = RandomOperand(g.broadcastable(with: shape), dtype: type, in: -3...3, using: &g)
        return FuzzCase(
          operands: [condition, a, b], python: "torch.where(x[0], x[1], x[2])", isDifferentiable: true
        ) { Tensor.select($0[0], $0[1], $0[2]) }
      },
      FuzzOperation("masked fill") { g in
        let shape = g.shape(rank: 1...4)
        let x = RandomOperand(shape, dtype: g.pick(floats), in: -3...3, using: &g)
        let mask = RandomOperand(g.broadcastable(with: shape), dtype: .bool, in: 0...1, using: &g)
        return FuzzCase(
          operands: [x, mask], python: "x[0].masked_fill(x[1], -7)", isDifferentiable: true
        ) { $0[0].maskedFill($0[1], -7) }
      },
    ]
  }

  /// Two operands that broadcast. Tensors without axes have the same type: there the rules differ, as
  /// ``DType`` says.
  private static func two(
    _ name: String, _ python: String, types: [DType], in range: ClosedRange<Double> = -5...5,
    smooth: Bool = true,
    _ apply: @escaping (Tensor, Tensor) -> Tensor
  ) -> FuzzOperation {
    FuzzOperation(name) { g in
      let shape = g.shape()
      let other = g.broadcastable(with: shape)
      let first = g.pick(types)
      let second = shape.isEmpty || other.isEmpty ? first : g.pick(types)
      func bounds(_ type: DType) -> ClosedRange<Double> {
        type.isUnsigned ? Swift.max(0, range.lowerBound)...range.upperBound : range
      }
      let a = RandomOperand(shape, dtype: first, in: bounds(first), using: &g)
      let b = RandomOperand(other, dtype: second, in: bounds(second), using: &g)
      let swapped = g.below(2) == 0
      return FuzzCase(
        operands: swapped ? [b, a] : [a, b], python: python, isDifferentiable: smooth
      ) { apply($0[0], $0[1]) }
    }
  }
}
