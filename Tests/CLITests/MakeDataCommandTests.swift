import Foundation
import LVLM
import Testing

@Suite struct MakeDataCommandTests {
  private func dataset(in folder: URL) throws -> [String] {
    var records: [String] = []
    for number in 0..<40 {
      let image = "gqa/\(number).png"
      let file = folder.appendingPathComponent(image)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try RGBImage(width: 40, height: 30, colour: RGBColour(UInt8(6 * number), 9, 90)).writePNG(to: file.path)
      records.append(
        #"{"id": \#(number), "image": "\#(image)", "conversations": [{"from": "human", "value": "<image>\nIs it red?"}, {"from": "gpt", "value": "No"}]}"#
      )
    }
    try Data("[\(records.joined(separator: ",\n"))]".utf8).write(to: folder.appendingPathComponent("l.json"))
    return ["make-data", "--llava", "l.json", "--images", ".", "--output", "out"]
  }

  @Test func everyKindAndItsInspection() throws {
    try BuiltCommand.withFolder { folder in
      let call = try BuiltCommand.run(dataset(in: folder), in: folder)
      #expect(call.status == 0, "\(call.errors)")
      #expect(call.output.hasPrefix("l.json: 40 conversations about one image, 0 others\n"))
      for (name, images, expected) in [
        ("sequence", ".", "sequence: 40 (2 images in 22, 3 images in 6, 4 images in 6, 5 images in 6)"),
        ("grid", "out", "grid: 40"), ("pic_in_pic", "out", "pic-in-pic: 40"),
      ] {
        let found = try BuiltCommand.run("inspect", "out/\(name).json", "--images", images, in: folder)
        #expect(
          found.status == 0 && found.output.contains("  composition   \(expected)\n"), "\(found.output)")
        #expect(found.output.contains("ids           numbers") && found.output.hasSuffix("no problems\n"))
      }
      // The paper's canvases: two cells, and nine for the last ranks.
      let two = try RGBImage(contentsOf: folder.path + "/out/grid/000000.jpg")
      let nine = try RGBImage(contentsOf: folder.path + "/out/grid/000039.jpg")
      #expect(two.width == 936 && two.height == 488 && nine.width == 1424 && nine.height == 1464)
    }
  }

  @Test func recordsThatCannotBeUsed() throws {
    try BuiltCommand.withFolder { folder in
      let arguments = try dataset(in: folder) + ["--kind", "grid", "--picture-format", "png", "--quiet"]
      try Data("no picture".utf8).write(to: folder.appendingPathComponent("gqa/7.png"))
      try FileManager.default.removeItem(at: folder.appendingPathComponent("gqa/9.png"))
      let call = try BuiltCommand.run(arguments, in: folder)
      #expect(call.status == 1)
      #expect(call.errors == "error: l.json:10: record 9: image \"gqa/9.png\" does not exist in .\n")
      let skipping = try BuiltCommand.run(arguments + ["--on-bad-record", "skip"], in: folder)
      #expect(skipping.status == 0, "\(skipping.errors)")
      let lines = skipping.errors.split(separator: "\n")
      #expect(lines[0] == "warning: left out: l.json:10: record 9: image \"gqa/9.png\" does not exist in .")
      #expect(
        lines[1]
          == "warning: left out: l.json:8: record 7: ./gqa/7.png: not an image: expected a PNG or JPEG, found the bytes 6e 6f 20 70 69 63 74 75"
      )
      let found = try BuiltCommand.run("inspect", "out/grid.json", "--images", "out", in: folder)
      #expect(found.status == 0 && found.output.contains(": 38 records"), "\(found.output)")
    }
  }

  @Test func wrongUsage() throws {
    for more in [["--every", "0"], ["--limit", "0"], ["--inner-scale", "2"], ["--kind", "mosaic"]] {
      let call = try BuiltCommand.run(
        ["make-data", "--llava", "l.json", "--images", ".", "--output", "out"] + more)
      #expect(call.status == 2 && call.output.isEmpty)
    }
  }
}
