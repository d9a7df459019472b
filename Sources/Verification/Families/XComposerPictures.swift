import Foundation
import LVLM
import Tensor

/// How InternLM-XComposer2.5 cuts pictures: by their sizes alone, and pixel by pixel.
struct XComposerPictures {
  private struct Case: Decodable {
    var file: String?
    var group: String?
    var same_as: String?
    var mode: String
    var hd_num: Int
    var width: Int?
    var height: Int?
    var transposed: Bool?
    var scale: Int?
    var resized: [Int]?
    var canvas: [Int]?
    var grid: [Int]?
    var tokens: Int?
    var error: String?
  }

  private static let known: Set<String> = [
    "file", "group", "same_as", "mode", "hd_num", "width", "height", "transposed", "scale", "resized",
    "canvas", "grid", "tokens", "error",
  ]

  let folder: FamilyFolder

  // MARK: Sizes

  /// `geometry.json`.
  func compareSizes(_ report: inout VerificationReport) throws {
    let file = try XComposerCases<Case>(
      folder.file("geometry.json"), keys: ["tile", "merged_side"], known: Self.known, in: &report)
    guard let tile = file.integer("tile"), let side = file.integer("merged_side"), side > 0 else {
      throw VerificationError(
        file: file.name, found: "no `tile` and `merged_side`", expected: "the sides of a tile")
    }
    for (index, item) in file.cases.enumerated() {
      let size = "\(item.width ?? 0)x\(item.height ?? 0)"
      let label = "\(file.name) \(index) \(size) \(item.mode)\(item.hd_num)"
      report.part(label) { report in
        let configuration = try configuration(
          of: item, XComposerImageConfiguration(tileSide: tile, patchSide: tile / (2 * side)))
        guard let width = item.width, let height = item.height else {
          report.fail(label, "found no `width` and `height`, expected the size of a picture")
          return
        }
        compare(item, width, height, XComposerGeometry(configuration), label, &report)
      }
    }
  }

  /// The settings of a call of the reference.
  private func configuration(
    of item: Case, _ usual: XComposerImageConfiguration
  ) throws -> XComposerImageConfiguration {
    var configuration = usual
    configuration.budget = item.hd_num
    switch item.mode {
    case "chat": (configuration.padding, configuration.margin) = (.end, 1)
    case "train": (configuration.padding, configuration.margin) = (.centred, 1.5)
    default:
      throw VerificationError(
        file: folder.url.path, found: "pictures of mode \(item.mode)", expected: "chat or train")
    }
    return configuration
  }

  /// One comparison of everything that is stored about a size.
  private func compare(
    _ item: Case, _ width: Int, _ height: Int, _ geometry: XComposerGeometry, _ label: String,
    _ report: inout VerificationReport
  ) {
    let refusal = geometry.refusal(width: width, height: height, isAlone: true)
    let grid = geometry.grid(width: width, height: height, isAlone: true)
    // The resized picture is what regions are measured in, axes as in the file.
    let last = grid.regions.compactMap(\.self).last
    let parts = [last?.x.parts ?? 0, last?.y.parts ?? 0].map { Int($0) }
    let (rows, columns) = (grid.tiles.rows, grid.tiles.columns)
    let isTransposed = item.transposed ?? (width < height)
    var (found, expected): ([String], [String]) = ([], [])
    func add(_ name: String, _ own: [Int], _ stored: [Int]?) {
      guard let stored else { return }
      found.append("\(name) \(own)")
      expected.append("\(name) \(stored)")
    }
    if let transposed = item.transposed {
      found.append("transposed \(width < height)")
      expected.append("transposed \(transposed)")
    }
    add("scale", [isTransposed ? rows : columns], item.scale.map { [$0] })
    found.append("refused \(refusal != nil)")
    expected.append("refused \(item.error != nil)")
    if item.error == nil {
      add("resized", isTransposed ? parts.reversed() : parts, item.resized)
      let side = geometry.configuration.tileSide
      add("canvas", [columns * side, rows * side], item.canvas)
      add("grid", [rows, columns], item.grid)
      add("tokens", [grid.count], item.tokens.map { [$0] })
    } else {
      // Of a picture that is refused only the longer side is anything.
      add("length", [parts[isTransposed ? 1 : 0]], item.resized.map { Array($0.prefix(1)) })
    }
    report.expectEqual(label, found, expected)
  }

  // MARK: Pixels

