import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// How SmolVLM cuts pictures, against its own image processor.
@Suite struct SmolVLMPictureTests {
  private struct Sizes: Decodable {
    struct Case: Decodable {
      var tile: Int
      var longest_edge: Int
      var width: Int
      var height: Int
      var resized: [Int]
      var canvas: [Int]
      var rows: Int
      var cols: Int
      var image_tokens: Int
    }
    var cases: [Case]
  }

  struct Pictures: Decodable {
    struct Mode: Decodable {
      struct Size: Decodable { var longest_edge: Int }
      var size: Size?
      var do_image_splitting: Bool?
    }
    struct Picture: Decodable {
      var file: String
      var group: String
      var mode: String
      var width: Int
      var height: Int
      var resized: [Int]
      var canvas: [Int]
      var rows: Int
      var cols: Int
      var views: Int
    }
    var modes: [String: Mode]
    var pictures: [Picture]

    init(from decoder: any Decoder) throws {
      let keys = try decoder.container(keyedBy: CodingKeys.self)
      modes = try keys.decode([String: Mode].self, forKey: .modes)
      pictures = try keys.decode([Picture].self, forKey: .pictures)
    }
    enum CodingKeys: CodingKey { case modes, pictures }
  }

  static func decoded<T: Decodable>(_ type: T.Type, _ name: String) throws -> T {
    try JSONDecoder().decode(type, from: Data(contentsOf: Fixtures.url("smolvlm/golden/\(name)")))
  }

  static func picture(_ file: String) throws -> RGBImage {
    let name = file.split(separator: "/").last.map(String.init) ?? file
    return try RGBImage(contentsOf: Fixtures.url("smolvlm/images/\(name)").path)
  }

  /// The settings of the fixture in one of the ways in which pictures were read.
  static func processor(_ mode: String) throws -> SmolVLMImageProcessor {
    let modes = try decoded(Pictures.self, "preprocess.json").modes
    let change = try #require(modes[mode])
    var configuration = SmolVLMImageConfiguration(
      tiling: .init(longestEdge: 114, side: 38, splits: change.do_image_splitting ?? true))
    if let size = change.size { configuration.tiling.longestEdge = size.longest_edge }
    return SmolVLMImageProcessor(configuration, patchSide: 6, scaleFactor: 3)
  }

  @Test func publishedSizes() throws {
    let cases = try Self.decoded(Sizes.self, "geometry.json").cases
    #expect(cases.count == 168)
    for item in cases {
      let tiling = SmolVLMTiling(longestEdge: item.longest_edge, side: item.tile)
      let resized = tiling.resized(.init(width: item.width, height: item.height))
      let canvas = tiling.canvas(resized)
      #expect([resized.height, resized.width] == item.resized, "\(item)")
      #expect([canvas.height, canvas.width] == item.canvas, "\(item)")
      let (patch, scale) = [512: (16, 4), 384: (14, 3), 364: (14, 2)][item.tile] ?? (1, 1)
      let geometry = SmolVLMGeometry(
        tiling: tiling, featuresPerSide: item.tile / patch / scale, featureSide: patch * scale)
      let grid = geometry.grid(width: item.width, height: item.height, isAlone: true)
      #expect(grid.tiles.rows == item.rows && grid.tiles.columns == item.cols, "\(item)")
      #expect(grid.count == item.image_tokens, "\(item)")
      #expect(geometry.fixed == nil && grid.count <= geometry.largest(isAlone: true).count)
    }
  }

  @Test func views() throws {
    let golden = try Golden(at: Fixtures.url("smolvlm/golden/preprocess.h5"))
    var compared = 0
    for item in try Self.decoded(Pictures.self, "preprocess.json").pictures {
      let processor = try Self.processor(item.mode)
      let picture = try Self.picture(item.file)
      #expect(picture.width == item.width && picture.height == item.height)
      let tiling = processor.configuration.tiling
      let resized = tiling.resized(.init(width: item.width, height: item.height))
      let canvas = tiling.canvas(resized)
      #expect([resized.height, resized.width] == item.resized, "\(item)")
      #expect([canvas.height, canvas.width] == item.canvas, "\(item)")
      let views = processor.prepared(picture, isAlone: true)
      let grid = processor.geometry.grid(width: item.width, height: item.height, isAlone: true)
      #expect(grid.tiles.rows == item.rows && grid.tiles.columns == item.cols, "\(item)")
      #expect(views.count == item.views && grid.tiles.views == item.views)
      #expect(grid.count == 4 * item.views)
      guard try golden.file.exists("\(item.group)/views_u8") else { continue }
      let expected = try golden.file.read("\(item.group)/views_u8").floats()
      let found = views.flatMap(\.pixels)
      try #require(found.count == expected.count)
      #expect(zip(found, expected).allSatisfy { Float($0) == $1 }, "\(item.group)")
      compared += 1
      let file = String(item.group.prefix { $0 != "/" })
      if item.mode == "split", try golden.file.exists("\(file)/rgb") {
        #expect(try golden.file.read("\(file)/rgb").floats() == picture.pixels.map(Float.init), "\(file)")
      }
    }
    #expect(compared == 9)
  }

