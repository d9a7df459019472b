import Foundation
import Tensor
import Testing

/// Sorting, positions, scans and logic, against NumPy's answers.
@Suite struct OrderTests {
  @Test func sortingPutsNaNLastAndKeepsEqualsInOrder() {
    let x = Tensor([2, .nan, -0.0, -1, 0, .infinity, 2, -.infinity] as [Float])
    #expect(x.argsort().array(of: Int64.self) == [7, 3, 2, 4, 0, 6, 5, 1])
    #expect(x.argsort(descending: true).array(of: Int64.self) == [1, 5, 0, 6, 2, 4, 3, 7])
  }

  @Test(arguments: [DType.float32, .float64, .float16, .int32, .int64, .uint8])
  func longSortsAgreeWithSwifts(_ type: DType) {
    var generator = RandomGenerator(seed: 8)
    let range = type == .uint8 ? 0.0..<200 : -900.0..<900
    let x = Tensor.randomUniform([3, 700], in: range, dtype: .float64, using: &generator).to(type)
    let (values, indices) = x.transposed().sorted(axis: 0)
    for row in 0..<3 {
      let elements = x[row].array(of: Double.self)
      let expected = elements.indices.sorted { (elements[$0], $0) < (elements[$1], $1) }
      #expect(indices[.ellipsis, row].array(of: Int64.self) == expected.map { Int64($0) })
      #expect(values[.ellipsis, row].array(of: Double.self) == elements.sorted())
    }
  }

  @Test func largeIntegersKeepTheirDigits() {
    let big: Int64 = 1 << 60
    let x = Tensor([big + 1, big, big + 2, big])
    #expect(x.argsort().array(of: Int64.self) == [1, 3, 0, 2])
    #expect(x.unique().counts.array(of: Int64.self) == [2, 1, 1])
    #expect(x.argmax().item() == 2)
  }

  @Test func positionsOfExtremesTakeTheFirstAndNaN() {
    let x = Tensor([1, 5, 5, -2, -2, 0] as [Float], shape: [2, 3])
    #expect(x.argmax(axis: 1).array(of: Int64.self) == [1, 2])
    #expect(x.argmin(axis: 1, keepDims: true).shape == [2, 1])
    #expect(x.transposed().argmin().item() == 1)
    #expect(Tensor([3, .nan, 9] as [Float]).argmax().item() == 1)
    #expect(Tensor([.nan, 1] as [Double]).argmin().item() == 0)
  }

  @Test func runningLogarithmsOfSmallElements() {
    let x = Tensor([-300, 0, -400, 2] as [Float]).requiringGradient()
    let result = x.logCumSumExp(axis: 0)
    let expected: [Float] = [-300, 0, 0, 2.126928]
    for (a, b) in zip(result.array(of: Float.self), expected) { #expect(abs(a - b) < 1e-5) }
    let gradient = result.sum().backward()[x]!.array(of: Float.self)
    for (a, b) in zip(gradient, [1, 2.1192029, 0, 0.880797] as [Float]) { #expect(abs(a - b) < 1e-5) }
    let nothing = Tensor([-.infinity, -.infinity, 1] as [Float]).logCumSumExp(axis: 0)
    #expect(nothing.array(of: Float.self) == [-.infinity, -.infinity, 1])
  }

  @Test func gatherReadsViewsAlongAnyAxis() {
    let x = Tensor((0..<24).map(Float.init), shape: [2, 3, 4]).transposed(0, 2)
    let indices = Tensor([1, -1, 0, 3] as [Int64], shape: [2, 2, 1])
    #expect(x.gather(axis: 0, indices).array(of: Float.self) == [1, 7, 0, 7])
    #expect(x.gather(axis: 0, Tensor.zeros([0, 3, 2], dtype: .int64)).shape == [0, 3, 2])
  }

  @Test func remaindersHaveTheDivisorsSign() {
    let (a, b) = (Tensor([7, -7, 7, -7] as [Int64]), Tensor([3, 3, -3, -3] as [Int64]))
    #expect(a.remainder(b).array(of: Int64.self) == [1, 2, -2, -1])
    #expect(a.floorDivided(by: b).array(of: Int64.self) == [2, -3, -3, 2])
    #expect(a.to(.float32).remainder(b.to(.float32)).array(of: Float.self) == [1, 2, -2, -1])
    #expect(a.to(.float64).floorDivided(by: 2).array(of: Double.self) == [3, -4, 3, -4])
    #expect(a.remainder(Tensor([0] as [Int64])).array(of: Int64.self) == [0, 0, 0, 0])
    #expect(Tensor([Int64.min]).floorDivided(by: Tensor([-1] as [Int64])).array(of: Int64.self) == [.min])
  }

  @Test func logicBroadcasts() {
    let (a, b) = (Tensor([true, false]), Tensor([true, true, false, false], shape: [2, 2]))
    #expect((a .& b).array(of: Bool.self) == [true, false, false, false])
    #expect((a .| b).array(of: Bool.self) == [true, true, true, false])
    #expect((a .^ b).array(of: Bool.self) == [false, true, true, false])
    #expect((.!a).array(of: Bool.self) == [false, true])
    let odd = Tensor([1, .nan, .infinity, -.infinity] as [Float])
    #expect(odd.isNaN().array(of: Bool.self) == [false, true, false, false])
    #expect(odd.isInfinite().array(of: Bool.self) == [false, false, true, true])
    #expect(odd.isFinite().array(of: Bool.self) == [true, false, false, false])
    #expect(odd[2...].isClose(to: odd[2...]))
    #expect(!odd.isClose(to: odd))
    #expect(b.nonZero().array(of: Int64.self) == [0, 0, 0, 1])
    #expect(b.countNonZero(axes: [0]).array(of: Int64.self) == [1, 1])
  }

  @Test func ranges() {
    #expect(Tensor.arange(from: 1, to: 2, by: 0.25).array(of: Float.self) == [1, 1.25, 1.5, 1.75])
    #expect(Tensor.arange(from: 3, to: 0, by: -1, dtype: .int32).array(of: Int32.self) == [3, 2, 1])
    #expect(Tensor.arange(from: 1, to: 0).shape == [0])
    #expect(Tensor.linspace(0, 1, count: 5).array(of: Float.self) == [0, 0.25, 0.5, 0.75, 1])
    #expect(Tensor.linspace(2, 9, count: 1).array(of: Float.self) == [2])
  }
}
