import Foundation
import Tensor
import TestSupport
import Testing

/// What PyTorch makes of operands by formulas; see `Tests/Fixtures/layers/make_layers.py`.
private struct TorchCase: Decodable, Sendable {
  let names: [String]?
  let operands: [[Int]]
  let scale: Double
  let shapes: [[Int]]
  let results, gradients: [[Double]]

  static let all: [String: TorchCase] = {
    // A missing file fails every test that asks for a case.
    guard let data = try? Data(contentsOf: Fixtures.url("layers/layers.json")) else { return [:] }
    return (try? JSONDecoder().decode([String: TorchCase].self, from: data)) ?? [:]
  }()

  static func operand(_ shape: [Int], _ k: Int, _ scale: Double = 1) -> Tensor {
    let values = (0..<shape.reduce(1, *)).map { (index: Int) -> Double in
      (Double((index * 389 + k * 101) % 1009) / 504.5 - 1) * scale
    }
    return Tensor(values, shape: shape)
  }

  /// The gradient that is fed into a result.
  static func fed(_ shape: [Int]) -> Tensor {
    let values = (0..<shape.reduce(1, *)).map { (index: Int) -> Double in Double((index * 5 + 2) % 11 - 5) / 4
    }
    return Tensor(values, shape: shape)
  }

  func check(_ found: [Tensor], _ name: String) -> Tensor {
    #expect(found.map(\.shape) == shapes, "\(name)")
    for (one, expected) in zip(found, results) { close(one, expected, name) }
    return found.map { ($0 * Self.fed($0.shape)).sum() }.reduce(Tensor(0.0)) { $0 + $1 }
  }

  func close(_ ours: Tensor, _ expected: [Double], _ name: String) {
    let values = ours.array(of: Double.self)
    #expect(values.count == expected.count, "\(name)")
    let worst = zip(values, expected).map { abs($0 - $1) }.max() ?? 0
    #expect(worst <= 1e-11, "\(name)")
  }
}

private struct TorchRow: CustomTestStringConvertible, Sendable {
  let name: String
  let function: @Sendable ([Tensor]) -> Tensor
  var testDescription: String { name }
}

private let samplingRows: [TorchRow] =
  GridSampleMode.allCases.flatMap { mode in
    GridSamplePadding.allCases.flatMap { padding in
      [false, true].flatMap { corners -> [TorchRow] in
        let options = "\(mode.rawValue) \(padding.rawValue) \(corners ? "True" : "False")"
        return (mode == .bicubic ? ["grid_sample"] : ["grid_sample", "grid_sample volume"]).map { name in
          TorchRow(name: "\(name) \(options)") {
            gridSample($0[0], grid: $0[1], mode: mode, padding: padding, alignsCorners: corners)
          }
        }
      }
    }
  }

private let functionRows: [TorchRow] = [
  .init(name: "affine_grid False") { affineGrid($0[0], size: [2, 3, 4, 3]) },
  .init(name: "affine_grid True") { affineGrid($0[0], size: [2, 3, 4, 3], alignsCorners: true) },
  .init(name: "affine_grid volume False") { affineGrid($0[0], size: [2, 1, 2, 1, 3]) },
  .init(name: "affine_grid volume True") { affineGrid($0[0], size: [2, 1, 2, 1, 3], alignsCorners: true) },
  .init(name: "adaptive_max_pool2d") { adaptiveMaxPool2d($0[0], size: (3, 4)) },
  .init(name: "adaptive_max_pool1d") { adaptiveMaxPool1d($0[0], size: 3) },
  .init(name: "conv3d") {
    conv3d(
      $0[0], weight: $0[1], bias: $0[2], stride: (2, 1, 2), padding: (1, 0, 1), dilation: (2, 1, 1), groups: 2
    )
  },
  .init(name: "conv3d plain") { conv3d($0[0], weight: $0[1]) },
  .init(name: "max_pool3d") {
    maxPool3d($0[0], kernel: (2, 3, 2), stride: (2, 1, 3), padding: (1, 1, 0), dilation: (2, 1, 1))
  },
  .init(name: "max_pool3d ceil") { maxPool3d($0[0], kernel: (2, 2, 2), ceilMode: true) },
  .init(name: "avg_pool3d") {
    averagePool3d($0[0], kernel: (2, 3, 2), stride: (2, 1, 3), padding: (1, 1, 0))
  },
  .init(name: "avg_pool3d ceil") {
    averagePool3d($0[0], kernel: (2, 2, 2), padding: (1, 1, 1), ceilMode: true, countsPadding: false)
  },
  .init(name: "avg_pool3d divisor") { averagePool3d($0[0], kernel: (2, 2, 2), divisor: 3) },
  .init(name: "LSTMCell") {
    let (hidden, cell) = lstmCell(
      $0[0], hidden: $0[1], cell: $0[2], inputWeight: $0[3], hiddenWeight: $0[4], inputBias: $0[5],
      hiddenBias: $0[6])
    return Tensor.stacked([hidden, cell])
  },
  .init(name: "GRUCell") {
    gruCell(
      $0[0], hidden: $0[1], inputWeight: $0[2], hiddenWeight: $0[3], inputBias: $0[4], hiddenBias: $0[5])
  },
  .init(name: "RNNCell") {
    rnnCell(
      $0[0], hidden: $0[1], inputWeight: $0[2], hiddenWeight: $0[3], inputBias: $0[4], hiddenBias: $0[5])
  },
]

