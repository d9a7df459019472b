import Tensor

private let small = Tensor.ones([2, 3])
private let vector = Tensor.ones([5])
private let inBlocks = QuantizedMatrix(.q4_0, blocks: .zeros([3, 18], dtype: .uint8))
private let empty = Tensor.ones([0, 3])
private let scalar = Tensor(1)
private let cube = Tensor.ones([2, 3, 4])
private let image = Tensor.ones([1, 2, 6, 6])
private let integers = Tensor([1, 2, 3] as [Int64])
private let huge = Int.max

private func random(_ body: (inout RandomGenerator) throws -> Void) rethrows {
  var generator = RandomGenerator(seed: 1)
  try body(&generator)
}

private let products: [HostileCall] = [
  .init("matmul", "inner extents") { _ = small.matmul(small) },
  .init("matmul", "a scalar") { _ = scalar.matmul(small) },
  .init("matmul", "batches") { _ = Tensor.ones([2, 2, 3]).matmul(Tensor.ones([3, 3, 2])) },
  .init("linear", "shapes") { _ = linear(small, weight: small.transposed()) },
  .init("linear", "bias") { _ = linear(small, weight: small, bias: vector) },
  .init("linear", "a scalar") { _ = linear(scalar, weight: small) },
  .init("linear", "integers") { _ = linear(integers, weight: Tensor([1, 2, 3] as [Int64], shape: [1, 3])) },
  .init("einsum", "empty") { _ = einsum("") },
  .init("einsum", "empty with an operand") { _ = einsum("", small) },
  .init("einsum", "arrow only") { _ = einsum("->", small) },
  .init("einsum", "digits") { _ = einsum("i1->i", small) },
  .init("einsum", "extents") { _ = einsum("ij,ij->ij", small, Tensor.ones([2, 4])) },
  .init("einsum", "an unknown letter") { _ = einsum("ij->k", small) },
  .init("einsum", "two arrows") { _ = einsum("ij->i->j", small) },
  .init("einsum", "dots") { _ = einsum("....ij->ij", small) },
  .init("tensordot", "axes 3") { _ = tensordot(small, small, axes: 3) },
  .init("tensordot", "axes -1") { _ = tensordot(small, small, axes: -1) },
  .init("tensordot", "axes twice") { _ = tensordot(small, small, axes: ([0, 0], [0, 0])) },
  .init("conv2d", "groups 0") { _ = conv2d(image, weight: Tensor.ones([2, 2, 3, 3]), groups: 0) },
  .init("conv2d", "stride 0") { _ = conv2d(image, weight: Tensor.ones([2, 2, 3, 3]), stride: (0, 1)) },
  .init("conv2d", "padding -1") { _ = conv2d(image, weight: Tensor.ones([2, 2, 3, 3]), padding: (-1, 0)) },
  .init("conv2d", "padding max") {
    _ = conv2d(image, weight: Tensor.ones([2, 2, 3, 3]), padding: (huge, 0))
  },
  .init("conv2d", "dilation max") {
    _ = conv2d(image, weight: Tensor.ones([2, 2, 3, 3]), dilation: (huge, 1))
  },
  .init("conv2d", "groups max") { _ = conv2d(image, weight: Tensor.ones([2, 2, 3, 3]), groups: huge) },
  .init("conv2d", "bias") { _ = conv2d(image, weight: Tensor.ones([2, 2, 3, 3]), bias: vector) },
  .init("conv1d", "a vector") { _ = conv1d(vector, weight: Tensor.ones([1, 1, 1])) },
  .init("conv1d", "stride 0") { _ = conv1d(cube, weight: Tensor.ones([1, 3, 1]), stride: 0) },
  .init("convTransposed2d", "stride max") {
    _ = convTransposed2d(image, weight: Tensor.ones([2, 2, 3, 3]), stride: (huge, huge))
  },
  .init("convTransposed2d", "padding max") {
    _ = convTransposed2d(image, weight: Tensor.ones([2, 2, 3, 3]), padding: (huge, 0))
  },
  .init("convTransposed2d", "output padding max") {
    _ = convTransposed2d(image, weight: Tensor.ones([2, 2, 3, 3]), outputPadding: (huge, 0))
  },
  .init("convTransposed1d", "output padding -1") {
    _ = convTransposed1d(cube, weight: Tensor.ones([3, 1, 1]), outputPadding: -1)
  },
  .init("scaledDotProductAttention", "heads") {
    _ = scaledDotProductAttention(
      query: Tensor.ones([3, 2, 4]), key: Tensor.ones([2, 2, 4]), value: Tensor.ones([2, 2, 4]))
  },
  .init("scaledDotProductAttention", "dropout NaN") {
    random {
      let x = Tensor.ones([2, 2, 4])
      _ = scaledDotProductAttention(query: x, key: x, value: x, dropout: .nan, using: &$0)
    }
  },
  .init("attention", "a layout beyond the rows") {
    _ = attention(query: cube, key: cube, value: cube, layout: .full([3]))
  },
  .init("attention", "ranks") { _ = attention(query: small, key: small, value: small, layout: .full([2])) },
  .init("AttentionLayout", "lengths -1") { _ = AttentionLayout.full([-1]) },
  .init("AttentionLayout", "lengths max") { _ = AttentionLayout.causal([huge, huge]) },
  .init("attention", "negative rows") {
    _ = attention(
      query: cube, key: cube, value: cube, layout: .init(segments: [.init(queries: -1..<1, keys: [0..<2])]))
  },
  .init("attention", "negative keys") {
    _ = attention(
      query: cube, key: cube, value: cube, layout: .init(segments: [.init(queries: 0..<2, keys: [-1..<2])]))
  },
  .init("attentionProbabilities", "rows out of range") {
    _ = attentionProbabilities(query: cube, key: cube, layout: .full([2]), rows: [2])
  },
  .init("attentionMass", "ranks") {
    _ = attentionMass(query: small, key: small, layout: .full([2]), foci: [])
  },
  .init("attentionMass", "types") {
    _ = attentionMass(query: cube, key: cube.to(.float64), layout: .full([2]), foci: [])
  },
  .init("attentionMass", "a layout beyond the rows") {
    _ = attentionMass(query: cube, key: cube, layout: .full([3]), foci: [])
  },
  .init("attentionMass", "a query row -1") {
    _ = attentionMass(
      query: cube, key: cube, layout: .full([2]), foci: [.init(queries: [-1], keys: [0], weights: [[1]])])
  },
  .init("attentionMass", "a key row max") {
    _ = attentionMass(
      query: cube, key: cube, layout: .full([2]), foci: [.init(queries: [1], keys: [huge], weights: [[1]])])
  },
  .init("attentionMass", "too few weights") {
    _ = attentionMass(
      query: cube, key: cube, layout: .full([2]), foci: [.init(queries: [1], keys: [0, 1], weights: [[1]])])
  },
  .init("attentionMass", "foci of one and of two masses") {
    let one = AttentionFocus(queries: [0], keys: [0], weights: [[1]])
    let two = AttentionFocus(queries: [1], keys: [0], weights: [[1], [2]])
    _ = attentionMass(query: cube, key: cube, layout: .full([2]), foci: [one, two])
  },
  .init("rotary", "negative positions") { _ = rotary(cube, positions: [-1, 0]) },
  .init("rotary", "an odd width") { _ = rotary(Tensor.ones([2, 3, 3]), positions: [0, 1]) },
  .init("rotary", "a position beyond all memory") {
    _ = rotary(Tensor.ones([2, 3, 4096]), positions: [0, .max])
  },
]

