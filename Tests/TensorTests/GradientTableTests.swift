import Tensor
import Testing

/// One row per operation: recorded gradients agree with finite differences in Float64, on strided views and
/// broadcast operands too.
struct GradientRow: CustomTestStringConvertible, Sendable {
  let name: String
  let shapes: [[Int]]
  /// Keeps inputs inside the domain of functions such as log.
  var range: Range<Double> = -1.5..<1.5
  let function: @Sendable ([Tensor]) -> Tensor
  var testDescription: String { name }
}

let gradientRows: [GradientRow] = [
  .init(name: "add", shapes: [[2, 3], [3]]) { $0[0] + $0[1] },
  .init(name: "add scalar tensor", shapes: [[2, 3], []]) { $0[0] + $0[1] },
  .init(name: "subtract", shapes: [[2, 1], [1, 3]]) { $0[0] - $0[1] },
  .init(name: "multiply", shapes: [[2, 3], [2, 1]]) { $0[0] * $0[1] },
  .init(name: "multiply by itself", shapes: [[4]]) { $0[0] * $0[0] },
  .init(name: "divide", shapes: [[2, 3], [3]], range: 0.5..<2) { $0[0] / $0[1] },
  .init(name: "pow", shapes: [[2, 3], [3]], range: 0.5..<2) { $0[0].pow($0[1]) },
  .init(name: "pow scalar", shapes: [[5]], range: 0.5..<2) { $0[0].pow(3) },
  .init(name: "maximum", shapes: [[2, 3], [3]]) { $0[0].maximum($0[1]) },
  .init(name: "minimum", shapes: [[2, 3], [3]]) { $0[0].minimum($0[1]) },
  .init(name: "select", shapes: [[2, 3], [3]]) { Tensor.select($0[0] .> 0, $0[0] * 2, $0[1]) },
  .init(name: "negate", shapes: [[3]]) { -$0[0] },
  .init(name: "abs", shapes: [[5]]) { $0[0].abs() },
  .init(name: "exp", shapes: [[5]]) { $0[0].exp() },
  .init(name: "expm1", shapes: [[5]]) { $0[0].expm1() },
  .init(name: "log", shapes: [[5]], range: 0.2..<3) { $0[0].log() },
  .init(name: "log1p", shapes: [[5]], range: -0.5..<3) { $0[0].log1p() },
  .init(name: "sqrt", shapes: [[5]], range: 0.2..<3) { $0[0].sqrt() },
  .init(name: "rsqrt", shapes: [[5]], range: 0.2..<3) { $0[0].rsqrt() },
  .init(name: "reciprocal", shapes: [[5]], range: 0.2..<3) { $0[0].reciprocal() },
  .init(name: "sin", shapes: [[5]]) { $0[0].sin() },
  .init(name: "cos", shapes: [[5]]) { $0[0].cos() },
  .init(name: "tanh", shapes: [[5]]) { $0[0].tanh() },
  .init(name: "sigmoid", shapes: [[5]]) { $0[0].sigmoid() },
  .init(name: "logSigmoid", shapes: [[5]]) { $0[0].logSigmoid() },
  .init(name: "softplus", shapes: [[5]]) { $0[0].softplus() },
  .init(name: "erf", shapes: [[5]]) { $0[0].erf() },
  .init(name: "relu", shapes: [[5]]) { $0[0].relu() },
  .init(name: "silu", shapes: [[5]]) { $0[0].silu() },
  .init(name: "gelu", shapes: [[5]]) { $0[0].gelu() },
  .init(name: "geluTanh", shapes: [[5]]) { $0[0].geluTanh() },
  .init(name: "quickGELU", shapes: [[5]]) { $0[0].quickGELU() },
  .init(name: "square", shapes: [[5]]) { $0[0].square() },
  .init(name: "clamped", shapes: [[7]]) { $0[0].clamped(-0.7, 0.9) },
  .init(name: "exp of a permuted view", shapes: [[2, 3, 4]]) { $0[0].permuted([2, 0, 1]).exp() },
  .init(name: "sum of all", shapes: [[2, 3]]) { $0[0].sum() },
  .init(name: "sum of rows", shapes: [[2, 3, 4]]) { $0[0].sum(axes: [-1]).square() },
  .init(name: "sum of columns", shapes: [[2, 3, 4]]) { $0[0].sum(axes: [0, 1], keepDims: true).square() },
  .init(name: "sum of an expanded view", shapes: [[1, 3]]) {
    $0[0].expanded(to: [4, 3]).sum(axes: [1]).square()
  },
  .init(name: "mean", shapes: [[2, 3, 4]]) { $0[0].mean(axes: [1]).square() },
  .init(name: "variance", shapes: [[2, 5]]) { $0[0].variance(axes: [1]) },
  .init(name: "standardDeviation", shapes: [[2, 5]]) { $0[0].standardDeviation(axes: [1], correction: 0) },
  .init(name: "max", shapes: [[3, 4]]) { $0[0].max(axes: [1]).square() },
  .init(name: "min of all", shapes: [[3, 4]]) { $0[0].min().square() },
  .init(name: "logSumExp", shapes: [[3, 4]]) { $0[0].logSumExp(axes: [-1]) },
  .init(name: "reshape of a permuted view", shapes: [[2, 3, 4]]) {
    $0[0].permuted([1, 0, 2]).reshaped([6, 4]).square()
  },
  .init(name: "slice with a step", shapes: [[5, 4]]) { $0[0].slice(axis: 0, 1..<5, step: 2).square() },
  .init(name: "slice backwards", shapes: [[5, 4]]) { $0[0].slice(axis: 1, 0..<3, step: -1).exp() },
  .init(name: "subscript", shapes: [[3, 5, 4]]) { $0[0][1, 1..<4, .newAxis, -1].exp() },
  .init(name: "concatenated", shapes: [[2, 3], [2, 2]]) { Tensor.concatenated($0, axis: 1).square() },
  .init(name: "stacked", shapes: [[2, 3], [2, 3]]) { Tensor.stacked($0, axis: 1).square() },
  .init(name: "split", shapes: [[5, 2]]) { $0[0].split([2, 3])[1].exp() },
  .init(name: "flipped", shapes: [[3, 2]]) { $0[0].flipped(axes: [0, 1]) * $0[0] },
  .init(name: "rows taken twice", shapes: [[4, 3]]) {
    $0[0].rows(at: Tensor([2, 0, 2] as [Int32])).square()
  },
  .init(name: "replacingRows", shapes: [[4, 3], [2, 3]]) {
    $0[0].replacingRows(at: Tensor([3, 1] as [Int32]), with: $0[1]).square()
  },
  .init(name: "matmul", shapes: [[2, 3], [3, 4]]) { $0[0].matmul($0[1]) },
  .init(name: "matmul transposed", shapes: [[3, 2], [4, 3]]) {
    $0[0].transposed().matmul($0[1].transposed())
  },
  .init(name: "matmul of strided slices", shapes: [[4, 6], [6, 5]]) {
    $0[0].slice(axis: 1, 0..<6, step: 2).matmul($0[1].slice(axis: 0, 0..<3))
  },
  .init(name: "matmul batched and broadcast", shapes: [[2, 1, 2, 3], [3, 3, 2]]) { $0[0].matmul($0[1]) },
  .init(name: "matmul batch by matrix", shapes: [[2, 3, 4], [4, 2]]) { $0[0].matmul($0[1]) },
  .init(name: "matmul matrix by batch", shapes: [[2, 3], [4, 3, 2]]) { $0[0].matmul($0[1]) },
  .init(name: "matmul matrix by vector", shapes: [[2, 3], [3]]) { $0[0].matmul($0[1]) },
  .init(name: "matmul vectors", shapes: [[3], [3]]) { $0[0].matmul($0[1]) },
  .init(name: "linear", shapes: [[2, 2, 3], [4, 3], [4]]) { linear($0[0], weight: $0[1], bias: $0[2]) },
  .init(name: "gather", shapes: [[3, 4]]) {
    $0[0].gather(axis: 1, Tensor([0, 3, 3, 1, 2, 0] as [Int64], shape: [3, 2])).square()
  },
  .init(name: "scatter", shapes: [[3, 4], [3, 2]]) {
    $0[0].scatter(axis: 1, Tensor([0, 3, 2, 1, 2, 0] as [Int64], shape: [3, 2]), $0[1]).square()
  },
  .init(name: "scatterAdd", shapes: [[3, 4], [2, 4]]) {
    $0[0].scatterAdd(axis: 0, Tensor([0, 2, 2, 1, 2, 2, 2, 0] as [Int64], shape: [2, 4]), $0[1]).square()
  },
  .init(name: "indexSelect", shapes: [[3, 4]]) {
    $0[0].indexSelect(axis: 1, Tensor([3, 3, 0] as [Int64])).exp()
  },
  .init(name: "indexAdd", shapes: [[3, 4], [3, 2]]) {
    $0[0].indexAdd(axis: 1, Tensor([3, 0] as [Int64]), $0[1]).square()
  },
  .init(name: "diagonal", shapes: [[2, 3, 4]]) { $0[0].diagonal(offset: 1).exp() },
  .init(name: "sorted", shapes: [[3, 5]]) {
    $0[0].sorted(axis: 1).values * Tensor.arange(5, dtype: .float64)
  },
  .init(name: "topK", shapes: [[5, 3]]) { $0[0].topK(2, axis: 0).values.exp() },
  .init(name: "einsum", shapes: [[2, 3, 4], [4, 2, 5]]) { einsum("bij,jbk->ik", $0[0], $0[1]) },
  .init(name: "einsum ellipsis", shapes: [[2, 1, 3, 4], [3, 4, 2]]) {
    einsum("...ij,...jk->...ik", $0[0], $0[1])
  },
  .init(name: "einsum ellipsis summed", shapes: [[2, 3], [4, 1, 3]]) { einsum("...i,...i->i", $0[0], $0[1]) },
  .init(name: "einsum trace", shapes: [[3, 2, 2]]) { einsum("bii->b", $0[0]).square() },
  .init(name: "crossEntropy", shapes: [[4, 3]]) {
    crossEntropy($0[0], targets: Tensor([2, -100, 0, 1] as [Int64]), labelSmoothing: 0.1)
  },
  .init(name: "cumsum", shapes: [[3, 4]]) { $0[0].cumsum(axis: 0).exp() },
  .init(name: "cumprod", shapes: [[3, 4]]) { $0[0].cumprod(axis: 1).square() },
  .init(name: "logCumSumExp", shapes: [[3, 4]]) { $0[0].logCumSumExp(axis: 1) },
  .init(name: "padded", shapes: [[2, 3]]) { $0[0].padded([(1, 0), (2, 1)], value: 0.5).exp() },
  .init(name: "padded reflect", shapes: [[2, 3]]) { $0[0].padded([(1, 0), (2, 1)], mode: .reflect).exp() },
  .init(name: "padded replicate", shapes: [[2, 3]]) {
    $0[0].padded([(1, 0), (2, 4)], mode: .replicate).exp()
  },
  .init(name: "padded circular", shapes: [[2, 3]]) { $0[0].padded([(1, 0), (2, 3)], mode: .circular).exp() },
  .init(name: "tiled", shapes: [[2, 3]]) { $0[0].tiled([2, 2]).square() },
  .init(name: "repeated", shapes: [[2, 3]]) { $0[0].repeated(3, axis: 0).exp() },
  .init(name: "rolled", shapes: [[5, 2]]) { $0[0].rolled(-2, axis: 0) * $0[0] },
  .init(name: "lowerTriangle", shapes: [[3, 3]]) { $0[0].lowerTriangle(diagonal: -1).exp() },
  .init(name: "masked", shapes: [[2, 3]]) { $0[0].masked(by: $0[0] .> 0).exp() },
  .init(name: "an input used twice", shapes: [[3]]) { $0[0].exp() * $0[0] + $0[0].tanh() },
]