@Suite struct TorchLayerTests {
  /// What lies behind the end of a sequence reaches no gradient, whatever it is.
  @Test func paddingReachesNoGradient() throws {
    var generator = RandomGenerator(seed: 2)
    let layer = LSTM(1, 2, batchFirst: true, using: &generator)
    func gradients(_ padding: Float) throws -> [[Float]] {
      let x = Tensor([1, 2, 1, padding] as [Float], shape: [2, 2, 1])
      let found = layer(x, lengths: [2, 1]).output.sum().backward()
      return try layer.trainableParameters().map {
        try #require(found[$0.parameter.tensor]).array(of: Float.self)
      }
    }
    let expected = try gradients(0)
    #expect(expected.joined().allSatisfy(\.isFinite) && expected.joined().contains { $0 != 0 })
    #expect(try gradients(.nan) == expected && gradients(.infinity) == expected)
  }

  @Test(arguments: samplingRows + functionRows) fileprivate func valuesAndGradients(_ row: TorchRow) throws {
    let expected = try #require(TorchCase.all[row.name])
    // Cells have parameters, which have numbers and a scale of their own.
    let states = row.name.hasSuffix("Cell") ? expected.operands.filter { $0 == [4, 2] }.count : 0
    let leaves = expected.operands.enumerated().map { index, shape in
      let isParameter = states > 0 && index > states
      return TorchCase.operand(
        shape, isParameter ? index - states + 4 : index, isParameter ? 0.7 : expected.scale
      ).requiringGradient()
    }
    let result = row.function(leaves)
    let results = expected.shapes.count == 1 ? [result] : result.unstacked()
    let gradients = expected.check(results, row.name).backward()
    for (leaf, slope) in zip(leaves, expected.gradients) {
      expected.close(gradients[leaf] ?? leaf.detached() * 0.0, slope, row.name)
    }
    // Float32 and half precision keep their type.
    for dtype in [DType.float32, .bfloat16] {
      let rounded = row.function(leaves.map { $0.detached().to(dtype) })
      #expect(rounded.dtype == dtype && rounded.shape == result.shape)
    }
  }

