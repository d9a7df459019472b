import Foundation
import Tensor
import Testing

/// Attention mass against the sums it stands for: probabilities of the same rows, composed operations, finite
/// differences.
@Suite("Attention mass")
struct AttentionMassTests {
  /// A shared prompt of three rows with two answers, and a row without a segment.
  static let layout = FusedOperationTests.sharedPrompt
  static let foci = [
    AttentionFocus(queries: [3, 4], keys: [0, 1, 2], weights: [[1, 0, 0.5], [1, 1, 1]]),
    AttentionFocus(queries: [5, 2, 6], keys: [2, 4, 5, 2], weights: [[2, 1, -1, 0.25], [0, 1, 1, 0]]),
  ]

  static let rows: [GradientRow] = [
    .init(name: "grouped heads", shapes: [[7, 4, 3], [7, 2, 3]]) {
      attentionMass(query: $0[0], key: $0[1], layout: layout, foci: foci)
    },
    .init(name: "views with strides", shapes: [[7, 3, 3]]) {
      attentionMass(
        query: $0[0][0..<7, 0..<1], key: $0[0][0..<7, 1..<2], layout: layout, foci: foci, scale: 0.6)
    },
    .init(name: "a negative scale", shapes: [[7, 2, 3], [7, 2, 3]]) {
      attentionMass(query: $0[0], key: $0[1], layout: layout, foci: foci, scale: -0.8)
    },
    .init(name: "a share", shapes: [[7, 4, 3], [7, 2, 3]]) {
      let sums = attentionMass(query: $0[0], key: $0[1], layout: layout, foci: [foci[0]])
        .mean(axes: [0, 1])
      return sums.slice(axis: 0, 0..<1) / sums.slice(axis: 0, 1..<2)
    },
    .init(name: "expanded queries", shapes: [[1, 2, 3], [7, 2, 3]]) {
      attentionMass(query: $0[0].expanded(to: [7, 2, 3]), key: $0[1], layout: layout, foci: foci)
    },
  ]

  @Test(arguments: rows) func gradientsAgreeWithFiniteDifferences(_ row: GradientRow) {
    var generator = RandomGenerator(seed: 5)
    let inputs = row.shapes.map {
      Tensor.randomUniform($0, in: row.range, dtype: .float64, using: &generator)
    }
    #expect(gradCheck(inputs, row.function) <= 1)
  }

  /// Visible keys of every row of a layout as a mask over scores.
  private static func mask(_ layout: AttentionLayout, _ tokens: Int, _ keys: Int) -> Tensor {
    var visible = [Bool](repeating: false, count: tokens * keys)
    for row in 0..<tokens {
      for key in AttentionKernelTests.visible(layout, row) { visible[row * keys + key] = true }
    }
    return Tensor(visible).reshaped([tokens, keys])
  }

  /// The same by scores of all rows, softmax and a product.
  private static func composed(
    _ query: Tensor, _ key: Tensor, _ layout: AttentionLayout, _ foci: [AttentionFocus], scale: Double
  ) -> Tensor {
    let (tokens, heads, keys) = (query.shape[0], query.shape[1], key.shape[0])
    let repeats = heads / key.shape[1]
    let k = key.permuted([1, 0, 2]).repeated(repeats, axis: 0)
    let seen = mask(layout, tokens, keys)
    let hidden = Tensor.full([], -1e30, dtype: query.dtype)
    let scores = Tensor.select(seen, query.permuted([1, 0, 2]).matmul(k.transposed()) * scale, hidden)
    let probabilities = Tensor.select(
      seen, scores.softmax(axis: -1), Tensor.zeros([], dtype: query.dtype))
    let parts = foci.map { focus in
      var weights = [Double](repeating: 0, count: keys * focus.weights.count)
      for (mass, list) in focus.weights.enumerated() {
        for (place, key) in focus.keys.enumerated() {
          weights[key * focus.weights.count + mass] += list[place]
        }
      }
      let matrix = Tensor(weights, shape: [keys, focus.weights.count]).to(query.dtype)
      return probabilities.permuted([1, 0, 2]).rows(at: Tensor(focus.queries.map(Int64.init))).matmul(matrix)
    }
    return Tensor.concatenated(parts, axis: 0)
  }

