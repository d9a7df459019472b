public import Tensor

/// Joins patches two by two, puts the cells of all views of a picture into rows with a learned vector behind
/// each, and projects all of them.
///
/// For a picture: the rows of the whole picture, a learned separator, then the rows of the mosaic, which run
/// through all tiles that stand side by side. The two vectors pass the projector too.
public final class XComposerConnector: Connector {
  var first: Linear
  var second: Linear
  /// `[1, 1, 1, merged width]`, the end of a row.
  private let rowEnd: Parameter
  /// `[1, 1, merged width]`, between the whole picture and its mosaic.
  private let separator: Parameter

  /// A connector with random weights.
  /// - Parameter visionWidth: of one patch; four are joined.
  package init(visionWidth: Int, textWidth: Int, using generator: inout RandomGenerator) {
    let merged = 4 * visionWidth
    first = Linear(merged, textWidth, bias: true, using: &generator)
    second = Linear(textWidth, textWidth, bias: true, using: &generator)
    rowEnd = Parameter(.zeros([1, 1, 1, merged]))
    separator = Parameter(.zeros([1, 1, merged]))
  }

  /// Visits the parameters under their published names.
  public func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("vision_proj.0", first)
    visitor.child("vision_proj.2", second)
    visitor.add("plora_glb_GN", separator)
    visitor.add("plora_sub_GN", rowEnd)
  }

  /// - Parameters:
  ///   - selected: `[views of all pictures, patches, vision width]`, picture by picture: its whole, then its
  ///     tiles in reading order.
  ///   - layout: the features of every picture.
  /// - Returns: `[features of all pictures, text width]`.
  public func callAsFunction(_ selected: Tensor, layout: FeatureLayout) -> Tensor {
    // Every vector is projected once, however many rows it ends.
    let table = vectors(selected, layout: layout)
    return second(first(table).gelu()).rows(at: order(of: layout, cells: side(of: selected)))
  }

  /// What is projected, `[features of all pictures, 4 · vision width]`.
  package func merged(_ selected: Tensor, layout: FeatureLayout) -> Tensor {
    vectors(selected, layout: layout).rows(at: order(of: layout, cells: side(of: selected)))
  }

  /// The end of a row, the separator, and the cells of all views, `[2 + cells, 4 · vision width]`.
  private func vectors(_ selected: Tensor, layout: FeatureLayout) -> Tensor {
    let (views, side, width) = (selected.shape[0], side(of: selected), selected.shape[2])
    let expected = layout.grids.reduce(0) { $0 + $1.tiles.views }
    tensorRequire(
      views == expected, "XComposerConnector", "found \(views) views, expected \(expected)")
    let cells = selected.reshaped([views, side, 2, side, 2, width]).permuted([0, 1, 3, 2, 4, 5])
      .reshaped([views * side * side, 4 * width])
    let shape = [1, 4 * width]
    return Tensor.concatenated(
      [rowEnd.tensor.reshaped(shape), separator.tensor.reshaped(shape), cells], axis: 0)
  }

  /// Cells along a side of a view.
  private func side(of selected: Tensor) -> Int {
    let patches = selected.shape[1]
    let side = Int(Double(patches).squareRoot().rounded())
    tensorRequire(
      side * side == patches && side % 2 == 0, "XComposerConnector",
      "found views of \(patches) patches, expected a square with an even side")
    return side / 2
  }

  /// For each feature its row among ``vectors(_:layout:)``.
  private func order(of layout: FeatureLayout, cells: Int) -> Tensor {
    var order: [Int32] = []
    order.reserveCapacity(layout.rowCount)
    var next = 2
    for grid in layout.grids {
      let tiles = grid.tiles
      func append(rows: Int, columns: Int) {
        for row in 0..<rows * cells {
          for column in 0..<columns * cells {
            let view = next + (row / cells * columns + column / cells) * cells * cells
            order.append(Int32(view + row % cells * cells + column % cells))
          }
          order.append(0)
        }
        next += rows * columns * cells * cells
      }
      append(rows: 1, columns: 1)
      order.append(1)
      append(rows: tiles.rows, columns: tiles.columns)
    }
    tensorRequire(
      order.count == layout.rowCount, "XComposerConnector",
      "found \(order.count) features of views of \(cells) × \(cells), expected \(layout.rowCount)")
    return Tensor(order)
  }
}
