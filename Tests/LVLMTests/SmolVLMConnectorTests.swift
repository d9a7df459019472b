import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Blocks of patches and their projection.
@Suite struct SmolVLMConnectorTests {
  @Test func orderOfBlocks() throws {
    let golden = try Golden(at: Fixtures.url("smolvlm/golden/ops.h5"))
    var found = 0
    for path in try golden.file.datasets(under: "pixel_shuffle") {
      let numbers = path.split { !$0.isNumber }.compactMap { Int($0) }
      let (side, factor) = (numbers[0], numbers[1])
      let patches = (0..<side * side).flatMap { [Float($0), Float(10_000 + $0)] }
      let blocks = Tensor(patches, shape: [1, side * side, 2]).patchBlocks(factor)
      #expect(
        difference(
          blocks.reshaped(Array(blocks.shape.dropFirst())), try golden.tensor("pixel_shuffle/\(path)")) == 0)
      found += 1
    }
    #expect(found == 7)
  }

  private static func connector() throws -> SmolVLMConnector {
    var generator = RandomGenerator(seed: 0)
    let connector = SmolVLMConnector(
      scaleFactor: 3, visionWidth: 32, textWidth: 48, using: &generator)
    let file = try SafeTensorsFile(reading: Fixtures.url("smolvlm/model.safetensors"))
    let parameters = connector.namedParameters()
    #expect(parameters.map(\.name) == ["modality_projection.proj.weight"])
    for (name, parameter) in parameters {
      let array = try file.array("model.connector.\(name)")
      #expect(array.shape == parameter.shape)
      parameter.tensor = Tensor(array.floats(), shape: array.shape)
    }
    return connector
  }

  @Test(arguments: [("gray7_52x40_png/single", 4), ("rgb3_131x17_png/split", 16), ("masked", 12)])
  func projected(picture: String, features: Int) throws {
    let golden = try Golden(at: Fixtures.url("smolvlm/golden/pictures.h5"))
    let layout = FeatureLayout([FeatureGrid(rows: 1, columns: features)])
    let connector = try Self.connector()
    let rows = noGradient { [layout] in
      connector((try? golden.tensor("\(picture)/vision_last")) ?? .zeros([1, 36, 32]), layout: layout)
    }
    #expect(rows.shape == [features, 48])
    try golden.expect(rows, is: "\(picture)/projected")
  }

  @Test func gradients() throws {
    var generator = RandomGenerator(seed: 1)
    let connector = SmolVLMConnector(scaleFactor: 2, visionWidth: 3, textWidth: 5, using: &generator)
    let input = Parameter(Tensor.randomNormal([2, 16, 3], using: &generator).to(.float64))
    let weights = Tensor.randomNormal([8, 5], using: &generator).to(.float64)
    let layout = FeatureLayout(repeating: FeatureGrid(rows: 2, columns: 2), count: 2)
    let parameters = connector.namedParameters().map(\.parameter)
    for parameter in parameters { parameter.convert(to: .float64) }
    func value() -> Tensor { (connector(input.tensor, layout: layout) * weights).sum() }
    let gradients = value().backward()
    for parameter in parameters + [input] {
      let direction = Tensor.randomNormal(parameter.shape, using: &generator).to(.float64)
      let gradient = try #require(gradients[parameter])
      let expected = centralDifference(parameter, along: direction, of: value)
      #expect(abs((gradient * direction).sum().item() - expected) < 1e-7 * max(1, abs(expected)))
    }
  }
}
