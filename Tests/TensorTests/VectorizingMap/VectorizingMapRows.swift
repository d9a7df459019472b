import Tensor

private let sample = VectorizingMapRow.numbers
private let whole = VectorizingMapRow.counts

extension VectorizingMapRow {
  private static let pair = [sample([4, 3], .float64, 1), sample([4, 2, 3], .float64, 4)]
  private static let positive = [sample([4, 2, 3], .float64, 1).abs() + 0.1]

  /// Functions of elements.
  static let ofElements: [VectorizingMapRow] = [
    .init("identity") { x, _ in x[0] },
    .init("ranks differ", .once, pair) { $0[0] * $0[1] + $1 - $0[1] / ($0[0].square() + 1) },
    .init("longer captured") { x, w in x[0] * w.expanded(to: [5, 1, 3]) },
    .init("numbers") { x, _ in 2 * x[0] + 1 - x[0] / 3 + (1.5 - x[0]) * (2 / (x[0].square() + 1)) },
    .init("powers", .once, positive) { x, w in x[0].pow(3) + x[0].pow(0.3) + x[0].pow(w) },
    .init("roots", .once, positive) { x, _ in x[0].sqrt() + x[0].rsqrt() + x[0].log() + x[0].reciprocal() },
    .init("extremes", .once, pair) { x, w in x[0].maximum(x[1]) + x[1].minimum(w) + x[1].maximum(0.1) },
    .init("lerp", .once, pair) { x, _ in x[0].lerp(x[1], 0.3) },
    .init("activations") { x, _ in
      x[0].relu() + x[0].gelu() + x[0].geluTanh() + x[0].silu() + x[0].tanh() + x[0].sigmoid() + x[0].elu()
    },
    .init("functions") { x, _ in
      x[0].exp() + x[0].sin() * x[0].cos() + x[0].erf() + x[0].softplus() + x[0].abs() + x[0].square() - x[0]
    },
    .init("rounding") { x, _ in x[0].floor() + x[0].round() * x[0].sign() + x[0].clamped(-1, 1) },
    .init("comparison") { x, w in Tensor.select(x[0] .> w, x[0], w * x[0]) },
    .init("comparison with numbers") { x, _ in
      Tensor.select((x[0] .> 0) .& (1 .> x[0]), x[0].square(), 3) + Tensor.select(x[0] .== 0, 1, -x[0])
    },
    .init("condition captured") { x, w in Tensor.select(w .> 0, x[0], Tensor(0)) },
    .init("masked fill") { x, _ in x[0].maskedFill(x[0] .< 0, 7) },
    .init("not a number", .once, [Tensor([0, Double.nan, 1, -Double.infinity], shape: [4, 1])]) { x, _ in
      x[0].isNaN() .| .!x[0].isFinite()
    },
    .init("integers", .once, [whole([4, 3], 5, .int64), whole([4, 2, 3], 5, .int64)]) { x, _ in
      (x[0] * x[1] - 3).remainder(4) + (x[1] + 7).floorDivided(by: 2) - (-x[0]).abs() + (x[0] & 3)
    },
    .init("quotients of integers", .once, [whole([4, 3], 5, .int32), whole([4, 2, 3], 5, .int64)]) { x, _ in
      x[0] / (x[1] + 1) + x[0] / 2 + 3 / (x[1] + 1)
    },
    .init("bytes", .once, [whole([4, 3], 5, .uint8)]) { x, w in (x[0] * x[0]).to(.float32) * w },
    .init("bools", .once, [whole([4, 3], 2, .bool), whole([4, 2, 3], 2, .bool)]) { x, _ in
      (x[0] .& x[1]) .^ .!x[1]
    },
    .init("Float32", .once, [sample([4, 2, 3], .float32, 1)]) { x, w in (x[0] * w).tanh() * 0.5 },
    .init("half precision", .once, [sample([4, 3], .bfloat16, 1)], isTwiceDifferentiable: false) { x, w in
      (x[0] * w + 1).sigmoid()
    },
    .init("conversion") { x, w in x[0].to(.float32).exp().to(.float64) * w },
    .init("no axes", .once, [sample([5], .float64, 1)]) { x, w in x[0] * w.sum() + x[0].exp() },
    .init("compound assignment") { x, w in
      var (sum, own) = (Tensor.zeros([2, 3], dtype: .float64), x[0])
      sum += x[0]
      sum *= w
      own -= 1
      own /= w
      return sum + own
    },
    .init("constant") { _, w in w * 2 },
    .init("plain constant") { _, _ in Tensor.ones([2]) },
    .init(
      "nil axis alone", .once, [sample([4, 3], .float64, 1), sample([3], .float64, 5)], inAxes: [0, nil]
    ) {
      x, _ in x[1].exp()
    },
    .init("nil axis", .once, [sample([4, 3], .float64, 1), sample([2, 3], .float64, 5)], inAxes: [0, nil]) {
      $0[0] * $0[1] + $1
    },
    .init(
      "axes 1 and -1", .once, [sample([3, 4], .float64, 1), sample([2, 3, 4], .float64, 5)], inAxes: [1, -1]
    ) { $0[0] * $0[1] + $1 },
    .init("outAxis 1", outAxis: 1) { x, w in x[0] * w },
    .init("outAxis -1", .once, [sample([2, 4, 3], .float64, 1)], inAxes: [1], outAxis: -1) { x, w in x[0] * w
    },
    .init("strided", .once, [sample([3, 8], .float64, 1).transposed()[.slice(step: -2)]]) { x, w in x[0] * w
    },
    .init("empty", .once, [Tensor.zeros([4, 0, 3], dtype: .float64)]) { x, w in x[0] * w + x[0].exp() },
    .init("outside of the record") { x, w in noGradient { x[0] * w } * x[0] + x[0].detached() * w },
    .init("three operands", .once, pair + [sample([2, 4], .float64, 6)], inAxes: [0, 0, 1]) { x, w in
      x[0] * x[1] + x[2].expandedDimensions(axis: 1) * w
    },
  ]

