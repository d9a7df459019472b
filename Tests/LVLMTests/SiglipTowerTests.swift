import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// The tower of SmolVLM against the reference implementation.
@Suite struct SiglipTowerTests {
  static let configuration = SiglipConfiguration(
    hiddenSize: 32, intermediateSize: 64, hiddenLayerCount: 2, attentionHeadCount: 4, imageSize: 38,
    patchSize: 6, variant: .idefics3)

  private static func golden(_ name: String) throws -> Golden {
    try Golden(at: Fixtures.url("smolvlm/golden/\(name)"))
  }

  private static func tower(selecting layer: Int = -1, norm: Bool = true) throws -> SiglipTower {
    var generator = RandomGenerator(seed: 0)
    let tower = SiglipTower(
      configuration, selecting: layer, appliesLastNorm: norm, using: &generator)
    let file = try SafeTensorsFile(reading: Fixtures.url("smolvlm/model.safetensors"))
    for (name, parameter) in tower.namedParameters() {
      let array = try file.array("model.vision_model.\(name)")
      #expect(array.shape == parameter.shape, "\(name)")
      parameter.tensor = Tensor(array.floats(), shape: array.shape)
    }
    return tower
  }

  @Test(arguments: ["gray7_52x40_png/single", "rgb3_131x17_png/split"])
  func hiddenStates(picture: String) throws {
    let (golden, tower) = (try Self.golden("pictures.h5"), try Self.tower())
    let pixels = try golden.tensor("\(picture)/views")
    try noGradient {
      let states = tower.hiddenStates(pixels)
      #expect(states.count == 3)
      for (index, state) in states.enumerated() {
        try golden.expect(state, is: "\(picture)/vision_hidden/\(index)")
      }
      try golden.expect(tower.selected(pixels), is: "\(picture)/vision_last")
      let earlier = try Self.tower(selecting: -2, norm: false)
      try golden.expect(earlier.selected(pixels), is: "\(picture)/vision_hidden/1")
    }
  }

  @Test func viewsInPart() throws {
    let (golden, tower) = (try Self.golden("pictures.h5"), try Self.tower())
    let pixels = try golden.tensor("masked/views")
    let samples = try golden.file.read("masked/pixel_mask").floats()
    let masks = (0..<3).map { view in
      PatchMask(pixels: samples[view * 1444..<(view + 1) * 1444].map { $0 != 0 }, width: 38, patch: 6)
    }
    #expect(
      masks.flatMap(\.isOn) == (try golden.file.read("masked/patch_mask").floats().map { $0 != 0 }))
    try noGradient {
      let states = tower.hiddenStates(pixels, masks: masks, through: 2)
      try golden.expect(states[0], is: "masked/vision_hidden/0")
      try golden.expect(tower.selected(pixels, masks: masks), is: "masked/vision_last")
    }
  }

  @Test func positions() throws {
    let golden = try Self.golden("ops.h5")
    var found = 0
    for path in try golden.file.datasets(under: "position_ids") {
      let numbers = path.split { !$0.isNumber }.compactMap { Int($0) }
      try #require(numbers.count == 5, "\(path)")
      let (side, shown, rows, columns) = (numbers[0], (numbers[1], numbers[2]), numbers[3], numbers[4])
      let pixels = (0..<rows * columns).map { $0 / columns < shown.0 && $0 % columns < shown.1 }
      let mask = PatchMask(pixels: pixels, width: columns, patch: 1)
      #expect(mask.positions(side: side) == (try golden.integers("position_ids/\(path)")), "\(path)")
      found += 1
    }
    #expect(found == 32)
  }

  /// A tower that gives every patch its own position does not care how sides are divided.
  @Test func positionsInOrder() throws {
    let side = 19
    var generator = RandomGenerator(seed: 3)
    func states(_ variant: SiglipConfiguration.Variant) -> Tensor {
      var generator = RandomGenerator(seed: 4)
      let tower = SiglipTower(
        SiglipConfiguration(
          hiddenSize: 4, intermediateSize: 4, hiddenLayerCount: 1, attentionHeadCount: 1, imageSize: side,
          patchSize: 1, variant: variant), appliesLastNorm: false, using: &generator)
      return tower.hiddenStates(pixels)[0]
    }
    let pixels = Tensor.randomNormal([1, 3, side, side], using: &generator)
    #expect(difference(states(.siglip), states(.idefics3)) > 0.1)
  }

  /// The gradient of every parameter along a random direction, in double precision.
  @Test func gradients() throws {
    var generator = RandomGenerator(seed: 5)
    let tower = SiglipTower(
      SiglipConfiguration(
        hiddenSize: 8, intermediateSize: 12, hiddenLayerCount: 2, attentionHeadCount: 2, imageSize: 7,
        patchSize: 3, variant: .idefics3), appliesLastNorm: true, using: &generator)
    for (_, parameter) in tower.namedParameters() { parameter.convert(to: .float64) }
    let pixels = Tensor.randomNormal([2, 3, 7, 7], using: &generator).to(.float64)
    let weights = Tensor.randomNormal([2, 4, 8], using: &generator).to(.float64)
    let masks = [
      PatchMask(rows: 2, columns: 2),
      PatchMask(pixels: [true, false, true, false], width: 2, patch: 1),
    ]
    func value() -> Tensor { (tower.selected(pixels, masks: masks) * weights).sum() }
    let gradients = value().backward()
    for (name, parameter) in tower.namedParameters() {
      let direction = Tensor.randomNormal(parameter.shape, using: &generator).to(.float64)
      let gradient = try #require(gradients[parameter], "\(name)")
      let expected = centralDifference(parameter, along: direction, of: value)
      #expect(abs((gradient * direction).sum().item() - expected) < 1e-6 * max(1, abs(expected)), "\(name)")
    }
  }
}
