import Tensor
import Testing

/// Numbers below that are not obvious come from NumPy 2 and PyTorch 2 in Float64.
private let symmetric = Tensor([4, 1, 2, 1, 3, 0.5, 2, 0.5, 5], shape: [3, 3])
private let square = Tensor([1, 2, 0, 3, -1, 4, 0, 5, 2.5], shape: [3, 3])
private let tall = Tensor([1, 2, 3, 4, 5, 6.5, 0.5, -1], shape: [4, 2])

private func expectClose(
  _ found: Tensor, _ expected: [Double], _ tolerance: Double = 1e-12,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let values = found.array(of: Double.self)
  #expect(values.count == expected.count, sourceLocation: sourceLocation)
  let worst = zip(values, expected).map { abs($0 - $1) }.max() ?? 0
  #expect(worst <= tolerance, "\(values) is not \(expected)", sourceLocation: sourceLocation)
}

private func expectClose(
  _ found: Tensor, _ expected: Tensor, _ tolerance: Double = 1e-12,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.shape == expected.shape, sourceLocation: sourceLocation)
  expectClose(found, expected.array(of: Double.self), tolerance, sourceLocation: sourceLocation)
}

/// Random matrices, positive definite when asked for.
private func random(_ shape: [Int], _ dtype: DType = .float64, definite: Bool = false, seed: UInt64 = 3)
  -> Tensor
{
  var generator = RandomGenerator(seed: seed)
  let x = Tensor.randomNormal(shape, dtype: .float64, using: &generator)
  let n = shape[shape.count - 1]
  return (definite ? x.matmul(x.transposed()) + Tensor.eye(n, dtype: .float64) : x).to(dtype)
}

@Suite struct LinearAlgebraTests {
  @Test func choleskyGivesTheLowerFactor() throws {
    expectClose(try symmetric.cholesky(), [2, 0, 0, 0.5, 1.6583123951777, 0, 1, 0, 2])
    expectClose(try symmetric.cholesky(upper: true), [2, 0.5, 1, 0, 1.6583123951777, 0, 0, 0, 2])
    // Only the lower triangle is read.
    expectClose(try symmetric.lowerTriangle().cholesky(), try symmetric.cholesky())
    let right = random([3, 2])
    expectClose(try symmetric.cholesky().choleskySolve(right), try symmetric.solve(right))
    expectClose(
      try symmetric.cholesky(upper: true).choleskySolve(right, upper: true), try symmetric.solve(right))
  }

  @Test func solvesAndInverts() throws {
    let solution = [-0.3066666666666668, 0.6533333333333333, -0.10666666666666655]
    expectClose(try square.solve(Tensor([1.0, -2, 3])), solution)
    expectClose(
      try square.inverse(),
      [
        0.6, 0.13333333333333333, -0.21333333333333337, 0.2, -0.06666666666666667, 0.10666666666666665, -0.4,
        0.13333333333333333, 0.1866666666666667,
      ])
    // One matrix for a batch of right-hand sides, a batch of matrices for one, and vectors.
    let (batch, sides) = (random([2, 1, 4, 4]), random([3, 4, 2], seed: 9))
    let found = try batch.solve(sides)
    #expect(found.shape == [2, 3, 4, 2])
    expectClose(batch.matmul(found), sides.expanded(to: [2, 3, 4, 2]), 1e-11)
    #expect(try random([5, 4, 4]).solve(random([4])).shape == [5, 4])
    // Every other row and column of transposed memory.
    let strided = random([8, 8]).transposed().slice(axis: 0, 0..<8, step: 2).slice(axis: 1, 0..<8, step: 2)
    expectClose(strided.matmul(try strided.inverse()), Tensor.eye(4, dtype: .float64), 1e-11)
    expectClose(try strided.solve(Tensor.eye(4, dtype: .float64)), try strided.inverse(), 1e-11)
  }

  @Test func manyRightHandSidesOfALargeMatrix() throws {
    let n = 260
    let a = random([n, n], definite: true) / Double(n)
    let b = random([n, 150], seed: 6)
    expectClose(a.matmul(try a.solve(b)), b, 1e-9)
    let lower = try a.cholesky()
    expectClose(lower.matmul(try lower.triangularSolve(b)), b, 1e-10)
    expectClose(try lower.choleskySolve(b), try a.solve(b), 1e-7)
    // Each part is what it is on its own.
    let part = b.slice(axis: 1, 64..<128)
    expectClose(try a.solve(part), try a.solve(b).slice(axis: 1, 64..<128), 0)
  }

