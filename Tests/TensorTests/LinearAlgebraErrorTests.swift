import Tensor
import Testing

@Suite struct LinearAlgebraErrorTests {
  private let good = Tensor([2.0, 1, 1, 3], shape: [2, 2])

  /// Four matrices, of which the given one is replaced.
  private func batch(_ bad: [Double], at index: Int) -> Tensor {
    var parts = [Tensor](repeating: good, count: 4)
    parts[index] = Tensor(bad, shape: [2, 2])
    return Tensor.stacked(parts)
  }

  @Test func indefiniteMatricesAreNamed() {
    let error = #expect(throws: LinearAlgebraError.self) { try batch([1, 2, 2, 1], at: 3).cholesky() }
    #expect(error?.reason == .notPositiveDefinite(leadingMinor: 2))
    #expect(error?.matrix == 3 && error?.batchShape == [4] && error?.operation == "cholesky")
    #expect(
      error?.description
        == "cholesky: matrix 3 of the batch is not positive definite: leading minor of order 2")
    let single = #expect(throws: LinearAlgebraError.self) { try (-good).cholesky() }
    #expect(single?.description == "cholesky: the matrix is not positive definite: leading minor of order 1")
  }

  @Test func singularMatricesAreNamed() {
    let singular = batch([1, 2, 2, 4], at: 2)
    let solve = #expect(throws: LinearAlgebraError.self) { try singular.solve(Tensor([1.0, 1])) }
    #expect(solve?.description == "solve: matrix 2 of the batch is singular: pivot 1 is zero")
    let inverse = #expect(throws: LinearAlgebraError.self) { try singular.inverse() }
    #expect(inverse?.reason == .singular(pivot: 1) && inverse?.operation == "inverse")
    let triangular = #expect(throws: LinearAlgebraError.self) {
      try batch([0, 2, 2, 4], at: 1).triangularSolve(Tensor([1.0, 1]))
    }
    #expect(
      triangular?.description == "triangularSolve: matrix 1 of the batch is singular: pivot 0 is zero")
    let condition = #expect(throws: LinearAlgebraError.self) { try singular.cond(.one) }
    #expect(condition?.operation == "inverse")
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity]) func elementsThatAreNotFinite(value: Double) throws {
    let bad = batch([1, 0, value, 1], at: 1)
    let operations: [(String, (Tensor) throws -> Void)] = [
      ("cholesky", { _ = try $0.cholesky() }), ("eigh", { _ = try $0.eigh() }),
      ("eigvalsh", { _ = try $0.eigvalsh() }), ("svd", { _ = try $0.svd() }),
      ("svdvals", { _ = try $0.svdvals() }), ("lstsq", { _ = try $0.lstsq(Tensor([1.0, 1])) }),
      ("svd", { _ = try $0.pinv() }), ("svdvals", { _ = try $0.matrixRank() }),
    ]
    for type in [DType.float32, .float64] {
      for (name, operation) in operations {
        let error = #expect(throws: LinearAlgebraError.self) { try operation(bad.to(type)) }
        #expect(error?.operation == name && error?.matrix == 1)
        guard case .notFinite(row: 1, column: 0, _)? = error?.reason else {
          Issue.record("\(name): \(String(describing: error))")
          continue
        }
      }
      // These go through, as in NumPy and PyTorch, and must not crash.
      let bad = bad.to(type)
      #expect(bad.qr().q.shape == [4, 2, 2])
      #expect(bad.lu().u.shape == [4, 2, 2])
      #expect(bad.det().shape == [4])
      #expect(bad.slogdet().sign.shape == [4])
      #expect((try? bad.solve(Tensor([1.0, 1]).to(type)).shape) ?? [4, 2] == [4, 2])
      #expect((try? bad.inverse().shape) ?? [4, 2, 2] == [4, 2, 2])
    }
    let all = Tensor.full([5, 5], value, dtype: .float64)
    #expect(all.det().item().isNaN)
    #expect(all.lu().l.shape == [5, 5] && all.qr().r.shape == [5, 5])
    #expect(try all.triangularSolve(Tensor.ones([5], dtype: .float64)).shape == [5])
  }

  @Test func theRightHandSideOfLeastSquaresIsChecked() {
    #expect(throws: LinearAlgebraError.self) { try good.lstsq(Tensor([1, Double.nan])) }
  }

  @Test func theFirstOfSeveralBadMatricesIsNamedForAnyThreadCount() {
    let before = Threads.count
    defer { Threads.count = before }
    var matrices = Tensor.stacked([Tensor](repeating: good, count: 20_000))
    for bad in [19_999, 12_345, 777] { matrices[bad] = Tensor([1.0, 2, 2, 1], shape: [2, 2]) }
    for count in [1, 2, 4] {
      Threads.count = count
      let error = #expect(throws: LinearAlgebraError.self) { try matrices.cholesky() }
      #expect(error?.matrix == 777)
    }
  }

  @Test func batchesGiveTheSameBytesForAnyThreadCountAndFromSeveralTasks() async throws {
    var generator = RandomGenerator(seed: 2)
    let a = Tensor.randomNormal([300, 12, 12], dtype: .float64, using: &generator)
    @Sendable func everything() throws -> [Double] {
      let definite = a.matmul(a.transposed()) + Tensor.eye(12, dtype: .float64)
      let (u, s, _) = try a.svd()
      let parts: [Tensor] = [
        u, s, try definite.cholesky(), try definite.eigh().eigenvectors, a.qr().q, try a.inverse(), a.det(),
        try a.lstsq(a).solution, a.lu().l,
      ]
      return parts.flatMap { $0.array(of: Double.self) }
    }
    let before = Threads.count
    defer { Threads.count = before }
    Threads.count = 1
    let expected = try everything()
    Threads.count = 4
    #expect(try everything() == expected)
    let found = try await withThrowingTaskGroup(of: [Double].self) { group in
      for _ in 0..<6 { group.addTask { try everything() } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(found.allSatisfy { $0 == expected })
  }
}
