import LVLM
import Testing

@Suite struct ImageProcessorTests {
  /// Positions (channel, row, column) whose values transformers' CLIPImageProcessor gives below.
  static let positions = [(0, 3, 5), (1, 14, 14), (2, 27, 0), (0, 13, 27), (1, 9, 20)]

  @Test(
    "The values of transformers' CLIPImageProcessor, with and without LLaVA's padding",
    arguments: [
      (
        "rgb0_37x61.png", false, [-0.6389868, -1.7520971, 0.1977480, 1.1712180, 1.7447128], 2208.875
      ),
      (
        "rgb0_37x61.png", true, [-0.0112545, -1.7520971, -0.0013329, 1.8865409, 0.3790061], 1288.4778
      ),
      ("rgba.png", false, [1.1420212, 0.8292391, 1.8046155, 1.3609976, -0.6265144], 2750.6943),
      ("rgba.png", true, [-0.0404514, 1.6246507, -0.0013329, 1.8865409, 0.0338273], 1912.4187),
      (
        "rgb1_90x45.png", false, [-1.0915381, 1.8647749, -0.9540773, 1.9011393, -1.7520971], 2512.1948
      ),
      (
        "rgb1_90x45.png", true, [0.0325408, 0.6341381, -0.0013329, -0.0112545, -0.3713824], 903.55457
      ),
    ] as [(String, Bool, [Double], Double)])
  func transformers(name: String, pads: Bool, expected: [Double], absoluteSum: Double) throws {
    let processor = ImageProcessor(ImageProcessorConfiguration(size: 28, padsToSquare: pads))
    let values = processor.values(try RGBImage(contentsOf: ImageFixtures.golden(name)))
    #expect(values.count == 3 * 28 * 28)
    for (position, value) in zip(Self.positions, expected) {
      let found = Double(values[(position.0 * 28 + position.1) * 28 + position.2])
      #expect(abs(found - value) < 2e-6, "\(name) at \(position)")
    }
    let sum = values.reduce(0.0) { $0 + Double(abs($1)) }
    #expect(abs(sum - absoluteSum) < 1e-3)
  }

  @Test func paddingIsTheMeanColour() {
    #expect(ImageProcessor(ImageProcessorConfiguration(size: 8)).padding == RGBColour(122, 116, 104))
  }

  @Test func aPictureOfTheRightSizeIsOnlyNormalised() {
    let picture = RGBImage(width: 4, height: 4, colour: RGBColour(255, 0, 51))
    let configuration = ImageProcessorConfiguration(
      size: 4, mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.25, 0.1])
    let processor = ImageProcessor(configuration)
    #expect(processor.square(picture) == picture)
    let values = processor.values(picture)
    #expect(values[0] == 1 && values[16] == -2 && abs(values[32] + 3) < 1e-6)
  }

  @Test func extremeShapesGiveASquare() {
    for size in [(1, 300), (300, 1), (1, 1), (299, 300)] {
      for pads in [true, false] {
        let processor = ImageProcessor(ImageProcessorConfiguration(size: 28, padsToSquare: pads))
        let square = processor.square(RGBImage(width: size.0, height: size.1, colour: .white))
        #expect(square.width == 28 && square.height == 28)
      }
    }
  }
}