  @Test(arguments: AttentionKernelTests.cases) func isWhatComposedOperationsGive(
    _ item: AttentionKernelTests.Case
  ) {
    let keys = item.tokens
    let foci = (0..<3).map { number -> AttentionFocus in
      let asked = (0..<keys).filter { ($0 + number) % 2 == 0 }
      func weights(_ mass: Int) -> [Double] { asked.map { Double(($0 * 7 + mass * 3) % 5) / 4 } }
      return AttentionFocus(
        queries: (0..<item.tokens).filter { number == 1 || $0 % 3 == number }, keys: asked,
        weights: [weights(0), weights(1)])
    }
    func run(_ type: DType, _ function: (Tensor, Tensor) -> Tensor) -> [[Double]] {
      var generator = RandomGenerator(seed: 8)
      let query = Tensor.randomNormal(
        [item.tokens, item.heads, item.dim], dtype: .float64, using: &generator)
      let key = Tensor.randomNormal([keys, item.keyHeads, item.dim], dtype: .float64, using: &generator)
      let (q, k) = (query.to(type).requiringGradient(), key.to(type).requiringGradient())
      let result = function(q, k)
      let weights = Tensor((0..<result.count).map { Double(1 + $0 % 7) / 7 }, shape: result.shape).to(type)
      let gradients = (result * weights).sum().backward()
      return [result, gradients[q]!, gradients[k]!].map { $0.array(of: Double.self) }
    }
    let expected = run(.float64) { Self.composed($0, $1, item.layout, foci, scale: 0.7) }
    func mass(_ q: Tensor, _ k: Tensor) -> Tensor {
      attentionMass(query: q, key: k, layout: item.layout, foci: foci, scale: 0.7)
    }
    for (found, known) in zip(run(.float64, mass), expected) { #expect(worst(found, known) < 1e-12) }
    for (found, known) in zip(run(.float32, mass), expected) {
      #expect(worst(found, known) < 2e-5 * known.reduce(1) { max($0, abs($1)) })
    }
  }

  @Test func isTheSumOfProbabilities() {
    var generator = RandomGenerator(seed: 2)
    let query = Tensor.randomNormal([7, 4, 3], using: &generator)
    let key = Tensor.randomNormal([7, 2, 3], using: &generator)
    let found = attentionMass(query: query, key: key, layout: Self.layout, foci: Self.foci)
    #expect(found.shape == [5, 4, 2])
    let p = attentionProbabilities(query: query, key: key, layout: Self.layout, rows: [3, 4, 5, 2, 6])
      .array(of: Float.self)
    let values = found.array(of: Float.self)
    for (row, focus) in [0, 0, 1, 1, 1].enumerated() {
      for head in 0..<4 {
        for mass in 0..<2 {
          var sum: Float = 0
          for (key, weight) in zip(Self.foci[focus].keys, Self.foci[focus].weights[mass]) {
            sum += Float(weight) * p[(row * 4 + head) * 7 + key]
          }
          #expect(abs(values[(row * 4 + head) * 2 + mass] - sum) < 1e-6)
        }
      }
    }
    // The last row belongs to no segment; key 5 is hidden from the rows before it.
    #expect(values.suffix(8).allSatisfy { $0 == 0 })
  }

  @Test(arguments: [DType.float16, .bfloat16]) func halvesAreRoundedOnce(_ type: DType) {
    var generator = RandomGenerator(seed: 4)
    let query = Tensor.randomNormal([7, 4, 3], using: &generator).to(type)
    let key = Tensor.randomNormal([7, 2, 3], using: &generator).to(type)
    func run(_ query: Tensor, _ key: Tensor) -> [Tensor] {
      let (q, k) = (query.requiringGradient(), key.requiringGradient())
      let result = attentionMass(query: q, key: k, layout: Self.layout, foci: Self.foci)
      let gradients = result.sum().backward()
      return [result, gradients[q]!, gradients[k]!]
    }
    for (half, single) in zip(run(query, key), run(query.to(.float32), key.to(.float32))) {
      #expect(half.dtype == type)
      #expect(half.array(of: Float.self) == single.to(type).array(of: Float.self))
    }
  }

  @Test func nothingToAsk() {
    let x = Tensor.ones([7, 2, 3]).requiringGradient()
    func mass(_ foci: [AttentionFocus], _ x: Tensor) -> Tensor {
      attentionMass(query: x, key: x, layout: Self.layout, foci: foci)
    }
    #expect(mass([], x).shape == [0, 2, 0])
    #expect(mass([.init(queries: [1], keys: [0], weights: [])], x).shape == [1, 2, 0])
    #expect(mass([.init(queries: [], keys: [0], weights: [[1]])], x).shape == [0, 2, 1])
    let none = mass([.init(queries: [1, 4], keys: [], weights: [[], []])], x)
    #expect(none.array(of: Float.self) == [Float](repeating: 0, count: 8))
    let gradient = none.sum().backward()[x]
    #expect(gradient.map { $0.array(of: Float.self).allSatisfy { $0 == 0 } } == true)
    let flat = Tensor.ones([7, 2, 0])
    let even = attentionMass(
      query: flat, key: flat, layout: Self.layout, foci: [.init(queries: [1], keys: [0], weights: [[1]])],
      scale: 1)
    #expect(even.array(of: Float.self) == [0.5, 0.5])
    let alone = Tensor.ones([1, 1, 3])
    let sole = attentionMass(
      query: alone, key: alone, layout: .causal([1]), foci: [.init(queries: [0], keys: [0], weights: [[3]])])
    #expect(sole.array(of: Float.self) == [3])
    let headless = attentionMass(
      query: Tensor.ones([7, 0, 3]), key: Tensor.ones([7, 1, 3]), layout: Self.layout, foci: Self.foci)
    #expect(headless.shape == [5, 0, 2])
  }

  /// All weights the same: nothing that queries or keys do changes the mass of what is seen.
  @Test func theMassOfEverythingIsOne() {
    var generator = RandomGenerator(seed: 6)
    let x = Tensor.randomNormal([7, 2, 3], dtype: .float64, using: &generator).requiringGradient()
    let mass = attentionMass(
      query: x, key: x, layout: Self.layout,
      foci: [.init(queries: [0, 4, 5], keys: Array(0..<7), weights: [[Double](repeating: 1, count: 7)])])
    #expect(mass.array(of: Double.self).allSatisfy { abs($0 - 1) < 1e-12 })
    let gradient = mass.sum().backward()[x]
    #expect(gradient.map { $0.array(of: Double.self).allSatisfy { abs($0) < 1e-12 } } == true)
  }

  @Test func largeScoresStayFinite() {
    var generator = RandomGenerator(seed: 6)
    let x = (Tensor.randomNormal([7, 2, 3], using: &generator) * 1e6).requiringGradient()
    let mass = attentionMass(query: x, key: x, layout: Self.layout, foci: Self.foci)
    #expect(mass.array(of: Float.self).allSatisfy { $0.isFinite })
    let gradient = mass.sum().backward()[x]
    #expect(gradient.map { $0.array(of: Float.self).allSatisfy { $0.isFinite } } == true)
  }

  /// A number that is none reaches those who see it, and nobody else.
  @Test func notANumberStaysWhereItIsSeen() {
    var values = [Float](repeating: 0.5, count: 7 * 2 * 3)
    values[5 * 6] = .nan
    let key = Tensor(values, shape: [7, 2, 3])
    let mass = attentionMass(query: Tensor.ones([7, 2, 3]), key: key, layout: Self.layout, foci: Self.foci)
      .array(of: Float.self)
    #expect(mass[0..<8].allSatisfy { $0.isFinite }, "rows 3 and 4 do not see key 5")
    #expect(mass[8..<10].allSatisfy { $0.isNaN }, "row 5 does, in the first head")
    #expect(mass[10..<12].allSatisfy { $0.isFinite })
  }

  @Test func thereIsNoSecondDerivative() throws {
    let x = Tensor.ones([7, 2, 3]).requiringGradient()
    let error = try #require(throws: TensorError.self) {
      try withTensorErrors {
        _ = attentionMass(query: x, key: x, layout: Self.layout, foci: Self.foci).sum()
          .backward(keepingGraph: true)
      }
    }
    #expect(error.operation == "attentionMass" && "\(error)".contains("second derivative"))
  }

  @Test func resultsDoNotDependOnTheNumberOfThreads() {
    let before = Threads.count
    defer { Threads.count = before }
    var generator = RandomGenerator(seed: 4)
    let heads = Tensor.randomNormal([900, 4, 16], using: &generator)
    let foci = (0..<3).map { number in
      AttentionFocus(
        queries: Array(number * 300 + 100..<number * 300 + 300),
        keys: Array(number * 300..<number * 300 + 90),
        weights: [(0..<90).map { Double($0 % 3) }])
    }
    func run() -> [[Float]] {
      let (q, k) = (heads.requiringGradient(), heads.requiringGradient())
      let mass = attentionMass(query: q, key: k, layout: .causal([300, 300, 300]), foci: foci)
      let gradients = mass.square().sum().backward()
      return [mass, gradients[q]!, gradients[k]!].map { $0.array(of: Float.self) }
    }
    Threads.count = 1
    let one = run()
    for count in [2, 3] {
      Threads.count = count
      #expect(run() == one)
    }
  }
}