private let windows: [HostileCall] = [
  .init("maxPool2d", "kernel 0") { _ = maxPool2d(image, kernel: (0, 1)) },
  .init("maxPool2d", "stride 0") { _ = maxPool2d(image, kernel: (2, 2), stride: (0, 1)) },
  .init("maxPool2d", "kernel max") { _ = maxPool2d(image, kernel: (huge, 1)) },
  .init("maxPool2d", "dilation max") { _ = maxPool2d(image, kernel: (3, 3), dilation: (huge, 1)) },
  .init("maxPool2d", "stride max, ceilMode") {
    _ = maxPool2d(image, kernel: (3, 3), stride: (huge, huge), padding: (2, 0), ceilMode: true)
  },
  .init("maxPool2d", "a matrix") { _ = maxPool2d(small, kernel: (1, 1)) },
  .init("maxPool1d", "kernel 0") { _ = maxPool1d(small, kernel: 0) },
  .init("maxPool1d", "a cube of four axes") { _ = maxPool1d(image, kernel: 1) },
  .init("averagePool2d", "padding max") { _ = averagePool2d(image, kernel: (2, 2), padding: (huge, 0)) },
  .init("averagePool2d", "kernel max, padding max / 2") {
    _ = averagePool2d(image, kernel: (huge, huge), padding: (huge / 2, huge / 2))
  },
  .init("averagePool2d", "divisor 0") { _ = averagePool2d(image, kernel: (1, 1), divisor: 0) },
  .init("averagePool1d", "kernel -1") { _ = averagePool1d(small, kernel: -1) },
  .init("adaptiveAveragePool2d", "size 0") { _ = adaptiveAveragePool2d(image, size: (0, 1)) },
  .init("adaptiveAveragePool2d", "size max") { _ = adaptiveAveragePool2d(image, size: (huge, 1)) },
  .init("adaptiveAveragePool1d", "size -1") { _ = adaptiveAveragePool1d(small, size: -1) },
  .init("interpolate", "size 0") { _ = interpolate(image, size: [0, 1]) },
  .init("interpolate", "size max") { _ = interpolate(image, size: [huge, huge]) },
  .init("interpolate", "scale NaN") { _ = interpolate(image, scale: [.nan, 1]) },
  .init("interpolate", "scale infinity") { _ = interpolate(image, scale: [.infinity, 1]) },
  .init("interpolate", "scale 1e300") { _ = interpolate(image, scale: [1e300, 1]) },
  .init("interpolate", "scale -1") { _ = interpolate(image, scale: [-1, 1]) },
  .init("interpolate", "size with scale 0") { _ = interpolate(image, size: [2, 2], scale: [0, 0]) },
  .init("interpolate", "bilinear with scale 0") {
    _ = interpolate(image, size: [2, 2], mode: .bilinear, scale: [0, 0])
  },
  .init("interpolate", "bilinear with scale NaN") {
    _ = interpolate(image, size: [2, 2], mode: .bilinear, antialiases: true, scale: [.nan, 1])
  },
  .init("interpolate", "three scales") { _ = interpolate(image, scale: [1, 1, 1]) },
  .init("interpolate", "a matrix") { _ = interpolate(small, size: [1, 1]) },
]

