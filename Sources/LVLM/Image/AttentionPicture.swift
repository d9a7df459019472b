import Tensor

/// Draws the attention of an answer over the pictures it was about.
public enum AttentionPicture {
  /// Pictures side by side, greyed, every patch the redder the more attention it got; the patch with the most
  /// attention of all pictures is full red, so that pictures can be compared.
  ///
  /// - Parameters:
  ///   - attention: the map of an answer; a class token in front of the patches of a picture is left out.
  ///   - pictures: the squares that the model saw, all of one size.
  ///   - patchesPerSide: patches along one side of a picture.
  /// - Precondition: there is a map for every picture, and at least one.
  public static func draw(
    _ attention: ImageAttention, over pictures: [RGBImage], patchesPerSide: Int
  ) -> RGBImage {
    tensorRequire(
      !pictures.isEmpty && attention.imageCount == pictures.count
        && attention.patchesPerImage >= patchesPerSide * patchesPerSide, "AttentionPicture",
      "found \(attention.imageCount) maps of \(attention.patchesPerImage), expected "
        + "\(pictures.count) of \(patchesPerSide * patchesPerSide)")
    // Small pictures are enlarged, so that a patch is something to see.
    let side = max(pictures[0].width, 224)
    let gap = 8
    let maps = pictures.indices.map { Array(attention[$0].suffix(patchesPerSide * patchesPerSide)) }
    let most = maps.joined().max() ?? 0
    var canvas = RGBImage(
      width: pictures.count * (side + gap) - gap, height: side, colour: .white)
    for (index, picture) in pictures.enumerated() {
      let scaled = picture.resized(width: side, height: side, filter: .nearest)
      var drawn = RGBImage(width: side, height: side, colour: .white)
      for y in 0..<side {
        for x in 0..<side {
          let patch = y * patchesPerSide / side * patchesPerSide + x * patchesPerSide / side
          let share = most > 0 ? maps[index][patch] / most : 0
          drawn[x, y] = blend(scaled[x, y], share)
        }
      }
      canvas.paste(drawn, x: index * (side + gap), y: 0)
    }
    return canvas
  }

  /// A colour made paler, and redder by a share from 0 to 1.
  private static func blend(_ colour: RGBColour, _ share: Float) -> RGBColour {
    let grey =
      (Float(colour.red) * 0.299 + Float(colour.green) * 0.587 + Float(colour.blue) * 0.114) * 0.6 + 102
    func mixed(_ ink: Float) -> UInt8 { UInt8(min(max(grey + (ink - grey) * share * 0.85, 0), 255)) }
    return RGBColour(mixed(220), mixed(20), mixed(20))
  }
}
