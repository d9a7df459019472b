import Checkpoint
import Foundation
import LVLM
import Tensor

/// Pictures to views, views through the vision encoder and the connector.
struct FamilyImages {
  private struct Index: Decodable {
    struct Picture: Decodable {
      var file: String
      var group: String
      var mode: String
      var width: Int
      var height: Int
      var views: Int?
      var rows: Int?
      var cols: Int?
      var tokens: Int?
      var resized: [Int]?
    }
    var mean: [Double]
    var std: [Double]
    var pictures: [Picture]
  }

  let folder: FamilyFolder
  let pictures: FamilyPictures

  /// `preprocess.json` and `preprocess.h5`: the views that our processor makes of the files.
  func compareViews(_ report: inout VerificationReport) throws {
    let arrays = try GoldenArrays(folder.file("preprocess.h5"))
    let index = try JSONDecoder().decode(Index.self, from: Data(contentsOf: folder.file("preprocess.json")))
    for picture in index.pictures {
      report.part("preprocess.json \(picture.group)") { try compare(picture, index, arrays, &$0) }
    }
    arrays.reportUnknown(in: &report)
  }

  private func compare(
    _ picture: Index.Picture, _ index: Index, _ arrays: GoldenArrays, _ report: inout VerificationReport
  ) throws {
    let image = try RGBImage(contentsOf: folder.file(picture.file).path)
    let label = "preprocess.json \(picture.group)"
    report.expectEqual("\(label) size", [image.width, image.height], [picture.width, picture.height])
    let processor = try pictures.processor(picture.mode)
    let isAlone = pictures.isAlone(picture.mode)
    let grid = processor.geometry.grid(width: image.width, height: image.height, isAlone: isAlone)
    if let rows = picture.rows, let columns = picture.cols {
      report.expectEqual("\(label) tiles", [grid.tiles.rows, grid.tiles.columns], [rows, columns])
    }
    if let views = picture.views { report.expectEqual("\(label) views", [grid.tiles.views], [views]) }
    if let tokens = picture.tokens { report.expectEqual("\(label) tokens", [grid.count], [tokens]) }
    let colours = String(picture.group.prefix { $0 != "/" }) + "/rgb"
    if arrays.has(colours) { try compare(image.pixels, colours, levels: 0, arrays, &report) }
    let pixels = processor.pixels(image, isAlone: isAlone)
    let path = "\(picture.group)/views_u8"
    if arrays.has(path) {
      // One level for the 8-bit intermediate of a resize.
      try compare(bytes(pixels, index), path, levels: 1, arrays, &report)
    }
    let canvas = "\(picture.group)/canvas_u8"
    if arrays.has(canvas) {
      try compare(bytes(Self.canvas(pixels, grid.tiles), index), canvas, levels: 1, arrays, &report)
    }
    let squared = "\(picture.group)/squared_u8"
    if arrays.has(squared) {
      let border = index.mean.map { UInt8($0 * 255) }
      let colour = RGBColour(border[0], border[1], border[2])
      try compare(image.paddedToSquare(colour).pixels, squared, levels: 0, arrays, &report)
    }
    let resized = "\(picture.group)/resized_u8"
    if arrays.has(resized), let size = picture.resized {
      let smaller = image.resized(width: size[1], height: size[0], filter: .lanczos)
      try compare(smaller.pixels, resized, levels: 1, arrays, &report)
    }
  }

  /// Samples of 8 bits, `[views, side, side, 3]`, that normalised ones were.
  private func bytes(_ pixels: Tensor, _ index: Index) -> [UInt8] {
    let channels = pixels.permuted([0, 2, 3, 1]).array(of: Float.self)
    return channels.enumerated().map { place, value in
      let channel = place % 3
      let sample = (Double(value) * index.std[channel] + index.mean[channel]) * 255
      return UInt8(min(max(sample.rounded(), 0), 255))
    }
  }

  /// The tiles behind the view of the whole picture as one, `[1, 3, rows · side, columns · side]`.
  private static func canvas(_ pixels: Tensor, _ tiles: FeatureGrid.Tiles) -> Tensor {
    let side = pixels.shape[2]
    return pixels.slice(axis: 0, 1..<1 + tiles.rows * tiles.columns)
      .reshaped([tiles.rows, tiles.columns, 3, side, side]).permuted([2, 0, 3, 1, 4])
      .reshaped([1, 3, tiles.rows * side, tiles.columns * side])
  }