  /// Places that are no numbers or far away count as outside.
  @Test func gridsWithoutPlaces() {
    let x = Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 2, 2])
    let far: [Float] = [.nan, 0, .infinity, 0, -.infinity, 0, 1e30, 0, 0, -1e30]
    let grid = Tensor(far, shape: [1, 1, 5, 2])
    for mode in GridSampleMode.allCases {
      let found = gridSample(x, grid: grid, mode: mode).array(of: Float.self)
      #expect(found == [0, 0, 0, 0, 0], "\(mode)")
      for padding in [GridSamplePadding.border, .reflection] {
        let inside = gridSample(x, grid: grid, mode: mode, padding: padding)
        #expect(inside.shape == [1, 1, 1, 5], "\(mode) \(padding)")
      }
    }
    let border = gridSample(x, grid: grid, padding: .border).array(of: Float.self)
    #expect(border == [2, 3, 2, 3, 1.5])
  }

  @Test func empty() {
    let none = Tensor.zeros([0, 2, 3, 3]).requiringGradient()
    let result = gridSample(none, grid: Tensor.zeros([0, 4, 5, 2]))
    #expect(result.shape == [0, 2, 4, 5])
    #expect(result.sum().backward()[none]!.shape == [0, 2, 3, 3])
    #expect(gridSample(Tensor.ones([1, 0, 3, 3]), grid: Tensor.zeros([1, 4, 5, 2])).shape == [1, 0, 4, 5])
    #expect(gridSample(Tensor.ones([1, 2, 3, 3]), grid: Tensor.zeros([1, 0, 5, 2])).shape == [1, 2, 0, 5])
    #expect(affineGrid(Tensor.zeros([0, 2, 3]), size: [0, 1, 2, 2]).shape == [0, 2, 2, 2])
    #expect(affineGrid(Tensor.zeros([1, 2, 3]), size: [1, 1, 0, 2]).shape == [1, 0, 2, 2])
    let volumes = Tensor.zeros([0, 2, 4, 4, 4])
    #expect(conv3d(volumes, weight: Tensor.ones([3, 2, 2, 2, 2])).shape == [0, 3, 3, 3, 3])
    #expect(maxPool3d(volumes, kernel: (2, 2, 2)).shape == [0, 2, 2, 2, 2])
    #expect(averagePool3d(volumes, kernel: (2, 2, 2)).shape == [0, 2, 2, 2, 2])
    #expect(adaptiveMaxPool2d(Tensor.zeros([0, 2, 4, 4]), size: (2, 3)).shape == [0, 2, 2, 3])
  }

  @Test func adaptiveMaximaOfIntegers() {
    let x = Tensor((0..<12).map { Int32($0 * 5 % 12) }, shape: [1, 3, 4])
    #expect(
      adaptiveMaxPool2d(x, size: (2, 3)).array(of: Int32.self)
        == adaptiveMaxPool2d(x.to(.float64), size: (2, 3)).array(of: Int32.self))
    #expect(adaptiveMaxPool2d(x, size: (2, 3)).dtype == .int32)
  }

  @Test func volumesAsALayer() {
    var generator = RandomGenerator(seed: 4)
    let layer = Conv3d(4, 6, kernel: (2, 3, 1), stride: (1, 2, 1), groups: 2, using: &generator)
    #expect(layer.namedParameters().map(\.parameter.shape) == [[6, 2, 2, 3, 1], [6]])
    #expect(layer(Tensor.ones([2, 4, 3, 5, 2])).shape == [2, 6, 2, 2, 2])
    #expect(layer(Tensor.ones([4, 3, 5, 2])).shape == [6, 2, 2, 2])
  }
}

@Suite struct RecurrentTests {
  private static func bound(_ module: some Module, _ expected: TorchCase, _ name: String) -> [Parameter] {
    let named = module.namedParameters()
    #expect(named.map(\.name) == expected.names, "\(name)")
    for (index, (_, parameter)) in named.enumerated() {
      parameter.convert(to: .float64)
      parameter.tensor = TorchCase.operand(parameter.shape, index + 5, 0.7)
    }
    return named.map(\.parameter)
  }

  private static func layer(
    _ kind: String, _ generator: inout RandomGenerator
  ) -> (module: RecurrentStack, run: (Tensor, [Tensor]) -> [Tensor]) {
    let words = kind.split(separator: " ")
    let form = words.dropFirst().joined(separator: " ")
    let lengths = form == "lengths" ? [2, 5, 3] : nil
    let layers = ["deep": 3, "lengths": 2, "relu": 2][form] ?? 1
    let (bias, isDeep, twoWays) = (form != "plain", form == "deep", form == "deep" || form == "lengths")
    switch words[0] {
    case "LSTM":
      let module = LSTM(
        3, 2, layers: layers, bias: bias, batchFirst: isDeep, bidirectional: twoWays, using: &generator)
      return (
        module,
        {
          let state: (hidden: Tensor, cell: Tensor)? = $1.isEmpty ? nil : ($1[0], $1[1])
          let (output, last) = module($0, state: state, lengths: lengths)
          return [output, last.hidden, last.cell]
        }
      )
    case "GRU":
      let module = GRU(
        3, 2, layers: layers, bias: bias, batchFirst: isDeep, bidirectional: twoWays, using: &generator)
      return (
        module,
        {
          let (output, last) = module($0, state: $1.first, lengths: lengths)
          return [output, last]
        }
      )
    default:
      let module = RNN(
        3, 2, layers: layers, nonlinearity: form == "relu" ? .relu : .tanh, bias: bias, batchFirst: isDeep,
        bidirectional: twoWays, using: &generator)
      return (
        module,
        {
          let (output, last) = module($0, state: $1.first, lengths: lengths)
          return [output, last]
        }
      )
    }
  }