private let normalizations: [HostileCall] = [
  .init("layerNorm", "a scalar") { _ = layerNorm(scalar) },
  .init("layerNorm", "weight") { _ = layerNorm(small, weight: vector) },
  .init("rmsNorm", "weight") { _ = rmsNorm(small, weight: vector) },
  .init("groupNorm", "groups 0") { _ = groupNorm(small, groups: 0) },
  .init("groupNorm", "groups min") { _ = groupNorm(small, groups: Int.min) },
  .init("groupNorm", "a vector") { _ = groupNorm(vector, groups: 1) },
  .init("groupNorm", "weight") { _ = groupNorm(small, groups: 1, weight: vector) },
  .init("batchNorm", "a vector") { _ = batchNorm(vector) },
  .init("batchNorm", "weight") { _ = batchNorm(small, weight: vector) },
  .init("batchNorm", "mean") { _ = batchNorm(small, mean: vector) },
  .init("swiGLU", "shapes") { _ = swiGLU(small, vector) },
  .init("dropout", "NaN") { random { _ = dropout(small, probability: .nan, using: &$0) } },
  .init("dropout", "2") { random { _ = dropout(small, probability: 2, using: &$0) } },
]

private let losses: [HostileCall] = [
  .init("crossEntropy", "class 3 of 3") { _ = crossEntropy(small, targets: Tensor([0, 3] as [Int64])) },
  .init("crossEntropy", "class -1") { _ = crossEntropy(small, targets: Tensor([0, -1] as [Int64])) },
  .init("crossEntropy", "floats") { _ = crossEntropy(small, targets: Tensor([0.0, 1])) },
  .init("crossEntropy", "a scalar") { _ = crossEntropy(scalar, targets: Tensor(0, dtype: .int64)) },
  .init("nllLoss", "class 3 of 3") { _ = nllLoss(small, targets: Tensor([0, 3] as [Int64])) },
  .init("nllLoss", "class -1") { _ = nllLoss(small, targets: Tensor([0, -1] as [Int64])) },
  .init("nllLoss", "floats") { _ = nllLoss(small, targets: Tensor([0.0, 1])) },
  .init("nllLoss", "shapes") { _ = nllLoss(small, targets: integers) },
  .init("targetLogProbabilities", "class 2 of 2") {
    _ = targetLogProbabilities(hidden: small, weight: small, targets: [0, 2])
  },
  .init("targetLogProbabilities", "class -1") {
    _ = targetLogProbabilities(hidden: small, weight: small, targets: [0, -1])
  },
  .init("targetLogProbabilities", "shapes") {
    _ = targetLogProbabilities(hidden: small, weight: vector, targets: [0, 0])
  },
  .init("targetLogProbabilities", "class 3 of 3 in blocks") {
    _ = targetLogProbabilities(hidden: .zeros([1, 32]), weight: inBlocks, targets: [3])
  },
  .init("targetLogProbabilities", "shapes in blocks") {
    _ = targetLogProbabilities(hidden: small, weight: inBlocks, targets: [0, 0])
  },
  .init("linear", "shapes in blocks") { _ = linear(small, weight: inBlocks) },
  .init("mseLoss", "shapes") { _ = mseLoss(small, vector) },
  .init("l1Loss", "shapes") { _ = l1Loss(small, vector) },
  .init("smoothL1Loss", "beta -1") { _ = smoothL1Loss(small, small, beta: -1) },
  .init("smoothL1Loss", "beta NaN") { _ = smoothL1Loss(small, small, beta: .nan) },
  .init("binaryCrossEntropy", "shapes") { _ = binaryCrossEntropy(logits: small, targets: vector) },
  .init("klDivergence", "shapes") { _ = klDivergence(logProbabilities: small, target: vector) },
]

