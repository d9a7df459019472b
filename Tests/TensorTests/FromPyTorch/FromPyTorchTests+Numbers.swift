import Tensor
import Testing

extension FromPyTorchTests {
  @Test func reductionsRows() {
    gives([21], []) {
      x.sum()
    }
    gives([6, 15], [2]) {
      x.sum(axis: 1)
    }
    gives([21], []) {
      x.sum(axes: [0, 1])
    }
    gives([6, 15], [2, 1]) {
      x.sum(axis: 1, keepDims: true)
    }
    gives([2.5, 3.5, 4.5], [3]) {
      x.mean(axis: 0)
    }
    gives([1, 1], [2]) {
      x.standardDeviation(axis: 1)
    }
    gives([1, 1], [2]) {
      x.variance(axis: 1)
    }
    gives([0.66666667, 0.66666667], [2]) {
      x.variance(axis: 1, correction: 0)
    }
    gives([6], []) {
      x.max()
    }
    gives([1], []) {
      x.min()
    }
    gives([3, 6], [2]) {
      x.max(axis: 1)
    }
    gives([2, 2], [2], .int64) {
      x.argmax(axis: 1)
    }
    gives([5], [], .int64) {
      x.argmax()
    }
    gives([2, 2], [2], .int64) {
      y.argmin(axis: 1)
    }
    gives([6], []) {
      v.prod()
    }
    gives([3, 4, 6], [3]) {
      v.cumsum(axis: 0)
    }
    gives([3, 3, 6], [3]) {
      v.cumprod(axis: 0)
    }
    gives([3.74165739, 8.77496439], [2]) {
      x.norm(axis: 1)
    }
    gives([0.80178373, 0.26726124, 0.53452248], [3]) {
      v.normalized(axis: 0)
    }
    gives([3.40760596], []) {
      v.logSumExp(axis: 0)
    }
    gives([0, 1], [2], .bool) {
      m.any(axis: 1)
    }
    gives([0], [], .bool) {
      m.all()
    }
    gives([3], [], .int64) {
      m.countNonZero()
    }
    let (sorted, order) = v.sorted()
    #expect(sorted.array(of: Int.self) == [1, 2, 3] && order.array(of: Int.self) == [1, 2, 0])
    gives([0, 2, 1], [3], .int64) {
      v.argsort(descending: true)
    }
    let (largest, places) = v.topK(2)
    #expect(largest.array(of: Int.self) == [3, 2] && places.array(of: Int.self) == [0, 2])
    gives([0, 1], [2], .int64) {
      i.floorDivided(by: 2).unique().values
    }
    gives([1.5], []) {
      v.quantile(0.25)
    }
    gives([2], []) {
      v.quantile(0.5, interpolation: .lower)
    }
    gives([1, 0, 1], [3], .int64) {
      i.binCount()
    }
    gives([1, 2, 3], [3]) {
      x.histogram(bins: 3, range: (0, 6)).counts
    }
    gives([2, 0, 1], [3], .int64) {
      x[0].searchSorted(v)
    }
    gives([0, 1, 1], [3], .bool) {
      v.isIn(x[0, ..<2])
    }
    gives([-2, 1], [2]) {
      v.diff()
    }
  }

  @Test func linearAlgebraRows() throws {
    gives([28, 10, 73, 28], [2, 2]) {
      x.matmul(y.transposed())
    }
    hasShape([4, 2, 2]) {
      s.matmul(s)
    }
    gives([14], []) {
      vecdot(v, v)
    }
    gives([1, 2, 2, 4], [2, 2]) {
      b.outer(b)
    }
    gives([28, 10, 73, 28], [2, 2]) {
      einsum("ij,kj->ik", x, y)
    }
    try gives([0.09090909, 0.63636364], [2]) {
      try a.solve(b)
    }
    try gives([0.27272727, -0.09090909, -0.09090909, 0.36363636], [2, 2]) {
      try a.inverse()
    }
    gives([11], []) {
      a.det()
    }
    gives([2.39789527], []) {
      a.slogdet().logabsdet
    }
    try gives([2, 0, 0.5, 1.6583124], [2, 2]) {
      try a.cholesky()
    }
    try gives([0.09090909, 0.63636364], [2]) {
      try a.cholesky().choleskySolve(b)
    }
    try gives([0.5, 1.05528971], [2]) {
      try a.cholesky().triangularSolve(b)
    }
    let (q, r) = a.qr()
    #expect(q.matmul(r).isClose(to: a) && q.shape == [2, 2])
    let (u, singular, vh) = try a.svd()
    #expect((u * singular).matmul(vh).isClose(to: a))
    try gives([2.38196601, 4.61803399], [2]) {
      try a.eigh().eigenvalues
    }
    try gives([2.38196601, 4.61803399], [2]) {
      try a.eig().eigenvalues.real.sorted().values
    }
    try gives([0.09090909, 0.63636364], [2]) {
      try a.lstsq(b).solution
    }
    try gives([0.27272727, -0.09090909, -0.09090909, 0.36363636], [2, 2]) {
      try a.pinv()
    }
    try gives([5.19615242], []) {
      try a.matrixNorm()
    }
    try gives([2], []) {
      try a.matrixRank()
    }
    gives([7], []) {
      a.trace()
    }
    gives([4, 3], [2]) {
      a.diagonal()
    }
    gives([-1, -7, 5], [3]) {
      cross(v, x[0])
    }
    hasShape([4, 4]) {
      kron(a, a)
    }
    gives([5.91607978, 2.82842712, 2.82842712, 5.91607978], [2, 2]) {
      cdist(x, y)
    }
    gives([6, 1.73205081], [2]) {
      v.rfft().abs()
    }
  }

