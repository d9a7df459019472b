import Checkpoint
import Foundation
import LVLM
import TestSupport
import Testing

/// Pictures are turned as Pillow's `exif_transpose` turns them, wherever the orientation stands.
@Suite struct PictureOrientationTests {
  @Test func everyPlaceAsPillowReadsIt() throws {
    let expected = try SafeTensorsFile(reading: Fixtures.url("images/orientation/expected.safetensors"))
    #expect(expected.names.count == 19)
    for name in expected.names {
      let array = try expected.array(name)
      let picture = try RGBImage(contentsOf: Fixtures.url("images/orientation/\(name)").path)
      #expect([picture.height, picture.width, 3] == array.shape, "\(name)")
      let levels = name.hasSuffix("jpg") ? 2 : 0
      let largest = zip(picture.pixels, array.bytes).map { abs(Int($0) - Int($1)) }.max() ?? 256
      #expect(largest <= levels, "\(name)")
    }
  }
}
