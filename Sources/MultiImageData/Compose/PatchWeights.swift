public import LVLM

/// How the target of a composed picture is found on the model's patch map.
public enum RegionMapping: String, Codable, CaseIterable, Sendable {
  /// The released code's rule: the map is split evenly into rows × columns; for picture-in-picture the centre
  /// square of two thirds of the side. Gaps, label strips and padding are ignored.
  case even
  /// The target's rectangle followed through padding (or cropping) and resizing.
  case exact
}

/// How the image processor brings a picture that is not square to a square.
public enum SquareFit: String, Codable, CaseIterable, Sendable {
  /// Borders on the shorter side (LLaVA-1.5).
  case pad
  /// The centre of the picture, as high and wide as its shorter side (CLIP).
  case crop
}

extension ComposedRecord {
  /// The share of every image feature that belongs to the target, or to another picture by its 1-based
  /// number, 0 … 1, in the order of the features.
  ///
  /// The attention ratio of a one-picture record is `sum(weights * map) / sum(map)` (MIA-DPO, eq. 4).
  /// Features that a border cuts count with the overlapping share of their area, so maps that the rows and
  /// columns of the grid do not divide work too. `nil` for a sequence, where the target is a whole picture.
  /// - Parameter grid: of what the model sees of the picture.
  public func patchWeights(
    of number: Int? = nil, grid: FeatureGrid, mapping: RegionMapping = .even, fit: SquareFit = .pad
  ) -> [Double]? {
    guard let layout else { return nil }
    let target = number ?? target
    let box: (x: ClosedRange<Double>, y: ClosedRange<Double>)
    switch mapping {
    case .even:
      box = Self.evenBox(kind, target: target, rows: layout.rows, columns: layout.columns)
    case .exact:
      let (width, height) = (Double(layout.width), Double(layout.height))
      let side = fit == .pad ? max(width, height) : min(width, height)
      let left = ((side - width) / 2).rounded(.down)
      let top = ((side - height) / 2).rounded(.down)
      let region = kind == .grid ? layout.cell(target) : layout.region
      func fraction(_ value: Double) -> Double { min(max(value / side, 0), 1) }
      box = (
        fraction(Double(region.x) + left)...fraction(Double(region.x + region.width) + left),
        fraction(Double(region.y) + top)...fraction(Double(region.y + region.height) + top)
      )
    }
    return grid.weights(x: box.x, y: box.y)
  }
}

extension ComposedRecord {
  /// The target's rectangle by ``RegionMapping/even``, in fractions of the picture.
  private static func evenBox(
    _ kind: CompositionKind, target: Int, rows: Int, columns: Int
  ) -> (x: ClosedRange<Double>, y: ClosedRange<Double>) {
    guard kind == .grid else { return (1.0 / 6...5.0 / 6, 1.0 / 6...5.0 / 6) }
    let row = Double((target - 1) / columns)
    let column = Double((target - 1) % columns)
    let (high, wide) = (Double(rows), Double(columns))
    return (column / wide...(column + 1) / wide, row / high...(row + 1) / high)
  }

  /// As ``patchWeights(of:grid:mapping:fit:)`` with ``RegionMapping/even``, before there is a record.
  package static func evenWeights(
    _ kind: CompositionKind, target: Int, rows: Int, columns: Int, grid: FeatureGrid
  ) -> [Double] {
    let box = evenBox(kind, target: target, rows: rows, columns: columns)
    return grid.weights(x: box.x, y: box.y)
  }
}
