import Tensor

/// A line of text as ink coverage, ready to be drawn on pictures.
public struct TextMask: Sendable {
  /// Width in pixels.
  public let width: Int
  /// Height in pixels.
  public let height: Int
  /// The inked share of every pixel, 0 … 1, row by row.
  let coverage: [Double]

  /// Sets a line in the built-in 5×7 font.
  ///
  /// Multiples of seven give sharp dots; any other height shares a dot among the pixels it covers, so small
  /// labels stay readable.
  /// - Parameter height: the height of a capital letter in pixels, at least 1.
  public init(_ text: String, height: Int) {
    tensorRequire(height > 0, "TextMask", "the height must be positive, found \(height)")
    let dots = max(text.count * BitmapFont.advance - 1, 0)
    let scale = Double(height) / Double(BitmapFont.glyphHeight)
    let width = Int((Double(dots) * scale).rounded(.up))
    var coverage = [Double](repeating: 0, count: width * height)
    for (position, character) in text.enumerated() {
      for row in 0..<BitmapFont.glyphHeight {
        for column in 0..<BitmapFont.glyphWidth
        where BitmapFont.dot(character, column: column, row: row) {
          let left = Double(position * BitmapFont.advance + column) * scale
          let top = Double(row) * scale
          for y in Int(top)..<min(height, Int((top + scale).rounded(.up))) {
            let high = min(top + scale, Double(y + 1)) - max(top, Double(y))
            for x in Int(left)..<min(width, Int((left + scale).rounded(.up))) {
              let wide = min(left + scale, Double(x + 1)) - max(left, Double(x))
              coverage[y * width + x] += high * wide
            }
          }
        }
      }
    }
    self.width = width
    self.height = height
    self.coverage = coverage.map { min($0, 1) }
  }
}

extension RGBImage {
  /// Draws a line of text with its top-left corner at (`x`, `y`); what lies outside is left out.
  public mutating func draw(_ text: TextMask, x: Int, y: Int, colour: RGBColour = .black) {
    let ink = [Double(colour.red), Double(colour.green), Double(colour.blue)]
    for row in 0..<text.height where y + row >= 0 && y + row < height {
      for column in 0..<text.width where x + column >= 0 && x + column < width {
        let share = text.coverage[row * text.width + column]
        guard share > 0 else { continue }
        let start = ((y + row) * width + x + column) * 3
        for channel in 0..<3 {
          let paper = Double(pixels[start + channel])
          pixels[start + channel] = UInt8((paper + (ink[channel] - paper) * share).rounded())
        }
      }
    }
  }
}
