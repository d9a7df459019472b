/// How a picture becomes the vision encoder's input: the keys of Hugging Face's `preprocessor_config.json`
/// (`CLIPImageProcessor`, `LlavaImageProcessor`).
///
/// In this order: border to a square, resize, cut out the centre, rescale, normalise.
public struct ImageProcessorConfiguration: Sendable, Equatable {
  /// To which size a picture is brought before its centre is cut out (`size`).
  public enum Resizing: Sendable, Equatable {
    /// It keeps its size (`do_resize: false`).
    case none
    /// The shorter side becomes this long, the longer one in proportion; no longer than `longest` where one
    /// is given.
    case shortestEdge(Int, longest: Int? = nil)
    /// Both sides become this long, whatever the proportions.
    case stretched(height: Int, width: Int)
    /// The largest size in proportion that fits.
    case within(height: Int, width: Int)
  }

  /// The side of the square the model sees, in pixels.
  public var size: Int
  /// How large a picture becomes before its centre is cut out.
  public var resizing: Resizing
  /// Whether the centre is cut out (`do_center_crop`); what is missing at the borders is black.
  public var cropsCentre: Bool
  /// Mean of each channel on the scale 0 … 1.
  public var mean: [Double]
  /// Standard deviation of each channel on the scale 0 … 1.
  public var standardDeviation: [Double]
  /// How pictures are scaled.
  public var resampling: ResamplingFilter
  /// Whether pictures are first padded to a square in the mean colour (LLaVA-1.5's `pad`); otherwise the
  /// centre is cut out (CLIP).
  public var padsToSquare: Bool
  /// What a sample is multiplied with before it is normalised; 1 where samples stay as they are (`do_rescale:
  /// false`).
  public var rescaleFactor: Double
  /// Whether the mean is taken off and the deviation divided by (`do_normalize`).
  public var normalizes: Bool

  /// CLIP's channel means.
  public static let clipMean = [0.48145466, 0.4578275, 0.40821073]
  /// CLIP's channel standard deviations.
  public static let clipStandardDeviation = [0.26862954, 0.26130258, 0.27577711]

  /// Creates a configuration; CLIP's statistics, bicubic and padding unless told otherwise. The shorter side
  /// becomes `size` pixels long, and the centre is cut out.
  public init(
    size: Int, mean: [Double] = clipMean, standardDeviation: [Double] = clipStandardDeviation,
    resampling: ResamplingFilter = .bicubic, padsToSquare: Bool = true, rescaleFactor: Double = 1.0 / 255
  ) {
    self.size = size
    resizing = .shortestEdge(size)
    cropsCentre = true
    self.mean = mean
    self.standardDeviation = standardDeviation
    self.resampling = resampling
    self.padsToSquare = padsToSquare
    self.rescaleFactor = rescaleFactor
    normalizes = true
  }
}

extension ImageProcessorConfiguration.Resizing {
  /// The size that a picture is brought to, as transformers works it out.
  ///
  /// - Returns: at least one pixel each way; transformers fails where a side would have none.
  func target(width: Int, height: Int) -> (width: Int, height: Int) {
    let (short, long) = (min(width, height), max(width, height))
    func placed(_ newShort: Int, _ newLong: Int) -> (width: Int, height: Int) {
      width <= height ? (max(newShort, 1), max(newLong, 1)) : (max(newLong, 1), max(newShort, 1))
    }
    switch self {
    case .none: return (width, height)
    case .stretched(let high, let wide): return (wide, high)
    case .shortestEdge(let edge, nil):
      // Python's int(edge * long / short), exact where doubles would round.
      return placed(edge, edge * long / short)
    case .shortestEdge(let edge, let longest?):
      var (exact, target) = (Double(edge), edge)
      if Double(long) / Double(short) * Double(edge) > Double(longest) {
        exact = Double(longest) * Double(short) / Double(long)
        target = Int(exact.rounded(.toNearestOrEven))
      }
      if short == target { return (width, height) }
      return placed(target, Int(exact * Double(long) / Double(short)))
    case .within(let high, let wide):
      let scale = min(Double(high) / Double(height), Double(wide) / Double(width))
      return (max(Int(Double(width) * scale), 1), max(Int(Double(height) * scale), 1))
    }
  }
}
