import Tensor
import Testing

let convolutionGradientRows: [GradientRow] = [
  .init(name: "conv2d", shapes: [[2, 2, 4, 3], [3, 2, 2, 2], [3]]) {
    conv2d($0[0], weight: $0[1], bias: $0[2], stride: (2, 1), padding: (1, 0))
  },
  .init(name: "conv2d in groups, dilated", shapes: [[1, 4, 5, 4], [2, 2, 2, 2]]) {
    conv2d($0[0], weight: $0[1], dilation: (2, 1), groups: 2)
  },
  .init(name: "conv2d of views", shapes: [[3, 3, 2], [2, 2, 1, 2]]) {
    conv2d($0[0].transposed(0, 2), weight: $0[1].permuted([3, 0, 1, 2]).flipped(axes: [2]))
  },
  .init(name: "conv2d of one point", shapes: [[2, 3, 2, 2], [2, 3, 1, 1]]) { conv2d($0[0], weight: $0[1]) },
  .init(name: "conv1d", shapes: [[2, 2, 5], [2, 2, 3], [2]]) {
    conv1d($0[0], weight: $0[1], bias: $0[2], stride: 2, padding: 1)
  },
  .init(name: "convTransposed2d", shapes: [[1, 2, 2, 3], [2, 2, 2, 3], [2]]) {
    convTransposed2d(
      $0[0], weight: $0[1], bias: $0[2], stride: (2, 1), padding: (0, 1), outputPadding: (1, 0))
  },
  .init(name: "convTransposed1d", shapes: [[2, 2, 3], [2, 1, 3]]) {
    convTransposed1d($0[0], weight: $0[1], stride: 2, groups: 2)
  },
  .init(name: "maxPool2d", shapes: [[1, 2, 4, 5]]) {
    maxPool2d($0[0], kernel: (2, 3), stride: (2, 1), padding: (1, 1)).exp()
  },
  .init(name: "averagePool2d", shapes: [[1, 2, 4, 5]]) {
    averagePool2d(
      $0[0], kernel: (3, 2), stride: (2, 2), padding: (1, 0), ceilMode: true, countsPadding: false
    ).exp()
  },
  .init(name: "adaptiveAveragePool2d", shapes: [[2, 5, 4]]) {
    adaptiveAveragePool2d($0[0], size: (3, 2)).exp()
  },
  .init(name: "maxPool1d", shapes: [[2, 7]]) { maxPool1d($0[0], kernel: 3, stride: 2).exp() },
  .init(name: "interpolate bilinear", shapes: [[1, 2, 3, 4]]) {
    interpolate($0[0], size: [5, 3], mode: .bilinear).exp()
  },
  .init(name: "interpolate bicubic", shapes: [[1, 1, 3, 4]]) {
    interpolate($0[0], size: [5, 2], mode: .bicubic, antialiases: true).exp()
  },
  .init(name: "interpolate nearest", shapes: [[1, 2, 3]]) {
    interpolate($0[0], size: [5], mode: .nearest).exp()
  },
]

/// Values are worked out by hand or by PyTorch 2; the cases of the conformance folders cover the rest.
@Suite struct ConvolutionTests {
  let picture = Tensor((0..<16).map(Float.init), shape: [1, 1, 4, 4])

  @Test func windowsAtTheEdgeSeeZeros() {
    let sums = conv2d(picture, weight: Tensor.ones([1, 1, 3, 3]), stride: (3, 3), padding: (1, 1))
    #expect(sums.shape == [1, 1, 2, 2])
    #expect(sums.array(of: Float.self) == [10, 18, 42, 50])
  }