private let draws: [HostileCall] = [
  .init("integer(below:)", "0") { random { _ = $0.integer(below: 0) } },
  .init("permutation", "-1") { random { _ = $0.permutation(-1) } },
  .init("permutation", "max") { random { _ = $0.permutation(huge) } },
  .init("randomPermutation", "-1") { random { _ = Tensor.randomPermutation(-1, using: &$0) } },
  .init("randomInteger", "an empty range") {
    random { _ = Tensor.randomInteger([2], in: 3..<3, using: &$0) }
  },
  .init("randomInteger", "a range longer than Int.max") {
    random { _ = Tensor.randomInteger([2], in: Int.min..<huge, using: &$0) }
  },
  .init("randomInteger", "no uint8") {
    random { _ = Tensor.randomInteger([2], in: 0..<1000, dtype: .uint8, using: &$0) }
  },
  .init("randomUniform", "infinite") {
    random { _ = Tensor.randomUniform([2], in: 0..<Double.infinity, using: &$0) }
  },
  .init("randomNormal", "deviation -1") {
    random { _ = Tensor.randomNormal([2], standardDeviation: -1, using: &$0) }
  },
  .init("randomNormal", "deviation NaN") {
    random { _ = Tensor.randomNormal([2], standardDeviation: .nan, using: &$0) }
  },
  .init("randomTruncatedNormal", "deviation 0") {
    random { _ = Tensor.randomTruncatedNormal([2], standardDeviation: 0, using: &$0) }
  },
  .init("randomTruncatedNormal", "no room") {
    random { _ = Tensor.randomTruncatedNormal([2], in: 1...1, using: &$0) }
  },
  .init("randomBernoulli", "NaN") {
    random { _ = Tensor.randomBernoulli([2], probability: .nan, using: &$0) }
  },
  .init("bernoulli", "2") { random { _ = (small * 2).bernoulli(using: &$0) } },
  .init("randomCategorical(probabilities:)", "zeros") {
    random { _ = Tensor.randomCategorical(probabilities: Tensor.zeros([2, 3]), using: &$0) }
  },
  .init("randomCategorical(probabilities:)", "negative") {
    random { _ = Tensor.randomCategorical(probabilities: -small, using: &$0) }
  },
  .init("randomCategorical(probabilities:)", "no classes") {
    random { _ = Tensor.randomCategorical(probabilities: Tensor.zeros([2, 0]), using: &$0) }
  },
  .init("randomCategorical(logits:)", "a scalar") {
    random { _ = Tensor.randomCategorical(logits: scalar, using: &$0) }
  },
  .init("randomCategorical(logits:)", "samples -1") {
    random { _ = Tensor.randomCategorical(logits: small, samples: -1, using: &$0) }
  },
  .init("randomCategorical(logits:)", "samples max") {
    random { _ = Tensor.randomCategorical(logits: small, samples: huge, using: &$0) }
  },
  .init("shuffled", "axis 2") { random { _ = small.shuffled(axis: 2, using: &$0) } },
  .init("xavierUniform", "a vector") { random { _ = Initialization.xavierUniform([3], using: &$0) } },
  .init("xavierUniform", "[max, max]") {
    random { _ = Initialization.xavierUniform([huge, huge, 2], using: &$0) }
  },
  .init("xavierUniform", "gain -1") {
    random { _ = Initialization.xavierUniform([2, 2], gain: -1, using: &$0) }
  },
  .init("xavierUniform", "gain NaN") {
    random { _ = Initialization.xavierUniform([2, 2], gain: .nan, using: &$0) }
  },
  .init("kaimingNormal", "[-1, -1]") { random { _ = Initialization.kaimingNormal([-1, -1], using: &$0) } },
  .init("kaimingUniform", "[max, max]") {
    random { _ = Initialization.kaimingUniform([huge, huge, 2], using: &$0) }
  },
]

