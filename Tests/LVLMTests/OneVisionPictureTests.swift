import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// LLaVA-OneVision's way from pictures to views.
@Suite struct OneVisionPictureTests {
  /// What is known of a picture's sizes.
  private struct Row: Decodable {
    var file: String?
    var group: String?
    var mode: String?
    var aspect_ratio: String?
    var width: Int
    var height: Int
    var views: Int?
    var best: [Int]?
    var resized: [Int]?
    var padding: [Int]?
    var tiles: [Int]?
    var grid: [Int]?
    var unpadded: [Int]?
    var final: [Int]?
    var tokens: Int
  }

  private struct Pictures: Decodable { var pictures: [Row] }

  private struct Geometry: Decodable {
    struct Selection: Decodable {
      var list: Int
      var width: Int
      var height: Int
      var best: [Int]
    }
    var pinpoints: [[Int]]
    var lists: [[[Int]]]
    var cases: [Row]
    var selections: [Selection]
  }

  private func expectSizes(_ row: Row, _ resolution: AnyResolution) throws {
    let (width, height) = (row.width, row.height)
    let best = resolution.canvas(width: width, height: height)
    let fitted = resolution.fitted(width: width, height: height, to: best)
    let kept = resolution.arrangement(width: width, height: height)
    let (down, across) = (best.height - fitted.height, best.width - fitted.width)
    let n = resolution.patchesPerSide
    #expect(best.pair == row.best && fitted.pair == row.resized, "\(row)")
    #expect([down / 2, down - down / 2, across / 2, across - across / 2] == row.padding, "\(row)")
    #expect([kept.tileRows, kept.tileColumns] == row.tiles, "\(row)")
    #expect([kept.tileRows * n, kept.tileColumns * n] == row.grid, "\(row)")
    #expect([kept.rows.count, kept.columns.count] == row.unpadded, "\(row)")
    #expect([kept.height, kept.width] == row.final, "\(row)")
    let grid = resolution.grid(width: width, height: height, isAlone: true)
    #expect(grid.count == row.tokens && grid.tiles.views == kept.tileRows * kept.tileColumns + 1, "\(row)")
    #expect(resolution.largest(isAlone: true).count >= row.tokens, "\(row)")
  }

