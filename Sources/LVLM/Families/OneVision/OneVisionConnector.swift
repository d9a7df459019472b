public import Tensor

/// LLaVA-OneVision's way from its encoder to its decoder: two layers for every patch, then the features of
/// each picture in the order of their rows, with a learned vector at the end of every row.
public final class OneVisionConnector: Connector {
  let projector: MultiModalProjector
  /// `[text width]`, the end of a row.
  private let newline: Parameter
  private let resolution: AnyResolution

  /// A connector with random weights.
  /// - Parameters:
  ///   - inner: width of the vision encoder.
  ///   - width: width of the decoder.
  ///   - activation: what stands between the two layers.
  ///   - bias: whether they have biases.
  ///   - resolution: how pictures are cut.
  package init(
    from inner: Int, to width: Int, activation: Activation = .gelu, bias: Bool = true,
    resolution: AnyResolution, using generator: inout RandomGenerator
  ) {
    projector = MultiModalProjector(
      from: inner, to: width, activation: activation, bias: bias, using: &generator)
    self.resolution = resolution
    let deviation = 1 / Double(max(width, 1)).squareRoot()
    newline = Parameter(.randomNormal([width], standardDeviation: deviation, using: &generator))
  }

  /// Visits the parameters under their Hugging Face names.
  public func visitParameters(_ visitor: inout ParameterVisitor) {
    projector.visitParameters(&visitor)
    visitor.add("image_newline", newline)
  }

  public func callAsFunction(_ selected: Tensor, layout: FeatureLayout) -> Tensor {
    arranged(projected(selected), layout: layout)
  }

  /// `[views, patches, text width]`, before features are arranged.
  package func projected(_ selected: Tensor) -> Tensor { projector(selected) }

  /// The features of views in the order in which the decoder reads them.
  ///
  /// - Parameters:
  ///   - projected: `[views of all pictures, patches, text width]`, picture by picture.
  ///   - layout: the features of every picture.
  /// - Returns: `[features of all pictures, text width]`.
  package func arranged(_ projected: Tensor, layout: FeatureLayout) -> Tensor {
    let (patches, width) = (projected.shape[1], projected.shape[2])
    let views = layout.grids.reduce(0) { $0 + $1.tiles.views }
    tensorRequire(
      projected.shape[0] == views, "OneVisionConnector",
      "found \(projected.shape[0]) views, expected \(views) for \(layout.count) pictures")
    guard views > 0 else { return projected.reshaped([0, width]) }
    let features = projected.reshaped([views * patches, width])
    let end = newline.tensor.reshaped([1, width])
    var (parts, first): ([Tensor], Int) = ([], 0)
    for grid in layout.grids {
      parts.append(features.slice(axis: 0, first..<first + patches))
      if grid.tiles.views == 1 {
        parts.append(end)
      } else {
        parts.append(rows(of: grid, in: features, from: first + patches, end: end))
      }
      first += grid.tiles.views * patches
    }
    return Tensor.concatenated(parts)
  }

  /// The rows of a picture's tiles, each with its end.
  ///
  /// - Parameters:
  ///   - features: `[patches of all views, text width]`.
  ///   - first: number of the first patch of the first tile.
  ///   - end: `[1, text width]`.
  /// - Returns: `[rows · (columns + 1), text width]`.
  private func rows(of grid: FeatureGrid, in features: Tensor, from first: Int, end: Tensor) -> Tensor {
    let (side, width) = (resolution.patchesPerSide, features.shape[1])
    let kept = resolution.arrangement(width: grid.tiles.width, height: grid.tiles.height)
    tensorRequire(
      side * side + kept.height * (kept.width + 1) == grid.count
        && kept.tileRows * kept.tileColumns + 1 == grid.tiles.views, "OneVisionConnector",
      "found a picture of \(grid.count) features in \(grid.tiles.views) views, which is cut in another way")
    let order = kept.rows.flatMap { row in
      kept.columns.map { column in
        let tile = row / side * kept.tileColumns + column / side
        return Int32(first + (tile * side + row % side) * side + column % side)
      }
    }
    var cells = features.rows(at: Tensor(order)).reshaped([kept.rows.count, kept.columns.count, width])
    if kept.isShrunk {
      let planes = cells.permuted([2, 0, 1]).expandedDimensions(axis: 0)
      cells = interpolate(planes, size: [kept.height, kept.width], mode: .bilinear)
        .squeezed(axis: 0).permuted([1, 2, 0])
    }
    let ends = end.expandedDimensions(axis: 0).expanded(to: [kept.height, 1, width])
    return Tensor.concatenated([cells, ends], axis: 1).reshaped([kept.height * (kept.width + 1), width])
  }
}