  @Test(arguments: [("gray7_52x40", "single"), ("rgb3_131x17", "split")])
  func normalised(file: String, mode: String) throws {
    let golden = try Golden(at: Fixtures.url("smolvlm/golden/pictures.h5"))
    let found = try Self.processor(mode).pixels(Self.picture("\(file).png"), isAlone: true)
    #expect(difference(found, try golden.tensor("\(file)_png/\(mode)/views")) == 0)
  }

  /// Every feature stands for the pixels that its patches show, tiles in the picture's own proportions.
  @Test func regions() throws {
    let geometry = SmolVLMGeometry(
      tiling: .init(longestEdge: 114, side: 38), featuresPerSide: 2, featureSide: 18)
    let grid = geometry.grid(width: 61, height: 37, isAlone: false)
    #expect(grid.tiles.rows == 2 && grid.tiles.columns == 3 && grid.count == 28)
    // The lower left feature of the last tile, and the same of the view of the whole.
    #expect(
      grid.regions[22]
        == PictureRegion(x: .init(from: 76, to: 94, of: 114), y: .init(from: 56, to: 74, of: 76)))
    #expect(
      grid.regions[26] == PictureRegion(x: .init(from: 0, to: 18, of: 38), y: .init(from: 18, to: 36, of: 38))
    )
    let upperLeft = grid.weights(x: 0...(1.0 / 3), y: 0...0.5)
    #expect(Array(upperLeft.prefix(8)) == [1, 1, 1, 1, 0, 0, 0, 0])
    #expect(abs(upperLeft[24] - 38.0 / 3 / 18) < 1e-12 && upperLeft[25] == 0)
    #expect(geometry.largest(isAlone: true).count == 40)
    let one = SmolVLMGeometry(
      tiling: .init(longestEdge: 114, side: 38, splits: false), featuresPerSide: 2, featureSide: 18)
    #expect(one.fixed == one.grid(width: 9, height: 700, isAlone: true) && one.fixed?.count == 4)
  }

  // MARK: Settings

  private static func settings(
    _ change: (inout [String: Any]) -> Void = { _ in }
  ) throws -> SmolVLMImageConfiguration {
    let data = try Data(contentsOf: Fixtures.url("smolvlm/preprocessor_config.json"))
    var keys = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    change(&keys)
    let bytes = try JSONSerialization.data(withJSONObject: keys)
    return try SmolVLMImageConfiguration(
      bytes.withUnsafeBytes { try JSONReader.read($0) }, file: "preprocessor_config.json")
  }

  @Test func settingsAreRead() throws {
    #expect(
      try Self.settings()
        == SmolVLMImageConfiguration(tiling: .init(longestEdge: 114, side: 38)))
    let bare = try Self.settings { $0 = [:] }
    #expect(bare == SmolVLMImageConfiguration())
    let other = try Self.settings {
      $0["do_image_splitting"] = false
      $0["resample"] = 3
      $0["do_rescale"] = false
      $0["do_normalize"] = false
      $0["image_mean"] = [0.1, 0.2, 0.3]
    }
    #expect(!other.tiling.splits && other.resampling == .bicubic && !other.normalizes)
    #expect(other.rescaleFactor == 1 && other.mean == [0.1, 0.2, 0.3])
  }

  @Test(arguments: [
    ("do_resize", "false"), ("do_convert_rgb", "false"), ("do_center_crop", "true"), ("resample", "7"),
    ("size", #"{"shortest_edge": 4}"#), ("max_image_size", #"{"height": 4, "width": 4}"#),
    ("image_std", "[0, 1, 1]"),
    ("image_processor_type", #""CLIPImageProcessor""#), ("max_slices", "9"), ("do_image_splitting", "3"),
  ])
  func otherSettingsAreRefused(key: String, value: String) throws {
    let error = #expect(throws: ModelConfigurationError.self) {
      try Self.settings { keys in
        keys[key] = try? JSONSerialization.jsonObject(with: Data(value.utf8), options: .fragmentsAllowed)
      }
    }
    #expect(error?.problems.map(\.key) == [key], "\(error!)")
  }
}
