import Tensor

/// Rows of operations that reduce to one number or a vector, mask, and select.
let reductionGradientRows: [GradientRow] = [
  .init(name: "tan", shapes: [[5]]) { $0[0].tan() },
  .init(name: "asin", shapes: [[5]], range: -0.8..<0.8) { $0[0].asin() },
  .init(name: "acos", shapes: [[5]], range: -0.8..<0.8) { $0[0].acos() },
  .init(name: "atan", shapes: [[5]]) { $0[0].atan() },
  .init(name: "sinh", shapes: [[5]]) { $0[0].sinh() },
  .init(name: "cosh", shapes: [[5]]) { $0[0].cosh() },
  .init(name: "asinh", shapes: [[5]]) { $0[0].asinh() },
  .init(name: "acosh", shapes: [[5]], range: 1.2..<3) { $0[0].acosh() },
  .init(name: "atanh", shapes: [[5]], range: -0.8..<0.8) { $0[0].atanh() },
  .init(name: "exp2", shapes: [[5]]) { $0[0].exp2() },
  .init(name: "log2", shapes: [[5]], range: 0.2..<3) { $0[0].log2() },
  .init(name: "log10", shapes: [[5]], range: 0.2..<3) { $0[0].log10() },
  .init(name: "atan2", shapes: [[2, 3], [3]]) { $0[0].atan2($0[1]) },
  .init(name: "remainder", shapes: [[2, 3], [3]], range: 0.5..<2) { $0[0].remainder($0[1]) },
  .init(name: "trace", shapes: [[2, 3, 4]]) { $0[0].trace(offset: 1).exp() },
  .init(name: "logCumSumExp along the first axis", shapes: [[5, 2]]) {
    ($0[0] * 20).logCumSumExp(axis: 0) * 0.1
  },
  .init(name: "prod", shapes: [[2, 3, 2]]) { $0[0].prod(axes: [0, 1]) },
  .init(name: "prod with a zero", shapes: [[2, 3]]) {
    ($0[0] * Tensor([0, 1, 1, 1, 1, 1] as [Double], shape: [2, 3])).prod(axes: [1], keepDims: true)
  },
  .init(name: "norm", shapes: [[2, 3, 2]]) { $0[0].norm(axes: [0, 2]) },
  .init(name: "norm of order 3", shapes: [[2, 4]]) { $0[0].norm(3, axes: [-1], keepDims: true) },
  .init(name: "norm of order 1", shapes: [[2, 4]]) { $0[0].norm(1) },
  .init(name: "norm of order infinity", shapes: [[2, 4]]) { $0[0].norm(.infinity, axes: [1]) },
  .init(name: "normalized", shapes: [[2, 4]]) { $0[0].normalized(axis: 0) },
  .init(name: "leakyReLU", shapes: [[5]]) { $0[0].leakyReLU(slope: 0.2) },
  .init(name: "elu", shapes: [[5]]) { $0[0].elu(alpha: 0.7) },
  .init(name: "lerp", shapes: [[2, 3], [3]]) { $0[0].lerp($0[1], 0.3) },
  .init(name: "maskedFill", shapes: [[2, 3]]) { $0[0].maskedFill($0[0] .> 0.5, 2).exp() },
  .init(name: "maskedScatter", shapes: [[2, 3], [4]]) {
    $0[0].maskedScatter(Tensor([true, false, true]), $0[1]).exp()
  },
  .init(name: "chunked", shapes: [[5, 2]]) { $0[0].chunked(2)[1].exp() },
  .init(name: "unfolded", shapes: [[2, 7]]) { $0[0].unfolded(axis: 1, size: 3, step: 2).exp() },
  .init(name: "outer", shapes: [[3], [2, 2]]) { $0[0].outer($0[1]) },
  .init(name: "tensordot", shapes: [[2, 3, 4], [4, 2, 3]]) {
    tensordot($0[0], $0[1], axes: ([2, 0], [0, 1]))
  },
  .init(name: "groupNorm", shapes: [[2, 4, 3], [4], [4]]) {
    groupNorm($0[0], groups: 2, weight: $0[1], bias: $0[2])
  },
  .init(name: "batchNorm", shapes: [[3, 2, 2], [2], [2]]) { batchNorm($0[0], weight: $0[1], bias: $0[2]) },
  .init(name: "mseLoss", shapes: [[2, 3], [2, 3]]) { mseLoss($0[0], $0[1]) },
  .init(name: "l1Loss", shapes: [[2, 3], [2, 3]]) { l1Loss($0[0], $0[1], reduction: .sum) },
  .init(name: "smoothL1Loss", shapes: [[2, 3], [2, 3]]) {
    smoothL1Loss($0[0], $0[1], beta: 0.5, reduction: .none)
  },
  .init(name: "binaryCrossEntropy", shapes: [[2, 3], [2, 3]]) {
    binaryCrossEntropy(logits: $0[0], targets: $0[1])
  },
  .init(name: "klDivergence", shapes: [[2, 3], [2, 3]]) {
    klDivergence(logProbabilities: $0[0].logSoftmax(), target: $0[1].softmax(), reduction: .sum)
  },
  .init(name: "nllLoss", shapes: [[3, 4]]) {
    nllLoss($0[0].logSoftmax(), targets: Tensor([3, -100, 1] as [Int64]))
  },
]

/// Rows of layers' operations.
let layerGradientRows: [GradientRow] = [
  .init(name: "scaledDotProductAttention, masked", shapes: [[1, 4, 2, 3], [1, 2, 3, 3], [1, 2, 3, 2]]) {
    scaledDotProductAttention(
      query: $0[0], key: $0[1], value: $0[2],
      mask: Tensor([true, false, true, false, false, false], shape: [2, 3]))
  },
  .init(name: "scaledDotProductAttention, added", shapes: [[2, 2, 3], [2, 3, 3], [2, 3, 2], [2, 3]]) {
    scaledDotProductAttention(query: $0[0], key: $0[1], value: $0[2], mask: $0[3], isCausal: true, scale: 0.7)
  },
  .init(name: "dropout", shapes: [[3, 4]]) {
    var generator = RandomGenerator(seed: 8)
    return dropout($0[0], probability: 0.4, using: &generator).exp()
  },
]
