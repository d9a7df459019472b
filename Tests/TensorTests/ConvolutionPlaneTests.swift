import Tensor
import Testing

/// Convolutions of Float32, which on some processors go a way of their own, against those of Float64, which
/// go through columns.
@Suite struct ConvolutionPlaneTests {
  struct Case: CustomStringConvertible {
    var input: [Int]
    var weight: [Int]
    var stride = (1, 1)
    var padding = (0, 0)
    var dilation = (1, 1)
    var groups = 1

    var description: String {
      "\(input) by \(weight), stride \(stride), padding \(padding), dilation \(dilation), \(groups) groups"
    }
  }

  static let cases: [Case] = {
    var cases = [
      Case(input: [2, 3, 9, 40], weight: [5, 3, 3, 3], padding: (1, 1)),
      Case(input: [1, 1, 1, 1], weight: [1, 1, 1, 1], padding: (2, 2)),
      Case(input: [1, 16, 14, 14], weight: [33, 16, 3, 3], padding: (1, 1)),
      Case(input: [1, 4, 33, 17], weight: [15, 4, 5, 2], padding: (4, 1)),
      Case(input: [2, 6, 12, 31], weight: [4, 3, 3, 3], padding: (1, 1), groups: 2),
      Case(input: [2, 8, 10, 10], weight: [8, 1, 3, 3], padding: (1, 1), groups: 8),
      Case(input: [1, 3, 65, 63], weight: [7, 3, 7, 7], stride: (2, 2), padding: (3, 3)),
      Case(input: [3, 5, 20, 23], weight: [6, 5, 3, 4], stride: (3, 2), padding: (2, 1)),
      Case(input: [1, 5, 20, 23], weight: [6, 5, 1, 1], stride: (2, 3)),
      Case(input: [2, 5, 20, 23], weight: [6, 5, 3, 2], stride: (1, 2), padding: (4, 3), dilation: (3, 2)),
      Case(input: [2, 4, 30, 30], weight: [4, 4, 3, 3], padding: (5, 6), dilation: (5, 6)),
      Case(input: [1, 7, 1, 501], weight: [9, 7, 1, 5], padding: (0, 2)),
      Case(input: [1, 2, 300, 3], weight: [3, 2, 3, 3], padding: (1, 1)),
      Case(input: [1, 300, 6, 70], weight: [20, 300, 3, 3], padding: (1, 1)),
      // Sums of the weight's gradient that are long enough: several pictures together, and blocks of rows.
      Case(input: [9, 3, 9, 40], weight: [5, 3, 3, 3], padding: (1, 1)),
      Case(input: [8, 3, 33, 35], weight: [7, 3, 7, 7], stride: (2, 2), padding: (3, 3)),
      Case(input: [8, 6, 12, 31], weight: [4, 3, 3, 3], padding: (1, 1), groups: 2),
      Case(input: [1, 16, 67, 64], weight: [5, 16, 3, 3], padding: (1, 1)),
      Case(input: [17, 2, 1, 200], weight: [6, 2, 1, 5], padding: (0, 2)),
      // Steps larger than the window, and windows of far rows, which go through columns.
      Case(input: [1, 8, 8, 8], weight: [2, 8, 1, 1], stride: (8192, 8192)),
      Case(input: [1, 128, 1, 1], weight: [1, 128, 1, 1], stride: (1 << 28, 1 << 28)),
      Case(
        input: [1, 64, 1, 1], weight: [1, 64, 2, 1], stride: (1 << 28, 1 << 28), padding: (1 << 28, 0),
        dilation: (1 << 28, 1)),
      Case(input: [1, 4, 400, 64], weight: [4, 4, 3, 1], padding: (100, 0), dilation: (100, 1)),
      Case(input: [0, 3, 8, 8], weight: [2, 3, 3, 3], padding: (1, 1)),
      Case(input: [2, 3, 8, 8], weight: [0, 3, 3, 3], padding: (1, 1)),
      Case(input: [2, 0, 8, 8], weight: [3, 0, 3, 3], padding: (1, 1)),
    ]
    // Every width around one and two vectors, and every remainder of outputs.
    for width in 1...50 {
      cases.append(Case(input: [1, 2, 5, width], weight: [width % 29 + 1, 2, 3, 3], padding: (1, 1)))
    }
    return cases
  }()

