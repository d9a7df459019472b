import Foundation
import LVLM
import Tensor

/// A picture of one coloured shape on a pale background, as in easy-VQA.
public struct ShapeScene: Sendable, Equatable {
  /// The shapes of easy-VQA.
  public enum Shape: String, CaseIterable, Sendable {
    /// One of easy-VQA's three, by its name.
    case circle, rectangle, triangle
  }

  /// The colours of easy-VQA.
  public enum Colour: String, CaseIterable, Sendable {
    /// One of easy-VQA's eight, by its name.
    case red, green, blue, yellow, teal, brown, gray, black

    /// The CSS colour of that name (`green` as easy-VQA has it: full).
    public var rgb: RGBColour {
      switch self {
      case .red: RGBColour(255, 0, 0)
      case .green: RGBColour(0, 255, 0)
      case .blue: RGBColour(0, 0, 255)
      case .yellow: RGBColour(255, 255, 0)
      case .teal: RGBColour(0, 128, 128)
      case .brown: RGBColour(165, 42, 42)
      case .gray: RGBColour(128, 128, 128)
      case .black: RGBColour(0, 0, 0)
      }
    }
  }

  /// What the shape is.
  public var shape: Shape
  /// Its colour.
  public var colour: Colour
  /// The background: every channel 230 … 255.
  public var background: RGBColour
  /// The width of the shape's bounding box as a fraction of the picture.
  public var width: Double
  /// The height of the shape's bounding box as a fraction of the picture.
  public var height: Double
  /// The left edge of the bounding box as a fraction of the picture.
  public var left: Double
  /// The upper edge of the bounding box as a fraction of the picture.
  public var top: Double

  /// The share of the picture that the shape covers.
  public var area: Double {
    switch shape {
    case .circle: .pi / 4 * width * height
    case .rectangle: width * height
    case .triangle: width * height / 2
    }
  }

  /// Draws a scene: shape and colour uniform, area 1.4 % to 28 % of the picture with a median of 8 %, the
  /// place uniform among those where the shape is whole.
  public init(using generator: inout RandomGenerator) {
    shape = Shape.allCases[generator.integer(below: Shape.allCases.count)]
    colour = Colour.allCases[generator.integer(below: Colour.allCases.count)]
    func pale() -> UInt8 { UInt8(230 + generator.integer(below: 26)) }
    background = RGBColour(pale(), pale(), pale())
    let (low, high) = (pow(0.014, 0.25), pow(0.28, 0.25))
    let area = pow(low + (high - low) * generator.uniform(), 4)
    let stretch = generator.uniform()
    switch shape {
    case .circle:
      width = (area * 4 / .pi).squareRoot()
      height = width
    case .rectangle:
      let aspect = exp2(2 * (stretch - 0.5))
      width = (area * aspect).squareRoot()
      height = area / width
    case .triangle:
      let aspect = 0.9 + 0.4 * stretch
      width = (2 * area * aspect).squareRoot()
      height = 2 * area / width
    }
    left = (1 - width) * generator.uniform()
    top = (1 - height) * generator.uniform()
  }

  /// The picture, `size × size` pixels, with antialiased edges.
  public func picture(size: Int) -> RGBImage {
    var picture = RGBImage(width: size, height: size, colour: background)
    let side = Double(size)
    let (x0, y0) = (left * side, top * side)
    let (x1, y1) = (x0 + width * side, y0 + height * side)
    let rows = max(0, Int(y0 - 1))..<min(size, Int(y1) + 2)
    let columns = max(0, Int(x0 - 1))..<min(size, Int(x1) + 2)
    switch shape {
    case .circle:
      let (cx, cy, radius) = ((x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2)
      paint(&picture, rows, columns) { x, y in
        let (dx, dy) = (x - cx, y - cy)
        return radius + 0.5 - (dx * dx + dy * dy).squareRoot()
      }
    case .rectangle:
      paint(&picture, rows, columns) { x, y in
        let wide = min(x + 0.5, x1) - max(x - 0.5, x0)
        let high = min(y + 0.5, y1) - max(y - 0.5, y0)
        return wide > 0 && high > 0 ? wide * high : 0
      }
    case .triangle:
      let (half, high) = ((x1 - x0) / 2, y1 - y0)
      let cx = (x0 + x1) / 2
      let length = (half * half + high * high).squareRoot()
      paint(&picture, rows, columns) { x, y in
        let side = ((y - y0) * half - abs(x - cx) * high) / length
        return min(side, y1 - y) + 0.5
      }
    }
    return picture
  }

  private func paint(
    _ picture: inout RGBImage, _ rows: Range<Int>, _ columns: Range<Int>,
    coverage: (_ x: Double, _ y: Double) -> Double
  ) {
    let (ink, paper) = (colour.rgb, background)
    func mixed(_ paper: UInt8, _ ink: UInt8, _ share: Double) -> UInt8 {
      UInt8(Double(paper) + (Double(ink) - Double(paper)) * share + 0.5)
    }
    for y in rows {
      for x in columns {
        let share = min(coverage(Double(x) + 0.5, Double(y) + 0.5), 1)
        guard share > 0 else { continue }
        picture[x, y] = RGBColour(
          mixed(paper.red, ink.red, share), mixed(paper.green, ink.green, share),
          mixed(paper.blue, ink.blue, share))
      }
    }
  }
}
