import Foundation
import LVLM
import MultiImageData
import Records
import Runs
import TestSupport
import Testing

struct ConfiguredSourceTests {
  @Test func configurationOpensItsSource() throws {
    var configuration = RunConfiguration()
    configuration.data.sizes.test = 17
    let source = try configuration.questionSource()
    #expect(source.name == "shapes" && source.count(of: .test) == 17)
    #expect(try configuration.compositionOptions().cell == configuration.model.visionConfig.imageSize)
    // Of an existing model, its own pictures' size counts, not that of a shape nobody asked for.
    var onModel = configuration
    onModel.model.path = Fixtures.url("verification/llava_tiny").path
    #expect(try onModel.pictureSide() == 12 && onModel.compositionOptions().cell == 12)
    let scene = try onModel.questionSource()
    #expect(try scene.image(for: scene.image(.test, 0)).width == 12)
    configuration.data.source = .fashion
    configuration.data.path = "/no/such/folder"
    #expect(throws: DataError.self) { try configuration.questionSource() }
  }
}