  @Test(arguments: [true, false], [true, false]) func triangularSolves(upper: Bool, unit: Bool) throws {
    let full = random([2, 4, 4]) + 3 * Tensor.eye(4, dtype: .float64)
    let identity = Tensor.eye(4, dtype: .float64)
    let part = upper ? full.upperTriangle() : full.lowerTriangle()
    let used = unit ? part * (1 - identity) + identity : part
    let b = random([2, 4, 3], seed: 5)
    let x = try full.triangularSolve(b, upper: upper, unitDiagonal: unit)
    expectClose(used.matmul(x), b, 1e-11)
    let y = try full.triangularSolve(b.transposed(), upper: upper, left: false, unitDiagonal: unit)
    expectClose(y.matmul(used), b.transposed(), 1e-11)
    let z = try full.transposed().triangularSolve(b, upper: !upper, unitDiagonal: unit)
    expectClose(used.transposed().matmul(z), b, 1e-11)
    #expect(try full.triangularSolve(random([4]), upper: upper).shape == [2, 4])
  }

  @Test func determinants() {
    expectClose(square.det(), [-37.5])
    let (sign, logarithm) = square.slogdet()
    expectClose(sign, [-1])
    expectClose(logarithm, [3.624340932976365])
    let batch = Tensor.stacked([square, symmetric, Tensor.zeros([3, 3], dtype: .float64)])
    expectClose(batch.det(), [-37.5, 44, 0], 1e-12)
    #expect(batch.slogdet().sign.array(of: Double.self) == [-1, 1, 0])
    #expect(batch.slogdet().logabsdet.array(of: Double.self)[2] == -.infinity)
    // Too large for the determinant, not for its logarithm.
    let large = Tensor.eye(200, dtype: .float64) * 1e3
    #expect(large.det().item() == .infinity)
    expectClose(large.slogdet().logabsdet, [1381.5510557964273], 1e-9)
  }

  @Test func eigenvalues() throws {
    let (w, v) = try symmetric.eigh()
    expectClose(w, [2.096521617296718, 3.0722239520050754, 6.831254430698204])
    expectClose(
      v.abs(),
      [
        0.7167430662893416, 0.3257672733027812, 0.616567158200162, 0.5748726248246245, 0.7765018813719533,
        0.25800444463819483, 0.3947161539048013, 0.5393704773814453, 0.7438270269195071,
      ])
    expectClose((v * w.expandedDimensions(axis: -2)).matmul(v.transposed()), symmetric)
    expectClose(try symmetric.lowerTriangle().eigvalsh(), w)
    let batch = random([2, 3, 6, 6], definite: true)
    let (values, vectors) = try batch.eigh()
    expectClose(
      (vectors * values.expandedDimensions(axis: -2)).matmul(vectors.transposed()), batch, 1e-11)
  }

  @Test(arguments: [[4, 2], [2, 4], [3, 3], [2, 3, 5, 4], [2, 4, 5]]) func qrReconstructs(shape: [Int]) {
    let a = random(shape)
    let (m, n) = (shape[shape.count - 2], shape[shape.count - 1])
    for mode in [Tensor.QRMode.reduced, .complete] {
      let (q, r) = a.qr(mode)
      let width = mode == .complete ? m : min(m, n)
      #expect(q.shape == shape.dropLast(2) + [m, width] && r.shape == shape.dropLast(2) + [width, n])
      expectClose(q.matmul(r), a, 1e-12)
      let identity = Tensor.eye(width, dtype: .float64).expanded(to: shape.dropLast(2) + [width, width])
      expectClose(q.transposed().matmul(q), identity, 1e-12)
      expectClose(r.lowerTriangle(diagonal: -1), Tensor.zeros(r.shape, dtype: .float64), 0)
    }
  }

  @Test func qrOfKnownNumbers() {
    expectClose(tall.qr().r.abs(), [5.937171043518959, 7.747797673811972, 0, 1.7948903046352875])
  }

