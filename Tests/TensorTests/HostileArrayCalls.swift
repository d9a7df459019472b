import Tensor

private let small = Tensor.ones([2, 3])
private let vector = Tensor.ones([5])
private let empty = Tensor.ones([0, 3])
private let scalar = Tensor(1, dtype: .float32)
private let integers = Tensor([1, 2, 3] as [Int64])
private let flags = Tensor([true, false])
private let nan = Double.nan
private let huge = Int.max
/// More elements than any memory has room for, all of them one.
private let vast = Tensor.ones([1]).expanded(to: [1 << 46])
private let vastIntegers = integers.slice(axis: 0, 0..<1).expanded(to: [1 << 46])

private let elementwise: [HostileCall] = [
  .init("hypot", "shapes") { _ = small.hypot(vector) },
  .init("logAddExp", "shapes") { _ = small.logAddExp(vector) },
  .init("copysign", "shapes of halves") { _ = small.to(.float16).copysign(vector.to(.float16)) },
  .init("nextAfter", "shapes") { _ = small.nextAfter(vector) },
  .init("nextAfter", "shapes of integers") { _ = integers.nextAfter(flags) },
  .init("bitwiseAnd", "floats") { _ = small & small },
  .init("bitwiseAnd", "a fraction") { _ = integers & 0.5 },
  .init("bitwiseOr", "floats and integers") { _ = integers | vector },
  .init("bitwiseXor", "shapes") { _ = integers ^ flags },
  .init("bitwiseXor", "no byte") { _ = integers.to(.uint8) ^ 256 },
  .init("bitwiseNot", "floats") { _ = ~small },
  .init("bitwiseLeftShift", "bools") { _ = flags.bitwiseLeftShift(flags) },
  .init("bitwiseLeftShift", "floats") { _ = small.bitwiseLeftShift(2) },
  .init("bitwiseRightShift", "by floats") { _ = integers.bitwiseRightShift(Tensor([1.0])) },
  .init("bitwiseRightShift", "min of bytes") { _ = integers.to(.uint8).bitwiseRightShift(Int.min) },
]

private let shapes: [HostileCall] = [
  .init("meshgrid", "a matrix") { _ = Tensor.meshgrid([vector, small]) },
  .init("meshgrid", "memory") { _ = Tensor.meshgrid([vast, vast]) },
  .init("broadcast", "shapes") { _ = Tensor.broadcast([small, vector]) },
  .init("moved", "axis 2") { _ = small.moved(axis: 2, to: 0) },
  .init("moved", "place min") { _ = small.moved(axis: 0, to: Int.min) },
  .init("moved", "one axis twice") { _ = small.moved(axes: [0, 0], to: [0, 1]) },
  .init("moved", "fewer places") { _ = small.moved(axes: [0, 1], to: [0]) },
  .init("unstacked", "of a scalar") { _ = scalar.unstacked() },
  .init("unstacked", "axis 2") { _ = small.unstacked(axis: 2) },
  .init("diff", "order -1") { _ = small.diff(-1) },
  .init("diff", "of a scalar") { _ = scalar.diff() },
  .init("diff", "axis 2") { _ = small.diff(axis: 2) },
  .init("diff", "edges that do not fit") { _ = small.diff(prepending: vector) },
  .init("diff", "no byte in front") { _ = integers.to(.uint8).diff(prepending: 300) },
  .init("takeAlong", "axis 2") { _ = small.takeAlong(axis: 2, integers) },
  .init("takeAlong", "ranks") { _ = small.takeAlong(axis: 1, integers) },
  .init("takeAlong", "shapes") { _ = small.takeAlong(axis: 1, Tensor.zeros([3, 1], dtype: .int64)) },
  .init("takeAlong", "3 of 3") { _ = small.takeAlong(axis: 1, Tensor([3], shape: [1, 1])) },
  .init("takeAlong", "floats") { _ = small.takeAlong(axis: 1, small) },
]

