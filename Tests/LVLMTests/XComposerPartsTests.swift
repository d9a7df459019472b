import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// The parts of InternLM-XComposer2.5 one by one, against the reference implementation.
@Suite struct XComposerPartsTests {
  private static func operations() throws -> Golden { try Golden(at: Fixtures.url("xcomposer/ops.h5")) }
  private static func pictures() throws -> Golden { try Golden(at: Fixtures.url("xcomposer/pictures.h5")) }

  /// Fills a module with the weights of the tiny model that lie under `prefix`.
  private static func fill(_ module: some Module, prefix: String = "") throws {
    let file = try SafeTensorsFile(reading: Fixtures.url("xcomposer/model/model.safetensors"))
    for (name, parameter) in module.namedParameters() {
      parameter.tensor = try file.tensor(prefix + name)
    }
  }

  private static func grid(_ name: String) -> FeatureGrid {
    let size = name.dropFirst(5).split(separator: "x").compactMap { Int($0) }
    return XComposerGeometry(XComposerPictureTests.configuration).grid(
      width: size[1], height: size[0], isAlone: false)
  }

  // MARK: Partial LoRA

  @Test(arguments: ["plora_some", "plora_none", "plora_all"]) func partialLoRA(name: String) throws {
    let golden = try Self.operations()
    func parameter(_ key: String) throws -> Parameter { Parameter(try golden.tensor("\(name)/\(key)")) }
    let layer = PartialLoRALinear(
      weight: try parameter("weight"), partialA: try parameter("A"), partialB: try parameter("B"), scale: 2)
    #expect(layer.namedParameters().map(\.name) == ["weight", "Plora_A.weight", "Plora_B.weight"])
    let x = try golden.tensor("\(name)/x").reshaped([-1, 12]).requiringGradient()
    let mask = try golden.file.read("\(name)/im_mask").bytes
    let rows = mask.indices.filter { mask[$0] != 0 }.map(Int32.init)
    let y = layer(x, marked: Tensor(rows))
    try golden.expect(y, is: "\(name)/y")
    let gradients = (y * (try golden.tensor("\(name)/gout").reshaped([-1, 10]))).sum().backward()
    func gradient(_ tensor: Tensor?, _ shape: [Int]) -> Tensor { tensor ?? .zeros(shape) }
    try golden.expect(gradient(gradients[x], x.shape), is: "\(name)/grad_x")
    try golden.expect(gradient(gradients[layer.weight], [10, 12]), is: "\(name)/grad_weight")
    try golden.expect(gradient(gradients[layer.partialA.weight], [3, 12]), is: "\(name)/grad_A")
    try golden.expect(gradient(gradients[layer.partialB.weight], [10, 3]), is: "\(name)/grad_B")
  }