  /// Windows that touch take a way of their own; each is the sum of products under it.
  @Test func patchesAreProductsOfTheirWindows() {
    var generator = RandomGenerator(seed: 5)
    let x = Tensor.randomNormal([3, 2, 5, 7], using: &generator).to(.float64)
    let weight = Tensor.randomNormal([4, 2, 2, 3], using: &generator).to(.float64)
    let bias = Tensor([1, -1, 0.5, 0] as [Double])
    let result = conv2d(x, weight: weight, bias: bias, stride: (2, 3))
    #expect(result.shape == [3, 4, 2, 2])
    for picture in 0..<3 {
      for output in 0..<4 {
        for (row, column) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
          let window = x[picture, .all, (2 * row)..<(2 * row + 2), (3 * column)..<(3 * column + 3)]
          let expected = (window * weight[output]).sum().item() + bias[output].item()
          #expect(abs(result[picture, output, row, column].item() - expected) < 1e-12)
        }
      }
    }
  }

  @Test func transposingSpreadsOverWindows() {
    let spread = convTransposed2d(
      Tensor([1, 2] as [Float], shape: [1, 1, 1, 2]),
      weight: Tensor([1, 10, 100] as [Float], shape: [1, 1, 1, 3]),
      stride: (1, 2))
    #expect(spread.array(of: Float.self) == [1, 10, 102, 20, 200])
  }

  @Test func emptyBatchesHaveShapesAndGradients() {
    let empty = Tensor.zeros([0, 2, 4, 4]).requiringGradient()
    let weight = Tensor.ones([3, 2, 2, 2]).requiringGradient()
    let result = conv2d(empty, weight: weight)
    #expect(result.shape == [0, 3, 3, 3])
    let gradients = result.sum().backward()
    #expect(gradients[empty]?.shape == [0, 2, 4, 4])
    #expect(gradients[weight]?.array(of: Float.self) == [Float](repeating: 0, count: 24))
    #expect(maxPool2d(empty.detached(), kernel: (2, 2)).shape == [0, 2, 2, 2])
    #expect(interpolate(empty.detached(), size: [3, 5]).shape == [0, 2, 3, 5])
  }

  @Test func typesArePromotedAndHalvesStayHalves() {
    #expect(conv2d(picture.to(.float64), weight: Tensor.ones([1, 1, 1, 1])).dtype == .float64)
    #expect(
      conv2d(picture.to(.bfloat16), weight: Tensor.ones([1, 1, 1, 1], dtype: .bfloat16)).dtype == .bfloat16)
    #expect(maxPool2d(picture.to(.float16), kernel: (4, 4)).item() == 15)
  }

  @Test func poolsOfWholeAndPartialWindows() {
    #expect(maxPool2d(picture, kernel: (2, 2)).array(of: Float.self) == [5, 7, 13, 15])
    #expect(maxPool2d(-picture, kernel: (3, 3), ceilMode: true).array(of: Float.self) == [0, -3, -12, -15])
    #expect(averagePool2d(picture, kernel: (3, 3), ceilMode: true).array(of: Float.self) == [5, 7, 13, 15])
    #expect(
      averagePool1d(Tensor([1, 3, 5] as [Float], shape: [1, 3]), kernel: 2, stride: 1).array(of: Float.self)
        == [2, 4])
    let ties = Tensor.zeros([1, 2, 2]).requiringGradient()
    #expect(
      maxPool2d(ties, kernel: (2, 2)).sum().backward()[ties]!.array(of: Float.self) == [1, 0, 0, 0])
    #expect(maxPool2d(Tensor([1, .nan, 2, 3] as [Float], shape: [1, 2, 2]), kernel: (2, 2)).item().isNaN)
  }

  @Test(arguments: [
    (DType.int64, [Int64.max - 1, Int64.max, -3, 7, .min, 5]), (.int32, [7, 9, -3, 1, -8, 2]),
    (.uint8, [254, 255, 0, 9, 3, 4]), (.bool, [0, 1, 0, 1, 0, 1]),
  ])
  func largestIntegersKeepTypeAndDigits(type: DType, numbers: [Int64]) {
    let x = Tensor(numbers, shape: [1, 2, 3]).to(type)
    func pooled(_ result: Tensor) -> [Int64] {
      #expect(result.dtype == type)
      return result.array(of: Int64.self)
    }
    func largest(_ places: [[Int]]) -> [Int64] { places.map { $0.map { numbers[$0] }.max()! } }
    let whole = pooled(maxPool2d(x, kernel: (2, 3)))
    #expect(whole == largest([[0, 1, 2, 3, 4, 5]]))
    let padded = pooled(maxPool2d(x, kernel: (1, 2), stride: (1, 2), padding: (0, 1)))
    #expect(padded == largest([[0], [1, 2], [3], [4, 5]]))
    let dilated = pooled(maxPool1d(x[0], kernel: 2, dilation: 2))
    #expect(dilated == largest([[0, 2], [3, 5]]))
    let partial = pooled(maxPool1d(x[0], kernel: 2, ceilMode: true))
    #expect(partial == largest([[0, 1], [2], [3, 4], [5]]))
  }

  @Test func interpolationKeepsCornersOrEdges() {
    let line = Tensor([0, 1, 2] as [Float], shape: [1, 1, 3])
    #expect(
      interpolate(line, size: [5], mode: .linear, alignsCorners: true).array(of: Float.self) == [
        0, 0.5, 1, 1.5, 2,
      ])
    #expect(interpolate(line, size: [6], mode: .nearest).array(of: Float.self) == [0, 0, 1, 1, 2, 2])
    #expect(interpolate(line, scale: [1.7], mode: .linear).shape == [1, 1, 5])
    #expect(
      interpolate(picture, size: [4, 4], mode: .bicubic).array(of: Float.self)
        == picture.array(of: Float.self))
  }

  /// Large enough for several tasks in each of the three products.
  @Test func threadsDoNotChangeABit() {
    var generator = RandomGenerator(seed: 3)
    let x = Tensor.randomNormal([3, 6, 40, 36], using: &generator).requiringGradient()
    let weight = Tensor.randomNormal([8, 3, 5, 5], using: &generator).requiringGradient()
    func results() -> [[Float]] {
      let y = conv2d(x, weight: weight, padding: (2, 2), groups: 2)
      let pooled = maxPool2d(y, kernel: (3, 3), stride: (2, 2))
      let gradients = (pooled.square().sum() + averagePool2d(y, kernel: (2, 2)).sum()).backward()
      return [y, gradients[x]!, gradients[weight]!].map { $0.array(of: Float.self) }
    }
    let count = Threads.count
    defer { Threads.count = count }
    Threads.count = 1
    let alone = results()
    Threads.count = 4
    #expect(results() == alone)
  }
}