  @Test(arguments: [[4, 2], [2, 4], [3, 3], [2, 3, 5, 4], [2, 4, 5]]) func svdReconstructs(shape: [Int])
    throws
  {
    let a = random(shape)
    let (m, n) = (shape[shape.count - 2], shape[shape.count - 1])
    let k = min(m, n)
    let (u, s, vh) = try a.svd()
    #expect(u.shape == shape.dropLast(2) + [m, k] && vh.shape == shape.dropLast(2) + [k, n])
    expectClose((u * s.expandedDimensions(axis: -2)).matmul(vh), a, 1e-12)
    expectClose(try a.svdvals(), s, 1e-12)
    let full = try a.svd(fullMatrices: true)
    #expect(full.u.shape == shape.dropLast(2) + [m, m] && full.vh.shape == shape.dropLast(2) + [n, n])
    for basis in [full.u, full.vh] {
      let size = basis.shape[basis.rank - 1]
      let identity = Tensor.eye(size, dtype: .float64).expanded(to: basis.shape)
      expectClose(basis.transposed().matmul(basis), identity, 1e-12)
    }
    expectClose(full.u.slice(axis: -1, 0..<k).abs(), u.abs(), 1e-12)
  }

  @Test func singularValuesOfKnownNumbers() throws {
    expectClose(try tall.svdvals(), [9.865762064872902, 1.0801568771779253])
    expectClose(try tall.transposed().svdvals(), [9.865762064872902, 1.0801568771779253])
  }

  @Test func leastSquares() throws {
    let over = try tall.lstsq(Tensor([1.0, 0, 2, -1]))
    expectClose(over.solution, [-0.6329113924050621, 0.7132636213538794])
    expectClose(over.residuals, [1.2333516785910845])
    #expect(over.rank.item() == 2)
    expectClose(over.singularValues, [9.8657620648729, 1.0801568771779255])
    let under = try tall.transposed().lstsq(Tensor([1.0, 2]))
    expectClose(
      under.solution,
      [0.17831590533846958, 0.10346725371491472, 0.13648871766648338, -0.34232250963126065])
    // Of rank one: the solution of smallest norm.
    let rankOne = Tensor([1.0, 2, 2, 4, 3, 6], shape: [3, 2])
    let found = try rankOne.lstsq(Tensor([1.0, 2, 3]))
    #expect(found.rank.item() == 1)
    expectClose(found.solution, [0.2, 0.4])
    let batch = try random([5, 1, 6, 3]).lstsq(random([2, 6, 4], seed: 8))
    #expect(batch.solution.shape == [5, 2, 3, 4] && batch.residuals.shape == [5, 2, 4])
    #expect(batch.rank.shape == [5, 2])
  }

  @Test func pseudoInverse() throws {
    expectClose(
      try tall.pinv(),
      [
        -0.25316455696202417, 0.0506329113924047, 0.15189873417721517, 0.6835443037974688,
        0.21574023115024682, 0.02641717116125508, -0.0077050082553660115, -0.5129334067143648,
      ])
    let lowRank = random([6, 2]).matmul(random([2, 4], seed: 4))
    let inverse = try lowRank.pinv()
    expectClose(lowRank.matmul(inverse).matmul(lowRank), lowRank, 1e-11)
    expectClose(inverse.matmul(lowRank).matmul(inverse), inverse, 1e-11)
    #expect(try lowRank.matrixRank().item() == 2)
    #expect(try Tensor.stacked([square, square * 0]).matrixRank().array(of: Int64.self) == [3, 0])
    #expect(try symmetric.matrixRank(absoluteTolerance: 2.5).item() == 2)
  }

  @Test(arguments: [[3, 3], [5, 3], [3, 5], [2, 2, 4, 4]]) func luReconstructs(shape: [Int]) {
    let a = random(shape)
    let (p, l, u) = a.lu()
    expectClose(p.matmul(l).matmul(u), a, 1e-12)
    expectClose(l.upperTriangle(diagonal: 1), Tensor.zeros(l.shape, dtype: .float64), 0)
    expectClose(u.lowerTriangle(diagonal: -1), Tensor.zeros(u.shape, dtype: .float64), 0)
  }

