import Checkpoint
import Foundation

extension XComposerImageConfiguration {
  /// The file that says how pictures are cut, where there is one: the published model has none.
  static let fileName = "preprocessor_config.json"

  private static let type = "InternLMXComposer2d5"

  private static let keys = KnownKeys(
    computed: [
      "image_processor_type", "tile_size", "patch_size", "hd_num", "hd_num_multi", "padding", "scale_margin",
      "image_mean", "image_std",
    ],
    harmless: ["processor_class", "transformers_version", "_name_or_path"],
    only: ["resample": [.integer(2)], "pad_value": [.integer(255)], "do_convert_rgb": [.boolean(true)]])

  /// The settings of a directory, nil where it has none.
  ///
  /// - Parameter usual: what absent keys mean.
  /// - Throws: ``ModelConfigurationError`` for settings that are not computed here.
  static func read(
    of directory: URL, usual: XComposerImageConfiguration
  ) throws -> XComposerImageConfiguration? {
    guard let json = try ModelJSON.ifPresent(fileName, in: directory) else { return nil }
    var settings = usual
    var reader = PreprocessorReader(json)
    reader.require(
      json["image_processor_type"] == .string(type), "image_processor_type", expected: "\"\(type)\"")
    func count(_ key: String, _ value: inout Int, upTo bound: Int) {
      guard let given = json[key], given != .null else { return }
      let number = given.whole.flatMap { (1...bound).contains($0) ? $0 : nil }
      reader.require(number != nil, key, expected: "a whole number from 1 to \(bound)")
      if let number { value = number }
    }
    count("tile_size", &settings.tileSide, upTo: 1 << 14)
    count("patch_size", &settings.patchSide, upTo: 1 << 14)
    count("hd_num", &settings.budget, upTo: 1 << 10)
    count("hd_num_multi", &settings.budgetOfSeveral, upTo: 1 << 10)
    if let given = json["padding"], given != .null {
      let padding = given.text.flatMap(Padding.init)
      reader.require(
        padding != nil, "padding",
        expected: Padding.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or "))
      settings.padding = padding ?? .end
    }
    settings.margin = reader.number("scale_margin", default: usual.margin)
    reader.require(settings.margin > 0, "scale_margin", expected: "a positive number")
    settings.mean = reader.channels("image_mean", default: usual.mean)
    settings.standardDeviation = reader.channels("image_std", default: usual.standardDeviation)
    reader.require(
      settings.standardDeviation.allSatisfy { $0 > 0 }, "image_std", expected: "3 positive numbers")
    reader.require(
      settings.tileSide % settings.cellSide == 0, "tile_size",
      expected: "a multiple of \(settings.cellSide), two patches")
    let problems = keys.problems(in: json) + reader.problems
    guard problems.isEmpty else {
      throw ModelConfigurationError(file: directory.appending(component: fileName).path, problems: problems)
    }
    return settings
  }

  /// The bytes of a file with these settings.
  func json() throws -> Data {
    try JSONSerialization.data(
      withJSONObject: [
        "image_processor_type": Self.type, "tile_size": tileSide, "patch_size": patchSide, "hd_num": budget,
        "hd_num_multi": budgetOfSeveral, "padding": padding.rawValue, "scale_margin": margin, "resample": 2,
        "pad_value": 255, "image_mean": mean, "image_std": standardDeviation,
      ] as [String: Any], options: [.prettyPrinted, .sortedKeys])
  }
}