  @Test func gradientsOfPartialLoRA() throws {
    var random = RandomGenerator(seed: 3)
    let layer = PartialLoRALinear(4, 3, rank: 2, alpha: 3, using: &random)
    for (_, parameter) in layer.namedParameters() {
      parameter.tensor = .randomNormal(parameter.shape, using: &random)
      parameter.convert(to: .float64)
    }
    let rows = Tensor([3, 1] as [Int32])
    let x = Tensor.randomNormal([5, 4], using: &random).to(.float64)
    #expect(gradCheck([x]) { layer($0[0], marked: rows) } <= 1)
    func loss() -> Tensor { layer(x, marked: rows).tanh().sum() }
    let gradients = loss().backward()
    for (name, parameter) in layer.namedParameters() {
      let direction = Tensor.randomNormal(parameter.shape, using: &random).to(.float64)
      let slope = centralDifference(parameter, along: direction, of: loss)
      let found = (try #require(gradients[parameter]) * direction).sum().item()
      #expect(abs(found - slope) <= 1e-6 * max(1, abs(slope)), "\(name)")
    }
  }

  // MARK: Tower and connector

  @Test func towerAndConnector() throws {
    let name = "rgb1_90x41"
    let golden = try Self.pictures()
    let json = try Data(
      contentsOf: Fixtures.url("xcomposer/model/internlm-xcomposer2d5-clip/config.json"))
    let configuration = try JSONDecoder().decode(VisionConfiguration.self, from: json)
    var random = RandomGenerator(seed: 1)
    let tower = VisionTower(
      configuration, through: 3, keepsClassToken: false, hasLastNorm: false, using: &random)
    try Self.fill(tower, prefix: "vit.vision_tower.vision_model.")
    let connector = XComposerConnector(visionWidth: 32, textWidth: 64, using: &random)
    try Self.fill(connector)
    let (group, grid) = (name + "_png", Self.grid(name))
    try noGradient {
      let views = try golden.tensor("\(group)/views")
      let states = tower.hiddenStates(views)
      #expect(states.count == 4)
      for (index, state) in states.enumerated() {
        try golden.expect(state, is: "\(group)/vision_hidden/\(index)")
      }
      let selected = tower.selected(views)
      let layout = FeatureLayout([grid])
      try golden.expect(connector.merged(selected, layout: layout), is: "\(group)/merged")
      try golden.expect(connector(selected, layout: layout), is: "\(group)/projected")
    }
  }

  /// Where each patch goes, for pictures of several shapes in one call.
  @Test func orderOfFeatures() throws {
    let golden = try Self.operations()
    let shapes = [(1, 1), (2, 1), (1, 3), (2, 3)]
    var random = RandomGenerator(seed: 1)
    let connector = XComposerConnector(visionWidth: 1, textWidth: 2, using: &random)
    for (name, parameter) in connector.namedParameters() where name.hasPrefix("plora_") {
      parameter.tensor = .full(parameter.shape, name == "plora_sub_GN" ? -1.0 : -2)
    }
    let geometry = XComposerGeometry(XComposerImageConfiguration(tileSide: 8, patchSide: 2, budget: 9))
    let grids = shapes.map { geometry.grid(width: $0.1 * 8, height: $0.0 * 8, isAlone: true) }
    let patches = shapes.flatMap { rows, columns in (0..<(1 + rows * columns) * 16).map(Float.init) }
    let layout = FeatureLayout(grids)
    let merged = connector.merged(Tensor(patches, shape: [patches.count / 16, 16, 1]), layout: layout)
    for (index, (rows, columns)) in shapes.enumerated() {
      #expect(grids[index].tiles.rows == rows && grids[index].tiles.columns == columns)
      let found = merged.slice(axis: 0, layout[index]).array(of: Float.self).map { Int32($0) }
      #expect(try found == golden.integers("layout/\(rows)x\(columns)"))
    }
  }

  @Test func gradientsOfTheConnector() throws {
    var random = RandomGenerator(seed: 5)
    let connector = XComposerConnector(visionWidth: 2, textWidth: 3, using: &random)
    let geometry = XComposerGeometry(XComposerImageConfiguration(tileSide: 8, patchSide: 2, budget: 2))
    let grids = [(8, 8), (8, 16)].map { geometry.grid(width: $0.0, height: $0.1, isAlone: true) }
    for (_, parameter) in connector.namedParameters() {
      parameter.tensor = .randomNormal(parameter.shape, using: &random)
      parameter.convert(to: .float64)
    }
    let selected = Tensor.randomNormal([5, 16, 2], using: &random)
    let layout = FeatureLayout(grids)
    #expect(gradCheck([selected]) { connector($0[0], layout: layout) } <= 1)
    let input = selected.to(.float64)
    func loss() -> Tensor { (connector(input, layout: layout).tanh()).sum() }
    let gradients = loss().backward()
    for (name, parameter) in connector.namedParameters() {
      let direction = Tensor.randomNormal(parameter.shape, using: &random).to(.float64)
      let slope = centralDifference(parameter, along: direction, of: loss)
      let found = (try #require(gradients[parameter]) * direction).sum().item()
      #expect(abs(found - slope) <= 1e-6 * max(1, abs(slope)), "\(name)")
    }
  }
}