  @Test func luOfKnownNumbers() {
    let (p, l, u) = square.lu()
    expectClose(p, [0, 0, 1, 1, 0, 0, 0, 1, 0])
    expectClose(l, [1, 0, 0, 0, 1, 0, 0.3333333333333333, 0.4666666666666667, 1])
    expectClose(u, [3, -1, 4, 0, 5, 2.5, 0, 0, -2.5])
  }

  @Test func normsAndConditions() throws {
    let norms: [(MatrixNorm, Double, Double)] = [
      (.frobenius, 7.88986691902975, 6.5620423649958255), (.nuclear, 12.213509178416437, 14.154611385048995),
      (.spectral, 6.079579144784859, 4.79652260813827), (.one, 8, 9.6), (.infinity, 8, 7.573333333333333),
    ]
    for (norm, value, condition) in norms {
      expectClose(try square.matrixNorm(norm), [value])
      expectClose(try square.cond(norm), [condition])
    }
    for (norm, _, _) in norms {
      for shape in [[2, 0, 0], [2, 3, 0], [2, 0, 2]] {
        #expect(try Tensor.zeros(shape).matrixNorm(norm).array(of: Float.self) == [0, 0], "\(norm)")
      }
    }
    #expect(try (square * 0).cond().item().isNaN)
    #expect(try Tensor([1.0, 0, 0, 0], shape: [2, 2]).cond().item() == .infinity)
  }

  @Test(arguments: [[0, 0], [3, 0, 0], [0, 4, 4], [0, 3], [4, 0], [2, 0, 3], [2, 3, 0]])
  func emptyMatricesAndBatches(shape: [Int]) throws {
    let a = Tensor.zeros(shape, dtype: .float64)
    let (m, n) = (shape[shape.count - 2], shape[shape.count - 1])
    let batch = Array(shape.dropLast(2))
    let k = min(m, n)
    #expect(a.qr().r.shape == batch + [k, n])
    #expect(a.qr(.complete).q.shape == batch + [m, m])
    if k == 0 {
      expectClose(a.qr(.complete).q, Tensor.eye(m, dtype: .float64).expanded(to: batch + [m, m]), 0)
    }
    #expect(try a.svd().s.shape == batch + [k])
    #expect(try a.svd(fullMatrices: true).vh.shape == batch + [n, n])
    #expect(try a.pinv().shape == batch + [n, m])
    #expect(a.lu().p.shape == batch + [m, m])
    #expect(try a.matrixRank().shape == batch)
    #expect(try a.lstsq(Tensor.ones(batch + [m, 2], dtype: .float64)).solution.shape == batch + [n, 2])
    guard m == n else { return }
    #expect(try a.cholesky().shape == shape && a.inverse().shape == shape)
    #expect(a.det().array(of: Double.self).allSatisfy { $0 == 1 })
    #expect(a.slogdet().logabsdet.array(of: Double.self).allSatisfy { $0 == 0 })
    #expect(try a.eigh().eigenvectors.shape == shape)
    #expect(try a.solve(Tensor.zeros(batch + [n, 2], dtype: .float64)).shape == batch + [n, 2])
  }

  @Test func singlePrecisionAgreesWithDouble() throws {
    let a = random([3, 6, 6], .float32, definite: true)
    let b = random([3, 6, 2], .float32, seed: 7)
    let (wide, right) = (a.to(.float64), b.to(.float64))
    #expect(try a.solve(b).dtype == .float32)
    expectClose(try a.solve(b), try wide.solve(right), 1e-4)
    expectClose(try a.cholesky(), try wide.cholesky(), 1e-5)
    expectClose(try a.eigvalsh(), try wide.eigvalsh(), 1e-4)
    expectClose(try a.svdvals(), try wide.svdvals(), 1e-4)
    expectClose(a.qr().r.abs(), wide.qr().r.abs(), 1e-4)
    expectClose(try a.lstsq(b).solution, try wide.lstsq(right).solution, 1e-4)
    expectClose(try a.inverse(), try wide.inverse(), 1e-4)
    expectClose(a.slogdet().logabsdet, wide.slogdet().logabsdet, 1e-4)
    // Mixed types meet in the wider one.
    #expect(try a.solve(right).dtype == .float64)
  }
}
