import Tensor
import TestSupport
import Testing

/// A low-rank adapter computes in one operation what its formula says in several.
@Suite struct AdaptedLinearTests {
  /// What lies beneath the adapter.
  enum Base: CaseIterable {
    case float32, withBias, float64, bfloat16, float16, blocks
  }

  private struct Setup {
    let layer: LoRALinear
    let x: Tensor
    let weight: Tensor
    var bias: Tensor?

    init(_ kind: Base, rows: [Int], inputs: Int = 64, outputs: Int = 48, rank: Int = 16) {
      var generator = RandomGenerator(seed: 5)
      let type: DType = kind == .float64 ? .float64 : .float32
      let values = Tensor.randomNormal([outputs, inputs], using: &generator).to(type)
      let base: Linear
      switch kind {
      case .float32, .float64: base = Linear(weight: Parameter(values))
      case .withBias:
        let added = Tensor.randomNormal([outputs], using: &generator)
        base = Linear(weight: Parameter(values), bias: Parameter(added))
        bias = added
      case .bfloat16: base = Linear(weight: Parameter(values.to(.bfloat16), isTrainable: false))
      case .float16: base = Linear(weight: Parameter(values.to(.float16), isTrainable: false))
      case .blocks:
        base = QuantizedLinear(.random(.q8_0, rows: outputs, columns: inputs, using: &generator))
      }
      layer = LoRALinear(base: base, rank: rank, alpha: 24, using: &generator)
      layer.loraA.tensor = layer.loraA.tensor.to(type)
      layer.loraB.tensor = .randomNormal([outputs, rank], using: &generator).to(type)
      weight = base.weightValues.to(type)
      x = .randomNormal(rows + [inputs], using: &generator).to(type)
    }

    /// The formula, one operation after the other.
    func formula(_ x: Tensor) -> Tensor {
      let narrow = linear(x, weight: layer.loraA.tensor)
      return linear(x, weight: weight, bias: bias)
        + linear(narrow, weight: layer.loraB.tensor) * layer.scale
    }
  }

  private func expectEqual(_ a: Tensor, _ b: Tensor, _ what: String) {
    let tolerance = b.dtype == .float64 ? 1e-13 : 1e-5
    #expect(a.shape == b.shape && a.dtype == b.dtype, "\(what)")
    if b.count == 0 { return }
    #expect(((a - b).abs().max() / (b.abs().max() + 1e-30)).item() < tolerance, "\(what)")
  }

  @Test(arguments: Base.allCases, [[1], [3], [200], [2, 5], [0], []] as [[Int]])
  func valuesAndGradientsAreTheFormulas(_ kind: Base, _ rows: [Int]) throws {
    let setup = Setup(kind, rows: rows)
    for needsInput in [true, false] {
      let x = needsInput ? setup.x.requiringGradient() : setup.x
      let (found, expected) = (setup.layer(x), setup.formula(x))
      expectEqual(found, expected, "values")
      let (ours, theirs) = ((found * found).sum().backward(), (expected * expected).sum().backward())
      for (name, parameter) in setup.layer.trainableParameters() {
        expectEqual(try #require(ours[parameter]), try #require(theirs[parameter]), name)
      }
      #expect(setup.layer.trainableParameters().map(\.name) == ["lora_A.weight", "lora_B.weight"])
      if needsInput { expectEqual(try #require(ours[x]), try #require(theirs[x]), "input") }
    }
  }

  @Test func stridedInputs() throws {
    let setup = Setup(.float32, rows: [64])
    for x in [setup.x.transposed(), setup.x.slice(axis: 0, 10..<50), setup.x.flipped(axis: 0)] {
      let x = x.requiringGradient()
      let (found, expected) = (setup.layer(x), setup.formula(x))
      expectEqual(found, expected, "values")
      let (ours, theirs) = ((found * found).sum().backward(), (expected * expected).sum().backward())
      expectEqual(try #require(ours[x]), try #require(theirs[x]), "input")
    }
  }

  @Test func gradientsAgreeWithDifferences() {
    let setup = Setup(.float64, rows: [3], inputs: 5, outputs: 4, rank: 2)
    let (layer, map) = (setup.layer, FrozenMap(weight: setup.weight, bias: nil))
    let worst = gradCheck([setup.x, layer.loraA.tensor.detached(), layer.loraB.tensor.detached()]) {
      adaptedLinear($0[0], map, down: $0[1], up: $0[2], scale: layer.scale).tanh()
    }
    #expect(worst <= 1)
    // The derivative of the derivative goes another way.
    #expect(gradCheck([setup.x]) { x in grad { layer($0).tanh().sum() }(x[0]) } <= 1)
  }

  @Test func whatIsFrozenGetsNoGradient() throws {
    let setup = Setup(.float32, rows: [5])
    let expected = setup.formula(setup.x.requiringGradient())
    setup.layer.setTrainable(false)
    let x = setup.x.requiringGradient()
    let found = setup.layer(x)
    let gradients = found.sum().backward()
    #expect(gradients[setup.layer.loraA] == nil && gradients[setup.layer.loraB] == nil)
    let merged = setup.layer.mergedWeight()
    expectEqual(found, expected, "values")
    expectEqual(try #require(gradients[x]), merged.sum(axis: 0).expanded(to: [5, 64]), "input")
  }

  @Test func whatLearnsBeneathStillGetsItsGradient() throws {
    let setup = Setup(.withBias, rows: [7])
    setup.layer.base.setTrainable(true)
    let gradients = setup.layer(setup.x).sum().backward()
    expectEqual(
      try #require(gradients[setup.layer.base.weight]), setup.x.sum(axis: 0).expanded(to: [48, 64]), "weight")
    let bias = try #require(setup.layer.bias)
    expectEqual(try #require(gradients[bias]), Tensor([Float](repeating: 7, count: 48)), "bias")
  }

  @Test func resultsAreTheCallersOwn() {
    let setup = Setup(.float32, rows: [4])
    let first = setup.layer(setup.x)
    let kept = first.array(of: Float.self)
    var changed = first.detached()
    changed += 1
    #expect(first.array(of: Float.self) == kept)
    #expect(setup.layer(setup.x).array(of: Float.self) == kept)
  }
}
