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
      let seven =
        "l.json:8: record 7: ./gqa/7.png: not an image: expected a PNG, JPEG or WebP, found the bytes 6e 6f "
        + "20 70 69 63 74 75"
      let nine = "l.json:10: record 9: image \"gqa/9.png\" does not exist in ."
      #expect(
        call.errors == "error: \(seven)\n\(nine)\n2 records cannot be used; "
          + "--on-bad-record skip leaves them out and lists them in omissions.txt\n")
      let skipping = try BuiltCommand.run(arguments + ["--on-bad-record", "skip"], in: folder)
      #expect(skipping.status == 0, "\(skipping.errors)")
      let lines = skipping.errors.split(separator: "\n")
      #expect(lines == ["warning: left out: \(seven)", "warning: left out: \(nine)"])
      let list = try String(contentsOf: folder.appendingPathComponent("out/omissions.txt"), encoding: .utf8)
      #expect(list == "left out: \(seven)\nleft out: \(nine)\n")
      let found = try BuiltCommand.run("inspect", "out/grid.json", "--images", "out", in: folder)
      #expect(found.status == 0 && found.output.contains(": 38 records"), "\(found.output)")
    }
  }

  /// A sequence shows the pictures as they are: none of them may be one that cannot be read, and each is
  /// listed.
  @Test func picturesThatCannotBeReadAreInNothing() throws {
    try BuiltCommand.withFolder { folder in
      let arguments = try dataset(in: folder) + ["--quiet", "--on-bad-record", "skip"]
      for number in 0..<12 {
        try Data("GIF89a\u{1}\0\u{1}\0\0\0;".utf8).write(
          to: folder.appendingPathComponent("gqa/\(3 * number).png"))
      }
      let call = try BuiltCommand.run(arguments, in: folder)
      #expect(call.status == 0 && call.errors.contains("and 7 more, 12 in all, see "), "\(call.errors)")
      let list = try String(contentsOf: folder.appendingPathComponent("out/omissions.txt"), encoding: .utf8)
      #expect(list.split(separator: "\n").count == 12)
      for number in 0..<12 { #expect(list.contains("gqa/\(3 * number).png: is a GIF")) }
      for name in ["sequence", "grid", "pic_in_pic", "grid_groups"] {
        let text = try String(contentsOf: folder.appendingPathComponent("out/\(name).json"), encoding: .utf8)
        #expect(!text.contains("gqa/0.png") && !text.contains("gqa/33.png"))
      }
      let inspected = try BuiltCommand.run("inspect", "l.json", "--images", ".", in: folder)
      #expect(inspected.status == 1 && inspected.output.contains("problems in 12 of 40 records"))
      #expect(inspected.output.contains("40 different, 12 that cannot be read"), "\(inspected.output)")
      for number in 0..<40 {
        try Data("no".utf8).write(to: folder.appendingPathComponent("gqa/\(number).png"))
      }
      let nothing = try BuiltCommand.run(arguments, in: folder)
      #expect(
        nothing.status == 1 && nothing.errors.contains("none of its records about one image can be used"))
    }
  }

  /// The selection of a run answers them as it answers its own prompts.
  @Test func thePromptsOfARun() throws {
    try BuiltCommand.withFolder { folder in
      let made = try BuiltCommand.run(dataset(in: folder) + ["--quiet"], in: folder)
      #expect(made.status == 0, "\(made.errors)")
      let arguments = [
        "--config", try TinyRun.write(to: folder), "--quiet", "--set", "compose.path=out", "--set",
        "compose.sequence={2: 3, 3: 2}", "--set", "compose.grid={2: 4, 9: 1}", "--set",
        "compose.pic_in_pic.total=2",
      ]
      for stage in ["sft", "compose", "select"] {
        let call = try BuiltCommand.run([stage] + arguments, in: folder)
        #expect(call.status == 0, "\(call.errors)")
      }
      let run = folder.appendingPathComponent("runs/tiny")
      let rows = try String(
        contentsOf: run.appendingPathComponent("select/candidates.jsonl"), encoding: .utf8
      )
      .split(separator: "\n")
      #expect(rows.count == 12 && rows.count { $0.contains("\"kind\": \"grid\"") } == 5)
      #expect(rows.allSatisfy { $0.contains("s it red?") && $0.contains("\"ground_truth\": \"No\"") })
      let pairs = try String(contentsOf: run.appendingPathComponent("pairs.jsonl"), encoding: .utf8)
      #expect(pairs.contains("/out/grid/000000.jpg\"") && pairs.contains("/gqa/"))

      for (change, expected) in [
        ("compose.find={2: 1}", "out: has no prompt of level 3 in sequence.jsonl that can be used"),
        ("compose.compare_grid={4: 1}", "out: has no prompt of level 2 in grid.jsonl that can be used"),
        ("compose.path=nowhere", "nowhere: no such folder"),
      ] {
        let lacking = try BuiltCommand.run(
          ["compose"] + arguments + ["--set", change, "--set", "run.output_dir=lacking"], in: folder)
        #expect(lacking.status == 1 && lacking.errors.contains(expected), "\(lacking.errors)")
      }

      let more = arguments + ["--set", "run.output_dir=again"]
      // A bit of a picture that can still be decoded, and of the records.
      let jpeg = folder.appendingPathComponent("out/grid/000001.jpg")
      let whole = try Data(contentsOf: jpeg)
      var bytes = [UInt8](whole)
      // The density of a JFIF header, which no decoder minds.
      bytes[15] ^= 1
      try Data(bytes).write(to: jpeg)
      for command in ["compose", "plan"] {
        let damaged = try BuiltCommand.run([command] + more.filter { $0 != "--quiet" }, in: folder)
        #expect(damaged.status == 1)
        #expect(
          (damaged.errors + damaged.output).contains(
            #/out/grid.jsonl:2: record grid-2-000001: .*/out/grid/000001.jpg: found a file of CRC-32 /#),
          "\(command): \(damaged.errors) \(damaged.output)")
      }
      try whole.write(to: jpeg)
      let records = folder.appendingPathComponent("out/grid.jsonl")
      let text = try String(contentsOf: records, encoding: .utf8)
      try Data(text.replacing("\"No\"", with: "\"Mo\"").utf8).write(to: records)
      let edited = try BuiltCommand.run(["compose"] + more, in: folder)
      #expect(edited.status == 1 && edited.errors.contains("grid.sfv"), "\(edited.errors)")
      try Data(text.utf8).write(to: records)

      try FileManager.default.removeItem(at: folder.appendingPathComponent("out/grid/000001.jpg"))
      let missing = try BuiltCommand.run(["compose"] + more, in: folder)
      #expect(missing.status == 1)
      #expect(
        missing.errors.contains(
          #/^error: .*/out/grid.jsonl:2: record grid-2-000001: .*/out/grid/000001.jpg: no such image file\n$/#
        ),
        "\(missing.errors)")
      let none = try BuiltCommand.run(
        ["compose"] + more + ["--set", "compose.path=gqa", "--fresh"], in: folder)
      #expect(
        none.status == 1 && none.errors.hasPrefix("error: gqa: has no prompt of the formats"),
        "\(none.errors)")
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
