import Tensor
import Testing

/// Values worked out by PyTorch 2 for views, empty and integer tensors.
@Suite struct ReductionTests {
  let matrix = Tensor((0..<12).map(Float.init), shape: [3, 4])

  @Test func aDeviationOfZeroHasNoSlope() {
    let x = Tensor([2, 2, 2, 1, 2, 3] as [Double], shape: [2, 3]).requiringGradient()
    let gradient = x.standardDeviation(axes: [1]).sum().backward()[x]?.array(of: Double.self)
    #expect(gradient == [0, 0, 0, -0.5, 0, 0.5])
  }

  @Test(arguments: DType.allCases.filter(\.isFloatingPoint))
  func noVarianceIsNegative(_ type: DType) {
    let (none, two) = (Tensor.zeros([0], dtype: type), Tensor([1.0, 3]).to(type))
    for (x, correction) in [(none, 0.0), (none, 1), (none, 2)] {
      #expect(x.variance(correction: correction).item().isNaN, "\(correction)")
      #expect(x.standardDeviation(correction: correction).item().isNaN, "\(correction)")
    }
    for correction in [2.0, 3] {
      #expect(two.variance(correction: correction).item() == .infinity, "\(correction)")
      #expect(two.standardDeviation(correction: correction).item() == .infinity, "\(correction)")
    }
  }

  @Test func productsOfViews() {
    #expect(matrix.transposed()[.slice(step: 2)].prod(axes: [0]).array(of: Float.self) == [0, 24, 80])
    #expect((matrix.to(.int64) + 1).prod().item() == 479_001_600)
    #expect(Tensor.zeros([0, 2]).prod(axes: [0]).array(of: Float.self) == [1, 1])
    #expect(Tensor.zeros([2, 0]).prod(axes: [0]).shape == [0])
    #expect(Tensor(3).prod().item() == 3)
  }

  @Test func normsOfEveryOrder() {
    let view = matrix.transposed()[.ellipsis, .slice(step: 2)]
    let expected: [Float] = [8, 9.0041, 10.0266, 11.0739]
    for (a, b) in zip(view.norm(3, axes: [1]).array(of: Float.self), expected) {
      #expect(abs(a - b) < 1e-3)
    }
    #expect(matrix.norm(0).item() == 11)
    #expect((matrix - 5).norm(-.infinity).item() == 0)
    #expect((matrix - 5).norm(.infinity, axes: [0], keepDims: true).array(of: Float.self) == [5, 4, 5, 6])
    #expect(matrix.norm(2, axes: []).array(of: Float.self) == matrix.array(of: Float.self))
    #expect(Tensor.zeros([2, 0]).norm(axes: [1]).array(of: Float.self) == [0, 0])
  }

  @Test(arguments: [1.5, 2, 3]) func normsOfZerosHaveNoGradient(_ order: Double) {
    let zeros = Tensor.zeros([2, 3]).requiringGradient()
    #expect(zeros.norm(order).backward()[zeros]!.array(of: Float.self) == [0, 0, 0, 0, 0, 0])
  }

  @Test func anyAndAll() {
    #expect((matrix .> 3).any(axes: [1]).array(of: Bool.self) == [false, true, true])
    #expect((matrix .> 3).all(axes: [1]).array(of: Bool.self) == [false, true, true])
    #expect(matrix.all(axes: [0], keepDims: true).array(of: Bool.self) == [false, true, true, true])
    #expect(Tensor.zeros([0]).any().item() == 0)
    #expect(Tensor.zeros([0]).all().item() == 1)
  }

  @Test func windowsAreViews() {
    let windows = matrix.transposed().unfolded(axis: 0, size: 3)
    #expect(windows.shape == [2, 3, 3])
    #expect(windows[1].array(of: Float.self) == [1, 2, 3, 5, 6, 7, 9, 10, 11])
    #expect(matrix.unfolded(axis: 1, size: 2, step: 2).shape == [3, 2, 2])
    #expect(matrix.unfolded(axis: 1, size: 4, step: 9).shape == [3, 1, 4])
  }

  @Test func productsOverPairsOfAxes() {
    let found = tensordot(matrix.reshaped([3, 2, 2]), matrix.reshaped([2, 2, 3]), axes: ([1, 2], [0, 1]))
    #expect(found.array(of: Float.self) == matrix.matmul(matrix.reshaped([4, 3])).array(of: Float.self))
    #expect(tensordot(matrix, matrix, axes: 0).shape == [3, 4, 3, 4])
    #expect(
      tensordot(Tensor.zeros([2, 0]), Tensor.zeros([0, 3]), axes: 1).array(of: Float.self) == [
        0, 0, 0, 0, 0, 0,
      ])
  }

  @Test func chunksAsPyTorchCutsThem() {
    #expect(matrix.chunked(3, axis: 1).map(\.shape) == [[3, 2], [3, 2]])
    #expect(Tensor.zeros([5]).chunked(3).map(\.shape) == [[2], [2], [1]])
  }

  @Test func normalizationOfBatchesWithGivenStatistics() {
    let found = batchNorm(
      matrix.reshaped([2, 3, 2]), mean: Tensor([1, 2, 3] as [Float]), variance: Tensor([4, 1, 9] as [Float]),
      epsilon: 0)
    let expected: [Float] = [-0.5, 0, 0, 1, 1 / 3, 2 / 3, 2.5, 3, 6, 7, 7 / 3, 8 / 3]
    for (a, b) in zip(found.array(of: Float.self), expected) { #expect(abs(a - b) < 1e-6) }
    #expect(groupNorm(Tensor.zeros([0, 4, 2]), groups: 2).shape == [0, 4, 2])
  }

  @Test func lossesOfSingleElements() {
    let smooth = smoothL1Loss(
      Tensor([0, 2, -3] as [Float]), Tensor([0.25, 0, 0] as [Float]), beta: 0.5, reduction: .none)
    #expect(smooth.array(of: Float.self) == [0.0625, 1.75, 2.75])
    let divergence = klDivergence(
      logProbabilities: Tensor([-1, -2, -0.5] as [Float]), target: Tensor([0.2, 0, 0.8] as [Float]),
      reduction: .none)
    for (a, b) in zip(divergence.array(of: Float.self), [-0.12188759, 0, 0.22148512]) {
      #expect(abs(Double(a) - b) < 1e-6)
    }
  }

  @Test func masksBroadcast() {
    let mask = Tensor([true, false, false, true])
    #expect(matrix.masked(by: mask).array(of: Float.self) == [0, 3, 4, 7, 8, 11])
    let filled = matrix.maskedScatter(mask, Tensor([-1, -2, -3, -4, -5, -6, -7] as [Float]))
    #expect(filled.array(of: Float.self) == [-1, 1, 2, -2, -3, 5, 6, -4, -5, 9, 10, -6])
    #expect(matrix.masked(by: Tensor([false])).shape == [0])
  }
}