  /// `hd.json` and `hd.h5`.
  func compareCanvases(_ report: inout VerificationReport) throws {
    let arrays = try GoldenArrays(folder.file("hd.h5"))
    let file = try XComposerCases<Case>(
      folder.file("hd.json"),
      keys: ["tile", "patch", "merged_side", "mean", "std", "pad_value", "resample", "global_resample"],
      known: Self.known, in: &report)
    guard let tile = file.integer("tile"), let patch = file.integer("patch"), patch > 0 else {
      throw VerificationError(
        file: file.name, found: "no `tile` and `patch`", expected: "the sides of a tile and of a patch")
    }
    var usual = XComposerImageConfiguration(tileSide: tile, patchSide: patch)
    if let mean = file.rest["mean"] as? [Double] { usual.mean = mean }
    if let deviation = file.rest["std"] as? [Double] { usual.standardDeviation = deviation }
    if let side = file.integer("merged_side") {
      report.expectEqual("\(file.name) merged_side", [tile / (2 * patch)], [side])
    }
    for (index, item) in file.cases.enumerated() {
      let label = "\(file.name) \(item.group ?? "\(index)")"
      report.part(label) { report in
        try compare(item, try configuration(of: item, usual), arrays, label, &report)
      }
    }
    let listed = Set(file.cases.compactMap { $0.file.map(Self.name) } + ["README.md"])
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.file("images").path)
    for name in files.sorted() where !listed.contains(name) && !name.hasPrefix(".") {
      report.fail("images/\(name)", "unknown, not listed in hd.json")
    }
    arrays.reportUnknown(in: &report)
  }

  private static func name(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  private func compare(
    _ item: Case, _ configuration: XComposerImageConfiguration, _ arrays: GoldenArrays, _ label: String,
    _ report: inout VerificationReport
  ) throws {
    guard let file = item.file, let own = item.group else {
      report.fail(label, "found no `file` and `group`, expected where its pixels are")
      return
    }
    // The reference drops transparency.
    let image = try RGBImage(
      contentsOf: folder.file("images").appending(component: Self.name(file)).path, transparency: .dropped)
    if let width = item.width, let height = item.height {
      report.expectEqual("\(label) size", [image.width, image.height], [width, height])
    }
    let processor = XComposerProcessor(configuration)
    compare(
      item, image.width, image.height, XComposerGeometry(configuration), "\(label) sizes", &report)
    let colours = "\(own.prefix { $0 != "/" })/decoded_rgb"
    if arrays.has(colours) { try compare(image, colours, levels: 0, arrays, &report) }
    let canvases = processor.prepared(image, isAlone: true)
    guard let canvas = canvases.first, canvases.count == 1 else {
      report.fail(label, "found \(canvases.count) canvases, expected 1")
      return
    }
    let group = item.same_as ?? own
    // One level for the 8-bit intermediate of a resize.
    try compare(canvas, "\(group)/canvas_u8", levels: 1, arrays, &report)
    guard arrays.has("\(own)/global_view") else { return }
    let stored = try arrays.tensor("\(group)/canvas_u8")
    let pixels = stored.array(of: UInt8.self)
    let values = processor.values([
      RGBImage(width: stored.shape[1], height: stored.shape[0], pixels: pixels)
    ])
    let side = configuration.tileSide
    try arrays.compare(
      Tensor(Array(values.prefix(3 * side * side)), shape: [3, side, side]), "\(own)/global_view", in: &report
    )
  }

  private func compare(
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

  // MARK: Features

  /// What is stored about each feature of a picture in `pictures.h5`: its kind, its rectangle, their number.
  static func compareFeatures(
    _ group: String, _ grid: FeatureGrid, _ arrays: GoldenArrays, _ report: inout VerificationReport
  ) throws {
    let label = "\(arrays.name) \(group)"
    for (name, value) in [
      ("rows", grid.tiles.rows), ("columns", grid.tiles.columns), ("tokens", grid.count),
    ] {
      guard let expected = try arrays.number(name, on: group) else { continue }
      report.expectEqual("\(label)@\(name)", [Double(value)], [expected])
    }
    if arrays.has("\(group)/token_kinds") {
      let separator = grid.separator ?? 0
      let kinds = grid.regions.enumerated().map { index, region -> Int32 in
        if region == nil { return index == separator ? 1 : 0 }
        return index < separator ? 2 : 3
      }
      report.expectEqual("\(label)/token_kinds", kinds, try arrays.integers("\(group)/token_kinds"))
    }
    guard arrays.has("\(group)/token_boxes") else { return }
    let (width, height) = (
      try arrays.requiredNumber("width", on: group), try arrays.requiredNumber("height", on: group)
    )
    let boxes = grid.regions.flatMap { region -> [Double] in
      guard let region else { return [0, 0, 0, 0] }
      let (x, y) = (region.x, region.y)
      return [
        x.start * width / x.parts, y.start * height / y.parts, x.end * width / x.parts,
        y.end * height / y.parts,
      ]
    }
    try arrays.compare(Tensor(boxes), "\(group)/token_boxes", in: &report)
  }
}

extension FeatureGrid {
  /// The feature between the whole picture and its mosaic: the first that follows the end of a row and is
  /// itself no part of the picture.
  var separator: Int? {
    regions.indices.dropFirst().first { regions[$0] == nil && regions[$0 - 1] == nil }
  }
}
