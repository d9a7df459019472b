import Foundation

/// A number of pixels as `preprocessor_config.json` writes it: alone, or in an object by the name of a side.
private struct PixelSize: Decodable {
  var pixels: Int

  private enum CodingKeys: String, CodingKey {
    case shortestEdge = "shortest_edge"
    case height, width
  }

  init(from decoder: any Decoder) throws {
    if let plain = try? decoder.singleValueContainer().decode(Int.self) {
      pixels = plain
      return
    }
    let keys = try decoder.container(keyedBy: CodingKeys.self)
    if let edge = try keys.decodeIfPresent(Int.self, forKey: .shortestEdge) {
      pixels = edge
      return
    }
    let (height, width) = (
      try keys.decode(Int.self, forKey: .height), try keys.decode(Int.self, forKey: .width)
    )
    guard height == width else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "found \(width)x\(height), expected a square")
      )
    }
    pixels = height
  }
}

extension ImageProcessorConfiguration {
  private struct File: Decodable {
    var size: PixelSize?
    var crop: PixelSize?
    var mean: [Double]?
    var deviation: [Double]?
    var resampling: Int?
    var factor: Double?
    var pads: Bool?
    var resizes: Bool?
    var crops: Bool?
    var rescales: Bool?
    var normalizes: Bool?

    enum CodingKeys: String, CodingKey {
      case size
      case crop = "crop_size"
      case mean = "image_mean"
      case deviation = "image_std"
      case resampling = "resample"
      case factor = "rescale_factor"
      case pads = "do_pad"
      case resizes = "do_resize"
      case crops = "do_center_crop"
      case rescales = "do_rescale"
      case normalizes = "do_normalize"
    }
  }

  /// Reads a `preprocessor_config.json` of Hugging Face's `CLIPImageProcessor` or `LlavaImageProcessor`.
  ///
  /// - Throws: ``ModelConfigurationError`` with the file and everything that is not computed here.
  public static func read(from url: URL) throws -> ImageProcessorConfiguration {
    func failure(_ problems: [ModelConfigurationError.Problem]) -> ModelConfigurationError {
      ModelConfigurationError(file: url.path, problems: problems)
    }
    guard let data = try? Data(contentsOf: url) else {
      throw failure([.init(key: "file", found: "nothing readable", expected: "a preprocessor_config.json")])
    }
    let file: File
    do {
      file = try JSONDecoder().decode(File.self, from: data)
    } catch {
      throw failure([.init(key: "file", found: "another content", expected: "the keys of CLIPImageProcessor")]
      )
    }
    var checks = ConfigurationChecks()
    let size = file.size?.pixels ?? 224
    checks.positive(size, "size")
    checks.require(
      file.crop?.pixels ?? size == size, "crop_size", found: "\(file.crop?.pixels ?? 0)",
      expected: "size (\(size))")
    for (key, value) in [
      ("do_resize", file.resizes), ("do_center_crop", file.crops), ("do_rescale", file.rescales),
      ("do_normalize", file.normalizes),
    ] {
      checks.require(value ?? true, key, found: "false", expected: "true")
    }
    let (mean, deviation) = (file.mean ?? clipMean, file.deviation ?? clipStandardDeviation)
    checks.require(mean.count == 3, "image_mean", found: "\(mean.count) numbers", expected: "3")
    checks.require(
      deviation.count == 3 && deviation.allSatisfy { $0 > 0 }, "image_std", found: "\(deviation)",
      expected: "3 positive numbers")
    let resampling = ResamplingFilter(pillow: file.resampling ?? 3)
    checks.require(
      resampling != nil, "resample", found: "\(file.resampling ?? 3)", expected: "one of 0 to 4")
    guard checks.problems.isEmpty else { throw failure(checks.problems) }
    return ImageProcessorConfiguration(
      size: size, mean: mean, standardDeviation: deviation, resampling: resampling ?? .bicubic,
      padsToSquare: file.pads ?? false, rescaleFactor: file.factor ?? 1.0 / 255)
  }

  /// The bytes of a `preprocessor_config.json` that transformers and ``read(from:)`` understand.
  public func json() throws -> Data {
    let keys: [String: Any] = [
      "image_processor_type": padsToSquare ? "LlavaImageProcessor" : "CLIPImageProcessor",
      "do_pad": padsToSquare, "do_resize": true, "do_center_crop": true, "do_rescale": true,
      "do_normalize": true, "do_convert_rgb": true, "size": ["shortest_edge": size],
      "crop_size": ["height": size, "width": size], "image_mean": mean, "image_std": standardDeviation,
      "resample": resampling.pillowNumber, "rescale_factor": rescaleFactor,
    ]
    return try JSONSerialization.data(
      withJSONObject: keys, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
  }
}
