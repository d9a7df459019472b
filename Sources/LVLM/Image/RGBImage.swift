import Tensor

/// A picture of 8-bit RGB samples, row by row from the top left: `pixels[(y * width + x) * 3 + channel]`.
public struct RGBImage: Sendable, Equatable {
  /// Width in pixels, at least 1.
  public let width: Int
  /// Height in pixels, at least 1.
  public let height: Int
  /// `width * height * 3` samples.
  public package(set) var pixels: [UInt8]

  /// Creates a picture from samples.
  /// - Precondition: both sides are positive and `pixels.count == width * height * 3`.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    tensorRequire(
      width > 0 && height > 0 && Tensor.elementCount([width, height, 3]) == pixels.count, "RGBImage",
      "\(width)x\(height) needs three samples for each pixel, found \(pixels.count)")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Creates a picture of one colour.
  public init(width: Int, height: Int, colour: RGBColour) {
    tensorRequire(
      width > 0 && height > 0 && Tensor.elementCount([width, height, 3]).map { $0 < 1 << 40 } ?? false,
      "RGBImage",
      "\(width)x\(height) has no pixels, or more than fit into memory")
    self.width = width
    self.height = height
    pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { buffer, count in
      count = width * height * 3
      guard colour.red != colour.green || colour.green != colour.blue else {
        buffer.initialize(repeating: colour.red)
        return
      }
      for pixel in 0..<width * height {
        buffer[pixel * 3] = colour.red
        buffer[pixel * 3 + 1] = colour.green
        buffer[pixel * 3 + 2] = colour.blue
      }
    }
  }

  /// The colour at column `x`, row `y`.
  public subscript(x: Int, y: Int) -> RGBColour {
    get {
      tensorRequire(x >= 0 && x < width && y >= 0 && y < height, "RGBImage", "no pixel (\(x), \(y))")
      let start = (y * width + x) * 3
      return RGBColour(pixels[start], pixels[start + 1], pixels[start + 2])
    }
    set {
      tensorRequire(x >= 0 && x < width && y >= 0 && y < height, "RGBImage", "no pixel (\(x), \(y))")
      let start = (y * width + x) * 3
      pixels[start] = newValue.red
      pixels[start + 1] = newValue.green
      pixels[start + 2] = newValue.blue
    }
  }
}

/// An 8-bit sRGB colour.
public struct RGBColour: Sendable, Hashable {
  /// The red sample.
  public var red: UInt8
  /// The green sample.
  public var green: UInt8
  /// The blue sample.
  public var blue: UInt8

  /// Creates a colour from its samples.
  public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  /// White, the canvas of composed pictures.
  public static let white = RGBColour(255, 255, 255)
  /// Black, the ink of labels.
  public static let black = RGBColour(0, 0, 0)
}