  @Test func sizesOfPublishedModels() throws {
    let geometry: Geometry = try OneVision.json("geometry.json")
    #expect(OneVision.sizes(geometry.pinpoints) == AnyResolutionConfiguration.publishedCanvases)
    func resolution(_ limit: Int) -> AnyResolution {
      AnyResolution(
        canvases: AnyResolutionConfiguration.publishedCanvases, viewSide: 384, patchSize: 14, tileLimit: limit
      )
    }
    let resolutions = ["anyres_max_9": resolution(9), "anyres_max_4": resolution(4)]
    #expect(geometry.cases.count > 60)
    for row in geometry.cases {
      try expectSizes(row, try #require(row.aspect_ratio.flatMap { resolutions[$0] }))
    }
    for (index, list) in geometry.lists.enumerated() {
      let side = list[0].min() ?? 0
      let choice = AnyResolution(
        canvases: OneVision.sizes(list), viewSide: side, patchSize: side, tileLimit: 9)
      for row in geometry.selections where row.list == index {
        #expect(choice.canvas(width: row.width, height: row.height).pair == row.best, "\(row)")
      }
    }
    let nine = resolution(9)
    #expect(nine.largest(isAlone: true).count == 8765 && nine.largest(isAlone: false).count == 730)
    #expect(nine.grid(width: 9999, height: 3, isAlone: false).count == 730 && nine.fixed == nil)
  }

  /// The sides of a view of 24 patches are even, so nothing may be left of a line of pixels.
  @Test func aLineOfPixels() {
    let resolution = AnyResolution(
      canvases: [.init(height: 24, width: 48)], viewSide: 24, patchSize: 1, tileLimit: 9)
    let grid = resolution.grid(width: 1000, height: 1, isAlone: true)
    #expect(grid.count == 576 && grid.tiles.views == 3)
  }

  @Test func pictures() throws {
    let (processor, golden) = (try OneVision.processor(), try OneVision.golden("preprocess.h5"))
    let features = try OneVision.golden("pictures.h5")
    let rows = try OneVision.json("preprocess.json", as: Pictures.self).pictures
    #expect(rows.count == 24)
    var normalised = 0
    for row in rows {
      let (group, isAlone) = (try #require(row.group), row.mode == "anyres")
      let file = try #require(row.file)
      let picture = try RGBImage(contentsOf: OneVision.url(file).path)
      #expect(picture.width == row.width && picture.height == row.height)
      let colours = "\(group.prefix { $0 != "/" })/rgb"
      if try golden.file.exists(colours) { #expect(try golden.bytes(colours) == picture.pixels, "\(file)") }
      let views = processor.prepared(picture, isAlone: isAlone)
      #expect(views.count == row.views)
      #expect(try golden.bytes("\(group)/views_u8") == views.flatMap(\.pixels), "\(group)")
      if try golden.file.exists("\(group)/canvas_u8") {
        #expect(try golden.bytes("\(group)/canvas_u8") == processor.canvas(picture).pixels)
      }
      if try golden.file.exists("\(group)/squared_u8") {
        let square = picture.paddedToSquare(processor.padding)
        #expect(try golden.bytes("\(group)/squared_u8") == square.pixels)
      }
      if isAlone {
        try expectSizes(row, processor.resolution)
      } else {
        let grid = processor.geometry.grid(width: row.width, height: row.height, isAlone: false)
        #expect(grid.count == row.tokens && grid.tiles.views == 1)
      }
      if try features.file.exists("\(group)/views") {
        let values = processor.values(views)
        #expect(values == (try features.file.read("\(group)/views").floats()), "\(group)")
        #expect(processor.pixels(picture, isAlone: isAlone).shape == [views.count, 3, 22, 22])
        normalised += 1
      }
    }
    #expect(normalised == 4)
  }

  @Test func settings() throws {
    let file = OneVision.directory.appending(component: "preprocessor_config.json")
    let settings = try AnyResolutionConfiguration.read(from: file)
    #expect(settings.size == 22 && settings.canvases.count == 8 && settings.resampling == .bicubic)
    #expect(settings.mean == [0.5, 0.5, 0.5] && settings.rescaleFactor == 1 / 255 && settings.normalizes)
    try Fixtures.withTemporaryDirectory { folder in
      let place = folder.appending(component: "preprocessor_config.json")
      func read(_ text: String) throws -> AnyResolutionConfiguration {
        try Data(text.utf8).write(to: place)
        return try .read(from: place)
      }
      var usual = AnyResolutionConfiguration()
      usual.mean = ImageProcessorConfiguration.clipMean
      usual.standardDeviation = ImageProcessorConfiguration.clipStandardDeviation
      let absent = try read("{}")
      #expect(absent == usual)
      #expect(try read(#"{"size": {"shortest_edge": 384}, "do_normalize": true}"#) == usual)
      #expect(try read(#"{"image_processor": {"do_rescale": false}}"#).rescaleFactor == 1)
      for (text, expected) in [
        (#"{"do_resize": false}"#, "do_resize: found false, expected true"),
        (#"{"image_processor_type": "CLIPImageProcessor"}"#, "image_processor_type"),
        (#"{"size": {"height": 384, "width": 385}}"#, "size: found"),
        (#"{"size": {"height": 383, "width": 383}}"#, "image_grid_pinpoints: found nothing, expected pairs"),
        (#"{"image_grid_pinpoints": [[384, 384], [384]]}"#, "image_grid_pinpoints: found [[384"),
        (#"{"image_grid_pinpoints": []}"#, "multiples of the size (384)"),
        (#"{"image_std": 0}"#, "image_std"), (#"{"image_mean": [2, 0, 0]}"#, "image_mean"),
        (#"{"do_split": true}"#, "do_split: found true, expected no such key"),
        (#"{"crop_size": {"height": 3, "width": 3}}"#, "crop_size"),
      ] {
        #expect(
          message { _ = try read(text) }.contains(expected), "\(text): \(message { _ = try read(text) })")
      }
    }
  }
}
