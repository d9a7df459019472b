import Foundation
import Tensor
import Testing

/// Fused operations against finite differences and against the same formula in small operations.
@Suite("Fused operations")
struct FusedOperationTests {
  static let sharedPrompt = AttentionLayout(segments: [
    .init(queries: 0..<3, causal: 0..<3), .init(queries: 3..<5, keys: [0..<3], causal: 3..<5),
    .init(queries: 5..<6, keys: [0..<3], causal: 5..<6),
  ])

  static let rows: [GradientRow] = [
    .init(name: "softmax", shapes: [[2, 5]]) { $0[0].softmax() },
    .init(name: "softmax of the first axis", shapes: [[3, 4]]) { $0[0].softmax(axis: 0) },
    .init(name: "logSoftmax", shapes: [[2, 5]]) { $0[0].logSoftmax() },
    .init(name: "layerNorm", shapes: [[2, 3, 5], [5], [5]]) { layerNorm($0[0], weight: $0[1], bias: $0[2]) },
    .init(name: "layerNorm without bias", shapes: [[3, 5], [5]]) { layerNorm($0[0], weight: $0[1]) },
    .init(name: "layerNorm plain", shapes: [[3, 5]]) { layerNorm($0[0]) },
    .init(name: "rmsNorm", shapes: [[2, 3, 5], [5]]) { rmsNorm($0[0], weight: $0[1]) },
    .init(name: "rmsNorm plain", shapes: [[3, 5]]) { rmsNorm($0[0]) },
    .init(name: "swiGLU", shapes: [[2, 5], [2, 5]]) { swiGLU($0[0], $0[1]) },
    .init(name: "rotary", shapes: [[3, 2, 4]]) { rotary($0[0], positions: [0, 5, 2], base: 100) },
    .init(name: "rotary of a permuted view", shapes: [[2, 3, 4]]) {
      rotary($0[0].permuted([1, 0, 2]), positions: [0, 5, 2], base: 100)
    },
  ]

  static let onceDifferentiable: [GradientRow] = [
    .init(name: "attention", shapes: [[6, 4, 3], [6, 2, 3], [6, 2, 3]]) {
      attention(query: $0[0], key: $0[1], value: $0[2], layout: sharedPrompt)
    },
    .init(name: "attention of views", shapes: [[6, 3, 3]]) { inputs in
      attention(
        query: inputs[0][0..<6, 0..<1], key: inputs[0][0..<6, 1..<2], value: inputs[0][0..<6, 2..<3],
        layout: .causal([4, 2]), scale: 0.6)
    },
    .init(name: "targetLogProbabilities", shapes: [[4, 3], [7, 3]]) {
      targetLogProbabilities(hidden: $0[0], weight: $0[1], targets: [6, 0, 3, 3])
    },
  ]

  @Test(arguments: rows + onceDifferentiable) func gradientsAgreeWithFiniteDifferences(_ row: GradientRow) {
    var generator = RandomGenerator(seed: 5)
    let inputs = row.shapes.map {
      Tensor.randomUniform($0, in: row.range, dtype: .float64, using: &generator)
    }
    #expect(gradCheck(inputs, row.function) <= 1)
  }

  @Test(arguments: rows) func secondDerivativesAgreeWithFiniteDifferences(_ row: GradientRow) {
    var generator = RandomGenerator(seed: 6)
    let inputs = row.shapes.map {
      Tensor.randomUniform($0, in: row.range, dtype: .float64, using: &generator)
    }
    let worst = gradCheck(inputs, tolerance: 1e-4) { arguments in
      let leaves = arguments.map { $0.requiresGradient ? $0 : $0.requiringGradient() }
      let gradients = row.function(leaves).square().sum().backward(keepingGraph: true)
      return leaves.reduce(Tensor(0, dtype: .float64)) { $0 + (gradients[$1] ?? $1 * 0).square().sum() }
    }
    #expect(worst <= 1)
  }

  /// Single precision at widths with and without a remainder after the SIMD lanes, against Float64.
  @Test(arguments: [1, 7, 16, 33, 512]) func singlePrecisionIsClose(width: Int) {
    var generator = RandomGenerator(seed: 9)
    let x = Tensor.randomNormal([40, width], mean: 3, dtype: .float32, using: &generator)
    let y = Tensor.randomNormal([40, width], dtype: .float32, using: &generator)
    let w = Tensor.randomNormal([width], dtype: .float32, using: &generator)
    check(x, y, w) { x, _, _ in x.softmax() }
    check(x, y, w) { x, _, _ in x.logSoftmax() }
    if width > 1 { check(x, y, w) { x, y, w in layerNorm(x * 2 + y, weight: w, bias: w) } }
    check(x, y, w) { x, _, w in rmsNorm(x, weight: w) }
    check(x, y, w) { x, y, _ in swiGLU(x, y) }
    check(x, y, w) { x, y, _ in
      targetLogProbabilities(hidden: x, weight: y, targets: (0..<40).map { Int32(39 - $0) })
    }
  }

