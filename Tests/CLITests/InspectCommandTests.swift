import Foundation
import LVLM
import Testing

@Suite struct InspectCommandTests {
  private func pair(_ id: String, _ images: [String], _ prompt: String, _ rejected: String = "no") -> String {
    let list = images.map { "\"\($0)\"" }.joined(separator: ", ")
    return
      #"{"id": \#(id), "image": [\#(list)], "prompt": "\#(prompt)", "chosen": "yes", "rejected": "\#(rejected)", "gt": "yes"}"#
  }

  private func pictures(in folder: URL) throws {
    for (name, side) in [("a.png", 40), ("b.png", 60)] {
      try RGBImage(width: 2 * side, height: side, colour: RGBColour(250, 0, UInt8(side)))
        .writePNG(to: folder.appendingPathComponent(name).path)
    }
  }

  private func inspect(_ lines: [String], _ more: [String] = [], in folder: URL) throws -> BuiltCommand {
    let file = folder.appendingPathComponent("pairs.jsonl")
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
    var call = try BuiltCommand.run(["inspect", file.path] + more, in: folder)
    call.output = call.output.replacingOccurrences(of: folder.path, with: "DIR")
    call.errors = call.errors.replacingOccurrences(of: folder.path, with: "DIR")
    return call
  }

  @Test func pairsOfEveryFormat() throws {
    try BuiltCommand.withFolder { folder in
      try pictures(in: folder)
      let lines = [
        pair("\"s\"", ["a.png", "b.png"], "Image1:<image>\\nImage2:<image>\\nIn Image2, red?"),
        pair("2", ["a.png"], "<image-placeholder>\\nIn Image9, red?"),
        pair("\"s\"", ["b.png"], "<image>\\nFor the central plot, red?", "I do not know"),
      ]
      let sheet = folder.appendingPathComponent("sheet.png")
      let call = try inspect(lines, ["--images", folder.path, "--contact-sheet", sheet.path], in: folder)
      #expect(call.status == 0, "\(call.errors)")
      #expect(
        call.output == """
          DIR/pairs.jsonl: 3 records, JSONL, ASCII
            formats       preference pairs: 3
            keys          id, image, prompt, chosen, rejected, gt
            ids           strings in 2, numbers in 1; 1 were there before
            images        2 different; a list in 3 records
            per record    1 in 2, 2 in 1
            marks         <image> in 2, <image-placeholder> in 1
            composition   sequence: 1 (2 images in 1), grid: 1, pic-in-pic: 1
            characters of prompt: 23 to 45, median 34
              22–23  1 ####################
              24–25  0
              26–27  0
              28–29  0
              30–31  0
              32–33  0
              34–45  2 ########################################
            characters of chosen: 3 to 3, median 3
              3–3  3 ########################################
            characters of rejected: 2 to 13, median 2
               2–13  3 ########################################
          no problems
          wrote 3 records to DIR/sheet.png

          """)
      let picture = try RGBImage(contentsOf: sheet.path)
      #expect(picture.width == 2 * 168 + 8 + 96 * 6 + 8 && picture.height == 8 + 3 * 168)
      // The first record's two pictures stand beside each other, twice as wide as high.
      #expect(picture[8, 8] == RGBColour(250, 0, 40) && picture[8 + 159, 8 + 79] == RGBColour(250, 0, 40))
      #expect(picture[8 + 168, 8] == RGBColour(250, 0, 60) && picture[8, 8 + 80] == .white)
    }
  }

  @Test func pairsThatTeachNothing() throws {
    try BuiltCommand.withFolder { folder in
      let prompt = "<image>\\nIn Image1, red?"
      let call = try inspect(
        [
          pair("1", ["a.png"], prompt), pair("2", ["a.png"], prompt, "yes"),
          pair("3", ["a.png"], prompt, "no <image>"),
        ], in: folder)
      #expect(call.status == 1)
      #expect(call.output.contains("record 2: \"chosen\" and \"rejected\" are the same"), "\(call.output)")
      #expect(call.output.contains("record 3: \"rejected\" has an <image> mark"), "\(call.output)")
    }
  }

  @Test func problemsAreNamedCountedAndTheStatus() throws {
    try BuiltCommand.withFolder { folder in
      try pictures(in: folder)
      let lines = [
        pair("\"good\"", ["a.png"], "<image>\\nIn Image1, red?"),
        pair("\"file\"", ["none.png"], "<image>\\nIn Image1, red?"),
        pair("\"mark\"", ["a.png"], "<image><image>\\nIn Image1, red?"),
        "{\"id\": ",
        pair("\"target\"", ["a.png", "b.png"], "<image><image>\\nIn Image3, red?"),
        #"{"id": "other", "text": "x"}"#,
        pair(
          "\"many\"", [String](repeating: "a.png", count: 6),
          String(repeating: "<image>", count: 6) + "In Image1, x"),
        pair("\"last\"", ["a.png"], "<image>\\nIn Image1, red?", " "),
      ]
      let call = try inspect(lines, ["--images", folder.path], in: folder)
      #expect(call.status == 1 && call.errors.isEmpty)
      #expect(
        call.output.split(separator: "\n").suffix(8).joined(separator: "\n") == """
          problems in 7 of 8 records
            DIR/pairs.jsonl:2: record file: image "none.png" does not exist in DIR
            DIR/pairs.jsonl:3: record mark: has 2 <image> marks for 1 images; expected one mark for each image
            DIR/pairs.jsonl: record 3: broken JSON in line 4, byte 380: expected a value, found the end of the text
            DIR/pairs.jsonl:5: record target: asks about Image3, but has 2 images
            DIR/pairs.jsonl:6: record other: has neither "conversations" nor "chosen" and "rejected"
            DIR/pairs.jsonl:7: record many: has 6 images; a sequence has at most 5
            DIR/pairs.jsonl:8: record last: "rejected" is empty
          """)
      let few = try inspect(lines, ["--images", folder.path, "--limit", "2"], in: folder)
      #expect(few.status == 1)
      #expect(few.output.hasSuffix("expected one mark for each image\n  and 5 more\n"))
      // Without a folder pictures are not looked for.
      #expect(try inspect(lines, in: folder).output.contains("problems in 6 of 8 records"))
    }
  }

  @Test func conversationsInAList() throws {
    try BuiltCommand.withFolder { folder in
      let file = folder.appendingPathComponent("llava.json")
      try Data(
        """
        [{"id": "a", "image": "coco/1.jpg", "conversations": [
          {"from": "human", "value": "<image>\\nWhat?"}, {"from": "gpt", "value": "A bus."},
          {"from": "human", "value": "Why?"}, {"from": "gpt", "value": "Öl."}]},
         {"id": "b", "image": ["coco/1.jpg", "coco/2.jpg"], "conversations": [
          {"from": "human", "value": "Image1:<image>\\nImage2:<image>\\nIn Image2, what?"}, {"from": "gpt", "value": "?"}]},
         {"id": "c", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho"}]}]
        """.utf8
      ).write(to: file)
      let sheet = folder.appendingPathComponent("sheet.png").path
      let call = try BuiltCommand.run(
        "inspect", file.path, "--limit", "2", "--contact-sheet", sheet, in: folder)
      #expect(call.status == 0, "\(call.errors)")
      for line in [
        "3 records, JSON list on one line, UTF-8", "  formats       LLaVA conversations: 3",
        "  keys          id, image (2), conversations", "  images        2 different; a list in 1 records",
        "  per record    0 in 1, 1 in 1, 2 in 1", "  composition   sequence: 1 (2 images in 1)",
        "  turns         2 in 2, 4 in 1", "  characters of question: 2 to 46, median 13",
        "  characters of answer: 1 to 6, median 3", "wrote 2 records to",
      ] { #expect(call.output.contains(line), "\(line)\n\(call.output)") }
      // Pictures that are not there are grey squares.
      #expect(try RGBImage(contentsOf: sheet)[8, 8] == RGBColour(200, 200, 200))
    }
  }

  @Test func questionsAboutOnePictureAreNoPicturesInPictures() throws {
    try BuiltCommand.withFolder { folder in
      let call = try inspect(
        [
          pair("1", ["a.png"], "<image>\\nwhat color is it?"), pair("2", ["a.png"], "<image>\\nwhat shape?"),
          pair("3", ["a.png"], "<image>\\nIn the middle picture, is it red?"),
          pair("4", ["a.png"], "<image>\\nFor the central plot, red?"),
          pair("5", ["a.png", "b.png"], "<image>\\n<image>\\nare they alike?"),
        ], in: folder)
      #expect(
        call.output.contains("  composition   pic-in-pic: 1, single: 3, several images, none named: 1\n"))
    }
  }

  @Test func filesThatAreNoRecords() throws {
    try BuiltCommand.withFolder { folder in
      let call = try BuiltCommand.run("inspect", "none.json", in: folder)
      #expect(call.status == 1 && call.output.isEmpty && call.errors == "error: none.json: no such file\n")
      try Data("[{\"id\": 1}, {".utf8).write(to: folder.appendingPathComponent("cut.json"))
      let cut = try BuiltCommand.run("inspect", "cut.json", in: folder)
      #expect(cut.status == 1 && cut.errors.isEmpty)
      #expect(
        cut.output.hasSuffix(
          """
          problems in 2 of 2 records
            cut.json:1: record 1: has neither "conversations" nor "chosen" and "rejected"
            cut.json: record 1: broken JSON in line 1, byte 13: expected a key in quotes, found the end of the text

          """))
      #expect(try BuiltCommand.run("inspect", "cut.json", "--limit", "0").status == 2)
      let empty = try inspect([#"{"id": 1}"#], ["--contact-sheet", "s.png"], in: folder)
      #expect(empty.status == 1)
      #expect(empty.errors == "error: DIR/pairs.jsonl: has no record for a contact sheet\n")
    }
  }
}
