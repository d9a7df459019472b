import Tensor
import Testing

/// `sin(scale · i)` for `i` from 0: reference numbers below come from PyTorch 2 on the same values.
func sines(_ shape: [Int], _ scale: Double) -> Tensor {
  (Tensor.arange(shape.reduce(1, *)).to(.float64) * scale).sin().reshaped(shape)
}

/// Compares the first elements, and all of them through a weighted sum.
func expectElements(
  _ tensor: Tensor, _ first: [Double], weighted: Double, sourceLocation: SourceLocation = #_sourceLocation
) {
  let values = tensor.array(of: Double.self)
  for (ours, expected) in zip(values, first) {
    #expect(abs(ours - expected) < 1e-7, sourceLocation: sourceLocation)
  }
  let sum = values.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
  #expect(abs(sum - weighted) < 1e-7 * max(1, abs(weighted)), sourceLocation: sourceLocation)
}

@Suite struct ScaledDotProductAttentionTests {
  private let query = sines([2, 4, 3, 2], 0.7)
  private let key = sines([2, 2, 5, 2], 1.1)
  private let value = sines([2, 2, 5, 3], 1.3)
  private let mask = (Tensor.arange(15) .!= Tensor([1, 5, 6, 7, 8, 9, 13] as [Int64]).reshaped([7, 1]))
    .all(axes: [0]).reshaped([3, 5])

  @Test func agreesWithPyTorch() {
    func attend(_ mask: Tensor? = nil, isCausal: Bool = false, scale: Double? = nil) -> Tensor {
      scaledDotProductAttention(
        query: query, key: key, value: value, mask: mask, isCausal: isCausal, scale: scale)
    }
    #expect(attend().shape == [2, 4, 3, 3])
    expectElements(attend(), [-0.18488733, 0.137256741, 0.258319364, -0.335748231], weighted: 70.230081593)
    expectElements(
      attend(isCausal: true), [0, 0.963558185, 0.515501372, -0.330669653], weighted: 206.791912017)
    expectElements(
      attend(scale: 0.3), [-0.120154679, 0.043492252, 0.143422932, -0.210772294], weighted: 69.3380196832)
    // The second query sees no key.
    expectElements(
      attend(mask), [-0.0832849161, 0.343482844, 0.267047433, 0, 0, 0, 0.0516276824], weighted: -94.27421366)
    expectElements(
      attend(sines([4, 3, 5], 0.3)), [-0.207989293, 0.0288698961, 0.22343462, -0.335001878],
      weighted: 85.5403395516)
  }

  @Test func fusedAndComposedAgree() {
    let (query, key) = (sines([2, 4, 5, 3], 0.7), sines([2, 2, 5, 3], 1.1))
    let fused = scaledDotProductAttention(query: query, key: key, value: value, isCausal: true)
    expectElements(fused, [0, 0.963558185, 0.515501372, -0.321836772], weighted: 609.872250816)
    let seen = Tensor.ones([5, 5]).lowerTriangle() .!= 0
    for mask in [seen, Tensor.select(seen, Tensor(0), Tensor(-Double.infinity))] {
      let composed = scaledDotProductAttention(query: query, key: key, value: value, mask: mask)
      #expect((fused - composed).abs().max().item() < 1e-14)
    }
    let both = scaledDotProductAttention(
      query: query, key: key, value: value, mask: Tensor.ones([5, 5], dtype: .bool), isCausal: true)
    #expect((fused - both).abs().max().item() < 1e-14)
  }

  @Test func gradientsOfFusedAndComposedAgree() {
    let inputs = [sines([4, 5, 3], 0.7), sines([2, 5, 3], 1.1), sines([2, 5, 3], 1.3)]
    #expect(
      gradCheck(inputs) { scaledDotProductAttention(query: $0[0], key: $0[1], value: $0[2], isCausal: true) }
        <= 1)
  }

  @Test func maskedRowsHaveNoGradientAndNoNaN() {
    let q = query.requiringGradient()
    let out = scaledDotProductAttention(query: q, key: key, value: value, mask: mask)
    let gradient = out.square().sum().backward()[q]!
    #expect(gradient.abs().sum().item().isFinite)
    #expect(gradient.slice(axis: 2, 1..<2).abs().max().item() == 0)
  }

  @Test func dropoutKeepsTheMean() {
    var generator = RandomGenerator(seed: 2)
    let plain = scaledDotProductAttention(query: query, key: key, value: value)
    var sum = Tensor.zeros(plain.shape, dtype: .float64)
    for _ in 0..<2000 {
      sum += scaledDotProductAttention(
        query: query, key: key, value: value, dropout: 0.25, using: &generator)
    }
    #expect((sum / 2000 - plain).abs().max().item() < 0.06)
    let before = generator
    let same = scaledDotProductAttention(query: query, key: key, value: value, dropout: 0, using: &generator)
    #expect(generator == before && (same - plain).abs().max().item() == 0)
  }

  @Test func emptyShapes() {
    let none = scaledDotProductAttention(
      query: query, key: key.slice(axis: 2, 0..<0), value: value.slice(axis: 2, 0..<0))
    #expect(none.shape == [2, 4, 3, 3] && none.abs().sum().item() == 0)
    let batch = scaledDotProductAttention(
      query: query.slice(axis: 0, 0..<0), key: key.slice(axis: 0, 0..<0), value: value.slice(axis: 0, 0..<0))
    #expect(batch.shape == [0, 4, 3, 3])
  }
}

