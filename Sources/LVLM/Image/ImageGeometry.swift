extension RGBImage {
  /// The rectangle of `width × height` pixels whose top-left corner is (`x`, `y`); parts outside the picture
  /// are filled with `colour`.
  public func cropped(
    x: Int, y: Int, width newWidth: Int, height newHeight: Int, filling colour: RGBColour = .black
  ) -> RGBImage {
    if x == 0, y == 0, newWidth == width, newHeight == height { return self }
    var result = RGBImage(width: newWidth, height: newHeight, colour: colour)
    result.paste(self, x: -x, y: -y)
    return result
  }

  /// The centre of the picture, `(side - size) / 2` rounded down from the top and left.
  public func centreCropped(width newWidth: Int, height newHeight: Int) -> RGBImage {
    cropped(
      x: floorHalf(width - newWidth), y: floorHalf(height - newHeight), width: newWidth, height: newHeight)
  }

  /// A square with the picture in its centre and borders of `colour` (LLaVA's `expand2square`).
  public func paddedToSquare(_ colour: RGBColour) -> RGBImage {
    if width == height { return self }
    let side = max(width, height)
    var result = RGBImage(width: side, height: side, colour: colour)
    result.paste(self, x: (side - width) / 2, y: (side - height) / 2)
    return result
  }

  /// Copies `picture` over this one with its top-left corner at (`x`, `y`); what lies outside is left out.
  public mutating func paste(_ picture: RGBImage, x: Int, y: Int) {
    let columns = max(0, -x)..<max(max(0, -x), min(picture.width, width - x))
    let rows = max(0, -y)..<max(max(0, -y), min(picture.height, height - y))
    guard columns.lowerBound < columns.upperBound else { return }
    let wide = width
    pixels.withUnsafeMutableBufferPointer { target in
      picture.pixels.withUnsafeBufferPointer { source in
        for row in rows {
          let from = source.baseAddress! + (row * picture.width + columns.lowerBound) * 3
          let to = target.baseAddress! + ((y + row) * wide + x + columns.lowerBound) * 3
          to.update(from: from, count: columns.count * 3)
        }
      }
    }
  }

  /// The mean of each channel over all pixels, 0 … 255.
  public var mean: (red: Double, green: Double, blue: Double) {
    var (red, green, blue) = (0, 0, 0)
    for pixel in 0..<width * height {
      red += Int(pixels[pixel * 3])
      green += Int(pixels[pixel * 3 + 1])
      blue += Int(pixels[pixel * 3 + 2])
    }
    let count = Double(width * height)
    return (Double(red) / count, Double(green) / count, Double(blue) / count)
  }
}

private func floorHalf(_ value: Int) -> Int { value >> 1 }
