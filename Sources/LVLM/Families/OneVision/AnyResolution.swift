import Tensor

/// How LLaVA-OneVision looks at pictures. One that is alone in its prompt is seen whole and in tiles of the
/// canvas that suits it best, at a resolution near its own; one of several is seen once, padded to a square.
///
/// Sizes are worked out in the floating-point steps of transformers (`select_best_resolution`,
/// `get_patch_output_size`, `LlavaOnevisionProcessor._get_unpadded_features`): a rounding that went another
/// way would be another number of image tokens.
public struct AnyResolution: PictureGeometry, Equatable {
  /// Height and width in pixels.
  public struct Size: Hashable, Sendable {
    /// From top to bottom.
    public var height: Int
    /// From left to right.
    public var width: Int

    /// A size.
    public init(height: Int, width: Int) { (self.height, self.width) = (height, width) }
  }

  /// Which features of a picture's tiles the decoder reads, and as how many.
  package struct Arrangement: Hashable, Sendable {
    /// Rows of tiles.
    package var tileRows: Int
    /// Columns of tiles.
    package var tileColumns: Int
    /// The rows of the features of all tiles that show the picture and not only padding.
    package var rows: Range<Int>
    /// The columns that do.
    package var columns: Range<Int>
    /// Rows that are left when there are too many.
    package var height: Int
    /// Columns that are left.
    package var width: Int

    /// Whether the features are made fewer.
    package var isShrunk: Bool { height != rows.count || width != columns.count }
  }

  /// The canvases that tiles may make up (`image_grid_pinpoints`), in the order of their preference.
  public let canvases: [Size]
  /// Side of a view and of a tile in pixels.
  public let viewSide: Int
  /// Side of a patch in pixels. What is left of a view behind its last whole patch is not looked at.
  public let patchSize: Int
  /// How many views' worth of features the tiles may have (the number in `anyres_max_9`); they are made fewer
  /// where they have over a fifth more.
  public let tileLimit: Int
  private var largestAlone = FeatureGrid([])

  /// Patches along a side of a view.
  public var patchesPerSide: Int { viewSide / patchSize }

  /// A geometry.
  /// - Precondition: numbers are positive, a view has a patch, and every canvas is made of whole tiles.
  public init(canvases: [Size], viewSide: Int, patchSize: Int, tileLimit: Int) {
    tensorRequire(
      patchSize > 0 && viewSide >= patchSize && tileLimit > 0 && !canvases.isEmpty
        && canvases.allSatisfy {
          $0.height > 0 && $0.width > 0 && $0.height % viewSide == 0 && $0.width % viewSide == 0
        }, "AnyResolution",
      "found views of \(viewSide) pixels with patches of \(patchSize), \(tileLimit) views at most and "
        + "\(canvases.count) canvases, expected positive numbers and canvases of whole views")
    self.canvases = canvases
    self.viewSide = viewSide
    self.patchSize = patchSize
    self.tileLimit = tileLimit
    var largest = (size: canvases[0], count: -1)
    // A canvas is filled to the end in one direction at least, so the other decides what is cut off.
    for canvas in canvases {
      let (rows, columns) = (features(along: canvas.height), features(along: canvas.width))
      let heights = (1...rows).map {
        Size(height: ($0 * canvas.height + rows - 1) / rows, width: canvas.width)
      }
      let widths = (1...columns).map {
        Size(height: canvas.height, width: ($0 * canvas.width + columns - 1) / columns)
      }
      for size in heights + widths {
        let found = arrangement(width: size.width, height: size.height)
        let count = found.height * (found.width + 1)
        if count > largest.count { largest = (size, count) }
      }
    }
    largestAlone = tiled(width: largest.size.width, height: largest.size.height)
  }

  public func grid(width: Int, height: Int, isAlone: Bool) -> FeatureGrid {
    tensorRequire(width > 0 && height > 0, "AnyResolution", "no picture has \(width)x\(height) pixels")
    return isAlone ? tiled(width: width, height: height) : squared(width: width, height: height)
  }

  public func largest(isAlone: Bool) -> FeatureGrid {
    isAlone ? largestAlone : squared(width: viewSide, height: viewSide)
  }

  public var fixed: FeatureGrid? { nil }

  /// Patches along a canvas of so many pixels.
  private func features(along pixels: Int) -> Int { pixels / viewSide * patchesPerSide }
}

// MARK: Sizes

extension AnyResolution {
  /// The canvas on which most of a picture's pixels count, of several that with the smallest rest; of equals
  /// the first.
  package func canvas(width: Int, height: Int) -> Size {
    var best = (canvas: canvases[0], used: 0, wasted: Int.max)
    for canvas in canvases {
      let scale = min(Double(canvas.width) / Double(width), Double(canvas.height) / Double(height))
      let used = min(Int(Double(width) * scale) * Int(Double(height) * scale), width * height)
      let wasted = canvas.height * canvas.width - used
      if used > best.used || used == best.used && wasted < best.wasted { best = (canvas, used, wasted) }
    }
    return best.canvas
  }