@Suite struct LayerTests {
  @Test func multiHeadAttentionAgreesWithPyTorch() {
    var generator = RandomGenerator(seed: 1)
    let layer = MultiHeadAttention(8, heads: 2, using: &generator)
    #expect(
      layer.namedParameters().map(\.name)
        == ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"])
    let values = [sines([24, 8], 0.31), sines([24], 0.9), sines([8, 8], 0.53), sines([8], 0.2)]
    for (entry, value) in zip(layer.namedParameters(), values) {
      entry.parameter.convert(to: .float64)
      entry.parameter.tensor = value
    }
    let (x, y) = (sines([2, 3, 8], 0.17), sines([2, 4, 8], 0.23))
    expectElements(layer(x), [-4.59397774, 4.36711934, 1.1899821], weighted: 552.770942977)
    expectElements(layer(x, key: y), [-3.77953064, 3.19858625, 1.43893501], weighted: 536.822194056)
    let causal = layer(x, isCausal: true)
    expectElements(causal, [-3.60595753, 4.30049917, 0.262588233], weighted: 542.718730131)
    let mask = Tensor.ones([3, 3]).lowerTriangle() .!= 0
    #expect((layer(x, mask: mask) - causal).abs().max().item() < 1e-13)
    #expect((layer(x[1]) - layer(x)[1]).abs().max().item() < 1e-13)
  }

  @Test func groupedHeadsShareKeys() {
    var generator = RandomGenerator(seed: 1)
    let grouped = MultiHeadAttention(8, heads: 4, keyValueHeads: 2, bias: false, using: &generator)
    let full = MultiHeadAttention(8, heads: 4, bias: false, using: &generator)
    #expect(grouped.inputWeight.shape == [16, 8])
    // The same weights with every key and value head written out twice.
    let weight = grouped.inputWeight.tensor.detached()
    func doubled(_ start: Int) -> Tensor {
      weight.slice(axis: 0, start..<start + 4).reshaped([2, 1, 2, 8]).expanded(to: [2, 2, 2, 8]).reshaped([
        8, 8,
      ])
    }
    full.inputWeight.tensor = Tensor.concatenated([weight.slice(axis: 0, 0..<8), doubled(8), doubled(12)])
    full.output.weight.tensor = grouped.output.weight.tensor.detached()
    let x = sines([2, 3, 8], 0.4).to(.float32)
    #expect((full(x) - grouped(x)).abs().max().item() < 1e-5)
  }

  @Test func dropoutDropsWhileTraining() {
    var generator = RandomGenerator(seed: 3)
    let layer = Dropout(0.25, using: &generator)
    let x = Tensor.ones([100, 100]).requiringGradient()
    let y = layer(x)
    let values = y.array(of: Float.self)
    #expect(Set(values) == [0, Float(1 / 0.75)])
    #expect(abs(values.filter { $0 == 0 }.count - 2500) < 4 * 44)
    #expect(y.sum().backward()[x]!.array(of: Float.self) == values)
    layer.setTraining(false)
    #expect(layer(x).array(of: Float.self) == x.array(of: Float.self))
    #expect(Dropout(1, using: &generator)(x).sum().item() == 0)
  }

  @Test func dropoutGoesOnFromASavedState() throws {
    var generator = RandomGenerator(seed: 4)
    let (layer, other) = (Dropout(0.5, using: &generator), Dropout(0.5, using: &generator))
    let x = Tensor.ones([50])
    _ = layer(x)
    other.generator = try #require(RandomGenerator(state: layer.generator.state))
    #expect(layer(x).array(of: Float.self) == other(x).array(of: Float.self))
  }

