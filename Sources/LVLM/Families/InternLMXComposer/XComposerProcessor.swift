import Tensor

/// How many features InternLM-XComposer2.5 sees of pictures, by their sizes.
public struct XComposerGeometry: PictureGeometry, Equatable {
  /// The settings.
  public let configuration: XComposerImageConfiguration

  /// A geometry.
  /// - Precondition: a tile is a whole number of features, and there is a tile for every picture.
  public init(_ configuration: XComposerImageConfiguration) {
    tensorRequire(
      configuration.patchSide > 0 && configuration.cellsPerSide > 0
        && configuration.tileSide % configuration.cellSide == 0 && configuration.budget > 0
        && configuration.budgetOfSeveral > 0 && configuration.margin > 0, "XComposerGeometry",
      "expected tiles of whole features and at least one tile a picture, found \(configuration)")
    self.configuration = configuration
  }

  func canvas(width: Int, height: Int, isAlone: Bool) -> XComposerCanvas {
    XComposerCanvas(
      width: width, height: height,
      budget: isAlone ? configuration.budget : configuration.budgetOfSeveral, configuration)
  }

  public func grid(width: Int, height: Int, isAlone: Bool) -> FeatureGrid {
    canvas(width: width, height: height, isAlone: isAlone).grid
  }

  /// One column of tiles: rows of the mosaic end most often there.
  public func largest(isAlone: Bool) -> FeatureGrid {
    let budget = isAlone ? configuration.budget : configuration.budgetOfSeveral
    return grid(width: configuration.tileSide, height: configuration.tileSide * budget, isAlone: isAlone)
  }

  public var fixed: FeatureGrid? { nil }

  /// Why a picture of so many pixels cannot be shown; nil where it can. One of 20000 × 1 pixels has no row
  /// left once it is resized.
  public func refusal(width: Int, height: Int, isAlone: Bool) -> String? {
    let canvas = canvas(width: width, height: height, isAlone: isAlone)
    guard canvas.breadth < 1 else { return nil }
    return "a picture of \(width)x\(height) pixels, of which nothing is left when its longer side becomes "
      + "\(canvas.length)"
  }
}

/// Makes the views of InternLM-XComposer2.5: the whole picture in one tile, then the tiles.
///
/// The picture is resized to a whole number of tiles in width and padded with white in height (Pillow's
/// bilinear filter, 8 bits). The view of the whole is made of the normalised canvas, white included, by cubic
/// convolution with a = −0.75 and without antialiasing.
public struct XComposerProcessor: PictureProcessor {
  private let canvases: XComposerGeometry
  private let levels: SampleLevels

  /// The settings.
  public var configuration: XComposerImageConfiguration { canvases.configuration }
  public var geometry: any PictureGeometry { canvases }
  public var viewSide: Int { configuration.tileSide }

  /// Creates a processor.
  /// - Precondition: as ``XComposerGeometry/init(_:)``; there are three means and non-zero deviations.
  public init(_ configuration: XComposerImageConfiguration) {
    let (mean, deviation) = (configuration.mean, configuration.standardDeviation)
    tensorRequire(
      mean.count == 3 && deviation.count == 3 && !deviation.contains(0), "XComposerProcessor",
      "needs 3 means and 3 non-zero deviations, found \(mean) and \(deviation)")
    canvases = XComposerGeometry(configuration)
    levels = SampleLevels(mean: mean, deviation: deviation, rounding: .atTheEnd) { $0 / 255 }
  }

  public func prepared(_ picture: RGBImage, isAlone: Bool) -> [RGBImage] {
    [canvases.canvas(width: picture.width, height: picture.height, isAlone: isAlone).paint(picture)]
  }

  public func values(_ prepared: [RGBImage]) -> [Float] {
    prepared.flatMap(values(ofCanvas:))
  }

  private func values(ofCanvas canvas: RGBImage) -> [Float] {
    let (side, width, height) = (viewSide, canvas.width, canvas.height)
    let planes = levels.values([canvas])
    let whole = noGradient {
      interpolate(Tensor(planes, shape: [1, 3, height, width]), size: [side, side], mode: .bicubic)
    }
    var values = whole.array(of: Float.self)
    values.reserveCapacity(values.count + planes.count)
    for top in stride(from: 0, to: height, by: side) {
      for left in stride(from: 0, to: width, by: side) {
        for channel in 0..<3 {
          for row in top..<top + side {
            let start = (channel * height + row) * width + left
            values += planes[start..<start + side]
          }
        }
      }
    }
    return values
  }
}
