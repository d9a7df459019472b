import Tensor

/// Turns pictures into views as Idefics3 and SmolVLM do: tiles of the enlarged picture in reading order, then
/// the whole picture on one tile.
public struct SmolVLMImageProcessor: PictureProcessor {
  /// The settings.
  public let configuration: SmolVLMImageConfiguration
  private let features: SmolVLMGeometry
  private let levels: SampleLevels

  /// A processor.
  ///
  /// - Parameters:
  ///   - patchSide: pixels along a side of a patch of the vision encoder.
  ///   - scaleFactor: patches along a side of what becomes one feature.
  /// - Precondition: patches along a side of a view are a multiple of `scaleFactor`.
  public init(_ configuration: SmolVLMImageConfiguration, patchSide: Int, scaleFactor: Int) {
    let (mean, deviation) = (configuration.mean, configuration.standardDeviation)
    let patches = patchSide > 0 ? configuration.tiling.side / patchSide : 0
    tensorRequire(
      mean.count == 3 && deviation.count == 3 && !deviation.contains(0) && patches > 0 && scaleFactor > 0
        && patches % scaleFactor == 0, "SmolVLMImageProcessor",
      "found \(patches) patches a side in blocks of \(scaleFactor), \(mean.count) means and "
        + "\(deviation.count) deviations, expected whole blocks, 3 means and 3 non-zero deviations")
    self.configuration = configuration
    features = SmolVLMGeometry(
      tiling: configuration.tiling, featuresPerSide: patches / scaleFactor,
      featureSide: patchSide * scaleFactor)
    levels = SampleLevels(
      mean: configuration.normalizes ? mean : nil, deviation: deviation, rounding: .inEveryStep
    ) { $0 * configuration.rescaleFactor }
  }

  public var geometry: any PictureGeometry { features }
  public var viewSide: Int { configuration.tiling.side }

  /// The views of a picture. Company does not matter.
  public func prepared(_ picture: RGBImage, isAlone: Bool) -> [RGBImage] {
    let tiling = configuration.tiling
    let first = tiling.resized(.init(width: picture.width, height: picture.height))
    let second = tiling.canvas(first)
    func scaled(_ picture: RGBImage, _ size: SmolVLMTiling.Size) -> RGBImage {
      picture.resized(width: size.width, height: size.height, filter: configuration.resampling)
    }
    // In two steps, each of which rounds: that is not the same as at once.
    let canvas = scaled(scaled(picture, first), second)
    let one = SmolVLMTiling.Size(width: tiling.side, height: tiling.side)
    guard second != one else { return [canvas] }
    let corners = stride(from: 0, to: second.height, by: tiling.side).flatMap { y in
      stride(from: 0, to: second.width, by: tiling.side).map { (x: $0, y: y) }
    }
    let tiles = corners.map {
      canvas.cropped(x: $0.x, y: $0.y, width: tiling.side, height: tiling.side)
    }
    return tiles + [scaled(canvas, one)]
  }

  public func values(_ prepared: [RGBImage]) -> [Float] { levels.values(prepared) }
}