  @Test func dropoutsOfOneGeneratorDropDifferentElements() {
    var generator = RandomGenerator(seed: 4)
    let before = generator
    let layers = (0..<3).map { _ in Dropout(0.5, using: &generator) }
    let x = Tensor.ones([200])
    let kept = layers.map { layer in layer(x).array(of: Float.self).map { $0 != 0 } }
    for (i, j) in [(0, 1), (0, 2), (1, 2)] {
      // Independent halves agree in a hundred elements, give or take seven.
      let equal = zip(kept[i], kept[j]).filter { $0 == $1 }.count
      #expect(abs(equal - 100) < 36)
    }
    #expect(generator != before)
  }

  @Test func sequentialNamesAndTrainingMode() {
    var generator = RandomGenerator(seed: 5)
    let inner = Sequential(Dropout(0.5, using: &generator), GroupNorm(2, 4))
    let model = Sequential(Linear(3, 4, using: &generator), ActivationLayer.relu, inner, LayerNorm(4))
    #expect(
      model.namedParameters().map(\.name)
        == ["0.weight", "0.bias", "2.1.weight", "2.1.bias", "3.weight", "3.bias"])
    let dropouts = model.modules().compactMap { $0 as? Dropout }
    #expect(dropouts.count == 1 && dropouts[0].isTraining)
    model.setTraining(false)
    #expect(!dropouts[0].isTraining)
    #expect(model(Tensor.ones([2, 3])).shape == [2, 4])
    let relu = Sequential(ActivationLayer.relu, ActivationLayer { $0 * 2 })
    #expect(relu(Tensor([-1, 2])).array(of: Double.self) == [0, 4])
  }

  @Test func groupNormAgreesWithPyTorch() {
    let layer = GroupNorm(2, 4)
    for (_, parameter) in layer.namedParameters() { parameter.convert(to: .float64) }
    expectElements(
      layer(sines([2, 4, 3], 0.7)), [-0.872321658, 0.488872943, 1.20987645], weighted: -5.49931776322)
  }

  @Test func convolutionsAgreeWithPyTorch() {
    var generator = RandomGenerator(seed: 7)
    let pictures = Conv2d(
      4, 6, kernel: (3, 2), stride: (2, 1), padding: (1, 0), groups: 2, using: &generator)
    let sequences = Conv1d(4, 6, kernel: 3, padding: 2, dilation: 2, bias: false, using: &generator)
    #expect(pictures.namedParameters().map(\.name) == ["weight", "bias"])
    #expect(pictures.weight.shape == [6, 2, 3, 2] && sequences.weight.shape == [6, 4, 3])
    #expect(pictures.weight.tensor.abs().max().item() <= 1 / 12.0.squareRoot())
    for (name, parameter) in pictures.namedParameters() + sequences.namedParameters() {
      parameter.convert(to: .float64)
      parameter.tensor = sines(parameter.shape, name == "bias" ? 0.5 : 0.4)
    }
    let y = pictures(sines([2, 4, 5, 6], 0.7))
    #expect(y.shape == [2, 6, 3, 5])
    expectElements(y, [-2.0514072, -1.4881132, -0.224936306, 1.14403165], weighted: 10775.6315391)
    let z = sequences(sines([2, 4, 7], 0.7))
    #expect(z.shape == [2, 6, 7])
    expectElements(z, [-0.601917359, 1.19310291, 0.889500577, 1.20271972], weighted: 485.141558559)
  }

  @Test func initializersHaveTheirSpread() {
    var generator = RandomGenerator(seed: 6)
    let shape = [200, 30, 2, 2]
    let (input, output) = (120.0, 800.0)
    func check(_ x: Tensor, bound: Double?, deviation: Double) {
      #expect(x.shape == shape)
      if let bound {
        #expect(x.abs().max().item() <= bound && x.abs().max().item() > 0.999 * bound)
      }
      #expect(abs(x.standardDeviation().item() / deviation - 1) < 0.02)
      #expect(abs(x.mean().item()) < 0.03 * deviation)
    }
    let xavier = (2 / (input + output)).squareRoot()
    check(
      Initialization.xavierUniform(shape, gain: 2, using: &generator), bound: 2 * 3.0.squareRoot() * xavier,
      deviation: 2 * xavier)
    check(Initialization.xavierNormal(shape, using: &generator), bound: nil, deviation: xavier)
    let kaiming = (2 / (1 + 0.25) / input).squareRoot()
    check(
      Initialization.kaimingUniform(shape, slope: 0.5, using: &generator), bound: 3.0.squareRoot() * kaiming,
      deviation: kaiming)
    check(
      Initialization.kaimingNormal(shape, fan: .output, using: &generator), bound: nil,
      deviation: (2 / output).squareRoot())
    check(
      Initialization.truncatedNormal(shape, standardDeviation: 0.5, in: -1...1, using: &generator), bound: 1,
      deviation: 0.5 * 0.7737413.squareRoot())
  }
}