private let layers: [HostileCall] = [
  .init("Linear", "-1, 2") { random { _ = Linear(-1, 2, using: &$0) } },
  .init("Linear", "2, max") { random { _ = Linear(2, huge, using: &$0) } },
  .init("LoRALinear", "rank 0") {
    random { _ = LoRALinear(base: Linear(2, 2, using: &$0), rank: 0, alpha: 1, using: &$0) }
  },
  .init("LoRALinear", "rank -1") {
    random { _ = LoRALinear(base: Linear(2, 2, using: &$0), rank: -1, alpha: 1, using: &$0) }
  },
  .init("LoRALinear", "lengths of two weights") {
    random {
      let base = PartialLoRALinear(2, 2, rank: 1, alpha: 1, using: &$0)
      _ = LoRALinear(base: base, rank: 1, alpha: 1, decomposesWeight: true, using: &$0)
    }
  },
  .init("Embedding", "-1, 2") { random { _ = Embedding(-1, 2, using: &$0) } },
  .init("Embedding", "-1 of 3") { random { _ = Embedding(3, 2, using: &$0)(Tensor([-1] as [Int64])) } },
  .init("Embedding", "3 of 3") { random { _ = Embedding(3, 2, using: &$0)(Tensor([3] as [Int64])) } },
  .init("Embedding", "floats") { random { _ = Embedding(3, 2, using: &$0)(vector) } },
  .init("LayerNorm", "-1") { _ = LayerNorm(-1) },
  .init("RMSNorm", "-1") { _ = RMSNorm(-1) },
  .init("BatchNorm", "-1") { _ = BatchNorm(-1) },
  .init("GroupNorm", "0, 4") { _ = GroupNorm(0, 4) },
  .init("GroupNorm", "1, -4") { _ = GroupNorm(1, -4) },
  .init("Conv2d", "groups 0") { random { _ = Conv2d(2, 2, kernel: (3, 3), groups: 0, using: &$0) } },
  .init("Conv2d", "-2 channels") { random { _ = Conv2d(-2, 2, kernel: (3, 3), using: &$0) } },
  .init("Conv2d", "kernel max") { random { _ = Conv2d(2, 2, kernel: (huge, huge), using: &$0) } },
  .init("Conv1d", "kernel 0") { random { _ = Conv1d(2, 2, kernel: 0, using: &$0) } },
  .init("Dropout", "NaN") { random { _ = Dropout(.nan, using: &$0) } },
  .init("MultiHeadAttention", "heads 0") { random { _ = MultiHeadAttention(8, heads: 0, using: &$0) } },
  .init("MultiHeadAttention", "width -8") { random { _ = MultiHeadAttention(-8, heads: 2, using: &$0) } },
  .init("MultiHeadAttention", "dropout 2") {
    random { _ = MultiHeadAttention(8, heads: 2, dropout: 2, using: &$0) }
  },
  .init("MultiHeadAttention", "an input of another width") {
    random { _ = MultiHeadAttention(8, heads: 2, using: &$0)(Tensor.ones([1, 3, 7])) }
  },
  .init("Parameter", "another shape") { Parameter(small).tensor = vector },
  .init("Parameter", "converted to integers") { Parameter(small).convert(to: .int64) },
  .init("QuantizedMatrix", "part of a block") {
    _ = QuantizedMatrix(.q4_k, blocks: Tensor.zeros([2, 143], dtype: .uint8))
  },
  .init("QuantizedMatrix", "floats") { _ = QuantizedMatrix(.q4_0, blocks: small) },
  .init("LearningRateSchedule", "steps -1") { _ = LearningRateSchedule(.linear, peak: 1, totalSteps: -1) },
  .init("LearningRateSchedule", "warm-up min") {
    _ = LearningRateSchedule(.linear, peak: 1, warmupSteps: Int.min, totalSteps: huge)
  },
  .init("LearningRateSchedule", "fall of -1") {
    _ = LearningRateSchedule(.linear, peak: 1, totalSteps: 10, decaySteps: -1)
  },
  .init("LearningRateSchedule", "step -1") {
    _ = LearningRateSchedule(.cosine, peak: 1, totalSteps: 10).factor(step: -1)
  },
  .init("LearningRateSchedule", "timescale min") {
    _ = LearningRateSchedule(.inverseSquareRoot, peak: 1, totalSteps: 10, timescale: Int.min)
  },
]

