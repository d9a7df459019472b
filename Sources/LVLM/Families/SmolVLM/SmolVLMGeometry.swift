/// The features of pictures of Idefics3 and SmolVLM: those of every tile, then those of a view of the whole,
/// in a frame of tags that says where each tile lies.
public struct SmolVLMGeometry: PictureGeometry, Equatable {
  /// How pictures are cut.
  public let tiling: SmolVLMTiling
  /// Features along a side of a view.
  public let featuresPerSide: Int
  /// Pixels along a side of what one feature stands for. Pixels of a view that are left over at the right and
  /// the bottom are in no feature.
  public let featureSide: Int

  /// A geometry.
  public init(tiling: SmolVLMTiling, featuresPerSide: Int, featureSide: Int) {
    self.tiling = tiling
    self.featuresPerSide = featuresPerSide
    self.featureSide = featureSide
  }

  /// How the token around every run of features is written.
  static let fakeMark = "<fake_token_around_image>"
  /// How the token before the view of the whole picture is written.
  static let globalMark = "<global-img>"

  /// Features of one view.
  public var featuresPerView: Int { featuresPerSide * featuresPerSide }

  public func grid(width: Int, height: Int, isAlone: Bool) -> FeatureGrid {
    let tiles = tiling.tiles(.init(width: width, height: height))
    return grid(rows: tiles.rows, columns: tiles.columns)
  }

  public func largest(isAlone: Bool) -> FeatureGrid {
    grid(width: tiling.longestEdge, height: tiling.longestEdge, isAlone: isAlone)
  }

  public var fixed: FeatureGrid? {
    // A picture whose longer side is odd may be one pixel wider than that.
    let isOneView = tiling.longestEdge + tiling.longestEdge % 2 <= tiling.side
    return tiling.splits && !isOneView ? nil : grid(rows: 0, columns: 0)
  }

  /// The features of a picture that is cut into so many tiles, in none where it is one view.
  func grid(rows: Int, columns: Int) -> FeatureGrid {
    let tiles = (0..<rows).flatMap { row in (0..<columns).map { (row, $0) } }
    var regions = tiles.flatMap { row, column in
      view(row: row, column: column, rows: rows, columns: columns)
    }
    regions += view(row: 0, column: 0, rows: 1, columns: 1)
    return FeatureGrid(
      regions, frame: frame(rows: rows, columns: columns),
      tiles: .init(rows: rows, columns: columns, views: tiles.count + 1))
  }

  /// The rectangles of the features of one of several tiles.
  private func view(row: Int, column: Int, rows: Int, columns: Int) -> [PictureRegion] {
    func span(_ index: Int, of tile: Int, in count: Int) -> PictureSpan {
      let start = tile * tiling.side + index * featureSide
      return PictureSpan(
        from: Double(start), to: Double(start + featureSide), of: Double(count * tiling.side))
    }
    return (0..<featuresPerView).map { feature in
      PictureRegion(
        x: span(feature % featuresPerSide, of: column, in: columns),
        y: span(feature / featuresPerSide, of: row, in: rows))
    }
  }

  /// Tags before every run of features, a line break behind every row of tiles and one more before the view
  /// of the whole.
  private func frame(rows: Int, columns: Int) -> [FeatureGrid.FramePart] {
    let features = FeatureGrid.FramePart.features(featuresPerView)
    var frame: [FeatureGrid.FramePart] = []
    for row in 0..<rows {
      for column in 0..<columns {
        let lineBreak = row > 0 && column == 0 ? "\n" : ""
        frame.append(.text(lineBreak + Self.fakeMark + "<row_\(row + 1)_col_\(column + 1)>"))
        frame.append(features)
      }
    }
    let lineBreaks = rows > 0 ? "\n\n" : ""
    return frame + [
      .text(lineBreaks + Self.fakeMark + Self.globalMark), features, .text(Self.fakeMark),
    ]
  }
}
