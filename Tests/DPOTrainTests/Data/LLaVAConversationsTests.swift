import DPOTrain
import Foundation
import LVLM
import Testing

@Suite struct LLaVAConversationsTests {
  private func record(
    _ id: String, _ image: String, _ question: String = "<image>\\nWhat is it?", _ answer: String = "A cat."
  ) -> String {
    """
    {"id": \(id), "image": \(image), "conversations": [{"from": "human", "value": "\(question)"}, \
    {"from": "gpt", "value": "\(answer)"}]}
    """
  }

  private func folder(_ text: String, name: String = "data.json", images: [String] = ["coco/1.png"]) throws
    -> TemporaryFolder
  {
    let folder = try TemporaryFolder()
    let png = try RGBImage(width: 3, height: 2, colour: RGBColour(1, 2, 3)).pngBytes()
    for image in images { try folder.write(png, to: image) }
    try folder.write(text, to: name)
    return folder
  }

  private func error(_ text: String) throws -> String {
    let folder = try folder(text)
    return message { _ = try LLaVAConversations(path: folder.path + "/data.json") }
      .replacing(folder.path, with: "D")
  }

  @Test func readsRecordsAndTheirPictures() throws {
    let records = [
      record("\"a\"", "\"coco/1.png\""), record("7", "[\"gqa/2.png\"]", "Who?\\n<image>", "Me."),
      record("\"text\"", "[]", "Hello", "Hi."),
      record("\"two\"", "[\"coco/1.png\", \"gqa/2.png\"]", "<image><image>x"),
    ]
    for (name, text) in [
      ("data.json", "[" + records.joined(separator: ",\n") + "]"),
      ("data.jsonl", records.joined(separator: "\n")),
    ] {
      let folder = try folder(text, name: name, images: ["coco/1.png", "gqa/2.png"])
      let source = try LLaVAConversations(
        path: folder.path + "/" + name, shares: [.preference: 1])
      #expect(source.count(of: .preference) == 2 && source.count(of: .sft) == 0)
      #expect(source.otherRecords == 2 && source.families == ["coco", "gqa"])
      let (first, second) = (source.record(.preference, 0), source.record(.preference, 1))
      #expect(first.id == "a" && first.question == "What is it?" && first.answer == "A cat.")
      #expect(second.id == "7" && second.question == "Who?\n" && second.prompt == "<image>\nWho?")
      #expect(try source.image(for: first.image) == RGBImage(width: 3, height: 2, colour: RGBColour(1, 2, 3)))
      #expect(source.file(of: first.image) == folder.path + "/coco/1.png")
      #expect(!source.isCompanion(second.image, of: first))
    }
  }

  @Test func aPictureIsInOneSplitOnly() throws {
    let images = (0..<40).map { "coco/\($0 % 20).png" }
    let records = images.enumerated().map { record("\($0.offset)", "\"\($0.element)\"") }
    let folder = try folder("[" + records.joined(separator: ",") + "]", images: images)
    let source = try LLaVAConversations(
      path: folder.path + "/data.json", shares: [.sft: 0.5, .preference: 0.5], seed: 3)
    let paths = [DataSplit.sft, .preference].map { split in
      Set((0..<source.count(of: split)).map { source.image(split, $0).path })
    }
    #expect(paths[0].isDisjoint(with: paths[1]) && paths[0].count + paths[1].count == 20)
    #expect(paths[0].count > 3 && paths[1].count > 3)
    #expect(source.count(of: .sft) + source.count(of: .preference) == 40)
  }