  @Test(
    arguments: ["LSTM", "GRU", "RNN"].flatMap { kind in
      ["", " plain", " deep", " lengths"].map { kind + $0 }
    } + ["RNN relu"])
  func agreesWithPyTorch(_ name: String) throws {
    let expected = try #require(TorchCase.all[name])
    var generator = RandomGenerator(seed: 1)
    let (module, run) = Self.layer(name, &generator)
    let parameters = Self.bound(module, expected, name)
    let count = expected.operands.count - parameters.count
    let leaves = expected.operands.prefix(count).enumerated().map {
      TorchCase.operand($1, $0).requiringGradient()
    }
    let found = run(leaves[0], Array(leaves.dropFirst()))
    let gradients = expected.check(found, name).backward()
    let slopes = leaves.map { gradients[$0] } + parameters.map { gradients[$0] }
    for (slope, number) in zip(slopes, expected.gradients) {
      let slope = try #require(slope)
      expected.close(slope, number, name)
    }
    // Without the record the same.
    let plain = noGradient { run(leaves[0].detached(), leaves.dropFirst().map { $0.detached() }) }
    for (one, other) in zip(plain, found) {
      #expect(one.array(of: Double.self) == other.array(of: Double.self))
    }
  }

  @Test func singleSequencesAndEmptyOnes() {
    var generator = RandomGenerator(seed: 2)
    let layer = LSTM(3, 4, layers: 2, bidirectional: true, using: &generator)
    let x = Tensor.randomNormal([5, 3], using: &generator)
    let (single, state) = layer(x)
    let (batch, _) = layer(x.expandedDimensions(axis: 1))
    #expect(single.shape == [5, 8] && state.hidden.shape == [4, 4] && state.cell.shape == [4, 4])
    #expect(single.array(of: Float.self) == batch.array(of: Float.self))
    let none = layer(Tensor.zeros([0, 2, 3]))
    #expect(none.output.shape == [0, 2, 8] && none.state.hidden.shape == [4, 2, 4])
    let nobody = layer(Tensor.zeros([5, 0, 3]))
    #expect(nobody.output.shape == [5, 0, 8] && nobody.state.cell.shape == [4, 0, 4])
    let weight = layer.namedParameters()[1].parameter
    let gradients = layer(Tensor.zeros([0, 2, 3])).state.hidden.sum()
    #expect(gradients.requiresGradient && gradients.backward()[weight]!.shape == [16, 4])
    // Nothing of what stands behind the end gets in.
    let padded = Tensor.concatenated([x, Tensor.full([2, 3], .nan)], axis: 0).expandedDimensions(axis: 1)
    let (cut, _) = layer(padded, lengths: [5])
    #expect(cut.slice(axis: 0, 0..<5).array(of: Float.self) == single.array(of: Float.self))
    #expect(cut.slice(axis: 0, 5..<7).array(of: Float.self).allSatisfy { $0 == 0 })
  }

  @Test func dropoutBetweenLayers() {
    var generator = RandomGenerator(seed: 3)
    let layer = GRU(3, 8, layers: 2, dropout: 0.5, using: &generator)
    let x = Tensor.randomNormal([4, 2, 3], using: &generator)
    let start = layer.generator
    let (one, other) = (layer(x).output.array(of: Float.self), layer(x).output.array(of: Float.self))
    #expect(one != other)
    layer.generator = start
    #expect(layer(x).output.array(of: Float.self) == one)
    layer.setTraining(false)
    #expect(layer(x).output.array(of: Float.self) == layer(x).output.array(of: Float.self))
  }