  private func check(
    _ x: Tensor, _ y: Tensor, _ w: Tensor, _ function: (Tensor, Tensor, Tensor) -> Tensor,
    location: SourceLocation = #_sourceLocation
  ) {
    func run(_ type: DType) -> [[Double]] {
      let inputs = [x, y, w].map { $0.to(type).requiringGradient() }
      let result = function(inputs[0], inputs[1], inputs[2])
      let weights = Tensor((0..<result.count).map { Float(1 + $0 % 7) / 7 }, shape: result.shape).to(type)
      let gradients = (result * weights).sum().backward()
      return [result.array(of: Double.self)] + inputs.map { gradients[$0]?.array(of: Double.self) ?? [] }
    }
    for (single, double) in zip(run(.float32), run(.float64)) {
      let scale = double.reduce(0.1) { max($0, abs($1)) }
      #expect(worst(single, double) <= 3e-5 * scale, sourceLocation: location)
    }
  }

  @Test func attentionOfExpandedRowsIsThatOfTheirCopies() {
    var generator = RandomGenerator(seed: 3)
    let one = Tensor.randomNormal([1, 2, 4], dtype: .float64, using: &generator)
    let rows = Tensor.randomNormal([3, 2, 4], dtype: .float64, using: &generator)
    let layout = AttentionLayout.causal([3])
    for place in 0..<3 {
      let views = (0..<3).map { $0 == place ? one.expanded(to: [3, 2, 4]) : rows }
      let copies = views.map { $0.contiguous() }
      let found = attention(query: views[0], key: views[1], value: views[2], layout: layout)
      let expected = attention(query: copies[0], key: copies[1], value: copies[2], layout: layout)
      #expect(found.array(of: Double.self) == expected.array(of: Double.self))
    }
  }

  @Test func extremeRowsStayFinite() {
    let rows = Tensor([1000, -1000, 0, -.infinity, 5, -.infinity, 88, 89, 90] as [Float], shape: [3, 3])
    let softmax = rows.softmax().array(of: Float.self)
    #expect(softmax.allSatisfy { $0.isFinite })
    #expect(softmax[0] == 1 && softmax[3] == 0 && softmax[4] == 1)
    let logs = rows.logSoftmax().array(of: Float.self)
    #expect(logs[1] == -2000 && logs[3] == -.infinity && logs[4] == 0)
  }

  @Test func resultsDoNotDependOnTheNumberOfThreads() {
    let before = Threads.count
    defer { Threads.count = before }
    var generator = RandomGenerator(seed: 4)
    let x = Tensor.randomNormal([300, 64], using: &generator)
    let w = Tensor.randomNormal([64], using: &generator)
    let heads = Tensor.randomNormal([300, 4, 16], using: &generator)
    func run() -> [[Float]] {
      let (x, w, h) = (x.requiringGradient(), w.requiringGradient(), heads.requiringGradient())
      let mixed = attention(query: h, key: h, value: h, layout: .causal([100, 150, 50])).reshaped([300, 64])
      let gradients = layerNorm(rmsNorm(x, weight: w) + mixed, weight: w).square().sum().backward()
      return [x, w, h].map { gradients[$0]!.array(of: Float.self) }
    }
    Threads.count = 1
    let one = run()
    for count in [2, 3] {
      Threads.count = count
      #expect(run() == one)
    }
  }

  @Test func probabilitiesOfChosenRowsAreThoseOfTheDefinition() {
    var generator = RandomGenerator(seed: 2)
    let query = Tensor.randomNormal([6, 4, 3], using: &generator)
    let key = Tensor.randomNormal([6, 2, 3], using: &generator)
    let p = attentionProbabilities(query: query, key: key, layout: Self.sharedPrompt, rows: [5, 3])
    #expect(p.shape == [2, 4, 6])
    let values = p.array(of: Float.self)
    for head in 0..<4 {
      let (last, first) = (
        Array(values[head * 6..<head * 6 + 6]), Array(values[(4 + head) * 6..<(4 + head) * 6 + 6])
      )
      #expect(abs(last.reduce(0, +) - 1) < 1e-6 && last[3] == 0 && last[4] == 0 && last[5] > 0)
      #expect(abs(first.reduce(0, +) - 1) < 1e-6 && first[3] > 0 && first[4] == 0 && first[5] == 0)
    }
    let rows = matmul(p[.ellipsis], Tensor.eye(6)).array(of: Float.self)
    #expect(rows == values)
  }

  @Test func rotaryTurnsPairsByTheirAngle() {
    let x = Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 4])
    let y = rotary(x, positions: [3], base: 100).array(of: Double.self)
    let (a, b) = (3.0, 0.3)
    let expected = [
      cos(a) - 3 * sin(a), 2 * cos(b) - 4 * sin(b), 3 * cos(a) + sin(a), 4 * cos(b) + 2 * sin(b),
    ]
    #expect(worst(y, expected) < 1e-6)
  }
}
