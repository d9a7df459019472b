/// The canvas of whole tiles that a picture is put on.
///
/// A tall picture is reflected at its main diagonal, treated as a wide one, and reflected back. The order of
/// operations in double precision is the published code's: 1400 × 1240 becomes 1680 × 1487, not 1488.
struct XComposerCanvas: Equatable {
  /// Whether the axes are exchanged while the picture is resized and padded.
  let isTransposed: Bool
  /// Width of the resized picture, the longer side: a whole number of tiles.
  let length: Int
  /// Height of the resized picture before white is added; 0 for a picture too narrow to be shown.
  let breadth: Int
  /// Rows of white before the picture.
  let before: Int
  /// Rows of tiles, axes as in the file.
  let rows: Int
  /// Columns of tiles, axes as in the file.
  let columns: Int
  private let configuration: XComposerImageConfiguration

  /// The canvas of a picture of so many pixels.
  /// - Parameter budget: tiles at most.
  init(width: Int, height: Int, budget: Int, _ configuration: XComposerImageConfiguration) {
    self.configuration = configuration
    let tile = configuration.tileSide
    isTransposed = width < height
    let (w, h) = isTransposed ? (height, width) : (width, height)
    let ratio = Double(w) / Double(h)
    var scale = 1
    while Double(scale + 1) * (Double(scale + 1) / ratio).rounded(.up) <= Double(budget) { scale += 1 }
    scale = min(Int((Double(w) * configuration.margin / Double(tile)).rounded(.up)), scale)
    length = scale * tile
    breadth = Int(Double(length) / ratio)
    let across = max(1, (breadth + tile - 1) / tile)
    before = configuration.padding == .end ? 0 : (across * tile - breadth) / 2
    (rows, columns) = isTransposed ? (scale, across) : (across, scale)
  }

  /// What stands in the place of the picture: the views, and the features in the decoder's order.
  ///
  /// The whole picture in `n` rows of `n` cells, a separator, then the mosaic of all tiles; behind each row a
  /// feature that ends it. Cells of white lie outside the picture.
  var grid: FeatureGrid {
    let (cells, cell) = (configuration.cellsPerSide, configuration.cellSide)
    var regions: [PictureRegion?] = []
    regions.reserveCapacity((rows * columns + 1) * cells * cells + (rows + 1) * cells + 1)
    func append(rows: Int, columns: Int, width: Int, height: Int) {
      for row in 0..<rows {
        for column in 0..<columns {
          regions.append(
            PictureRegion(
              x: span(column * width, width, isPadded: isTransposed),
              y: span(row * height, height, isPadded: !isTransposed)))
        }
        regions.append(nil)
      }
    }
    append(rows: cells, columns: cells, width: columns * cell, height: rows * cell)
    regions.append(nil)
    append(rows: rows * cells, columns: columns * cells, width: cell, height: cell)
    return FeatureGrid(regions, tiles: .init(rows: rows, columns: columns, views: 1 + rows * columns))
  }

  /// A stretch of the canvas as a part of the picture.
  private func span(_ start: Int, _ size: Int, isPadded: Bool) -> PictureSpan {
    let first = isPadded ? start - before : start
    let parts = isPadded ? max(1, breadth) : length
    return PictureSpan(from: Double(first), to: Double(first + size), of: Double(parts))
  }

  /// The picture on its canvas.
  func paint(_ picture: RGBImage) -> RGBImage {
    let wide = isTransposed ? picture.transposed() : picture
    let resized = wide.resized(width: length, height: max(1, breadth), filter: .bilinear)
    let across = (isTransposed ? columns : rows) * configuration.tileSide
    var canvas = RGBImage(width: length, height: across, colour: .white)
    canvas.paste(resized, x: 0, y: before)
    return isTransposed ? canvas.transposed() : canvas
  }
}

extension RGBImage {
  /// The picture reflected at its main diagonal: rows become columns.
  func transposed() -> RGBImage {
    let samples = [UInt8](unsafeUninitializedCapacity: pixels.count) { buffer, count in
      for x in 0..<width {
        for y in 0..<height {
          let source = (y * width + x) * 3
          for channel in 0..<3 { buffer[count + channel] = pixels[source + channel] }
          count += 3
        }
      }
    }
    return RGBImage(width: height, height: width, pixels: samples)
  }
}
