import Tensor
import Testing

/// One operation on a tensor of some shape, with the shape NumPy gives it.
struct EmptyCase: CustomTestStringConvertible, Sendable {
  let name: String
  let input: [Int]
  let expected: [Int]
  let operation: @Sendable (Tensor) -> Tensor
  var testDescription: String { "\(name) of \(input)" }
}

private let elementwise: [(String, @Sendable (Tensor) -> Tensor)] = [
  ("negate", { -$0 }), ("abs", { $0.abs() }), ("exp", { $0.exp() }), ("expm1", { $0.expm1() }),
  ("log", { $0.log() }), ("log1p", { $0.log1p() }), ("sqrt", { $0.sqrt() }), ("rsqrt", { $0.rsqrt() }),
  ("reciprocal", { $0.reciprocal() }), ("sin", { $0.sin() }), ("cos", { $0.cos() }), ("tanh", { $0.tanh() }),
  ("sigmoid", { $0.sigmoid() }), ("logSigmoid", { $0.logSigmoid() }), ("softplus", { $0.softplus() }),
  ("erf", { $0.erf() }), ("relu", { $0.relu() }), ("silu", { $0.silu() }), ("gelu", { $0.gelu() }),
  ("geluTanh", { $0.geluTanh() }), ("quickGELU", { $0.quickGELU() }), ("square", { $0.square() }),
  ("sign", { $0.sign() }), ("floor", { $0.floor() }), ("clamped", { $0.clamped(-1, 1) }),
  ("add", { $0 + $0 }), ("subtract a number", { $0 - 1 }), ("multiply by a scalar", { Tensor(2) * $0 }),
  ("divide", { $0 / $0 }), ("pow", { $0.pow(3) }), ("maximum", { $0.maximum($0) }),
  ("compare", { ($0 .< $0).to(.float32) }), ("select", { Tensor.select($0 .> 0, $0, -$0) }),
  ("to float16", { $0.to(.float16) }), ("to int64", { $0.to(.int64) }), ("contiguous", { $0.contiguous() }),
  ("flipped", { x in x.flipped(axes: Array(x.shape.indices)) }),
  ("maskedFill", { $0.maskedFill($0 .> 0, 2) }), ("reshaped", { $0.reshaped($0.shape) }),
  ("permuted", { x in x.permuted(x.shape.indices.reversed()).permuted(x.shape.indices.reversed()) }),
  ("subscript", { $0[.ellipsis] }),
]

