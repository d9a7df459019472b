import Tensor
import Testing

@Suite struct LayoutTests {
  let matrix = Tensor((0..<12).map(Float.init), shape: [3, 4])

  @Test func subscriptsAreViewsWithNumPysMeaning() {
    #expect(matrix[1].array(of: Float.self) == [4, 5, 6, 7])
    #expect(matrix[.ellipsis, -1].array(of: Float.self) == [3, 7, 11])
    #expect(matrix[1..., 1..<3].array(of: Float.self) == [5, 6, 9, 10])
    #expect(matrix[.slice(step: -2), 0].array(of: Float.self) == [8, 0])
    #expect(
      matrix[.slice(from: -2), .slice(from: 3, to: 0, step: -1)].array(of: Float.self) == [
        7, 6, 5, 11, 10, 9,
      ])
    #expect(matrix[0, .newAxis].shape == [1, 4])
    #expect(matrix[2..<2].shape == [0, 4])
  }

  @Test func assigningChangesOnlyTheAssignedCopy() {
    var copy = matrix
    copy[1..., 0] = Tensor([-1, -2] as [Float])
    #expect(copy[.ellipsis, 0].array(of: Float.self) == [0, -1, -2])
    #expect(matrix[.ellipsis, 0].array(of: Float.self) == [0, 4, 8])
    var part = matrix[0]
    part[.all] = Tensor(9)
    #expect(part.array(of: Float.self) == [9, 9, 9, 9])
    #expect(matrix[0, 0].item() == 0)
  }

  @Test func reshapingKeepsCOrderOnAnyLayout() {
    #expect(
      matrix.transposed().reshaped([2, 6]).array(of: Float.self) == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11])
    #expect(matrix.reshaped([-1, 2]).shape == [6, 2])
    #expect(Tensor.zeros([0, 3]).reshaped([3, 0]).shape == [3, 0])
    let view = matrix.slice(axis: 1, 0..<4, step: 2)
    #expect(view.reshaped([6]).array(of: Float.self) == [0, 2, 4, 6, 8, 10])
  }

  /// As `numpy.arange` and `numpy.linspace`.
  @Test func rangesOfNumbers() {
    #expect(Tensor.arange(from: 1, to: 2, by: 0.25).array(of: Double.self) == [1, 1.25, 1.5, 1.75])
    #expect(Tensor.arange(from: 3, to: 0, by: -2, dtype: .int64).array(of: Int64.self) == [3, 1])
    #expect(Tensor.arange(from: 2, to: 1).shape == [0])
    #expect(Tensor.linspace(0, 1, count: 5).array(of: Double.self) == [0, 0.25, 0.5, 0.75, 1])
    #expect(Tensor.linspace(2, -1, count: 4, dtype: .float64).array(of: Double.self) == [2, 1, 0, -1])
    #expect(Tensor.linspace(7, 9, count: 1).array(of: Double.self) == [7])
    #expect(Tensor.linspace(7, 9, count: 0).shape == [0])
  }

  @Test func emptyAndScalarTensorsWorkEverywhere() {
    let empty = Tensor.zeros([0, 4])
    #expect((empty + 1).shape == [0, 4])
    #expect(empty.sum().item() == 0)
    #expect(empty.sum(axes: [0]).array(of: Float.self) == [0, 0, 0, 0])
    #expect(empty.matmul(Tensor.ones([4, 2])).shape == [0, 2])
    #expect(Tensor.ones([2, 0]).matmul(Tensor.ones([0, 3])).array(of: Float.self) == [0, 0, 0, 0, 0, 0])
    #expect(Tensor.concatenated([empty, matrix]).shape == [3, 4])
    #expect((Tensor(2) * Tensor(3)).item() == 6)
    let gradients = empty.requiringGradient()
    #expect(gradients.sum().backward()[gradients]?.shape == [0, 4])
  }

  @Test(arguments: [
    (DType.bool, DType.uint8, DType.uint8), (.int64, .float32, .float32), (.int32, .int64, .int64),
    (.float32, .float64, .float64), (.float16, .bfloat16, .float32), (.bfloat16, .float32, .float32),
  ]) func typesPromote(_ a: DType, _ b: DType, _ expected: DType) {
    #expect(DType.promoted(a, b) == expected)
    #expect(DType.promoted(b, a) == expected)
    #expect((Tensor.ones([2], dtype: a) + Tensor.ones([2], dtype: b)).dtype == expected)
  }

  @Test func halfPrecisionRoundsToNearestEven() {
    let values: [Float] = [1, -2.5, 65504, 65520, 6e-8, 1.0009765625, 0.333333343]
    #expect(
      Tensor(values).to(.float16).array(of: Float.self) == [
        1, -2.5, 65504, .infinity, 5.9604645e-08, 1.0009766, 0.33325195,
      ])
    #expect(
      Tensor([1.00390625, 3.14159274] as [Float]).to(.bfloat16).array(of: Float.self) == [1, 3.140625])
  }

  @Test func largeTransposedCopiesAgree() {
    let wide = Tensor((0..<(130 * 70)).map(Float.init), shape: [130, 70])
    let copy = wide.transposed().contiguous()
    #expect(copy[69, 129].item() == wide[129, 69].item())
    #expect(copy.transposed().array(of: Float.self) == wide.array(of: Float.self))
  }
}

@Suite struct RandomGeneratorTests {
  @Test func stateRestoresInTheMiddleOfABlock() throws {
    var generator = RandomGenerator(seed: 1)
    _ = generator.next()
    var restored = try #require(RandomGenerator(state: generator.state))
    #expect((0..<5).map { _ in generator.next() } == (0..<5).map { _ in restored.next() })
  }

  @Test func knownBlockOfPhilox() {
    // Random123's known-answer test for philox4x32-10 with counter 0 and key 0.
    var generator = RandomGenerator(seed: 0)
    #expect(generator.next() == 0xe169_c58d_6627_e8d5)
    #expect(generator.next() == 0x9b00_dbd8_bc57_ac4c)
  }

  @Test func splitsAreIndependentOfOrder() {
    let parent = RandomGenerator(seed: 9)
    var (a, b, again) = (parent.split(1), parent.split(2), parent.split(1))
    #expect(a.next() == again.next())
    #expect(a.next() != b.next())
  }
}
