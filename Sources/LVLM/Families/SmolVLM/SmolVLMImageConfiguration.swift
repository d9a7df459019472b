import Checkpoint
import Foundation

/// How a picture becomes views: the keys of Hugging Face's `preprocessor_config.json` for
/// `SmolVLMImageProcessor` and `Idefics3ImageProcessor`.
///
/// In this order: resize to a longest edge, resize to whole tiles, cut, rescale, normalise.
public struct SmolVLMImageConfiguration: Equatable, Sendable {
  /// How pictures are cut (`size`, `max_image_size`, `do_image_splitting`).
  public var tiling: SmolVLMTiling
  /// How pictures are scaled.
  public var resampling: ResamplingFilter
  /// Mean of each channel on the scale 0 … 1.
  public var mean: [Double]
  /// Standard deviation of each channel on the scale 0 … 1.
  public var standardDeviation: [Double]
  /// What a sample is multiplied with before it is normalised; 1 where samples stay as they are (`do_rescale:
  /// false`).
  public var rescaleFactor: Double
  /// Whether the mean is taken off and the deviation divided by (`do_normalize`).
  public var normalizes: Bool

  /// Settings; those of Idefics3's class unless told otherwise.
  public init(
    tiling: SmolVLMTiling = SmolVLMTiling(longestEdge: 4 * 364, side: 364),
    resampling: ResamplingFilter = .lanczos, mean: [Double] = [0.5, 0.5, 0.5],
    standardDeviation: [Double] = [0.5, 0.5, 0.5], rescaleFactor: Double = 1.0 / 255,
    normalizes: Bool = true
  ) {
    self.tiling = tiling
    self.resampling = resampling
    self.mean = mean
    self.standardDeviation = standardDeviation
    self.rescaleFactor = rescaleFactor
    self.normalizes = normalizes
  }
}

extension SmolVLMImageConfiguration {
  /// The keys of the class, and what else its files carry along.
  static let keys = KnownKeys(
    computed: [
      "image_processor_type", "feature_extractor_type", "size", "max_image_size", "do_image_splitting",
      "resample", "do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std",
    ],
    harmless: [
      "processor_class", "_processor_class", "_valid_processor_keys", "return_tensors", "disable_grouping",
      "device", "transformers_version", "_name_or_path", "default_to_square", "return_row_col_info",
      // It fills a batch up to the picture with the most views, and the model takes the filling out again.
      "do_pad",
      // Frames of films, which are not read here.
      "video_sampling", "max_frames", "fps",
    ],
    only: [
      "do_resize": [.boolean(true)], "do_convert_rgb": [.boolean(true)], "do_center_crop": [.boolean(false)],
      "crop_size": [], "pad_size": [], "data_format": [.string("channels_first")], "input_data_format": [],
    ])

  private static let classes = ["SmolVLMImageProcessor", "Idefics3ImageProcessor"]

  /// What an object with these keys means; absent ones have the value of the class.
  ///
  /// - Parameter file: what errors call it.
  /// - Throws: ``ModelConfigurationError`` with everything that is not computed here.
  package init(_ json: JSONValue, file: String) throws {
    guard case .object = json else {
      throw ModelConfigurationError(
        file: file,
        problems: [.init(key: "file", found: json.kind, expected: "the keys of \(Self.classes[0])")])
    }
    let usual = SmolVLMImageConfiguration()
    var reader = PreprocessorReader(json)
    reader.requireClass(Self.classes)
    tiling = SmolVLMTiling(
      longestEdge: reader.longestEdge("size", default: usual.tiling.longestEdge),
      side: reader.longestEdge("max_image_size", default: usual.tiling.side),
      splits: reader.flag("do_image_splitting", default: true))
    resampling = reader.resampling(default: usual.resampling)
    mean = reader.channels("image_mean", default: usual.mean)
    standardDeviation = reader.channels("image_std", default: usual.standardDeviation)
    reader.require(
      standardDeviation.allSatisfy { $0 > 0 }, "image_std", expected: "3 positive numbers")
    let rescales = reader.flag("do_rescale", default: true)
    let factor = reader.number("rescale_factor", default: usual.rescaleFactor)
    rescaleFactor = rescales ? factor : 1
    normalizes = reader.flag("do_normalize", default: true)
    let problems = Self.keys.problems(in: json) + reader.problems
    guard problems.isEmpty else { throw ModelConfigurationError(file: file, problems: problems) }
  }

  /// The keys and values of a `preprocessor_config.json` that transformers and ``init(_:file:)`` understand.
  ///
  /// - Parameter isSmolVLM: whether the class is called by SmolVLM's name rather than by Idefics3's.
  func object(isSmolVLM: Bool) -> [String: Any] {
    [
      "image_processor_type": Self.classes[isSmolVLM ? 0 : 1], "do_convert_rgb": true, "do_resize": true,
      "size": ["longest_edge": tiling.longestEdge], "max_image_size": ["longest_edge": tiling.side],
      "do_image_splitting": tiling.splits, "resample": resampling.pillowNumber,
      "do_rescale": rescaleFactor != 1, "rescale_factor": rescaleFactor, "do_normalize": normalizes,
      "image_mean": mean, "image_std": standardDeviation, "do_pad": true,
    ]
  }
}
