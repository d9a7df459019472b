import Tensor

/// Turns pictures into LLaVA-OneVision's views: the whole picture and the tiles of a canvas, or one square.
public struct AnyResolutionProcessor: PictureProcessor {
  /// How values are normalised and pictures scaled.
  public let configuration: AnyResolutionConfiguration
  /// How pictures are cut.
  public let resolution: AnyResolution
  /// The colour round a picture that is padded to a square: 255 × mean, truncated.
  public let padding: RGBColour
  private let levels: SampleLevels

  public var geometry: any PictureGeometry { resolution }
  public var viewSide: Int { resolution.viewSide }

  /// A processor for views with patches of this side.
  /// - Parameters:
  ///   - patchSize: side of a patch of the vision encoder in pixels.
  ///   - tileLimit: how many views' worth of features the tiles of a picture may have.
  public init(_ configuration: AnyResolutionConfiguration, patchSize: Int, tileLimit: Int) {
    self.configuration = configuration
    resolution = AnyResolution(
      canvases: configuration.canvases, viewSide: configuration.size, patchSize: patchSize,
      tileLimit: tileLimit)
    let border = configuration.mean.map { UInt8(min(max($0 * 255, 0), 255)) }
    padding = RGBColour(border[0], border[1], border[2])
    levels = SampleLevels(
      mean: configuration.normalizes ? configuration.mean : nil,
      deviation: configuration.standardDeviation, rounding: .inEveryStep
    ) { $0 * configuration.rescaleFactor }
  }

  public func prepared(_ picture: RGBImage, isAlone: Bool) -> [RGBImage] {
    let side = viewSide
    guard isAlone else { return [resized(picture.paddedToSquare(padding), side, side)] }
    let canvas = canvas(picture)
    let tiles = stride(from: 0, to: canvas.height, by: side).flatMap { y in
      stride(from: 0, to: canvas.width, by: side).map { x in
        canvas.cropped(x: x, y: y, width: side, height: side)
      }
    }
    return [resized(picture, side, side)] + tiles
  }

  public func values(_ prepared: [RGBImage]) -> [Float] { levels.values(prepared) }

  /// The picture in the middle of the canvas that suits it, on black.
  package func canvas(_ picture: RGBImage) -> RGBImage {
    let canvas = resolution.canvas(width: picture.width, height: picture.height)
    let size = resolution.fitted(width: picture.width, height: picture.height, to: canvas)
    var result = RGBImage(width: canvas.width, height: canvas.height, colour: .black)
    result.paste(
      resized(picture, size.width, size.height), x: (canvas.width - size.width) / 2,
      y: (canvas.height - size.height) / 2)
    return result
  }

  private func resized(_ picture: RGBImage, _ width: Int, _ height: Int) -> RGBImage {
    picture.resized(width: width, height: height, filter: configuration.resampling)
  }
}