  private func compare(
    _ found: [UInt8], _ path: String, levels: Double, _ arrays: GoldenArrays,
    _ report: inout VerificationReport
  ) throws {
    let expected = try arrays.tensor(path)
    let label = "\(arrays.name) \(path)"
    guard found.count == expected.count else {
      report.fail(label, "found \(found.count) samples, expected \(expected.shape)")
      return
    }
    report.add(
      GoldenArrays.comparison(
        label, found.map(Double.init), expected.array(of: Double.self), allowed: levels))
  }

  /// `pictures.h5`: stored views through encoder and connector.
  func compareFeatures(_ report: inout VerificationReport) throws {
    let models = try ModelPair(folder.loadModel)
    let arrays = pictures.arrays
    let groups = Set(
      arrays.paths.filter { $0.hasSuffix("/views") }.map { String($0.dropLast("/views".count)) })
    for group in groups.sorted() where try arrays.text("file", on: group) != nil {
      report.part("pictures.h5 \(group)") { report in
        let file =
          (try arrays.text("file", on: group) ?? "").split(separator: "/").last.map(String.init) ?? ""
        let shown = FamilyPictures.Shown(file: file, mode: try arrays.text("mode", on: group) ?? "")
        let views = try arrays.tensor("\(group)/views")
        let image = try RGBImage(contentsOf: folder.file("images").appending(component: file).path)
        let own = try pictures.processor(shown.mode).pixels(image, isAlone: pictures.isAlone(shown.mode))
        // A level of 255 after normalisation.
        try arrays.compare(own, "\(group)/views", floor: 1.01 / 255 / 0.26, in: &report)
        let layout = FeatureLayout([try pictures.grid(shown)])
        let results = try PrecisionPair { dtype in
          noGradient {
            features(models[dtype], views.to(dtype), layout, group)
          }
        }
        try results.compare(with: arrays, under: group, in: &report)
        if folder.isXComposer {
          try XComposerPictures.compareFeatures(group, layout.grids[0], arrays, &report)
        }
      }
    }
  }

  /// `pictures.h5`, group `masked`: views of which only a part shows something.
  func compareMasked(_ report: inout VerificationReport) throws {
    let arrays = pictures.arrays
    guard arrays.has("masked/pixel_mask") else { return }
    let (views, shown) = (try arrays.tensor("masked/views"), try arrays.tensor("masked/pixel_mask"))
    let models = try ModelPair(folder.loadModel)
    guard let configuration = models.single.configuration as? SmolVLMConfiguration else {
      report.fail("pictures.h5 masked", "the family has no views of which a part shows nothing")
      return
    }
    let side = views.shape[2]
    let pixels = shown.array(of: UInt8.self).map { $0 != 0 }
    let masks = (0..<views.shape[0]).map { view in
      PatchMask(
        pixels: Array(pixels[view * side * side..<(view + 1) * side * side]), width: side,
        patch: configuration.vision.patchSize)
    }
    report.expectEqual(
      "pictures.h5 masked/patch_mask", masks.flatMap(\.isOn).map { $0 ? 1 : 0 },
      try arrays.integers("masked/patch_mask"))
    let layout = FeatureLayout(repeating: configuration.viewGrid, count: views.shape[0])
    let results = try PrecisionPair { dtype in
      let model = models[dtype]
      guard let tower = model.visionTower as? SiglipTower else { return [:] }
      return noGradient {
        let selected = tower.selected(views.to(dtype), masks: masks)
        return [
          "vision_hidden/0": tower.hiddenStates(views.to(dtype), masks: masks, through: 0)[0],
          "vision_last": selected, "projected": model.project(selected, layout: layout),
        ]
      }
    }
    try results.compare(with: arrays, under: "masked", in: &report)
  }

  private func features(
    _ model: VisionLanguageModel, _ views: Tensor, _ layout: FeatureLayout, _ group: String
  ) -> [String: Tensor] {
    let arrays = pictures.arrays
    var results: [String: Tensor] = [:]
    if !arrays.names(in: "\(group)/vision_hidden").isEmpty {
      for (index, state) in model.visionTower.hiddenStates(views).enumerated()
      where arrays.has("\(group)/vision_hidden/\(index)") {
        results["vision_hidden/\(index)"] = state
      }
    }
    let selected = model.visionFeatures(views)
    for name in ["vision_last", "selected"] where arrays.has("\(group)/\(name)") { results[name] = selected }
    if let connector = model.projector as? XComposerConnector {
      results["merged"] = connector.merged(selected, layout: layout)
    }
    let rows = model.project(selected, layout: layout)
    // Of families that arrange what they have projected, the arrangement is stored too.
    let isArranged = arrays.has("\(group)/packed")
    results[isArranged ? "packed" : "projected"] = rows
    if isArranged, let connector = model.projector as? OneVisionConnector {
      results["projected"] = connector.projected(selected)
    }
    return results
  }
}
