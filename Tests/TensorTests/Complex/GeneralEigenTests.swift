import Foundation
import TestSupport
import Tensor
import Testing

/// The largest part of a complex tensor.
private func largest(_ z: ComplexTensor) -> Double {
  z.count == 0 ? 0 : max(z.real.abs().max().item(), z.imaginary.abs().max().item())
}

@Suite struct GeneralEigenTests {
  struct Row: Decodable {
    let shape: [Int]
    let real: [Double]
    let imaginary: [Double]
    let vectorsReal: [Double]
    let vectorsImaginary: [Double]
  }

  @Test func valuesAndVectorsAreNumPys() throws {
    let rows = try JSONDecoder().decode(
      [Row].self, from: Data(contentsOf: Fixtures.url("fft/eigenvalues.json")))
    for row in rows {
      let matrix = FourierFixtureTests.numbers(row.shape).real
      let (w, v) = try matrix.eig()
      let values = ComplexTensor(
        real: Tensor(row.real, shape: w.shape), imaginary: Tensor(row.imaginary, shape: w.shape))
      let vectors = ComplexTensor(
        real: Tensor(row.vectorsReal, shape: v.shape), imaginary: Tensor(row.vectorsImaginary, shape: v.shape)
      )
      #expect(largest(w - values) < 1e-12, "\(row.shape)")
      // Vectors of length one may differ in sign or phase, and those of one eigenvalue twice in more: that
      // depends on the processor's kernels.
      let phases = (vectors.conjugate() * v).sum(axis: -2, keepDims: true)
      let apart = (w.expandedDimensions(axis: -1) - w.expandedDimensions(axis: -2)).abs()
      let nearest = (apart + Tensor.eye(row.shape.last!, dtype: .float64)).min(axes: [-1])
      let isSingle = (nearest .> 1e-6).to(.float64).expandedDimensions(axis: -2)
      #expect(((v - vectors * phases).abs() * isSingle).max().item() < 1e-12, "\(row.shape)")
      let again = matrix.matmul(v) - v * w.expandedDimensions(axis: -2)
      #expect(largest(again) < 1e-13)
      let lengths = (v.real.square() + v.imaginary.square()).sum(axes: [-2])
      #expect((lengths - 1).abs().max().item() < 1e-14)
      let alone = try matrix.eigvals()
      #expect(largest(alone - w) < 1e-12)
      let single = try matrix.to(.float32).eig()
      #expect(single.eigenvalues.dtype == .complex64)
      let residue =
        matrix.to(.float32).matmul(single.eigenvectors)
        - single.eigenvectors * single.eigenvalues.expandedDimensions(axis: -2)
      #expect(largest(residue) < 3e-6)
    }
  }

  @Test func viewsEmptiesAndThreads() throws {
    let x = FourierFixtureTests.numbers([4, 3, 4, 4]).real
    let view = x.permuted([1, 0, 3, 2])
    let (w, v) = try view.eig()
    let plain = try view.contiguous().eig()
    #expect(largest(w - plain.eigenvalues) == 0 && largest(v - plain.eigenvectors) == 0)
    let none = try Tensor.zeros([0, 3, 3]).eig()
    #expect(none.eigenvalues.shape == [0, 3] && none.eigenvectors.shape == [0, 3, 3])
    let small = try Tensor.zeros([2, 0, 0], dtype: .float64).eig()
    #expect(small.eigenvalues.shape == [2, 0] && small.eigenvectors.shape == [2, 0, 0])
    #expect(try Tensor([7.0], shape: [1, 1]).eigvals().item() == (real: 7, imaginary: 0))
    let before = Threads.count
    defer { Threads.count = before }
    Threads.count = 1
    let one = try x.eig()
    #expect(largest(one.eigenvectors - (try x.eig()).eigenvectors) == 0)
  }

  @Test func mistakes() throws {
    var batch = FourierFixtureTests.numbers([4, 3, 3]).real
    batch[2, 0, 1] = .nan
    let error = #expect(throws: LinearAlgebraError.self) { try batch.eig() }
    #expect(error?.matrix == 2 && error?.batchShape == [4] && error?.operation == "eig")
    guard case .notFinite(let row, let column, let value)? = error?.reason else {
      Issue.record("\(error.map { "\($0)" } ?? "no error")")
      return
    }
    #expect(row == 0 && column == 1 && value.isNaN)
    batch[2, 0, 1] = .infinity
    let other = #expect(throws: LinearAlgebraError.self) { try batch.eigvals() }
    #expect(other?.operation == "eigvals")
    let calls: [(String, @Sendable () throws -> Void)] = [
      ("eig", { _ = try Tensor.ones([2, 3]).eig() }), ("eigvals", { _ = try Tensor.ones([3]).eigvals() }),
      ("eig", { _ = try Tensor([1, 2, 3, 4] as [Int32], shape: [2, 2]).eig() }),
      ("eig", { _ = try Tensor.ones([2, 2]).to(.float16).eig() }),
    ]
    for (operation, body) in calls {
      let error = #expect(throws: TensorError.self) { try withTensorErrors(body) }
      #expect(error?.operation == operation)
    }
  }

  /// A loss that sees the phase of an eigenvector has no gradient, which PyTorch says too.
  @Test func thePhaseIsArbitrary() throws {
    let error = #expect(throws: TensorError.self) {
      try withTensorErrors {
        let x = Tensor([0.0, -1, 2, 0], shape: [2, 2]).requiringGradient()
        _ = try x.eig().eigenvectors.imaginary.sum().backward()
      }
    }
    #expect(error?.message.contains("phase") == true)
  }

  /// PyTorch: the gradient of `torch.linalg.eigvals(a).abs().sum()`.
  @Test func theGradientIsPyTorchs() throws {
    let x = Tensor([1.0, -2, 0.5, 2, 1, -0.3, 0.1, 0.7, 5], shape: [3, 3]).requiringGradient()
    let gradient = try #require(try x.eigvals().magnitude().sum().backward()[x])
    #expect(
      (gradient
        - Tensor(
          [
            0.4636759259502, -0.8810109936820, 0.1626130826245, 0.9177206036397, 0.4338493678596,
            -0.0088837328059, 0.0788732139689, 0.1086919139387, 0.9787969312726,
          ], shape: [3, 3])).abs().max().item() < 1e-10)
    let both = try x.eig()
    let loss = (both.eigenvectors.magnitude() * Tensor.arange(9, dtype: .float64).reshaped([3, 3])).sum()
    let second = try #require((loss + both.eigenvalues.real.square().sum()).backward()[x])
    #expect(
      (second
        - Tensor(
          [
            2.2308761507716, 0.7288406046567, 0.3031774675657, 0.6196626699695, 2.0744485852094,
            -0.0993130123191, 1.3235885591487, 1.7443330592314, 9.6946752640190,
          ], shape: [3, 3])).abs().max().item() < 1e-9)
  }
}
