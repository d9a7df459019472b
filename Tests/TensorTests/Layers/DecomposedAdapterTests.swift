import Tensor
import Testing

/// A low-rank adapter that learns the lengths of rows for themselves (DoRA).
@Suite struct DecomposedAdapterTests {
  private struct Setup {
    let layer: LoRALinear
    let x: Tensor

    /// - Parameter hasBias: whether the layer beneath adds one.
    init(hasBias: Bool) throws {
      var generator = RandomGenerator(seed: 7)
      let base = Linear(5, 3, bias: hasBias, using: &generator)
      layer = LoRALinear(base: base, rank: 2, alpha: 3, decomposesWeight: true, using: &generator)
      layer.loraB.tensor = .randomNormal([3, 2], using: &generator)
      let magnitude = try #require(layer.magnitude)
      magnitude.tensor = magnitude.tensor + .randomNormal([3], using: &generator)
      x = .randomNormal([4, 5], using: &generator)
    }

    /// The layer's formula with these lengths of V's rows.
    func formula(lengths: Tensor) throws -> Tensor {
      let sum = layer.base.weightValues + layer.loraB.tensor.matmul(layer.loraA.tensor) * 1.5
      let scaled = sum * (try #require(layer.magnitude).tensor / lengths).reshaped([3, 1])
      return linear(x, weight: scaled, bias: layer.bias?.tensor)
    }

    /// ‖V‖ as it is now.
    var lengths: Tensor {
      noGradient {
        let sum = layer.base.weightValues + layer.loraB.tensor.matmul(layer.loraA.tensor) * 1.5
        return (sum * sum).sum(axis: 1).sqrt()
      }
    }
  }

  private func difference(_ a: Tensor, _ b: Tensor) -> Double { (a - b).abs().max().item() }

  @Test(arguments: [true, false])
  func valuesAndGradientsAreTheFormulas(hasBias: Bool) throws {
    let setup = try Setup(hasBias: hasBias)
    let expected = try setup.formula(lengths: setup.lengths)
    let found = setup.layer(setup.x)
    #expect(difference(found, expected) < 1e-5)
    #expect(
      difference(linear(setup.x, weight: setup.layer.mergedWeight(), bias: setup.layer.bias?.tensor), found)
        < 1e-5)
    let (ours, theirs) = ((found * found).sum().backward(), (expected * expected).sum().backward())
    let trained = setup.layer.trainableParameters()
    #expect(trained.map(\.name) == ["lora_A.weight", "lora_B.weight", "lora_magnitude_vector"])
    for (name, parameter) in trained {
      let (a, b) = (try #require(ours[parameter]), try #require(theirs[parameter]))
      #expect(difference(a, b) < 1e-4 * max(1, b.abs().max().item()), "\(name)")
    }
  }

  @Test func changesAreSeenHoweverTheyAreMade() throws {
    let setup = try Setup(hasBias: true)
    let layer = setup.layer
    _ = layer(setup.x)
    let changes: [() -> Void] = [
      { layer.loraA.tensor = layer.loraA.tensor * 2 }, { layer.loraB.update { $0 = $0 + 1 } },
      { layer.loraA.update { $0 -= 0.5 } }, { layer.base.weight.tensor = layer.base.weight.tensor + 0.25 },
      { layer.base.weight.update { $0 *= 3 } },
    ]
    for (number, change) in changes.enumerated() {
      change()
      #expect(
        try difference(layer(setup.x), setup.formula(lengths: setup.lengths)) < 1e-4, "change \(number)")
    }
  }

  @Test func newItIsTheLayerBeneathAndOffToo() {
    var generator = RandomGenerator(seed: 8)
    let base = Linear(6, 4, using: &generator)
    let x = Tensor.randomNormal([3, 6], using: &generator)
    let before = base(x)
    let layer = LoRALinear(base: base, rank: 2, alpha: 4, decomposesWeight: true, using: &generator)
    #expect(difference(layer(x), before) < 1e-5)
    #expect(layer.rowForm == nil && layer.soleWeight == nil)
    layer.isAdapterEnabled = false
    #expect(difference(layer(x), before) == 0)
    #expect(layer.rowForm != nil)
  }

  @Test func overWeightsThatAreKeptSmaller() {
    var generator = RandomGenerator(seed: 9)
    let weight = Tensor.randomNormal([4, 32], using: &generator).to(.bfloat16)
    let base = Linear(weight: Parameter(weight, isTrainable: false))
    let layer = LoRALinear(base: base, rank: 2, alpha: 4, decomposesWeight: true, using: &generator)
    layer.loraB.tensor = .randomNormal([4, 2], using: &generator)
    let x = Tensor.randomNormal([3, 32], using: &generator)
    #expect(difference(layer(x), linear(x, weight: layer.mergedWeight())) < 1e-4)
  }
}
