import Tensor

/// Draws the attention of an answer over the pictures it was about.
public enum AttentionPicture {
  /// Pictures side by side, greyed, every patch the redder the more attention it got; the patch with the most
  /// attention of all pictures is full red, so that pictures can be compared.
  ///
  /// - Parameters:
  ///   - attention: the map of an answer; what stands for no part of a picture is left out, and of features
  ///     of one place the one with the most attention is drawn.
  ///   - pictures: the squares that the model saw, all of one size.
  /// - Precondition: there is a map for every picture, and at least one.
  public static func draw(_ attention: ImageAttention, over pictures: [RGBImage]) -> RGBImage {
    tensorRequire(
      !pictures.isEmpty && attention.imageCount == pictures.count, "AttentionPicture",
      "found \(attention.imageCount) maps, expected \(pictures.count)")
    // Small pictures are enlarged, so that a patch is something to see.
    let side = max(pictures[0].width, 224)
    let gap = 8
    let maps = pictures.indices.map { painted(attention[$0], attention.grids[$0], side: side) }
    let most = maps.joined().max() ?? 0
    var canvas = RGBImage(
      width: pictures.count * (side + gap) - gap, height: side, colour: .white)
    for (index, picture) in pictures.enumerated() {
      let scaled = picture.resized(width: side, height: side, filter: .nearest)
      var drawn = RGBImage(width: side, height: side, colour: .white)
      for y in 0..<side {
        for x in 0..<side {
          let share = most > 0 ? maps[index][y * side + x] / most : 0
          drawn[x, y] = blend(scaled[x, y], share)
        }
      }
      canvas.paste(drawn, x: index * (side + gap), y: 0)
    }
    return canvas
  }

  /// The attention that each pixel of a square got, row by row.
  private static func painted(_ values: ArraySlice<Float>, _ grid: FeatureGrid, side: Int) -> [Float] {
    func pixels(_ span: PictureSpan) -> Range<Int> {
      func pixel(_ place: Double) -> Int {
        Int((min(max(place / span.parts, 0), 1) * Double(side) - 1e-9).rounded(.up))
      }
      return pixel(span.start)..<max(pixel(span.start), pixel(span.end))
    }
    var map = [Float](repeating: 0, count: side * side)
    for (value, region) in zip(values, grid.regions) {
      guard let region else { continue }
      let across = pixels(region.x)
      for y in pixels(region.y) {
        for x in across { map[y * side + x] = max(map[y * side + x], value) }
      }
    }
    return map
  }

  /// A colour made paler, and redder by a share from 0 to 1.
  private static func blend(_ colour: RGBColour, _ share: Float) -> RGBColour {
    let grey =
      (Float(colour.red) * 0.299 + Float(colour.green) * 0.587 + Float(colour.blue) * 0.114) * 0.6 + 102
    func mixed(_ ink: Float) -> UInt8 { UInt8(min(max(grey + (ink - grey) * share * 0.85, 0), 255)) }
    return RGBColour(mixed(220), mixed(20), mixed(20))
  }
}