private let emptyCases: [EmptyCase] =
  [[], [0], [0, 3], [2, 0], [2, 0, 3], [1]].flatMap { (shape: [Int]) in
    elementwise.map { EmptyCase(name: $0.0, input: shape, expected: shape, operation: $0.1) }
  } + [
    .init(name: "sum", input: [0, 3], expected: []) { $0.sum() },
    .init(name: "sum", input: [], expected: []) { $0.sum() },
    .init(name: "sum of rows", input: [2, 0], expected: [2]) { $0.sum(axes: [1]) },
    .init(name: "sum of columns", input: [0, 3], expected: [3]) { $0.sum(axes: [0]) },
    .init(name: "sum kept", input: [2, 0, 3], expected: [2, 1, 3]) { $0.sum(axes: [1], keepDims: true) },
    .init(name: "mean", input: [0], expected: []) { $0.mean() },
    .init(name: "max of empty rows", input: [0, 3], expected: [0]) { $0.max(axes: [1]) },
    .init(name: "argmax of empty rows", input: [0, 3], expected: [0]) { $0.argmax(axis: 1) },
    .init(name: "max", input: [], expected: []) { $0.max() },
    .init(name: "logSumExp of empty rows", input: [0, 3], expected: [0]) { $0.logSumExp(axes: [1]) },
    .init(name: "matmul outside", input: [0, 3], expected: [0, 4]) { $0.matmul(Tensor.ones([3, 4])) },
    .init(name: "matmul inside", input: [2, 0], expected: [2, 4]) { $0.matmul(Tensor.ones([0, 4])) },
    .init(name: "matmul batch", input: [0, 2, 3], expected: [0, 2, 5]) { $0.matmul(Tensor.ones([3, 5])) },
    .init(name: "matmul bfloat16", input: [0, 3], expected: [0, 4]) {
      $0.matmul(Tensor.ones([3, 4], dtype: .bfloat16))
    },
    .init(name: "linear", input: [0, 3], expected: [0, 4]) {
      linear($0, weight: Tensor.ones([4, 3]), bias: Tensor.ones([4]))
    },
    .init(name: "softmax", input: [0, 3], expected: [0, 3]) { $0.softmax() },
    .init(name: "logSoftmax", input: [2, 3, 0, 4], expected: [2, 3, 0, 4]) { $0.logSoftmax() },
    .init(name: "layerNorm", input: [0, 3], expected: [0, 3]) {
      layerNorm($0, weight: Tensor.ones([3]), bias: Tensor.zeros([3]))
    },
    .init(name: "rmsNorm", input: [0, 3], expected: [0, 3]) { rmsNorm($0, weight: Tensor.ones([3])) },
    .init(name: "swiGLU", input: [0, 3], expected: [0, 3]) { swiGLU($0, $0) },
    .init(name: "broadcast", input: [0, 3], expected: [2, 0, 3]) { $0 + Tensor.ones([2, 1, 3]) },
    .init(name: "broadcast to nothing", input: [1], expected: [0]) { $0 + Tensor.ones([0]) },
    .init(name: "expanded", input: [1, 3], expected: [0, 3]) { $0.expanded(to: [0, 3]) },
    .init(name: "transposed", input: [2, 0], expected: [0, 2]) { $0.transposed().contiguous() },
    .init(name: "concatenated", input: [0, 3], expected: [2, 3]) {
      Tensor.concatenated([$0, Tensor.ones([2, 3])])
    },
    .init(name: "stacked", input: [], expected: [2]) { Tensor.stacked([$0, $0]) },
    .init(name: "split", input: [0, 3], expected: [0, 2]) { $0.split([1, 2], axis: 1)[1] },
    .init(name: "padded", input: [0, 3], expected: [2, 3]) { $0.padded([(1, 1), (0, 0)]) },
    .init(name: "rows", input: [4, 0], expected: [2, 0]) { $0.rows(at: Tensor([1, 3] as [Int32])) },
    .init(name: "no rows", input: [4, 3], expected: [0, 3]) { $0.rows(at: Tensor([] as [Int32])) },
    .init(name: "gather", input: [3, 0], expected: [2, 0]) {
      $0.gather(axis: 0, Tensor.zeros([2, 0], dtype: .int64))
    },
    .init(name: "cumsum", input: [0, 3], expected: [0, 3]) { $0.cumsum(axis: 0) },
    .init(name: "sorted", input: [3, 0], expected: [3, 0]) { $0.sorted(axis: 1).values },
    .init(name: "padded reflect", input: [0, 3], expected: [0, 6]) {
      $0.padded([(0, 0), (2, 1)], mode: .reflect)
    },
    .init(name: "einsum ellipsis", input: [0, 3], expected: [0, 2]) {
      einsum("...i,ij", $0, Tensor.ones([3, 2]))
    },
    .init(name: "einsum", input: [0, 3], expected: [3, 3]) { einsum("ni,nj->ij", $0, $0) },
    .init(name: "masked", input: [0, 3], expected: [0]) { $0.masked(by: $0 .> 0) },
    .init(name: "unfolded", input: [5, 0], expected: [2, 0, 3]) { $0.unfolded(axis: 0, size: 3, step: 2) },
    .init(name: "slice", input: [2, 0], expected: [0, 0]) { $0[2..., .slice(step: -1)] },
    .init(name: "item", input: [], expected: []) { Tensor($0.item()) },
    .init(name: "diagonal", input: [0, 3], expected: [0]) { $0.diagonal() },
  ]

@Suite("Empty tensors and scalars") struct EmptyAndScalarTests {
  @Test(arguments: emptyCases) func shapesAreNumPys(_ item: EmptyCase) {
    let input = Tensor.ones(item.input)
    let result = item.operation(input)
    #expect(result.shape == item.expected)
    #expect(result.array(of: Double.self).count == item.expected.reduce(1, *))
    // Sums over nothing are 0, products of nothing are zeros.
    if input.count == 0, ["sum", "sum of columns", "matmul inside"].contains(item.name) {
      #expect(result.array(of: Double.self).allSatisfy { $0 == 0 })
    }
  }

  @Test(arguments: emptyCases.filter { $0.name != "item" }) func gradientsHaveTheInputsShape(
    _ item: EmptyCase
  ) {
    let input = Tensor.ones(item.input).requiringGradient()
    let result = item.operation(input)
    guard result.requiresGradient else { return }
    let gradient = result.backward(from: Tensor.ones(result.shape, dtype: result.dtype))[input]
    #expect(gradient?.shape == item.input)
    #expect(gradient?.dtype == .float32)
  }

  @Test func scalarsHaveOneValue() {
    let scalar = Tensor(2.5)
    #expect(scalar.shape == [] && scalar.count == 1 && scalar.item() == 2.5)
    #expect((scalar * scalar + 1).item() == 7.25)
    #expect(scalar.mean().item() == 2.5 && scalar.max().item() == 2.5)
    #expect(scalar.reshaped([1, 1]).shape == [1, 1] && Tensor.ones([1, 1]).reshaped([]).shape == [])
    #expect(scalar[.newAxis].shape == [1])
    #expect(scalar.expanded(to: [2, 3]).sum().item() == 15)
    #expect(scalar.isContiguous && Tensor.zeros([0, 2]).isContiguous)
  }
}
