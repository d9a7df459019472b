import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Every setting of transformers' image processors that changes pixels, against what transformers computes.
@Suite struct ImageProcessorTableTests {
  /// The pictures of `make_processors.py`.
  static func picture(_ width: Int, _ height: Int) -> RGBImage {
    var pixels: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width {
        for c in 0..<3 { pixels.append(UInt8((x * 7 + y * 13 + c * 29 + (x * y) % 17 * 5) % 256)) }
      }
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }

  private func configuration(_ keys: [String: Any]) throws -> ImageProcessorConfiguration {
    try Fixtures.withTemporaryDirectory { folder in
      let file = folder.appending(component: "preprocessor_config.json")
      try JSONSerialization.data(withJSONObject: keys).write(to: file)
      return try ImageProcessorConfiguration.read(from: file)
    }
  }

  @Test func everySettingAsTransformersComputesIt() throws {
    let cases = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: Fixtures.url("processors/cases.json")))
        as? [[String: Any]])
    let arrays = try SafeTensorsFile(reading: Fixtures.url("processors/pixels.safetensors"))
    #expect(cases.count == 198)
    for (index, entry) in cases.enumerated() {
      var keys = try #require(entry["keys"] as? [String: Any])
      let kind = try #require(entry["type"] as? String)
      let (width, height) = (
        try #require(entry["width"] as? Int), try #require(entry["height"] as? Int)
      )
      // A release's class name with its backend behind it means the same.
      keys["image_processor_type"] = index % 2 == 0 ? kind : kind + "Fast"
      let settings = try configuration(keys)
      let found = ImageProcessor(settings).values(Self.picture(width, height))
      let expected = try arrays.tensor("\(index)").array(of: Float.self)
      let largest = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
      let scale = max(expected.map(abs).max() ?? 1, 1)
      #expect(found.count == expected.count && largest <= 4e-7 * scale, "\(kind) \(keys) \(width)x\(height)")
      // What is written means the same again.
      let again = try Fixtures.withTemporaryDirectory { folder in
        let file = folder.appending(component: "preprocessor_config.json")
        try settings.json().write(to: file)
        return try ImageProcessorConfiguration.read(from: file)
      }
      #expect(ImageProcessor(again).values(Self.picture(width, height)) == found, "\(kind) \(keys)")
    }
  }

  @Test(arguments: [
    (#""image_processor_type": "SiglipImageProcessor""#, "image_processor_type"),
    (#""image_processor_type": "LlavaNextImageProcessor""#, "image_processor_type"),
    (#""feature_extractor_type": "ViTFeatureExtractor""#, "feature_extractor_type"),
    (#""do_convert_rgb": false"#, "do_convert_rgb"), (#""data_format": "channels_last""#, "data_format"),
    (#""input_data_format": "channels_last""#, "input_data_format"),
    (#""pad_size": {"height": 20, "width": 20}"#, "pad_size"),
    (#""use_square_size": true"#, "use_square_size"), (#""crop_pct": 0.875"#, "crop_pct"),
    (#""do_thumbnail": true"#, "do_thumbnail"), (#""background_color": [0, 0, 0]"#, "background_color"),
    (#""size": {"longest_edge": 12}"#, "size"), (#""size": {"shortest_edge": 0}"#, "size"),
    (#""size": {"min_pixels": 9, "max_pixels": 99}"#, "size"), (#""size": "12""#, "size"),
    (#""crop_size": {"height": 12, "width": 14}"#, "crop_size"),
    (#""crop_size": {"shortest_edge": 12}"#, "crop_size"),
    (#""do_center_crop": false"#, "do_center_crop"), (#""resample": 6"#, "resample"),
    (#""resample": "bicubic""#, "resample"), (#""rescale_factor": 0"#, "rescale_factor"),
    (#""do_rescale": 1"#, "do_rescale"), (#""do_normalize": "yes""#, "do_normalize"),
    (#""image_mean": [0.5]"#, "image_mean"),
    (#""image_std": [0, 1, 1]"#, "image_std"), (#""do_pad": true, "image_mean": [1.5, 0, 0]"#, "image_mean"),
  ])
  func whatIsNotComputedIsRefusedByName(_ keys: String, _ name: String) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let file = folder.appending(component: "preprocessor_config.json")
      let rest = [#""size""#, #""crop_size""#].filter { !keys.contains($0 + ":") }.map { $0 + ": 12" }
      try Data("{\(([keys] + rest).joined(separator: ", "))}".utf8).write(to: file)
      let error = #expect(throws: ModelConfigurationError.self) {
        try ImageProcessorConfiguration.read(from: file)
      }
      #expect(error?.problems.map(\.key) == [name])
    }
  }
}
