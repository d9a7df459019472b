import DPOTrain
import Foundation
import LVLM
import Tensor

/// Decoding, resizing, padding and normalising of pictures.
enum ImageVerification {
  private struct Index: Decodable {
    struct Picture: Decodable {
      var file: String
      var group: String
      var alpha: Bool
      var lossy: Bool
    }
    var mean: [Double]
    var std: [Double]
    var images: [Picture]
  }

  static func run(_ golden: GoldenFolder, _ report: inout VerificationReport) throws {
    let arrays = try GoldenArrays(golden.file("preprocess.h5"))
    let index = try JSONDecoder().decode(Index.self, from: Data(contentsOf: golden.file("preprocess.json")))
    for picture in index.images {
      report.part(picture.file) { report in
        try compare(picture, index, golden, arrays, &report)
      }
    }
    let listed = Set(index.images.map { String($0.file.split(separator: "/").last ?? "") } + ["README.md"])
    let files = try FileManager.default.contentsOfDirectory(atPath: golden.file("images").path)
    for file in files.sorted() where !listed.contains(file) && !file.hasPrefix(".") {
      report.fail("images/\(file)", "unknown, not listed in preprocess.json")
    }
    if arrays.has("resize/input_u8") { try compareFilters(arrays, &report) }
    arrays.reportUnknown(in: &report)
  }

  private static func compare(
    _ picture: Index.Picture, _ index: Index, _ golden: GoldenFolder, _ arrays: GoldenArrays,
    _ report: inout VerificationReport
  ) throws {
    let path = golden.url.appending(path: picture.file).path
    // Decoders of JPEG round differently: two levels there, none where nothing is lost.
    let levels = picture.lossy ? 2.0 : 0
    let plain = try RGBImage(contentsOf: path, transparency: .dropped)
    try compare(plain, "\(picture.group)/decoded_rgb", levels: levels, arrays, &report)
    let decoded = try RGBImage(contentsOf: path)
    if picture.alpha {
      try compare(decoded, "\(picture.group)/on_white_rgb", levels: levels, arrays, &report)
    }
    // One more level for the 8-bit intermediate of the resize.
    let resizedLevels = levels + 1
    for part in arrays.names(in: picture.group) {
      let group = "\(picture.group)/\(part)"
      let isPadded = part.hasPrefix("llava_pad")
      guard isPadded || part.hasPrefix("clip"), let size = Int(part.drop { !$0.isNumber }) else { continue }
      let processor = ImageProcessor(
        ImageProcessorConfiguration(
          size: size, mean: index.mean, standardDeviation: index.std, padsToSquare: isPadded))
      for name in arrays.names(in: group) {
        let place = "\(group)/\(name)"
        switch name {
        case "squared_u8":
          try compare(
            decoded.paddedToSquare(processor.padding), place, levels: levels, arrays, &report)
        case "resized_u8":
          try compare(processor.resized(decoded), place, levels: resizedLevels, arrays, &report)
        case "pixel_values":
          let level = 1 / (255 * (index.std.min() ?? 1))
          try arrays.compare(
            processor(decoded), place, floor: resizedLevels * level, in: &report)
        default: continue
        }
      }
    }
  }

  private static func compareFilters(_ arrays: GoldenArrays, _ report: inout VerificationReport) throws {
    let input = try arrays.tensor("resize/input_u8")
    let image = RGBImage(width: input.shape[1], height: input.shape[0], pixels: input.array(of: UInt8.self))
    for name in arrays.names(in: "resize") where name != "input_u8" {
      let parts = name.split(separator: "_")
      let sides = (parts.last ?? "").split(separator: "x").compactMap { Int($0) }
      guard parts.count == 2, sides.count == 2, let filter = ResamplingFilter(rawValue: String(parts[0]))
      else {
        continue
      }
      let resized = image.resized(width: sides[1], height: sides[0], filter: filter)
      try compare(resized, "resize/\(name)", levels: 1, arrays, &report)
    }
  }

  private static func compare(
    _ image: RGBImage, _ path: String, levels: Double, _ arrays: GoldenArrays,
    _ report: inout VerificationReport
  ) throws {
    let expected = try arrays.tensor(path)
    let label = "\(arrays.name) \(path)"
    guard expected.shape == [image.height, image.width, 3] else {
      report.fail(label, "found \([image.height, image.width, 3]), expected \(expected.shape)")
      return
    }
    report.add(
      GoldenArrays.comparison(
        label, image.pixels.map(Double.init), expected.array(of: Double.self), allowed: levels))
  }
}
