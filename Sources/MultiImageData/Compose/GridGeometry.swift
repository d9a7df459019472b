/// The canvas of a grid collage: square cells, gaps between columns, a label strip above every row.
public struct GridGeometry: Sendable, Equatable {
  /// Rows of cells.
  public let rows: Int
  /// Columns of cells.
  public let columns: Int
  /// The side of a cell in pixels (448 in the paper).
  public let cell: Int

  /// The layout for 2, 3, 4, 6 or 9 pictures; `nil` for any other number.
  public init?(count: Int, cell: Int) {
    switch count {
    case 2: (rows, columns) = (1, 2)
    case 3: (rows, columns) = (1, 3)
    case 4: (rows, columns) = (2, 2)
    case 6: (rows, columns) = (2, 3)
    case 9: (rows, columns) = (3, 3)
    default: return nil
    }
    self.cell = cell
  }

  /// The gap between columns and the height of a label strip: 40 of 448 pixels, scaled and rounded.
  public var gap: Int { Int((Double(cell) * 40 / 448).rounded()) }
  /// The distance of a label from the left edge of its cell: 20 of 448 pixels.
  public var labelIndent: Int { Int((Double(cell) * 20 / 448).rounded()) }
  /// Canvas width in pixels.
  public var width: Int { columns * cell + (columns - 1) * gap }
  /// Canvas height in pixels.
  public var height: Int { rows * (cell + gap) }

  /// The height of the letters: 26 of 40 pixels of the strip in whole dots, or most of a strip too low for
  /// that.
  public var labelHeight: Int {
    let height = gap * 26 / 40
    return height >= 7 ? (height + 3) / 7 * 7 : min(7, max(1, gap - 1))
  }

  /// The square of the picture with the 1-based number `number`, row by row, without its label strip.
  public func region(_ number: Int) -> PixelRectangle {
    let (row, column) = ((number - 1) / columns, (number - 1) % columns)
    return PixelRectangle(
      x: column * (cell + gap), y: row * (cell + gap) + gap, width: cell, height: cell)
  }
}
