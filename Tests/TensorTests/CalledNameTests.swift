import Tensor
import Testing

private let matrix = Tensor.ones([2, 3])
private let half = matrix.to(.float16)
private let integers = Tensor([1, 2, 3, 4, 5, 6] as [Int64], shape: [2, 3])
private let vector = Tensor.ones([5])
private let cube = Tensor.ones([2, 3, 4])
/// More elements than any memory has room for, all of them one.
private let huge = Tensor(1).to(.float32).expanded(to: [1 << 46, 1])
private let hugeHalf = Tensor.ones([1, 1], dtype: .float16).expanded(to: [1 << 46, 1])
private let hugeFlags = Tensor.ones([1, 1], dtype: .bool).expanded(to: [1 << 46, 1])

/// Calls that fail, for the most part in an operation that the called one is made of.
private let calls: [HostileCall] = shapeCalls + axisCalls + arrayFunctionCalls + memoryCalls

private let shapeCalls: [HostileCall] = [
  .init("lerp", "shapes") { _ = matrix.lerp(vector, 0.5) },
  .init("lerp", "shapes of halves") { _ = half.lerp(vector.to(.float16), 0.5) },
  .init("isClose", "shapes") { _ = matrix.isClose(to: vector) },
  .init("maskedFill", "shapes") { _ = matrix.maskedFill(vector .> 0, 1) },
  .init("maskedFill", "no bool") { _ = matrix.maskedFill(matrix, 1) },
  .init("maskedScatter", "shapes") { _ = matrix.maskedScatter(vector .> 0, vector) },
  .init("select", "shapes") { _ = Tensor.select(vector .> 0, matrix, 1) },
  .init("remainder", "shapes") { _ = matrix.remainder(vector) },
  .init("floorDivided", "shapes") { _ = matrix.floorDivided(by: vector) },
  .init("atan2", "shapes") { _ = matrix.atan2(vector) },
  .init("pow", "shapes of integers") { _ = integers.pow(Tensor([1, 2] as [Int64])) },
  .init("divide", "shapes of integers") { _ = integers / Tensor([1, 2] as [Int64]) },
  .init("matmul", "shapes of a batch") { _ = cube.matmul(matrix) },
  .init("matmul", "shapes of halves") { _ = half.matmul(half) },
  .init("matmul", "shapes of batches") { _ = Tensor.ones([2, 1, 3]).matmul(Tensor.ones([5, 3, 1])) },
  .init("linear", "shapes of halves") { _ = linear(half, weight: Tensor.ones([4, 5], dtype: .float16)) },
  .init("mseLoss", "shapes of halves") { _ = mseLoss(half, vector.to(.float16)) },
  .init("l1Loss", "shapes") { _ = l1Loss(matrix, vector) },
  .init("smoothL1Loss", "shapes") { _ = smoothL1Loss(matrix, vector) },
  .init("klDivergence", "shapes") { _ = klDivergence(logProbabilities: matrix, target: vector) },
  .init("binaryCrossEntropy", "shapes") { _ = binaryCrossEntropy(logits: matrix, targets: vector) },
  .init("nllLoss", "shapes") { _ = nllLoss(matrix, targets: Tensor([0] as [Int64])) },
  .init("layerNorm", "weight of halves") { _ = layerNorm(half, weight: vector) },
  .init("rmsNorm", "weight of halves") { _ = rmsNorm(half, weight: vector) },
  .init("swiGLU", "shapes of halves") { _ = swiGLU(half, vector.to(.float16)) },
  .init("averagePool1d", "kernel 9") { _ = averagePool1d(cube, kernel: 9) },
  .init("maxPool1d", "kernel 9") { _ = maxPool1d(cube, kernel: 9) },
  .init("conv1d", "channels") { _ = conv1d(cube, weight: Tensor.ones([1, 2, 1])) },
  .init("stacked", "shapes") { _ = Tensor.stacked([matrix, vector]) },
  .init("trace", "of a vector") { _ = vector.trace() },
]

private let axisCalls: [HostileCall] = [
  .init("any", "axis") { _ = matrix.any(axes: [2]) },
  .init("all", "axis") { _ = matrix.all(axes: [2]) },
  .init("countNonZero", "axis") { _ = matrix.countNonZero(axes: [0, 0]) },
  .init("sum", "axis of halves") { _ = half.sum(axes: [2]) },
  .init("sum", "axis of integers") { _ = integers.sum(axes: [2]) },
  .init("mean", "axis of integers") { _ = integers.mean(axes: [2]) },
  .init("mean", "axis of halves") { _ = half.mean(axes: [2]) },
  .init("variance", "axis") { _ = matrix.variance(axes: [2]) },
  .init("variance", "axis of halves") { _ = half.variance(axes: [2]) },
  .init("standardDeviation", "axis") { _ = matrix.standardDeviation(axes: [2]) },
  .init("standardDeviation", "axis of halves") { _ = half.standardDeviation(axes: [2]) },
  .init("standardDeviation", "axis of integers") { _ = integers.standardDeviation(axes: [2]) },
  .init("logSumExp", "axis of halves") { _ = half.logSumExp(axes: [2]) },
  .init("norm", "axis of integers") { _ = integers.norm(axes: [2]) },
  .init("norm", "axis of a largest magnitude") { _ = matrix.norm(.infinity, axes: [2]) },
  .init("normalized", "axis") { _ = matrix.normalized(axis: 2) },
  .init("max", "axis of halves") { _ = half.max(axes: [2]) },
  .init("prod", "axis of halves") { _ = half.prod(axes: [2]) },
  .init("argmin", "axis") { _ = matrix.argmin(axis: 2) },
  .init("sorted", "axis") { _ = matrix.sorted(axis: 2) },
  .init("topK", "axis") { _ = matrix.topK(1, axis: 2) },
  .init("cumprod", "axis of halves") { _ = half.cumprod(axis: 2) },
  .init("logCumSumExp", "axis of integers") { _ = integers.logCumSumExp(axis: 2) },
  .init("softmax", "axis of halves") { _ = half.softmax(axis: 2) },
  .init("logSoftmax", "axis of integers") { _ = integers.logSoftmax(axis: 2) },
  .init("indexSelect", "axis") { _ = matrix.indexSelect(axis: 2, Tensor([0] as [Int64])) },
  .init("stacked", "axis") { _ = Tensor.stacked([matrix, matrix], axis: 5) },
]

