import Tensor
import Testing

/// Symmetric positive definite matrices made of any.
private func definite(_ x: Tensor) -> Tensor {
  x.matmul(x.transposed()) + 2 * Tensor.eye(x.shape[x.rank - 2], dtype: x.dtype)
}

/// Matrices whose eigenvalues and singular values are far apart.
private func spread(_ x: Tensor) -> Tensor {
  let (m, n) = (x.shape[x.rank - 2], x.shape[x.rank - 1])
  let steps = Tensor.select(
    Tensor.arange(m).expandedDimensions(axis: 1) .== Tensor.arange(n),
    3 * (Tensor.arange(n).to(x.dtype) + 1), Tensor.zeros([], dtype: x.dtype))
  return 0.5 * x + steps
}

private func symmetric(_ x: Tensor) -> Tensor { spread(x + x.transposed()) }

/// A sum of squares with different weights, which does not see signs.
private func weighed(_ x: Tensor) -> Tensor {
  x.square() * Tensor.arange(x.count, dtype: x.dtype).reshaped(x.shape).sin()
}

/// Rows in the manner of ``GradientTableTests``. Operations throw only for matrices that are not among these.
private let linearAlgebraRows: [GradientRow] = [
  .init(name: "cholesky", shapes: [[3, 3]]) { try! definite($0[0]).cholesky() },
  .init(name: "cholesky of a batch, upper", shapes: [[2, 2, 2]]) {
    try! definite($0[0]).cholesky(upper: true)
  },
  .init(name: "choleskySolve", shapes: [[3, 3], [3, 2]]) {
    try! definite($0[0]).cholesky().choleskySolve($0[1])
  },
  .init(name: "solve", shapes: [[3, 3], [3, 2]]) { try! spread($0[0]).solve($0[1]) },
  .init(name: "solve for a vector", shapes: [[2, 2, 2], [2]]) { try! spread($0[0]).solve($0[1]) },
  .init(name: "solve of a batch, broadcast", shapes: [[2, 1, 2, 2], [3, 2, 1]]) {
    try! spread($0[0]).solve($0[1])
  },
  .init(name: "solve of a transposed view", shapes: [[3, 3], [1, 3]]) {
    try! spread($0[0]).transposed().solve($0[1].transposed())
  },
  .init(name: "triangularSolve lower", shapes: [[3, 3], [3, 2]]) {
    try! spread($0[0]).triangularSolve($0[1])
  },
  .init(name: "triangularSolve upper, broadcast", shapes: [[2, 2], [3, 2, 1]]) {
    try! spread($0[0]).triangularSolve($0[1], upper: true)
  },
  .init(name: "triangularSolve from the right, unit", shapes: [[3, 3], [2, 3]]) {
    try! $0[0].triangularSolve($0[1], left: false, unitDiagonal: true)
  },
  .init(name: "inverse", shapes: [[2, 3, 3]]) { try! spread($0[0]).inverse() },
  .init(name: "det", shapes: [[3, 3]]) { $0[0].det() },
  .init(name: "det of a batch", shapes: [[2, 2, 2]]) { $0[0].det() },
  .init(name: "slogdet", shapes: [[2, 3, 3]]) { spread($0[0]).slogdet().logabsdet },
  .init(name: "eigh, eigenvalues", shapes: [[3, 3]]) { try! symmetric($0[0]).eigvalsh() },
  .init(name: "eigh, eigenvectors", shapes: [[3, 3]]) { weighed(try! symmetric($0[0]).eigh().eigenvectors) },
  .init(name: "eigh, both", shapes: [[2, 2, 2]]) {
    let (w, v) = try! symmetric($0[0]).eigh()
    return weighed(v) * w.expandedDimensions(axis: -2)
  },
  .init(name: "qr", shapes: [[3, 3]]) {
    let (q, r) = spread($0[0]).qr()
    return weighed(q) + weighed(r)
  },
  .init(name: "qr tall", shapes: [[2, 3, 2]]) {
    let (q, r) = spread($0[0]).qr()
    return weighed(q.matmul(r.abs()))
  },
  .init(name: "qr wide", shapes: [[2, 4]]) {
    let (q, r) = spread($0[0]).qr()
    return weighed(Tensor.concatenated([q, r], axis: 1))
  },
  .init(name: "qr, only Q of a wide matrix", shapes: [[2, 3]]) { weighed(spread($0[0]).qr().q) },
  .init(name: "qr, only R", shapes: [[3, 2]]) { weighed(spread($0[0]).qr().r) },
  .init(name: "svdvals", shapes: [[3, 2]]) { try! spread($0[0]).svdvals() },
  .init(name: "svd tall", shapes: [[3, 2]]) {
    let (u, s, vh) = try! spread($0[0]).svd()
    return weighed(u * s.expandedDimensions(axis: -2)).sum() + weighed(vh).sum()
  },
  .init(name: "svd wide", shapes: [[2, 4]]) {
    let (u, s, vh) = try! spread($0[0]).svd()
    return weighed(u).sum() + (weighed(vh) * s.expandedDimensions(axis: -1)).sum()
  },
  .init(name: "svd square batch", shapes: [[2, 3, 3]]) {
    let (u, _, vh) = try! spread($0[0]).svd()
    return weighed(u).sum() + weighed(vh).sum()
  },
  .init(name: "svd, only U", shapes: [[3, 2]]) { weighed(try! spread($0[0]).svd().u) },
  .init(name: "svd with full matrices, values", shapes: [[3, 2]]) {
    try! spread($0[0]).svd(fullMatrices: true).s.square()
  },
  .init(name: "lu", shapes: [[3, 3]]) {
    let (_, l, u) = spread($0[0]).lu()
    return l.square() + u
  },
  .init(name: "lu tall", shapes: [[3, 2]]) {
    let (_, l, u) = spread($0[0]).lu()
    return l.matmul(u.square())
  },
  .init(name: "lu wide", shapes: [[2, 2, 3]]) {
    let (_, l, u) = spread($0[0]).lu()
    return l.square().matmul(u)
  },
  .init(name: "pinv tall", shapes: [[3, 2]]) { try! spread($0[0]).pinv() },
  .init(name: "pinv wide", shapes: [[2, 3]]) { try! spread($0[0]).pinv() },
  .init(name: "lstsq tall", shapes: [[4, 2], [4, 2]]) { try! spread($0[0]).lstsq($0[1]).solution },
  .init(name: "lstsq wide, broadcast", shapes: [[2, 4], [3, 2, 1]]) {
    try! spread($0[0]).lstsq($0[1]).solution
  },
  .init(name: "lstsq, residuals", shapes: [[4, 2], [4]]) { try! spread($0[0]).lstsq($0[1]).residuals },
  .init(name: "matrixNorm nuclear", shapes: [[3, 2]]) { try! spread($0[0]).matrixNorm(.nuclear) },
  .init(name: "matrixNorm spectral", shapes: [[2, 2, 3]]) { try! spread($0[0]).matrixNorm(.spectral) },
  .init(name: "matrixNorm one", shapes: [[3, 2]]) { try! spread($0[0]).matrixNorm(.one) },
  .init(name: "cond", shapes: [[3, 3]]) { try! spread($0[0]).cond() },
]