  @Test func sameBytesForAnyThreadCount() {
    let before = Threads.count
    defer { Threads.count = before }
    var results: [[Float]] = []
    for count in [1, 2, 4] {
      Threads.count = count
      var generator = RandomGenerator(seed: 5)
      let layer = LSTM(24, 32, bidirectional: true, using: &generator)
      let x = Tensor.randomNormal([9, 16, 24], using: &generator)
      let gradients = layer(x).output.square().sum().backward()
      results.append(layer.namedParameters().flatMap { gradients[$0.parameter]!.array(of: Float.self) })
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  /// Half precision is that of the layer and its input.
  @Test func otherTypes() {
    var generator = RandomGenerator(seed: 6)
    let layer = GRU(3, 4, using: &generator)
    #expect(layer(Tensor.ones([2, 2, 3], dtype: .bfloat16)).output.dtype == .float32)
    #expect(layer(Tensor.ones([2, 2, 3], dtype: .float64)).output.dtype == .float64)
    for (_, parameter) in layer.namedParameters() { parameter.convert(to: .bfloat16) }
    let (output, _) = layer(Tensor.ones([2, 2, 3], dtype: .bfloat16))
    #expect(output.dtype == .bfloat16)
    let gradients = output.sum().backward()
    #expect(layer.namedParameters().allSatisfy { gradients[$0.parameter]?.dtype == .bfloat16 })
  }
}

@Suite struct VectorizingMapTests {
  @Test func mapsAxes() {
    let x = Tensor.arange(24, dtype: .float64).reshaped([2, 3, 4])
    let sums = vmap({ $0.sum(axes: [1]) }, inAxis: 1, outAxis: 1)(x)
    #expect(sums.array(of: Double.self) == x.sum(axes: [2]).array(of: Double.self))
    let last = vmap({ $0.sum() }, inAxis: -1)(x)
    #expect(last.array(of: Double.self) == x.sum(axes: [0, 1]).array(of: Double.self))
    let weight = Tensor.arange(8, dtype: .float64).reshaped([2, 4])
    let mapped = vmap({ linear($0, weight: $1) }, inAxes: (0, nil))(x, weight)
    #expect(mapped.array(of: Double.self) == linear(x, weight: weight).array(of: Double.self))
    let nested = vmap(vmap { ($0 * $1).sum() })(x, x)
    #expect(nested.array(of: Double.self) == (x * x).sum(axes: [2]).array(of: Double.self))
    let three = vmap({ $0 * $1 + $2 }, inAxes: (0, nil, 1), outAxis: -1)(
      Tensor([1.0, 2.0]), Tensor([3.0, 4.0]), Tensor([5.0, 6, 7, 8], shape: [2, 2]))
    #expect(three.array(of: Double.self) == [8, 12, 11, 16])
  }

  @Test func gradientsOfExamples() {
    var generator = RandomGenerator(seed: 3)
    let weight = Tensor.randomNormal([3], dtype: .float64, using: &generator)
    let x = Tensor.randomNormal([5, 3], dtype: .float64, using: &generator)
    let each = vmap({ w, x in grad { (w: Tensor) in (w * x).sum().square() }(w) }, inAxes: (nil, 0))(
      weight, x)
    let expected = 2 * (x * weight).sum(axes: [1], keepDims: true) * x
    #expect((each - expected).abs().max().item() < 1e-12)
    // The captured weight gets the sum.
    let w = weight.requiringGradient()
    let whole = vmap { ($0 * w).sum().square() }(x).sum().backward()[w]!
    #expect((whole - each.sum(axes: [0])).abs().max().item() < 1e-12)
  }

  @Test func scansGoBothWays() throws {
    let x = Tensor([1, 2, 3] as [Float])
    let (total, sums) = scan(initial: Tensor(0), over: x) { total, x in (total + x, total + x) }
    #expect(total.item() == 6 && sums.array(of: Float.self) == [1, 3, 6])
    let (_, back) = scan(initial: Tensor(0), over: x, isReversed: true) { total, x in (total + x, total + x) }
    #expect(back.array(of: Float.self) == [6, 5, 3])
    let (carry, outputs) = scan(initial: [x, x * 0], over: [x, x * 2]) { carry, x in
      ([carry[0] + x[0], carry[1] + x[1]], [x[0], x[1], x[0] * x[1]])
    }
    #expect(carry[1].array(of: Float.self) == [12, 12, 12] && outputs.count == 3)
    #expect(outputs[2].array(of: Float.self) == [2, 8, 18])
    struct Stop: Error {}
    #expect(throws: Stop.self) { try scan(initial: x, over: x) { _, _ in throw Stop() } }
  }
}