private let gradients: [HostileCall] = [
  .init("backward", "of a constant") { _ = small.sum().backward() },
  .init("backward", "of a matrix") { _ = small.requiringGradient().backward() },
  .init("backward", "from another shape") { _ = (small.requiringGradient() * 2).backward(from: vector) },
  .init("backward", "twice") {
    let x = (small.requiringGradient() * 2).sum()
    _ = x.backward()
    _ = x.backward()
  },
  .init("requiringGradient", "integers") { _ = integers.requiringGradient() },
  .init("jvp", "another shape") { _ = jvp({ $0 * 2 }, small, vector) },
  .init("hessianVectorProduct", "another shape") { _ = hessianVectorProduct({ $0.sum() }, small, vector) },
]

private let algebra: [HostileCall] = [
  .init("cholesky", "[2, 3]") { _ = try small.cholesky() },
  .init("cholesky", "integers") { _ = try Tensor([1] as [Int64], shape: [1, 1]).cholesky() },
  .init("choleskySolve", "shapes") { _ = try Tensor.eye(2).choleskySolve(vector) },
  .init("det", "a vector") { _ = vector.det() },
  .init("slogdet", "[2, 3]") { _ = small.slogdet() },
  .init("eigh", "[2, 3]") { _ = try small.eigh() },
  .init("eigvalsh", "a scalar") { _ = try scalar.eigvalsh() },
  .init("lu", "a vector") { _ = vector.lu() },
  .init("lstsq", "shapes") { _ = try small.lstsq(vector) },
  .init("cond", "of nothing") { _ = try empty.cond(.frobenius) },
  .init("matrixNorm", "a vector") { _ = try vector.matrixNorm() },
  .init("cond", "a vector") { _ = try vector.cond() },
  .init("matrixRank", "a vector") { _ = try vector.matrixRank() },
  .init("pinv", "a vector") { _ = try vector.pinv() },
  .init("qr", "a scalar") { _ = scalar.qr() },
  .init("svd", "a vector") { _ = try vector.svd() },
  .init("svdvals", "a vector") { _ = try vector.svdvals() },
  .init("solve", "shapes") { _ = try Tensor.eye(2).solve(vector) },
  .init("inverse", "[2, 3]") { _ = try small.inverse() },
  .init("triangularSolve", "shapes") { _ = try Tensor.eye(2).triangularSolve(vector) },
]

let hostileModelCalls =
  products + windows + normalizations + losses + draws + layers + gradients + algebra
