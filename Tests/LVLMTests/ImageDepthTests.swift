import Checkpoint
import LVLM
import TestSupport
import Testing

/// Every colour type and depth of PNG, with and without transparency, and JPEG's colour spaces and
/// orientations, against what Pillow and transformers make of the same files
/// (`Tests/Fixtures/images/make_fixtures.py`).
@Suite struct ImageDepthTests {
  private static let pngs = [
    "grey1.png", "grey8.png", "grey8_key.png", "grey_alpha8.png", "rgb8_key.png", "rgba8.png", "palette1.png",
    "palette1_trns.png", "palette2.png", "palette2_trns.png", "palette4.png", "palette4_trns.png",
    "palette8.png", "palette8_trns.png", "grey16.png", "grey_alpha16.png", "rgb16.png", "rgba16.png",
    "grey8_gamma.png",
    "rgb8_gamma.png", "rgba8_gamma.png", "rgb16_gamma.png",
  ]
  private static let jpegs = ["grey.jpg", "rgb.jpg", "cmyk.jpg"] + (1...8).map { "turned\($0).jpg" }

  /// Largest difference of a sample from the peers'.
  private func difference(_ name: String, _ rule: TransparencyRule) throws -> Int {
    let picture = try RGBImage(contentsOf: ImageFixtures.plain("depths/\(name)"), transparency: rule)
    let file = try SafeTensorsFile(reading: Fixtures.url("images/depths/expected.safetensors"))
    return try file.withBytes(of: "\(name)/\(rule.rawValue)") { entry, expected in
      #expect(entry.shape == [picture.height, picture.width, 3])
      return zip(picture.pixels, expected).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
    }
  }

  @Test(
    "PNG of every type and depth: the same samples, whatever gamma it states", arguments: pngs,
    TransparencyRule.allCases)
  func png(name: String, rule: TransparencyRule) throws {
    #expect(try difference(name, rule) == 0)
  }

  @Test("JPEG in grey, colour and CMYK, and every orientation", arguments: jpegs)
  func jpeg(name: String) throws {
    #expect(try difference(name, .onWhite) <= 1)
  }
}
