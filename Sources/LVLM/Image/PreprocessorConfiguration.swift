import Checkpoint
import Foundation

extension ImageProcessorConfiguration {
  /// The keys of `CLIPImageProcessor` and `LlavaImageProcessor`, and what else their files carry along.
  static let keys = KnownKeys(
    computed: [
      "image_processor_type", "feature_extractor_type", "do_resize", "size", "default_to_square", "resample",
      "do_center_crop", "crop_size", "do_rescale", "rescale_factor", "do_normalize", "image_mean",
      "image_std", "do_pad",
    ],
    harmless: [
      "processor_class", "_processor_class", "_valid_processor_keys", "return_tensors", "disable_grouping",
      "device", "image_seq_length", "transformers_version", "_name_or_path",
    ],
    only: [
      "do_convert_rgb": [.boolean(true)], "data_format": [.string("channels_first")],
      "input_data_format": [], "pad_size": [], "use_square_size": [.boolean(false)],
    ])

  /// Classes that compute what is computed here; some releases put their backend behind the name.
  private static let classes: [(name: String, pads: Bool)] = [
    ("CLIPImageProcessor", false), ("LlavaImageProcessor", true),
  ]

  /// Reads a `preprocessor_config.json`, or the `image_processor` in a `processor_config.json` of
  /// transformers 5.
  ///
  /// - Throws: ``ModelConfigurationError`` with the file and everything that is not computed here.
  public static func read(from url: URL) throws -> ImageProcessorConfiguration {
    let json = try ModelJSON.read(url)
    return try ImageProcessorConfiguration(json["image_processor"] ?? json, file: url.path)
  }

  /// What an object with these keys means; absent ones have the value of the class.
  ///
  /// - Throws: ``ModelConfigurationError`` with `file` and everything that is not computed here.
  init(_ json: JSONValue, file: String) throws {
    guard case .object = json else {
      throw ModelConfigurationError(
        file: file,
        problems: [.init(key: "file", found: json.kind, expected: "the keys of CLIPImageProcessor")])
    }
    var reader = PreprocessorReader(json)
    let pads = reader.padsToSquare(classes: Self.classes)
    let (mean, deviation) = (
      reader.channels("image_mean", default: Self.clipMean),
      reader.channels("image_std", default: Self.clipStandardDeviation)
    )
    reader.require(
      deviation.allSatisfy { $0 > 0 }, "image_std", expected: "3 positive numbers")
    reader.require(
      !pads || mean.allSatisfy { (0...1).contains($0) }, "image_mean",
      expected: "numbers from 0 to 1, which are the colour of the border")
    let resizing = reader.resizing()
    let crop = reader.crop()
    let rescales = reader.flag("do_rescale", default: true)
    let factor = reader.number("rescale_factor", default: 1.0 / 255)
    let filter = reader.resampling()
    let side = reader.side(resizing, crop: crop, pads: pads)
    let normalizing = reader.flag("do_normalize", default: true)
    let problems = Self.keys.problems(in: json) + reader.problems
    guard problems.isEmpty else { throw ModelConfigurationError(file: file, problems: problems) }
    self.init(
      size: side, mean: mean, standardDeviation: deviation, resampling: filter, padsToSquare: pads,
      rescaleFactor: rescales ? factor : 1)
    self.resizing = resizing
    cropsCentre = crop != nil
    normalizes = normalizing
  }

  /// The keys and values of a `preprocessor_config.json` that transformers and ``read(from:)`` understand.
  var object: [String: Any] {
    var keys: [String: Any] = [
      "image_processor_type": padsToSquare ? "LlavaImageProcessor" : "CLIPImageProcessor",
      "do_resize": resizing != .none, "do_center_crop": cropsCentre, "do_rescale": rescaleFactor != 1,
      "do_normalize": normalizes, "do_convert_rgb": true, "crop_size": ["height": size, "width": size],
      "image_mean": mean, "image_std": standardDeviation, "resample": resampling.pillowNumber,
      "rescale_factor": rescaleFactor,
    ]
    if padsToSquare { keys["do_pad"] = true }
    switch resizing {
    case .none: keys["size"] = ["shortest_edge": size]
    case .shortestEdge(let edge, nil): keys["size"] = ["shortest_edge": edge]
    case .shortestEdge(let edge, let longest?):
      keys["size"] = ["shortest_edge": edge, "longest_edge": longest]
    case .stretched(let height, let width): keys["size"] = ["height": height, "width": width]
    case .within(let height, let width): keys["size"] = ["max_height": height, "max_width": width]
    }
    return keys
  }

  /// The bytes of a `preprocessor_config.json` that transformers and ``read(from:)`` understand.
  public func json() throws -> Data {
    try JSONSerialization.data(
      withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
  }

  /// The keys in which this and another configuration differ, with the values of both.
  func differences(from other: ImageProcessorConfiguration) -> [(key: String, own: String, other: String)] {
    let (own, others) = (object, other.object)
    func text(_ value: Any?) -> String {
      let options: JSONSerialization.WritingOptions = [.sortedKeys, .fragmentsAllowed]
      let data = value.flatMap { try? JSONSerialization.data(withJSONObject: $0, options: options) }
      return data.map { String(decoding: $0, as: UTF8.self) } ?? "nothing"
    }
    return Set(own.keys).union(others.keys).sorted().compactMap { key in
      let (a, b) = (text(own[key]), text(others[key]))
      return a == b ? nil : (key, a, b)
    }
  }
}
