import Checkpoint
public import Foundation

/// How LLaVA-OneVision's pictures are cut, scaled and normalised: the keys of Hugging Face's
/// `LlavaOnevisionImageProcessor`.
public struct AnyResolutionConfiguration: Sendable, Equatable {
  /// Side of a view in pixels.
  public var size: Int
  /// The canvases that tiles may make up (`image_grid_pinpoints`), in the order of their preference.
  public var canvases: [AnyResolution.Size]
  /// Mean of each channel on the scale 0 … 1.
  public var mean: [Double]
  /// Standard deviation of each channel on the scale 0 … 1.
  public var standardDeviation: [Double]
  /// How pictures are scaled.
  public var resampling: ResamplingFilter
  /// What a sample is multiplied with before it is normalised; 1 where samples stay as they are.
  public var rescaleFactor: Double
  /// Whether the mean is taken off and the deviation divided by (`do_normalize`).
  public var normalizes: Bool

  /// The canvases of the published models: one to six views of 384 pixels each way.
  public static let publishedCanvases = (1...6).flatMap { rows in
    (1...6).map { AnyResolution.Size(height: 384 * rows, width: 384 * $0) }
  }

  /// A configuration; that of the published models unless told otherwise.
  public init(
    size: Int = 384, canvases: [AnyResolution.Size] = publishedCanvases, mean: [Double] = [0.5, 0.5, 0.5],
    standardDeviation: [Double] = [0.5, 0.5, 0.5], resampling: ResamplingFilter = .bicubic,
    rescaleFactor: Double = 1.0 / 255, normalizes: Bool = true
  ) {
    self.size = size
    self.canvases = canvases
    self.mean = mean
    self.standardDeviation = standardDeviation
    self.resampling = resampling
    self.rescaleFactor = rescaleFactor
    self.normalizes = normalizes
  }
}

// MARK: Files

extension AnyResolutionConfiguration {
  static let keys = KnownKeys(
    computed: [
      "image_processor_type", "feature_extractor_type", "size", "image_grid_pinpoints", "image_mean",
      "image_std", "resample",
      "do_rescale", "rescale_factor", "do_normalize", "default_to_square",
    ],
    harmless: [
      // `do_pad` gives the pictures of a batch the same number of views; what is added is never looked at.
      "do_pad", "processor_class", "_processor_class", "_valid_processor_keys", "return_tensors",
      "disable_grouping", "device", "image_seq_length", "transformers_version", "_name_or_path",
    ],
    only: [
      "do_resize": [.boolean(true)], "do_convert_rgb": [.boolean(true)], "do_center_crop": [.boolean(false)],
      "crop_size": [], "data_format": [.string("channels_first")], "input_data_format": [], "pad_size": [],
    ])

  private static let className = "LlavaOnevisionImageProcessor"

  /// Reads a `preprocessor_config.json`, or the `image_processor` in a `processor_config.json` of
  /// transformers 5.
  ///
  /// - Throws: ``ModelConfigurationError`` with the file and everything that is not computed here.
  public static func read(from url: URL) throws -> AnyResolutionConfiguration {
    let json = try ModelJSON.read(url)
    return try AnyResolutionConfiguration(json["image_processor"] ?? json, file: url.path)
  }

  /// What an object with the keys of the class means; absent ones have the value of the class.
  ///
  /// - Throws: ``ModelConfigurationError`` with `file` and everything that is not computed here.
  init(_ json: JSONValue, file: String) throws {
    guard case .object = json else {
      throw ModelConfigurationError(
        file: file,
        problems: [.init(key: "file", found: json.kind, expected: "the keys of \(Self.className)")])
    }
    var reader = PreprocessorReader(json)
    self.init(
      mean: reader.channels("image_mean", default: ImageProcessorConfiguration.clipMean),
      standardDeviation: reader.channels(
        "image_std", default: ImageProcessorConfiguration.clipStandardDeviation),
      resampling: reader.resampling(), normalizes: reader.flag("do_normalize", default: true))
    reader.requireClass([Self.className])
    reader.require(standardDeviation.allSatisfy { $0 > 0 }, "image_std", expected: "3 positive numbers")
    reader.require(
      mean.allSatisfy { (0...1).contains($0) }, "image_mean",
      expected: "numbers from 0 to 1, which are the colour of the border")
    let factor = reader.number("rescale_factor", default: 1.0 / 255)
    rescaleFactor = reader.flag("do_rescale", default: true) ? factor : 1
    if let stated = json["size"], stated != .null {
      switch reader.resizing() {
      case .stretched(let height, let width) where height == width: size = height
      case .shortestEdge(let edge, nil): size = edge
      default: reader.require(false, "size", expected: "height and width, one number for both")
      }
    }
    let pinpoints = json["image_grid_pinpoints"] ?? .null
    if pinpoints != .null { canvases = AnyResolution.Size.list(pinpoints) ?? [] }
    reader.require(
      AnyResolution.Size.fit(canvases, views: size), "image_grid_pinpoints",
      expected: "pairs of height and width in multiples of the size (\(size))")
    let problems = Self.keys.problems(in: json) + reader.problems
    guard problems.isEmpty else { throw ModelConfigurationError(file: file, problems: problems) }
  }

  /// The first key of a file in which this and another configuration differ; nil where they mean the same.
  func difference(from other: AnyResolutionConfiguration) -> String? {
    let isSame = [
      ("size", size == other.size), ("image_grid_pinpoints", canvases == other.canvases),
      ("image_mean", mean == other.mean), ("image_std", standardDeviation == other.standardDeviation),
      ("resample", resampling == other.resampling), ("rescale_factor", rescaleFactor == other.rescaleFactor),
      ("do_normalize", normalizes == other.normalizes),
    ]
    return isSame.first { !$0.1 }?.0
  }

  /// The keys and values of a `preprocessor_config.json` that transformers understands.
  var object: [String: Any] {
    [
      "image_processor_type": Self.className, "processor_class": "LlavaOnevisionProcessor",
      "size": ["height": size, "width": size],
      "image_grid_pinpoints": canvases.map { [$0.height, $0.width] },
      "image_mean": mean, "image_std": standardDeviation, "resample": resampling.pillowNumber,
      "do_resize": true, "do_rescale": rescaleFactor != 1, "rescale_factor": rescaleFactor,
      "do_normalize": normalizes, "do_convert_rgb": true, "do_pad": true,
    ]
  }
}

extension AnyResolution.Size {
  /// A list of pairs of height and width; nil where it is something else.
  static func list(_ json: JSONValue) -> [Self]? {
    guard case .array(let pairs) = json else { return nil }
    var sizes: [Self] = []
    for pair in pairs {
      guard case .array(let sides) = pair, sides.count == 2, let height = sides[0].whole,
        let width = sides[1].whole
      else { return nil }
      sizes.append(Self(height: height, width: width))
    }
    return sizes
  }

  /// Whether each of these canvases is made of whole views of a side.
  static func fit(_ canvases: [Self], views side: Int) -> Bool {
    let bounds = 1...1 << 14
    return !canvases.isEmpty && bounds.contains(side)
      && canvases.allSatisfy {
        bounds.contains($0.height) && bounds.contains($0.width) && $0.height % side == 0
          && $0.width % side == 0
      }
  }
}
