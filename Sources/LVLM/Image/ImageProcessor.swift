public import Tensor

/// How a picture becomes the vision encoder's input: the keys of Hugging Face's `preprocessor_config.json`
/// (`CLIPImageProcessor`) that LLaVA uses, and LLaVA's own `image_aspect_ratio`.
public struct ImageProcessorConfiguration: Sendable, Equatable {
  /// The side of the square the model sees, in pixels.
  public var size: Int
  /// Mean of each channel on the scale 0 … 1.
  public var mean: [Double]
  /// Standard deviation of each channel on the scale 0 … 1.
  public var standardDeviation: [Double]
  /// How pictures are scaled.
  public var resampling: ResamplingFilter
  /// Whether pictures are first padded to a square in the mean colour (LLaVA-1.5's `pad`); otherwise the
  /// centre is cut out (CLIP).
  public var padsToSquare: Bool
  /// What a sample is multiplied with before it is normalised.
  public var rescaleFactor: Double

  /// CLIP's channel means.
  public static let clipMean = [0.48145466, 0.4578275, 0.40821073]
  /// CLIP's channel standard deviations.
  public static let clipStandardDeviation = [0.26862954, 0.26130258, 0.27577711]

  /// Creates a configuration; CLIP's statistics, bicubic and padding unless told otherwise.
  public init(
    size: Int, mean: [Double] = clipMean, standardDeviation: [Double] = clipStandardDeviation,
    resampling: ResamplingFilter = .bicubic, padsToSquare: Bool = true, rescaleFactor: Double = 1.0 / 255
  ) {
    self.size = size
    self.mean = mean
    self.standardDeviation = standardDeviation
    self.resampling = resampling
    self.padsToSquare = padsToSquare
    self.rescaleFactor = rescaleFactor
  }
}

/// Turns pictures into the model's input: pad to a square, resize the shortest edge, cut out the centre,
/// rescale, normalise.
public struct ImageProcessor: Sendable {
  /// The settings.
  public let configuration: ImageProcessorConfiguration
  /// The border colour: 255 × mean, truncated.
  public let padding: RGBColour
  /// The normalised value of each of the 256 samples, for each channel.
  private let levels: [[Float]]

  /// Creates a processor.
  /// - Precondition: the size is positive and there are three means and non-zero deviations.
  public init(_ configuration: ImageProcessorConfiguration) {
    let (mean, deviation) = (configuration.mean, configuration.standardDeviation)
    precondition(
      configuration.size > 0 && mean.count == 3 && deviation.count == 3 && !deviation.contains(0),
      "ImageProcessor: needs a positive size, 3 means and 3 non-zero deviations, found \(configuration)")
    self.configuration = configuration
    let border = mean.map { UInt8(min(max($0 * 255, 0), 255)) }
    padding = RGBColour(border[0], border[1], border[2])
    levels = (0..<3).map { channel in
      (0..<256).map {
        Float((Double($0) * configuration.rescaleFactor - mean[channel]) / deviation[channel])
      }
    }
  }

  /// A picture whose shorter side is the model's; the longer one is truncated to whole pixels.
  public func resized(_ picture: RGBImage) -> RGBImage {
    let side = configuration.size
    let isWide = picture.width > picture.height
    return picture.resized(
      width: isWide ? side * picture.width / picture.height : side,
      height: isWide ? side : side * picture.height / picture.width, filter: configuration.resampling)
  }

  /// The square the model sees, still in 8-bit RGB.
  public func square(_ picture: RGBImage) -> RGBImage {
    let whole = configuration.padsToSquare ? picture.paddedToSquare(padding) : picture
    return resized(whole).centreCropped(width: configuration.size, height: configuration.size)
  }

  /// The normalised samples of a picture, channel by channel: `3 * size * size` numbers.
  public func values(_ picture: RGBImage) -> [Float] {
    let square = square(picture)
    let area = configuration.size * configuration.size
    return [Float](unsafeUninitializedCapacity: 3 * area) { buffer, count in
      for channel in 0..<3 {
        let level = levels[channel]
        for pixel in 0..<area {
          buffer[channel * area + pixel] = level[Int(square.pixels[pixel * 3 + channel])]
        }
      }
      count = 3 * area
    }
  }
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