private let allGradientRows =
  gradientRows + reductionGradientRows + convolutionGradientRows + layerGradientRows
  + arrayFunctionGradientRows
  + sequenceAndSamplingGradientRows

@Suite struct GradientTableTests {
  @Test(arguments: allGradientRows)
  func recordedGradientsAgreeWithFiniteDifferences(
    _ row: GradientRow
  ) {
    var generator = RandomGenerator(seed: 5)
    let inputs = row.shapes.map {
      Tensor.randomUniform($0, in: row.range, dtype: .float64, using: &generator)
    }
    #expect(gradCheck(inputs, row.function) <= 1)
  }

  @Test(arguments: allGradientRows)
  func secondDerivativesAgreeWithFiniteDifferences(
    _ row: GradientRow
  ) {
    var generator = RandomGenerator(seed: 6)
    let inputs = row.shapes.map {
      Tensor.randomUniform($0, in: row.range, dtype: .float64, using: &generator)
    }
    let worst = worstSecondDerivative(of: row.function, at: inputs)
    #expect(worst <= 1)
  }
}

/// How far second derivatives are from finite differences, as ``gradCheck`` counts: the gradient is itself a
/// function of the inputs, and its gradient must agree with differences of it.
func worstSecondDerivative(of function: @escaping ([Tensor]) -> Tensor, at inputs: [Tensor]) -> Double {
  gradCheck(inputs, tolerance: 1e-4) { arguments in
    let leaves = arguments.map { $0.requiresGradient ? $0 : $0.requiringGradient() }
    let gradients = function(leaves).square().sum().backward(keepingGraph: true)
    return leaves.reduce(Tensor(0, dtype: .float64)) { sum, leaf in
      sum + (gradients[leaf] ?? leaf * 0).square().sum()
    }
  }
}
