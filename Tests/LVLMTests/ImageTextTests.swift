import LVLM
import Testing

@Suite struct ImageTextTests {
  private func drawn(_ text: String, height: Int, width: Int = 60) -> RGBImage {
    var canvas = RGBImage(width: width, height: height, colour: .white)
    canvas.draw(TextMask(text, height: height), x: 0, y: 0)
    return canvas
  }

  private func rows(_ picture: RGBImage, _ columns: Range<Int>) -> [String] {
    (0..<picture.height).map { y in
      String(columns.map { picture[$0, y] == .black ? "#" : picture[$0, y] == .white ? "." : "+" })
    }
  }

  @Test func glyphsAtTheirOwnSize() {
    let picture = drawn("I2", height: 7)
    #expect(
      rows(picture, 0..<12) == [
        ".###...###..", "..#...#...#.", "..#.......#.", "..#......#..", "..#.....#...", "..#....#....",
        ".###..#####.",
      ])
  }

  @Test func multiplesOfSevenAreSharp() {
    let small = drawn("Image3", height: 7)
    let large = drawn("Image3", height: 21, width: 180)
    #expect(large == small.resized(width: 180, height: 21, filter: .nearest))
  }

  @Test func smallTextKeepsItsInk() {
    func ink(_ picture: RGBImage) -> Double {
      (255 - picture.mean.red) * Double(picture.width * picture.height)
    }
    let full = ink(drawn("Image4", height: 7))
    let small = ink(drawn("Image4", height: 5)) * 49 / 25
    #expect(abs(full - small) < 0.02 * full)
    #expect(TextMask("Image4", height: 5).width == 25)
  }

  @Test func everyCharacterHasItsOwnShape() {
    let all = (33..<127).map { drawn(String(UnicodeScalar(UInt8($0))), height: 7, width: 5).pixels }
    #expect(Set(all).count == 94)
    #expect(drawn(" ", height: 7).mean.red == 255)
    #expect(drawn("é", height: 7) == drawn("?", height: 7))
  }

  @Test func textIsClippedAtTheBorder() {
    var canvas = RGBImage(width: 8, height: 8, colour: .white)
    canvas.draw(TextMask("Image1", height: 14), x: -3, y: -2, colour: RGBColour(200, 0, 0))
    #expect(canvas.pixels.contains(200))
  }
}