  /// Products.
  static let ofProducts: [VectorizingMapRow] = [
    .init("vector and captured matrix") { x, w in x[0][0].matmul((w * w.expandedDimensions(axis: 1)).sin()) },
    .init("captured matrix and vector") { x, w in (w * w.expandedDimensions(axis: 1)).sin().matmul(x[0][1]) },
    .init("matrix and captured vector") { x, w in x[0].matmul(w) },
    .init("captured vector and matrix") { x, w in w.matmul(x[0].transposed()) },
    .init("matrices", .once, [sample([4, 2, 3], .float64, 1), sample([4, 3, 5], .float64, 2)]) { x, w in
      x[0].matmul(x[1]) * w.sum()
    },
    .init("captured matrix and wide matrix", .once, [sample([4, 3, 20], .float64, 1)]) { x, w in
      w.expandedDimensions(axis: 0).matmul(x[0])
    },
    .init("constant matrix and wide matrix", .once, [sample([4, 3, 20], .float64, 1)]) { x, _ in
      Tensor.ones([2, 3], dtype: .float64).matmul(x[0])
    },
    .init("captured batch") { x, w in x[0].matmul(w.expanded(to: [5, 3]).reshaped([5, 3, 1])) },
    .init("batch and captured matrix", .once, [sample([4, 5, 2, 3], .float64, 1)]) { x, w in
      x[0].matmul(w.expandedDimensions(axis: 1)).squeezed(axis: -1)
    },
    .init(
      "batches of several ranks", .once,
      [sample([4, 5, 2, 3], .float64, 1), sample([4, 3, 2], .float64, 2)]
    ) {
      x, _ in x[0].matmul(x[1])
    },
    .init("vectors", .once, [sample([4, 3], .float64, 1), sample([4, 3], .float64, 2)]) { x, w in
      x[0].matmul(x[1]) * w
    },
    .init("integer matrices", .once, [whole([4, 2, 3], 5, .int64), whole([4, 3], 5, .int64)]) { x, _ in
      x[0].matmul(x[1])
    },
    .init("linear") { x, w in
      linear(x[0], weight: (w * w.expandedDimensions(axis: 1)).sin(), bias: w)
    },
    .init("linear of a vector", .once, [sample([4, 3], .float64, 1)]) { x, w in
      linear(x[0], weight: (w * w.expandedDimensions(axis: 1)).sin()[0..<2])
    },
    .init(
      "linear with weights of each", .once,
      [sample([4, 2, 3], .float64, 1), sample([4, 5, 3], .float64, 2)]
    ) {
      x, w in linear(x[0], weight: x[1], bias: w.sum().expanded(to: [5]))
    },
    .init("linear with biases of each", .once, [sample([4, 3], .float64, 1)]) { x, w in
      linear(Tensor.ones([2, 3], dtype: .float64), weight: (w * w.expandedDimensions(axis: 1)), bias: x[0])
    },
    .init("linear in half precision", .once, [sample([4, 3], .float16, 1)], isTwiceDifferentiable: false) {
      x, w in
      linear(x[0], weight: w.expandedDimensions(axis: 0))
    },
    .init("einsum", .once, [sample([4, 2, 3], .float64, 1), sample([4, 3], .float64, 2)]) { x, w in
      einsum("ij,j,k->ik", x[0], x[1], w)
    },
    .init("outer") { x, w in x[0][0].outer(w) },
  ]

