import Tensor
import Testing

/// Subscripts mean what NumPy's do; expected values are NumPy's for `arange(24).reshape(2, 3, 4)`.
@Suite("Subscripts") struct SubscriptTests {
  let x = Tensor.arange(24, dtype: .float32).reshaped([2, 3, 4])

  private func expect(_ found: Tensor, _ shape: [Int], _ values: [Int], _ line: Int = #line) {
    #expect(found.shape == shape, "line \(line)")
    #expect(found.array(of: Int.self) == values, "line \(line)")
  }

  @Test func stepsAndNegativePositions() {
    expect(
      x[.ellipsis, .slice(step: -2)], [2, 3, 2], [3, 1, 7, 5, 11, 9, 15, 13, 19, 17, 23, 21])
    expect(
      x[.all, .slice(from: -1, to: -4, step: -2)], [2, 2, 4],
      [8, 9, 10, 11, 0, 1, 2, 3, 20, 21, 22, 23, 12, 13, 14, 15])
    expect(
      x[.all, .slice(from: 5, to: 0, step: -1)], [2, 2, 4],
      [8, 9, 10, 11, 4, 5, 6, 7, 20, 21, 22, 23, 16, 17, 18, 19])
    expect(x[1, (-2)..., .newAxis, .slice(from: 1, to: -1)], [2, 1, 2], [17, 18, 21, 22])
    expect(x[0, .slice(from: 2, to: 0, step: -1), 3], [2], [11, 7])
    expect(x[.all, (-10)..<2, 0], [2, 2], [0, 4, 12, 16])
    expect(x[0, 0, 1..<1], [0], [])
    expect(x[0, ...1, -1], [2], [3, 7])
    expect(x[1, (-2)...(-1), 0], [2], [16, 20])
    expect(x[.newAxis, .ellipsis, 0, .newAxis].sum(axes: [1]), [1, 3, 1], [12, 20, 28])
  }

  @Test func listsOfIndices() {
    expect(
      x[.all, [2, 0, -1]], [2, 3, 4],
      [8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11, 20, 21, 22, 23, 12, 13, 14, 15, 20, 21, 22, 23])
    expect(x[[1, 0], [0, 2]], [2, 4], [12, 13, 14, 15, 8, 9, 10, 11])
    let table = Tensor([0, 1, 2, 2] as [Int32], shape: [2, 2])
    expect(x[.all, table, [1, 3]], [2, 2, 2], [1, 7, 9, 11, 13, 19, 21, 23])
    expect(x[[0, 1], .all, [1, 3]], [2, 3], [1, 5, 9, 15, 19, 23])
    // An index is applied first, as in PyTorch; NumPy would put the list's axis in front.
    expect(x[0, 1..., [3, 0]], [2, 2], [7, 4, 11, 8])
    expect(x[[Int]()], [0, 3, 4], [])
  }

  @Test func masks() {
    expect(x[Tensor((0..<24).map { $0 % 5 == 0 }, shape: [2, 3, 4])], [5], [0, 5, 10, 15, 20])
    var flags = [Bool](repeating: false, count: 12)
    for chosen in [0, 2, 9] { flags[chosen] = true }
    expect(x[.all, Tensor(flags, shape: [3, 4])], [2, 3], [0, 2, 9, 12, 14, 21])
    expect(x[1, Tensor([true, false, true])], [2, 4], [12, 13, 14, 15, 20, 21, 22, 23])
    expect(x[Tensor([false, false])], [0, 3, 4], [])
  }

  @Test func assignmentWritesThePart() {
    var y = x
    y[.all, 1...] = Tensor(7)
    #expect(y[0].array(of: Int.self) == [0, 1, 2, 3, 7, 7, 7, 7, 7, 7, 7, 7])
    y[1, [0, -1], .slice(step: 2)] = Tensor([-1, -2] as [Double])
    #expect(y[1].array(of: Int.self) == [-1, 13, -2, 15, 7, 7, 7, 7, -1, 7, -2, 7])
    y[y .== 7] = Tensor(0)
    #expect(y.array(of: Int.self).filter { $0 == 7 }.isEmpty)
    y[y .< 0] = Tensor([50, 51, 52, 53] as [Int64])
    #expect(y[1, .all, 0].array(of: Int.self) == [50, 0, 52])
    y[0, 0, .slice(step: -1)] += Tensor([10, 20, 30, 40] as [Float])
    #expect(y[0, 0].array(of: Int.self) == [40, 31, 22, 13])
    y[.all] = x
    #expect(y.array(of: Int.self) == Array(0..<24))
    y[[0, 0], 0, 0] = Tensor([1, 2] as [Float])
    #expect(y[0, 0, 0].item() == 2)
    y[0..<0] = Tensor(9)
    var scalar = Tensor(1)
    scalar[.ellipsis] = Tensor(5)
    #expect(scalar.item() == 5)
    #expect(x.array(of: Int.self) == Array(0..<24))
  }

  @Test func assignmentCopiesOnlySharedMemory() {
    var y = Tensor.zeros([4, 4])
    let before = TensorAddress(y)
    y[1] = Tensor(2)
    #expect(TensorAddress(y) == before)
    let shared = y
    y[2] = Tensor(3)
    #expect(TensorAddress(y) != before && TensorAddress(shared) == before)
    #expect(shared[2].array(of: Int.self) == [0, 0, 0, 0] && y[2].array(of: Int.self) == [3, 3, 3, 3])
    // A part of itself, read and written at once.
    y[.all] = y.transposed()
    #expect(y[0].array(of: Int.self) == [0, 2, 3, 0])
  }

  @Test func assignmentConvertsToTheTensorsType() {
    var bytes = Tensor.zeros([3], dtype: .uint8)
    bytes[1] = Tensor(3.9)
    #expect(bytes.dtype == .uint8 && bytes.array(of: Int.self) == [0, 3, 0])
    var half = Tensor.zeros([2], dtype: .bfloat16)
    half[0] = Tensor(1.00390625)
    #expect(half.array(of: Float.self) == [1, 0])
  }

  @Test func recordedTensorsAreReplaced() {
    let weight = Tensor([1, 2, 3, 4] as [Double]).requiringGradient()
    let value = Tensor([10, 20] as [Double]).requiringGradient()
    var y = weight
    let before = y.square()
    y[1..<3] = value
    let gradients = (before.sum() + (y * y).sum()).backward()
    #expect(y.detached().array(of: Double.self) == [1, 10, 20, 4])
    #expect(weight.array(of: Double.self) == [1, 2, 3, 4])
    #expect(gradients[weight]?.array(of: Double.self) == [4, 4, 6, 16])
    #expect(gradients[value]?.array(of: Double.self) == [20, 40])
  }

  @Test func theLastOfTwoValuesGetsTheGradient() {
    let value = Tensor([1, 2, 3] as [Double]).requiringGradient()
    var y = Tensor.zeros([2], dtype: .float64)
    y[[1, 1, 0]] = value
    #expect(y.detached().array(of: Double.self) == [3, 2])
    #expect(y.sum().backward()[value]?.array(of: Double.self) == [0, 1, 1])
  }
}

/// Where a tensor's first element lies.
private struct TensorAddress: Equatable {
  let address: UnsafeMutableRawPointer
  init(_ tensor: Tensor) { address = tensor.rawPointer }
}