  private func values(_ seed: UInt64, _ shape: [Int]) -> Tensor {
    var generator = RandomGenerator(seed: seed)
    return .randomNormal(shape, using: &generator)
  }

  private func results(_ test: Case, _ type: DType) -> [Tensor] {
    let x = values(1, test.input).to(type).requiringGradient()
    let weight = values(2, test.weight).to(type).requiringGradient()
    let bias = values(3, [test.weight[0]]).to(type).requiringGradient()
    let y = conv2d(
      x, weight: weight, bias: bias, stride: test.stride, padding: test.padding, dilation: test.dilation,
      groups: test.groups)
    let gradients = y.backward(from: values(4, y.shape).to(type))
    return [y.detached()]
      + [x, weight, bias].map { gradients[$0] ?? .zeros($0.shape, dtype: type) }
  }

  @Test(arguments: cases)
  func valuesAndGradientsAreThoseOfFloat64(_ test: Case) {
    let (found, expected) = (results(test, .float32), results(test, .float64))
    for (a, b) in zip(found, expected) {
      #expect(a.shape == b.shape)
      if b.count == 0 { continue }
      #expect(((a.to(.float64) - b).abs().max() / (b.abs().max() + 1e-30)).item() < 3e-6, "\(test)")
    }
  }

  /// A picture's result is its own, whatever stands beside it.
  @Test func picturesDoNotTouchEachOther() {
    let (x, weight) = (values(5, [5, 3, 21, 37]), values(6, [17, 3, 3, 3]))
    let all = conv2d(x, weight: weight, padding: (1, 1))
    for picture in 0..<5 {
      let alone = conv2d(x[picture], weight: weight, padding: (1, 1))
      #expect((alone - all[picture]).abs().max().item() < 1e-5)
    }
    let poisoned = Tensor.concatenated([x[0..<1], .full([1, 3, 21, 37], .nan), x[2..<3]], axis: 0)
    let result = conv2d(poisoned, weight: weight, padding: (1, 1))
    #expect(result[0].array(of: Float.self) == result[0].array(of: Float.self).filter { !$0.isNaN })
    #expect(result[2].array(of: Float.self).allSatisfy { $0.isFinite })
    #expect(result[1].array(of: Float.self).allSatisfy { $0.isNaN })
  }

  /// Infinities and NaN reach what lies under their windows, and nothing else, as in Float64.
  @Test(arguments: [Float.nan, .infinity, -.infinity], [(1, 1), (2, 1), (2, 2)])
  func specialValuesStayWhereTheyBelong(_ special: Float, _ stride: (Int, Int)) {
    var generator = RandomGenerator(seed: 9)
    for place in 0..<3 {
      var operands = [
        Tensor.randomNormal([8, 4, 12, 33], using: &generator),
        Tensor.randomNormal([6, 4, 3, 3], using: &generator),
      ]
      let shape = conv2d(operands[0], weight: operands[1], stride: stride, padding: (1, 1)).shape
      operands.append(.randomNormal(shape, using: &generator))
      // One element near a corner of the input, of the weight or of the gradient.
      var values = operands[place].array(of: Float.self)
      values[operands[place].shape.last! - 1] = special
      operands[place] = Tensor(values, shape: operands[place].shape)
      func results(_ type: DType) -> [Tensor] {
        let x = operands[0].to(type).requiringGradient()
        let weight = operands[1].to(type).requiringGradient()
        let y = conv2d(x, weight: weight, stride: stride, padding: (1, 1))
        let gradients = y.backward(from: operands[2].to(type))
        return [y.detached(), gradients[x]!, gradients[weight]!]
      }
      for (found, expected) in zip(results(.float32), results(.float64)) {
        let (a, b) = (found.array(of: Float.self), expected.array(of: Double.self))
        for (one, other) in zip(a, b) {
          if other.isFinite {
            #expect(abs(Double(one) - other) < 1e-3, "place \(place)")
          } else {
            #expect(other.isNaN ? one.isNaN : Double(one) == other, "place \(place)")
          }
        }
      }
    }
  }
}