  /// Reductions and what runs along axes.
  static let ofAxes: [VectorizingMapRow] = [
    .init("sums") { x, w in x[0].sum() * w + x[0].sum(axes: [0]) + x[0].sum(axes: [-1], keepDims: true)[0] },
    .init("means") { x, w in x[0].mean() * w + x[0].mean(axes: [0], keepDims: true) },
    .init("largest and smallest") { x, w in
      x[0].max() * w + x[0].min(axes: [1], keepDims: true) + x[0].max(axis: 0)
    },
    .init("products") { x, w in x[0].prod() * w + x[0].prod(axes: [0]) },
    .init("variances") { x, w in x[0].variance() * w + x[0].standardDeviation(axes: [1], keepDims: true) },
    .init("norms") { x, w in
      x[0].norm() * w + x[0].norm(1, axes: [0]) + x[0].norm(3, axes: [1], keepDims: true)
    },
    .init("normalized") { x, w in x[0].normalized() * w },
    .init("log-sum-exp") { x, w in x[0].logSumExp() * w + x[0].logSumExp(axes: [0]) },
    .init("sums of integers", .once, [whole([4, 2, 3], 5, .int32)]) { x, _ in
      x[0].sum() + x[0].prod(axes: [0]) + x[0].max(axes: [1], keepDims: true) + x[0].countNonZero()
    },
    .init("means of int64", .once, [whole([4, 2, 3], 5, .int64)]) { x, _ in x[0].mean(axes: [0]) },
    .init("any and all", .once, [whole([4, 2, 3], 2, .bool)]) { x, _ in x[0].any(axes: [0]) .| x[0].all() },
    .init("reductions without axes", .once, [sample([5], .float64, 1)]) { x, w in
      (x[0].sum() + x[0].max() + x[0].mean() + x[0].prod() + x[0].norm()) * w
    },
    .init("sum of nothing", .once, [Tensor.zeros([4, 0], dtype: .float64)]) { x, w in x[0].sum() + w },
    .init("softmax") { x, w in x[0].softmax() * w + x[0].softmax(axis: 0) },
    .init("log-softmax") { x, w in x[0].logSoftmax() * w + x[0].logSoftmax(axis: -2) },
    .init("layer norm") { x, w in layerNorm(x[0], weight: w, bias: w * 2) + layerNorm(x[0]) },
    .init("layer norm with weights of each", .once, pair) { x, w in layerNorm(x[1], weight: x[0], bias: w) },
    .init("RMS norm") { x, w in rmsNorm(x[0], weight: w) },
    .init("argmax") { x, w in
      x[0].argmax().to(.float64) * w + x[0].argmin(axis: 0).to(.float64)
        + x[0].argmax(axis: -1, keepDims: true).to(.float64)
    },
    .init("argmax of all, kept") { x, _ in x[0].argmax(keepDims: true) },
    .init("running sums") { x, w in x[0].cumsum(axis: 0) * w + x[0].cumsum(axis: -1) },
    .init("running products") { x, w in x[0].cumprod(axis: 1) * w + x[0].logCumSumExp(axis: 0) },
    .init("sorting") { x, w in x[0].sorted().values * w + x[0].sorted(axis: 0, descending: true).values },
    .init("largest few", .once, [sample([4, 9], .float64, 1)]) { x, _ in
      x[0].topK(2).values * x[0].topK(3).values[1]
    },
    .init("differences") { x, w in x[0].diff() * w[0..<2] },
    .init("triangles") { x, w in x[0].lowerTriangle() * w + x[0].upperTriangle(diagonal: 1) },
    .init("diagonal") { x, w in x[0].diagonal() * w[0..<2] },
    .init("losses", .once, pair) { x, w in mseLoss(x[0], x[1][0]) * w + l1Loss(x[0] * w, x[1][1]) },
    .init("cross-entropy", .once, [sample([4, 2, 3], .float64, 1), whole([4, 2], 3, .int64)]) { x, w in
      crossEntropy(x[0] * w, targets: x[1])
    },
    .init(
      "cross-entropy with targets to ignore", .once,
      [sample([4, 2, 3], .float64, 1), Tensor([0, -100, 1, 2, 2, 0, -100, 1] as [Int64], shape: [4, 2])],
      isTwiceDifferentiable: false
    ) { x, w in crossEntropy(x[0] * w, targets: x[1], labelSmoothing: 0.1) },
    .init("cross-entropy of rows", .once, [sample([4, 2, 3], .float64, 1)], isTwiceDifferentiable: false) {
      x, _ in
      crossEntropy(x[0], targets: Tensor([0, 2] as [Int64]), reduction: .none)
    },
  ]
}