  @Test func randomRows() {
    var generator = RandomGenerator(seed: 1)
    hasShape([2, 3]) {
      Tensor.randomUniform([2, 3], using: &generator)
    }
    hasShape([2, 3]) {
      Tensor.randomNormal([2, 3], using: &generator)
    }
    hasShape([3]) {
      Tensor.randomNormal([3], mean: 5, standardDeviation: 2, using: &generator)
    }
    hasShape([4]) {
      Tensor.randomInteger([4], in: 0..<10, using: &generator)
    }
    gives([0, 1, 2], [3]) {
      Tensor.randomPermutation(3, using: &generator).sorted().values
    }
    hasShape([3]) {
      (v / 4).bernoulli(using: &generator)
    }
    hasShape([5]) {
      Tensor.randomCategorical(probabilities: v / v.sum(), samples: 5, using: &generator)
    }
    hasShape([2]) {
      Tensor.randomCategorical(logits: x, using: &generator)
    }
    let state = generator.state
    generator = RandomGenerator(state: state)!
    #expect(generator.state == state)
  }

  @Test func dataRows() {
    var generator = RandomGenerator(seed: 1)
    let order = Tensor.randomPermutation(x.shape[0], using: &generator)
    #expect(order.count == 2)
    same([[1, 3], [1, 3]]) {
      order.split([1, 1]).map { x.rows(at: $0).shape }
    }
    same([1, 2, 3, 4, 5, 6]) {
      x.array(of: Float.self)
    }
    for row in x.unstacked() { #expect(row.shape == [3]) }
    same(2) {
      x.shape[0]
    }
    same(1) {
      x[0, 0].item(of: Int.self)
    }
    same(1) {
      x[0, 0].item()
    }
  }

  @Test func runtimeRows() {
    let n = Threads.count
    Threads.count = n
    same(.float64) {
      DType.promoted(x.dtype, a.dtype)
    }
    same(true) {
      x.dtype.isFloatingPoint
    }
    same(4) {
      x.dtype.byteSize
    }
    gives([28, 10, 73, 28], [2, 2]) {
      withFloat32MatmulPrecision(.medium) { x.matmul(y.transposed()) }
    }
    same(true) {
      TensorRuntime.peakBytes > 0
    }
    TensorRuntime.trim()
  }

  @Test func substitutesRows() {
    var generator = RandomGenerator(seed: 1)
    let model = Model(using: &generator)
    let (named, copied) = (model.namedParameters(), Model(using: &generator).namedParameters())
    let q = v / 4
    gives([0, 0, 0], [3]) {
      Tensor.zeros([3])
    }
    gives([1, 2, 3, 4, 5, 6], [2, 3]) {
      x
    }
    gives([18, 9, 8, 12], [2, 2]) {
      b + a.matmul(a)
    }
    gives([6.00671535, 5.04858735, 4.31326169, 4.31326169, 5.04858735, 6.00671535], [2, 3]) {
      x.maximum(y) + (-(x - y).abs()).exp().log1p()
    }
    gives([1, 2, 3, 4, 5, 6], [2, 3]) {
      Tensor.stacked((1...3).map { x[.all, ..<$0].max(axis: 1) }, axis: 1)
    }
    gives([0.78904122], []) {
      -q.log().mean()
    }
    gives([0.8528028, 0.8528028], [2]) {
      vecdot(x.normalized(), y.normalized())
    }
    gives([4.1666667], []) {
      2 * smoothL1Loss(x, y, beta: 2)
    }
    gives([1, -1, 0], [3]) {
      (v - 2).clamped(-1.0, 1.0)
    }
    gives([2.9865351, 0.86509839, 1.9439590], [3]) {
      v * v.softplus().tanh()
    }
    gives([1, 2, 3, 4, 5, 6], [2, 3]) {
      x.maskedFill(x.isNaN(), 0)
    }
    gives([4, 1, 0, 0, 1, 3, 0, 0, 0, 0, 4, 1, 0, 0, 1, 3], [4, 4]) {
      kron(Tensor.eye(2, dtype: .float64), a)
    }
    for (old, new) in zip(named, copied) { new.parameter.tensor = old.parameter.tensor }
  }
}