@Suite struct LinearAlgebraGradientTests {
  @Test(arguments: linearAlgebraRows) func firstDerivatives(_ row: GradientRow) {
    GradientTableTests().recordedGradientsAgreeWithFiniteDifferences(row)
  }

  @Test(arguments: linearAlgebraRows) func secondDerivatives(_ row: GradientRow) {
    GradientTableTests().secondDerivativesAgreeWithFiniteDifferences(row)
  }

  private let tall = Tensor([1, 2, 3, 4, 5, 6.5, 0.5, -1], shape: [4, 2])

  private func expectGradient(
    at x: Tensor, _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation,
    _ function: (Tensor) throws -> Tensor
  ) rethrows {
    let leaf = x.requiringGradient()
    let found = try function(leaf).backward()[leaf]!.array(of: Double.self)
    let worst = zip(found, expected).map { abs($0 - $1) }.max()!
    #expect(worst < 1e-11, "\(found)", sourceLocation: sourceLocation)
  }

  @Test func gradientsAreThoseOfPyTorch() throws {
    func weights(_ rows: Int, _ columns: Int) -> Tensor {
      Tensor.arange(rows * columns, dtype: .float64).reshaped([rows, columns])
    }
    try expectGradient(
      at: tall,
      [
        2.46598204992525, -1.7168301081848134, -0.03354125905960431, 0.48901799547788066, 0.18556677783526032,
        1.038428754960787, 1.8015036161272444, -1.4797762992774597,
      ]
    ) { x in
      let (u, s, vh) = try x.svd()
      return (u * u * weights(4, 2)).sum() + (vh * vh * weights(2, 2)).sum() + s.sum()
    }
    expectGradient(
      at: tall,
      [
        0.9389539041102176, -0.6699750076448032, -3.136990222602389, 2.36254344801064, 1.630185566819752,
        -1.2694263302743756, 0.642177859196384, -0.1410473700304824,
      ]
    ) { ($0.qr().q.abs() * weights(4, 2)).sum() }
    try expectGradient(
      at: Tensor([4, 1, 2, 1, 3, 0.5, 2, 0.5, 5], shape: [3, 3]),
      [
        5.907214514945748, 1.7284043186239828, 3.611798613375206, 1.7284043186239828, 6.280992973014504,
        1.5651973702259854, 3.611798613375206, 1.5651973702259854, 11.811792512039746,
      ]
    ) { x in
      let (w, v) = try x.eigh()
      return (v * v * weights(3, 3).square()).sum() + w.square().sum()
    }
    try expectGradient(
      at: tall,
      [
        0.06060901611363806, -0.08266088422526863, 0.30708568164243505, -0.279684711958756,
        -0.04737256431870579, 0.01663249521655208, -0.22418369408469996, 0.25057784532978866,
      ]
    ) { (try $0.lstsq(Tensor([1.0, 0, 2, -1])).solution * Tensor([1.0, 2])).sum() }
    try expectGradient(
      at: tall,
      [
        -1.8545522944344228, 1.2688698947656665, -0.616651456358026, 0.4241710331308095, 0.23259929080484676,
        -0.21938707050061368, 0.2728938366900602, 0.16669084767509013,
      ]
    ) { (try $0.pinv() * weights(2, 4)).sum() }
    expectGradient(
      at: Tensor([1, 2, 0, 3, -1, 4, 0, 5, 2.5], shape: [3, 3]), [-22.5, -7.5, 15, -5, 2.5, -5, 8, -4, -7]
    ) { $0.det() }
  }

