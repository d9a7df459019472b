import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// How InternLM-XComposer2.5 cuts pictures, against Pillow and PyTorch.
@Suite struct XComposerPictureTests {
  /// The settings of the tiny model.
  static let configuration = XComposerImageConfiguration(tileSide: 56, budget: 9, budgetOfSeveral: 4)

  static func picture(_ name: String) throws -> RGBImage {
    try RGBImage(contentsOf: Fixtures.url("xcomposer/images/\(name)").path, transparency: .dropped)
  }

  private static func json(_ name: String) throws -> JSONValue {
    try Data(contentsOf: Fixtures.url("xcomposer/\(name).json")).withUnsafeBytes { try JSONReader.read($0) }
  }

  @Test func sizesOfPictures() throws {
    guard case .array(let rows) = try Self.json("geometry") else { return }
    #expect(rows.count == 564)
    var refused = 0
    for row in rows {
      guard case .array(let cells) = row, case .string(let mode) = cells[2] else { continue }
      let numbers = cells.map { if case .integer(let number) = $0 { number } else { 0 } }
      let (width, height) = (numbers[0], numbers[1])
      let isTrained = mode == "train"
      let geometry = XComposerGeometry(
        XComposerImageConfiguration(
          budget: numbers[3], padding: isTrained ? .centred : .end, margin: isTrained ? 1.5 : 1))
      let refusal = geometry.refusal(width: width, height: height, isAlone: true)
      if numbers[6] == 0 {
        #expect(refusal?.hasPrefix("a picture of \(width)x\(height) pixels") == true)
        refused += 1
        continue
      }
      let grid = geometry.grid(width: width, height: height, isAlone: true)
      #expect(refusal == nil)
      #expect(
        grid.tiles.rows == numbers[7] && grid.tiles.columns == numbers[8], "\(width)x\(height) \(mode)")
      #expect(grid.count == numbers[9] && grid.tiles.views == 1 + numbers[7] * numbers[8])
      let last = grid.regions.compactMap(\.self).last
      let parts = [last?.x.parts, last?.y.parts].map { Int($0 ?? 0) }
      #expect(parts == (numbers[4] == 1 ? [numbers[6], numbers[5]] : [numbers[5], numbers[6]]))
    }
    #expect(refused > 0)
  }

  @Test func largestPictures() {
    let geometry = XComposerGeometry(XComposerImageConfiguration())
    #expect(geometry.largest(isAlone: true).count == 10_501)
    #expect(geometry.largest(isAlone: false).count == 2_941)
    #expect(geometry.fixed == nil)
  }

  @Test func canvases() throws {
    guard case .array(let cases) = try Self.json("hd") else { return }
    let golden = try HDF5File(reading: Fixtures.url("xcomposer/hd.h5"))
    for item in cases {
      guard case .string(let file)? = item["file"], case .string(let mode)? = item["mode"],
        case .integer(let budget)? = item["hd_num"], case .string(let own)? = item["group"]
      else { continue }
      let group: String = if case .string(let same)? = item["same_as"] { same } else { own }
      let isTrained = mode == "train"
      let processor = XComposerProcessor(
        XComposerImageConfiguration(
          tileSide: 56, budget: budget, padding: isTrained ? .centred : .end, margin: isTrained ? 1.5 : 1))
      let picture = try Self.picture(String(file.dropFirst("images/".count)))
      if try golden.exists("\(own.split(separator: "/")[0])/decoded_rgb") {
        #expect(try golden.read("\(own.split(separator: "/")[0])/decoded_rgb").bytes == picture.pixels)
      }
      let canvas = processor.prepared(picture, isAlone: true)
      let expected = try golden.read("\(group)/canvas_u8")
      #expect(canvas.count == 1 && [canvas[0].height, canvas[0].width, 3] == expected.shape, "\(own)")
      #expect(canvas[0].pixels == expected.bytes, "\(own)")
      if try golden.exists("\(own)/global_view") {
        let values = processor.values(canvas)
        try Golden(at: golden.url).expect(
          Tensor(Array(values.prefix(3 * 56 * 56)), shape: [3, 56, 56]), is: "\(own)/global_view")
      }
    }
    #expect(cases.count > 10)
  }

  /// Views, and the rectangles of the picture that features stand for.
  @Test(arguments: ["rgb0_48x90", "rgb1_90x41", "rgb2_30x30", "rgb3_20x70", "rgb6_17x9"])
  func viewsAndBoxes(name: String) throws {
    let golden = try Golden(at: Fixtures.url("xcomposer/pictures.h5"))
    let processor = XComposerProcessor(Self.configuration)
    let picture = try Self.picture(name + ".png")
    let grid = processor.geometry.grid(width: picture.width, height: picture.height, isAlone: false)
    let group = name + "_png"
    if try golden.file.exists("\(group)/views") {
      try golden.expect(processor.pixels(picture, isAlone: false), is: "\(group)/views")
    }
    let kinds = try golden.integers("\(group)/token_kinds")
    let boxes = try golden.tensor("\(group)/token_boxes").array(of: Float.self)
    #expect(grid.count == kinds.count)
    for (index, region) in grid.regions.enumerated() {
      #expect((region == nil) == (kinds[index] < 2))
      guard let region else { continue }
      let (x, y) = (region.x, region.y)
      let (width, height) = (Double(picture.width), Double(picture.height))
      let found = [
        x.start * width / x.parts, y.start * height / y.parts, x.end * width / x.parts,
        y.end * height / y.parts,
      ]
      for (a, b) in zip(found, boxes[index * 4..<index * 4 + 4]) { #expect(abs(a - Double(b)) < 1e-4) }
    }
  }

  @Test func resamplingOfTheWholeView() throws {
    let golden = try Golden(at: Fixtures.url("xcomposer/ops.h5"))
    for name in ["down", "down3", "same", "up"] {
      let input = try golden.tensor("bicubic/\(name)/in").expandedDimensions(axis: 0)
      let shape = try golden.file.read("bicubic/\(name)/out").shape
      let output = interpolate(input, size: Array(shape.suffix(2)), mode: .bicubic)
      try golden.expect(output, is: "bicubic/\(name)/out")
    }
  }
}
