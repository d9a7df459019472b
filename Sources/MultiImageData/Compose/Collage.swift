import Tensor

public import LVLM

/// Puts several pictures into one, by MIA-DPO's geometry.
public enum Collage {
  /// A grid of labelled pictures on white: each is scaled to fit its cell (aspect kept, Lanczos) and stands
  /// at the cell's top left, under its label `Image<n>`.
  /// - Parameter labels: ready labels by number; made when there are too few.
  /// - Precondition: `pictures.count` fits the geometry.
  public static func grid(
    _ pictures: [RGBImage], geometry: GridGeometry, labels: [TextMask] = []
  ) -> RGBImage {
    tensorRequire(
      pictures.count == geometry.rows * geometry.columns, "grid",
      "\(geometry.rows)x\(geometry.columns) cells for \(pictures.count) pictures")
    var canvas = RGBImage(width: geometry.width, height: geometry.height, colour: .white)
    for (index, picture) in pictures.enumerated() {
      let region = geometry.region(index + 1)
      canvas.paste(picture.fitted(into: geometry.cell), x: region.x, y: region.y)
      guard geometry.gap > 0 else { continue }
      let label = index < labels.count ? labels[index] : label(index + 1, geometry)
      canvas.draw(
        label, x: region.x + geometry.labelIndent,
        y: region.y - geometry.gap + (geometry.gap - label.height) / 2)
    }
    return canvas
  }

  /// The label of a cell.
  public static func label(_ number: Int, _ geometry: GridGeometry) -> TextMask {
    TextMask("Image\(number)", height: geometry.labelHeight)
  }

  /// The rectangle of the inner picture of picture-in-picture: `scale` of the outer picture's binding side,
  /// aspect kept, centred, every length truncated to a whole pixel.
  public static func innerRegion(
    outerWidth: Int, outerHeight: Int, innerWidth: Int, innerHeight: Int, scale: Double
  ) -> PixelRectangle {
    let aspect = Double(innerWidth) / Double(innerHeight)
    let (wide, high) = (Double(outerWidth) * scale, Double(outerHeight) * scale)
    var (width, height): (Int, Int)
    if wide / aspect <= high {
      width = Int(wide)
      height = Int(Double(width) / aspect)
    } else {
      height = Int(high)
      width = Int(Double(height) * aspect)
    }
    (width, height) = (max(1, width), max(1, height))
    return PixelRectangle(
      x: (outerWidth - width) / 2, y: (outerHeight - height) / 2, width: width, height: height)
  }

  /// `inner` scaled (bicubic) and pasted on the centre of `outer`, which keeps its size.
  public static func pictureInPicture(inner: RGBImage, outer: RGBImage, scale: Double) -> RGBImage {
    let region = innerRegion(
      outerWidth: outer.width, outerHeight: outer.height, innerWidth: inner.width, innerHeight: inner.height,
      scale: scale)
    var canvas = outer
    canvas.paste(inner.resized(width: region.width, height: region.height), x: region.x, y: region.y)
    return canvas
  }
}
