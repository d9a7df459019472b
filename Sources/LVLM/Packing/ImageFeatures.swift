public import Tensor

/// Where the features of several pictures lie among each other: picture by picture, without gaps.
public struct FeatureLayout: Equatable, Sendable {
  /// The grid of every picture.
  public let grids: [FeatureGrid]
  private let starts: [Int]

  /// Pictures one after the other.
  public init(_ grids: [FeatureGrid]) {
    self.grids = grids
    var starts = [0]
    for grid in grids { starts.append(starts[starts.count - 1] + grid.count) }
    self.starts = starts
  }

  /// So many pictures with one grid.
  public init(repeating grid: FeatureGrid, count: Int) {
    self.init(Array(repeating: grid, count: count))
  }

  /// Pictures.
  public var count: Int { grids.count }
  /// Features of all of them.
  public var rowCount: Int { starts[starts.count - 1] }

  /// The rows of a picture.
  public subscript(picture: Int) -> Range<Int> { starts[picture]..<starts[picture + 1] }
}

/// Features of pictures as a decoder reads them.
public struct ImageFeatures: Sendable {
  /// `[features of all pictures, text width]`, picture by picture.
  public let rows: Tensor
  /// Which rows are whose.
  public let layout: FeatureLayout

  /// Features of pictures.
  /// - Parameter rows: `[…, text width]`, with as many rows as the layout.
  public init(_ rows: Tensor, layout: FeatureLayout) {
    let width = rows.shape[rows.rank - 1]
    let found = rows.shape.dropLast().reduce(1, *)
    tensorRequire(
      found == layout.rowCount, "ImageFeatures",
      "found \(found) rows for \(layout.count) pictures, expected \(layout.rowCount)")
    self.rows = rows.rank == 2 ? rows : rows.reshaped([found, width])
    self.layout = layout
  }

  /// The same pictures with zeros in the place of what they show.
  public var blank: ImageFeatures {
    ImageFeatures(Tensor.zeros(rows.shape, dtype: rows.dtype), layout: layout)
  }
}