private let products: [HostileCall] = [
  .init("vecdot", "lengths") { _ = vecdot(small, vector) },
  .init("vecdot", "an axis that one has not") { _ = vecdot(small, integers, axis: 0) },
  .init("vecdot", "scalars") { _ = vecdot(scalar, scalar) },
  .init("vecdot", "shapes") { _ = vecdot(Tensor.ones([4, 3]), small) },
  .init("vecdot", "memory") { _ = vecdot(vast, vast) },
  .init("cross", "five elements") { _ = cross(vector, vector) },
  .init("cross", "axis 0 of two") { _ = cross(small, small, axis: 0) },
  .init("cross", "axis 9") { _ = cross(small, small, axis: 9) },
  .init("kron", "memory") { _ = kron(vast, vast) },
  .init("matrixPower", "of a vector") { _ = try vector.matrixPower(2) },
  .init("matrixPower", "not square") { _ = try small.matrixPower(2) },
  .init("matrixPower", "an inverse of integers") {
    _ = try Tensor.ones([2, 2], dtype: .int64).matrixPower(Int.min)
  },
  .init("cdist", "vectors alone") { _ = cdist(vector, vector) },
  .init("cdist", "lengths") { _ = cdist(small, Tensor.ones([2, 2])) },
  .init("cdist", "batches") { _ = cdist(Tensor.ones([2, 4, 3]), Tensor.ones([3, 4, 3])) },
  .init("cdist", "order -1") { _ = cdist(small, small, order: -1) },
  .init("cdist", "order NaN") { _ = cdist(small, small, order: nan) },
  .init("covariance", "three axes") { _ = Tensor.ones([2, 2, 2]).covariance() },
  .init("covariance", "frequencies of floats") { _ = small.covariance(frequencies: Tensor.ones([3])) },
  .init("covariance", "fewer weights") { _ = small.covariance(weights: Tensor.ones([2])) },
  .init("covariance", "negative weights") { _ = small.covariance(weights: Tensor([1, -1, 1.0])) },
  .init("correlationCoefficients", "of a scalar") { _ = scalar.correlationCoefficients() },
]

private let statistics: [HostileCall] = [
  .init("searchSorted", "in a scalar") { _ = scalar.searchSorted(vector) },
  .init("searchSorted", "rows of other shapes") { _ = small.searchSorted(vector) },
  .init("searchSorted", "a sorter of another shape") { _ = vector.searchSorted(vector, sorter: integers) },
  .init("searchSorted", "a sorter out of range") { _ = integers.searchSorted(integers, sorter: integers) },
  .init("isIn", "memory") { _ = vast.isIn(vector) },
  .init("quantile", "above 1") { _ = small.quantile(1.5) },
  .init("quantile", "NaN") { _ = small.quantile([0.5, nan]) },
  .init("quantile", "of nothing") { _ = empty.quantile(0.5) },
  .init("quantile", "axis 2") { _ = small.quantile(0.5, axis: 2) },
  .init("quantile", "an axis of integers") { _ = integers.quantile(0.5, axis: 1) },
  .init("median", "of nothing") { _ = empty.median(axis: 0) },
  .init("median", "axis 2 of halves") { _ = small.to(.float16).median(axis: 2) },
  .init("nanSum", "axis 2") { _ = small.nanSum(axis: 2) },
  .init("nanMean", "axis twice") { _ = small.nanMean(axes: [0, 0]) },
  .init("nanMax", "of nothing") { _ = empty.nanMax() },
  .init("nanMin", "axis 2 of integers") { _ = integers.nanMin(axis: 2) },
  .init("binCount", "floats") { _ = vector.binCount() },
  .init("binCount", "two axes") { _ = Tensor.zeros([2, 2], dtype: .int64).binCount() },
  .init("binCount", "-1") { _ = Tensor([1, -1] as [Int64]).binCount() },
  .init("binCount", "max") { _ = Tensor([Int64.max]).binCount() },
  .init("binCount", "max − 1") { _ = Tensor([Int64.max - 1]).binCount() },
  .init("binCount", "least length -1") { _ = integers.binCount(minLength: -1) },
  .init("binCount", "least length max") { _ = integers.binCount(minLength: huge) },
  .init("binCount", "weights of another shape") { _ = integers.binCount(weights: vector) },
  .init("binCount", "memory") { _ = vastIntegers.to(.int64).binCount(weights: vast) },
  .init("histogram", "no bins") { _ = small.histogram(bins: 0) },
  .init("histogram", "bins max") { _ = small.histogram(bins: huge) },
  .init("histogram", "bins min") { _ = small.histogram(bins: Int.min) },
  .init("histogram", "NaN within") { _ = Tensor([nan, 1]).histogram() },
  .init("histogram", "an infinite range") { _ = small.histogram(range: (0, .infinity)) },
  .init("histogram", "a range of NaN") { _ = small.histogram(range: (nan, 1)) },
  .init("histogram", "a range backwards") { _ = small.histogram(range: (2, 1)) },
  .init("histogram", "a range of one denormal") {
    let least = Double.leastNonzeroMagnitude
    _ = Tensor([0, least]).histogram(bins: 3, range: (0, least))
  },
  .init("histogram", "a range beyond all numbers") { _ = small.histogram(range: (-1.7e308, 1.7e308)) },
  .init("histogram", "weights of another shape") { _ = small.histogram(weights: vector) },
  .init("histogram", "one edge") { _ = small.histogram(edges: Tensor([1.0])) },
  .init("histogram", "edges out of order") { _ = small.histogram(edges: Tensor([1, 0.5])) },
  .init("histogram", "edges of two axes") { _ = small.histogram(edges: small) },
]

let hostileArrayCalls = elementwise + shapes + products + statistics
