public import Tensor

/// Turns pictures into the model's input: border to a square, resize, cut out the centre, rescale, normalise.
public struct ImageProcessor: PictureProcessor {
  /// The settings.
  public let configuration: ImageProcessorConfiguration
  /// The features of the square.
  private let grid: FeatureGrid
  /// The border colour: 255 × mean, truncated.
  public let padding: RGBColour
  private let levels: SampleLevels

  /// Creates a processor.
  /// - Parameter grid: the features that a model makes of the square; one for all of it when nil.
  /// - Precondition: the size is positive and there are three means and non-zero deviations.
  public init(_ configuration: ImageProcessorConfiguration, grid: FeatureGrid? = nil) {
    let (mean, deviation) = (configuration.mean, configuration.standardDeviation)
    tensorRequire(
      configuration.size > 0 && mean.count == 3 && deviation.count == 3 && !deviation.contains(0),
      "ImageProcessor", "needs a positive size, 3 means and 3 non-zero deviations, found \(configuration)")
    self.configuration = configuration
    self.grid = grid ?? FeatureGrid(rows: 1, columns: 1)
    let border = mean.map { UInt8(min(max($0 * 255, 0), 255)) }
    padding = RGBColour(border[0], border[1], border[2])
    levels = SampleLevels(
      mean: configuration.normalizes ? mean : nil, deviation: deviation, rounding: .atTheEnd
    ) { $0 * configuration.rescaleFactor }
  }

  /// A picture at the size from which the centre is cut out.
  public func resized(_ picture: RGBImage) -> RGBImage {
    let target = configuration.resizing.target(width: picture.width, height: picture.height)
    return picture.resized(width: target.width, height: target.height, filter: configuration.resampling)
  }

  /// The square the model sees, still in 8-bit RGB.
  public func square(_ picture: RGBImage) -> RGBImage {
    let resized = resized(configuration.padsToSquare ? picture.paddedToSquare(padding) : picture)
    guard configuration.cropsCentre else { return resized }
    return resized.centreCropped(width: configuration.size, height: configuration.size)
  }

  public var geometry: any PictureGeometry { FixedGeometry(grid) }
  public var viewSide: Int { configuration.size }

  public func prepared(_ picture: RGBImage, isAlone: Bool) -> [RGBImage] { [square(picture)] }

  public func values(_ prepared: [RGBImage]) -> [Float] { levels.values(prepared) }

  /// The normalised samples of a picture, channel by channel: `3 * size * size` numbers.
  public func values(_ picture: RGBImage) -> [Float] { levels.values([square(picture)]) }
}

extension ImageProcessor {
  /// The model's input for one picture, `[3, size, size]` in single precision.
  public func callAsFunction(_ picture: RGBImage) -> Tensor {
    Tensor(values(picture), shape: [3, configuration.size, configuration.size])
  }

  /// The model's input for several pictures, `[pictures, 3, size, size]` in single precision.
  public func callAsFunction(_ pictures: [RGBImage]) -> Tensor {
    Tensor(pictures.flatMap(values), shape: [pictures.count, 3, configuration.size, configuration.size])
  }
}