private let arrayFunctionCalls: [HostileCall] = [
  .init("hypot", "shapes of halves") { _ = half.hypot(vector.to(.float16)) },
  .init("logAddExp", "shapes of integers") { _ = integers.logAddExp(Tensor([1, 2] as [Int64])) },
  .init("copysign", "shapes of integers") { _ = integers.copysign(Tensor([1, 2] as [Int64])) },
  .init("meshgrid", "memory") { _ = Tensor.meshgrid([huge.flattened(), huge.flattened()]) },
  .init("broadcast", "shapes") { _ = Tensor.broadcast([matrix, vector]) },
  .init("unstacked", "axis") { _ = matrix.unstacked(axis: 2) },
  .init("diff", "edges") { _ = matrix.diff(appending: vector) },
  .init("takeAlong", "index") { _ = matrix.takeAlong(axis: 0, Tensor([5] as [Int64], shape: [1, 1])) },
  .init("vecdot", "shapes") { _ = vecdot(matrix, Tensor.ones([5, 3])) },
  .init("cross", "shapes") { _ = cross(matrix, Tensor.ones([5, 3])) },
  .init("matrixPower", "an inverse of integers") { _ = try integers[.all, 0..<2].matrixPower(-1) },
  .init("searchSorted", "sorter") { _ = vector.searchSorted(vector, sorter: vector) },
  .init("quantile", "axis of halves") { _ = half.quantile(0.5, axis: 2) },
  .init("median", "axis of integers") { _ = integers.median(axis: 2) },
  .init("nanMean", "axis of halves") { _ = half.nanMean(axis: 2) },
  .init("nanMax", "axis") { _ = matrix.nanMax(axis: 2) },
  .init("binCount", "memory") { _ = integers.flattened().binCount(minLength: 1 << 60) },
  .init("histogram", "weights") { _ = matrix.histogram(weights: vector) },
  .init("cdist", "batches of integers") {
    _ = cdist(integers.reshaped([1, 2, 3]).expanded(to: [2, 2, 3]), Tensor.ones([3, 4, 3], dtype: .int64))
  },
  .init("cdist", "order 1, memory") { _ = cdist(huge, huge, order: 1) },
]

private let memoryCalls: [HostileCall] = [
  .init("matmul", "memory") { _ = huge.matmul(Tensor.ones([1, 4])) },
  .init("matmul", "memory of halves") { _ = hugeHalf.matmul(Tensor.ones([1, 4], dtype: .float16)) },
  .init("matmul", "more elements than there are numbers") { _ = huge.matmul(huge.transposed()) },
  .init("linear", "memory") { _ = linear(huge, weight: Tensor.ones([4, 1])) },
  .init("lerp", "memory") { _ = huge.lerp(huge, 0.5) },
  .init("isClose", "memory of halves") { _ = hugeHalf.isClose(to: huge) },
  .init("maskedFill", "memory") { _ = huge.maskedFill(hugeFlags, 0) },
  .init("masked", "memory") { _ = huge.masked(by: hugeFlags) },
  .init("any", "memory") { _ = hugeFlags.any(axes: [1]) },
  .init("all", "memory") { _ = huge.all(axes: [1]) },
  .init("countNonZero", "memory") { _ = huge.countNonZero(axes: [1]) },
  .init("sum", "memory") { _ = huge.sum(axes: [1]) },
  .init("mean", "memory") { _ = hugeHalf.mean(axes: [1]) },
  .init("max", "memory") { _ = huge.max(axes: [1]) },
  .init("standardDeviation", "memory") { _ = huge.standardDeviation(axes: [1]) },
  .init("variance", "memory") { _ = huge.variance(axes: [1]) },
  .init("logSumExp", "memory") { _ = huge.logSumExp(axes: [1]) },
  .init("norm", "memory") { _ = huge.norm(axes: [1]) },
  .init("nonZero", "memory") { _ = huge.nonZero() },
  .init("unique", "memory") { _ = huge.unique() },
]

/// An error names the operation that the program called, not one that this is made of.
@Suite(.serialized) struct CalledNameTests {
  @Test(arguments: calls) func namesTheCall(_ row: HostileCall) throws {
    let error = try #require(throws: TensorError.self, "\(row.call)") { try withTensorErrors(row.body) }
    #expect(error.operation == row.operation, "\(row.call): \(error)")
  }

  /// A name does not outlast its operation.
  @Test func oneCallAfterAnother() throws {
    for row in calls.prefix(3) { _ = try? withTensorErrors(row.body) }
    let error = try #require(throws: TensorError.self) {
      try withTensorErrors { _ = matrix.mean().reshaped([2]) }
    }
    #expect(error.operation == "reshaped")
  }
}