  @Test func theDeterminantOfASingularMatrixHasTheCofactorsAsGradient() {
    let singular = Tensor([1.0, 2, 3, 2, 4, 6, 7, 8, 9], shape: [3, 3])
    expectGradient(at: singular, [-12, 24, -12, 6, -12, 6, 0, 0, 0]) { $0.det() }
    expectGradient(at: Tensor.zeros([2, 2], dtype: .float64), [0, 0, 0, 0]) { $0.det() }
    // A second derivative where singular values differ.
    let point = Tensor([1.0, 0, 0, 0], shape: [2, 2])
    let second = hessian({ $0.det() }, point)
    let expected = hessian({ $0[0, 0] * $0[1, 1] - $0[0, 1] * $0[1, 0] }, point)
    #expect((second - expected).abs().max().item() < 1e-12)
  }

  @Test func theFrobeniusNormOfZerosHasTheSlopeZero() {
    expectGradient(at: Tensor.zeros([2, 2], dtype: .float64), [0, 0, 0, 0]) { try! $0.matrixNorm() }
  }

  @Test func equalEigenvaluesHaveAGradientAndTheirVectorsHaveNone() throws {
    let leaf = Tensor.eye(3, dtype: .float64).requiringGradient()
    let values = try leaf.eigh().eigenvalues
    let gradient = (values * Tensor([1.0, 1, 1])).sum().backward()[leaf]!
    #expect((gradient - Tensor.eye(3, dtype: .float64)).abs().max().item() < 1e-12)
    #expect(try leaf.svdvals().sum().backward()[leaf]!.array(of: Double.self).allSatisfy { $0.isFinite })
    let ofVectors = try leaf.eigh().eigenvectors.square().sum(axes: [0]).square().sum().backward()[leaf]!
    #expect(!ofVectors.array(of: Double.self).allSatisfy { $0.isFinite })
  }

  @Test func gradientsOfASymmetricArgumentAreSymmetric() throws {
    let leaf = Tensor([4.0, 1, 1, 3], shape: [2, 2]).requiringGradient()
    for output in [try leaf.cholesky(), try leaf.eigh().eigenvalues] {
      let gradient = output.exp().sum().backward()[leaf]!
      #expect((gradient - gradient.transposed()).abs().max().item() < 1e-14)
    }
  }
}