  @Test func errorsNameFileLineAndRecord() throws {
    let good = record("\"ok\"", "\"coco/1.png\"")
    func second(_ text: String) throws -> String { try error("[\(good),\n\(text)]") }
    #expect(
      try second(record("\"x\"", "\"coco/9.png\""))
        == "D/data.json:2: record x: image \"coco/9.png\" does not exist in D")
    #expect(
      try second(record("\"x\"", "\"coco/1.png\"", "What?"))
        == "D/data.json:2: record x: has 0 <image> marks for 1 images; expected one mark for each image")
    #expect(
      try second(record("\"x\"", "\"coco/1.png\"", "<image><image>?"))
        == "D/data.json:2: record x: has 2 <image> marks for 1 images; expected one mark for each image")
    #expect(
      try second(record("\"x\"", "\"coco/1.png\"", "<image>?", " "))
        == "D/data.json:2: record x: turn 2 of \"conversations\": the answer is empty")
    #expect(
      try second("{\"id\": \"x\", \"image\": 3, \"conversations\": []}")
        == "D/data.json:2: record x: \"image\": expected a string or a list of strings, found a number")
    #expect(
      try second("{\"id\": \"x\", \"image\": \"coco/1.png\"}")
        == "D/data.json:2: record x: has no \"conversations\"")
    #expect(
      try second("{\"id\": \"x\", \"conversations\": [{\"from\": \"gpt\", \"value\": \"a\"}]}")
        == "D/data.json:2: record x: turn 1 of \"conversations\": human and gpt must take turns, human first; found gpt"
    )
    #expect(try second("17") == "D/data.json:2: record 1: expected an object, found a number")
    #expect(try second("{\"id\": ").hasPrefix("D/data.json: record 1: broken JSON in line 2, byte "))
  }

  @Test func badRecordsCanBeCountedInsteadOfStopping() throws {
    let folder = try folder(
      "[" + record("\"a\"", "\"coco/1.png\"") + ",\n" + record("\"b\"", "\"coco/9.png\"") + "]")
    let source = try LLaVAConversations(
      path: folder.path + "/data.json", shares: [.sft: 1], badRecords: .skip)
    #expect(source.count(of: .sft) == 1 && source.badRecords.map(\.record) == ["b"])
  }

  /// Ten thousand records, one of them with a damaged picture and one that is no JSON: all others are used, whichever
  /// the limits are, and what is left out is told.
  @Test func oneBadRecordOfTenThousandLosesNothingElse() throws {
    let images = (0..<50).map { "coco/\($0).png" }
    var lines = (0..<10_000).map { record("\"r\($0)\"", "\"coco/\($0 % 49).png\"") }
    lines[1234] = record("\"damaged\"", "\"coco/49.png\"")
    lines[4321] = String(lines[4321].dropLast(20))
    let folder = try folder(lines.joined(separator: "\n"), name: "data.jsonl", images: images)
    try folder.write("no picture", to: "coco/49.png")
    let path = folder.path + "/data.jsonl"
    let source = try LLaVAConversations(path: path, shares: [.preference: 1], badRecords: .skip)
    #expect(source.count(of: .preference) == 9998)
    #expect(source.record(.preference, 1233).id == "r1233" && source.record(.preference, 1234).id == "r1235")
    #expect(source.image(.preference, 9997).index == 9997)
    let told = source.badRecords.map { $0.description.replacing(folder.path, with: "D") }
    #expect(
      told[0].hasPrefix(
        "D/data.jsonl: record 4321: broken JSON in line 4322, byte ")
        && told[1]
          == "D/data.jsonl:1235: record damaged: D/coco/49.png: not an image: expected a PNG or JPEG, found the bytes 6e 6f 20 70 69 63 74 75"
        && told.count == 2, "\(told)")
    let limited = try LLaVAConversations(
      path: path, shares: [.preference: 1], maximumRecords: [.preference: 1240], badRecords: .skip)
    #expect(limited.count(of: .preference) == 1240)
    #expect(limited.record(.preference, 1239).id == "r1240")
    #expect(
      message { _ = try LLaVAConversations(path: path, shares: [.preference: 1]) }.contains(
        "record 4321: broken"))
  }

  @Test func aBrokenPictureIsAnErrorThatNamesIt() throws {
    let folder = try folder("[" + record("\"a\"", "\"coco/1.png\"") + "]")
    try folder.write("not a picture", to: "coco/1.png")
    let source = try LLaVAConversations(path: folder.path + "/data.json", shares: [.sft: 1])
    #expect(throws: ImageError.self) { try source.image(for: source.image(.sft, 0)) }
  }
}
