import Foundation
import LVLM
import MultiImageData
import Records
import TestSupport
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

  /// Ten thousand records, one of them with a damaged picture and one that is no JSON: all others are used,
  /// whichever the limits are, and what is left out is told.
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
      told[1].hasPrefix(
        "D/data.jsonl: record 4321: broken JSON in line 4322, byte ")
        && told[0]
          == "D/data.jsonl:1235: record damaged: D/coco/49.png: not an image: expected a PNG, JPEG or WebP, "
          + "found the bytes 6e 6f 20 70 69 63 74 75"
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
    #expect(
      message { _ = try LLaVAConversations(path: folder.path + "/data.json", shares: [.sft: 1]) }
        .replacing(folder.path, with: "D")
        == "D/data.json:1: record a: D/coco/1.png: not an image: expected a PNG, JPEG or WebP, found the "
        + "bytes 6e 6f 74 20 61 20 70 69"
    )
  }

  /// All of them at once, the first ten by name.
  @Test func badRecordsAreNamedTogether() throws {
    let lines = (0..<12).map { record("\"r\($0)\"", "\"coco/\($0).png\"") }
    let folder = try folder(lines.joined(separator: "\n"), name: "data.jsonl")
    let told = message { _ = try LLaVAConversations(path: folder.path + "/data.jsonl", shares: [.sft: 1]) }
      .replacing(folder.path, with: "D").split(separator: "\n").map(String.init)
    #expect(told.count == 12)
    #expect(told[0] == "D/data.jsonl:1: record r0: image \"coco/0.png\" does not exist in D")
    #expect(told[9] == "D/data.jsonl:11: record r10: image \"coco/10.png\" does not exist in D")
    #expect(told[10] == "and 1 more")
    #expect(
      told[11]
        == "11 records cannot be used; run.on_bad_record: skip leaves them out and lists them in omissions.txt"
    )
  }

  @Test func leavingOutEverythingIsAnError() throws {
    let folder = try folder(record("\"a\"", "\"coco/9.png\""), name: "data.jsonl")
    #expect(
      message {
        _ = try LLaVAConversations(path: folder.path + "/data.jsonl", shares: [.sft: 1], badRecords: .skip)
      }.contains("none of its records can be used; the first of 1 problems: "))
  }

  @Test(arguments: [
    ("\"image\": null, ", 0), ("\"image\": \"\", ", 0), ("\"image\": [], ", 0), ("", 0),
    ("\"id\": null, \"image\": \"coco/1.png\", ", 1),
  ])
  func absenceHasManySpellings(keys: String, images: Int) throws {
    let mark = images == 0 ? "" : "<image>\\n"
    let text =
      "{\(keys)\"conversations\": [{\"from\": \"human\", \"value\": \"\(mark)Hi?\"}, "
      + "{\"from\": \"gpt\", \"value\": \"Ho.\"}]}\n" + record("\"a\"", "\"coco/1.png\"")
    let folder = try folder(text, name: "data.jsonl")
    let source = try LLaVAConversations(path: folder.path + "/data.jsonl", shares: [.sft: 1])
    #expect(source.count(of: .sft) == 1 + images && source.otherRecords == 1 - images)
    #expect(source.badRecords.isEmpty && source.omissions.count == 1 - images)
  }

  @Test func aByteOrderMarkIsNoPartOfTheText() throws {
    let records = [record("\"a\"", "\"coco/1.png\""), record("\"b\"", "\"coco/1.png\"")]
    for (name, text) in [
      ("data.json", "[" + records.joined(separator: ",") + "]"),
      ("data.jsonl", records.joined(separator: "\n")),
    ] {
      let folder = try folder("\u{FEFF}" + text, name: name)
      #expect(try LLaVAConversations(path: folder.path + "/" + name, shares: [.sft: 1]).count(of: .sft) == 2)
    }
  }

  // MARK: Several turns

  private func conversation(_ id: String, _ image: String, _ turns: [String]) -> String {
    let values = turns.enumerated().map {
      "{\"from\": \"\($0.offset % 2 == 0 ? "human" : "gpt")\", \"value\": \"\($0.element)\"}"
    }
    return
      "{\"id\": \"\(id)\", \"image\": \"\(image)\", \"conversations\": [\(values.joined(separator: ", "))]}"
  }

  private func colours() throws -> TemporaryFolder {
    try folder(
      [
        conversation("r", "coco/r.png", ["<image>\\nColor?", "red", "Shape?", "round", "Size?", "big"]),
        conversation("b", "coco/b.png", ["<image>\\nShape?", "square", "color", "Blue."]),
        conversation("s", "coco/s.png", ["Shape?\\n<image>", "round", "COLOR?", "Red", "Why?"]),
        conversation("n", "coco/n.png", ["<image>Weight?", "heavy"]),
      ].joined(separator: "\n"), name: "data.jsonl",
      images: ["coco/r.png", "coco/b.png", "coco/s.png", "coco/n.png"])
  }

  @Test func allTurnsAreTrainedUnlessOneIsWanted() throws {
    let folder = try colours()
    let source = try LLaVAConversations(path: folder.path + "/data.jsonl", shares: [.sft: 1])
    let record = source.record(.sft, 0)
    #expect(record.laterTurns.map(\.answer) == ["round", "big"] && record.line == 1)
    #expect(source.trainedTurns(of: record) == record.laterTurns)
    #expect(source.place(of: record) == folder.path + "/data.jsonl:1")
    let first = try LLaVAConversations(path: folder.path + "/data.jsonl", shares: [.sft: 1], turns: .first)
    #expect(first.trainedTurns(of: first.record(.sft, 0)).isEmpty)
    // A question at the end that nobody answers is told.
    #expect(
      source.omissions == [
        "left out: \(folder.path)/data.jsonl:3: record s: its last question, which has no answer"
      ])
  }

  @Test func answersAboutOtherPicturesAreLookedUpInAllTurns() throws {
    let folder = try colours()
    let source = try LLaVAConversations(path: folder.path + "/data.jsonl", shares: [.sft: 1])
    let (red, blue, same, unknown) = (0, 1, 2, 3)
    func image(_ index: Int) -> ImageReference { source.image(.sft, index) }
    let asked = source.record(.sft, red)
    #expect(asked.question == "Color?")
    #expect(source.answer(to: "Color?", about: image(blue)) == "Blue.")
    #expect(source.answer(to: "color", about: image(same)) == "Red")
    #expect(source.answer(to: "Color?", about: image(unknown)) == nil)
    // A picture of which the file says the same stands beside nobody who is asked that.
    #expect(source.isCompanion(image(blue), of: asked) && source.isCompanion(image(unknown), of: asked))
    #expect(!source.isCompanion(image(same), of: asked) && !source.isCompanion(image(red), of: asked))
  }
}