  /// The size of a picture scaled to touch two sides of a canvas.
  package func fitted(width: Int, height: Int, to canvas: Size) -> Size {
    let across = Double(canvas.width) / Double(width)
    let down = Double(canvas.height) / Double(height)
    return across < down
      ? Size(height: min(Int((Double(height) * across).rounded(.up)), canvas.height), width: canvas.width)
      : Size(height: canvas.height, width: min(Int((Double(width) * down).rounded(.up)), canvas.width))
  }

  /// Which features of the tiles of a picture are kept.
  package func arrangement(width: Int, height: Int) -> Arrangement {
    let canvas = canvas(width: width, height: height)
    let (tileRows, tileColumns) = (canvas.height / viewSide, canvas.width / viewSide)
    let (rows, columns) = (tileRows * patchesPerSide, tileColumns * patchesPerSide)
    var (cutRows, cutColumns) = (0, 0)
    // Not what ``fitted(width:height:to:)`` gives: that rounds up.
    if Double(width) / Double(height) > Double(columns) / Double(rows) {
      cutRows = (rows - truncated(Double(height) * (Double(columns) / Double(width)))) / 2
    } else {
      cutColumns = (columns - truncated(Double(width) * (Double(rows) / Double(height)))) / 2
    }
    var kept = Arrangement(
      tileRows: tileRows, tileColumns: tileColumns, rows: cutRows..<rows - cutRows,
      columns: cutColumns..<columns - cutColumns, height: rows - 2 * cutRows,
      width: columns - 2 * cutColumns)
    let limit = tileLimit * patchesPerSide * patchesPerSide
    let excess = (Double(kept.height * kept.width) / Double(limit)).squareRoot()
    if excess > 1.1 {
      kept.height = Int((Double(kept.height) / excess).rounded(.down))
      kept.width = Int((Double(kept.width) / excess).rounded(.down))
    }
    return kept
  }

  /// Python's `int(round(value, 7))` of a positive number.
  private func truncated(_ value: Double) -> Int {
    let nearest = value.rounded()
    return abs(nearest - value) < 5e-8 ? Int(nearest) : Int(value)
  }
}

// MARK: Regions

extension AnyResolution {
  /// Patches of a view along one side, as stretches of what the view shows: `scale` parts for each of its
  /// pixels, the first of them at `start`.
  private func patches(scale: Double, start: Double, of parts: Int) -> [PictureSpan] {
    (0..<patchesPerSide).map { patch in
      let (from, to) = (Double(patch * patchSize), Double((patch + 1) * patchSize))
      return PictureSpan(from: start + from * scale, to: start + to * scale, of: Double(parts))
    }
  }

  private func regions(_ rows: [PictureSpan], _ columns: [PictureSpan]) -> [PictureRegion?] {
    rows.flatMap { row in columns.map { PictureRegion(x: $0, y: row) } }
  }

  /// The one view of a picture that is not alone, padded to a square, and the end behind it.
  private func squared(width: Int, height: Int) -> FeatureGrid {
    let side = max(width, height)
    let scale = Double(side) / Double(viewSide)
    let columns = patches(scale: scale, start: -Double((side - width) / 2), of: width)
    let rows = patches(scale: scale, start: -Double((side - height) / 2), of: height)
    return FeatureGrid(
      regions(rows, columns) + [nil],
      tiles: .init(rows: 0, columns: 0, views: 1, width: width, height: height))
  }

  /// The view of the whole picture, then the rows of its tiles, each with an end.
  private func tiled(width: Int, height: Int) -> FeatureGrid {
    let kept = arrangement(width: width, height: height)
    let canvas = Size(height: kept.tileRows * viewSide, width: kept.tileColumns * viewSide)
    let fitted = fitted(width: width, height: height, to: canvas)
    let whole = patches(scale: 1, start: 0, of: viewSide)
    let rows = spans(kept.rows, shrunkTo: kept.height, canvas: canvas.height, picture: fitted.height)
    let columns = spans(kept.columns, shrunkTo: kept.width, canvas: canvas.width, picture: fitted.width)
    return FeatureGrid(
      regions(whole, whole) + rows.flatMap { regions([$0], columns) + [nil] },
      tiles: .init(
        rows: kept.tileRows, columns: kept.tileColumns, views: 1 + kept.tileRows * kept.tileColumns,
        width: width, height: height))
  }

  /// The stretches of a picture in the middle of a canvas that `kept` features stand for, which became
  /// `count`.
  private func spans(_ kept: Range<Int>, shrunkTo count: Int, canvas: Int, picture: Int) -> [PictureSpan] {
    let padding = Double((canvas - picture) / 2)
    let step = Double(kept.count) / Double(max(count, 1))
    /// Where the feature at `position` lies on the canvas, in the tile of this number.
    func pixel(_ position: Double, tile: Double) -> Double {
      tile * Double(viewSide) + (position - tile * Double(patchesPerSide)) * Double(patchSize)
    }
    return (0..<count).map { index in
      let from = Double(kept.lowerBound) + Double(index) * step
      let to = index + 1 == count ? Double(kept.upperBound) : from + step
      let side = Double(patchesPerSide)
      return PictureSpan(
        from: pixel(from, tile: (from / side).rounded(.down)) - padding,
        to: pixel(to, tile: (to / side).rounded(.up) - 1) - padding, of: Double(picture))
    }
  }
}
