import LVLM

/// The colours that pictures are asked for.
enum MainColour: String, CaseIterable, Sendable {
  case red, orange, yellow, green, blue, purple, pink, brown, gray, black

  /// The colour of most of what a picture shows on its white ground.
  ///
  /// `nil` where less than a twentieth of the picture is not white, or where no colour has half of the rest
  /// and twice as much as the next one: people would disagree.
  init?(of picture: RGBImage) {
    var counts = [MainColour: Int]()
    var all = 0
    for start in stride(from: 0, to: picture.pixels.count, by: 3) {
      let (red, green) = (Int(picture.pixels[start]), Int(picture.pixels[start + 1]))
      guard let colour = Self.name(red: red, green: green, blue: Int(picture.pixels[start + 2])) else {
        continue
      }
      counts[colour, default: 0] += 1
      all += 1
    }
    let order = Self.allCases.sorted { (counts[$0] ?? 0) > (counts[$1] ?? 0) }
    let (first, second) = (counts[order[0]] ?? 0, counts[order[1]] ?? 0)
    guard all * 20 >= picture.width * picture.height, first * 2 >= all, first >= 2 * second else {
      return nil
    }
    self = order[0]
  }

  /// The name of a colour by hue, saturation and brightness; `nil` for white.
  private static func name(red: Int, green: Int, blue: Int) -> MainColour? {
    let (high, low) = (max(red, green, blue), min(red, green, blue))
    let chroma = high - low
    if low >= 236 { return nil }
    if high < 56 { return .black }
    if chroma * 100 < high * 15 { return .gray }
    let sixth =
      high == red
      ? Double(green - blue) / Double(chroma)
      : high == green ? 2 + Double(blue - red) / Double(chroma) : 4 + Double(red - green) / Double(chroma)
    switch (sixth * 60 + 360).truncatingRemainder(dividingBy: 360) {
    case ..<15, 345...: return high < 140 ? .brown : chroma * 2 < high ? .pink : .red
    case ..<45: return high < 190 ? .brown : .orange
    case ..<70: return high < 120 ? .brown : .yellow
    case ..<170: return .green
    case ..<255: return .blue
    case ..<300: return .purple
    default: return .pink
    }
  }
}
