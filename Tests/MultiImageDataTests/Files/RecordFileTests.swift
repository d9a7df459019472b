import Foundation
import MultiImageData
import Records
import TestSupport
import Testing

@Suite struct RecordFileTests {
  /// Made-up files in every format and layout that people have; unknown keys, ids of both kinds, numbers as
  /// Python and others spell them, characters and their escapes.
  static let files: [(name: String, text: String)] = [
    (
      "released.json",
      """
      [
          {
              "id": "000000012345",
              "image": [
                  "coco/train2017/000000000001.jpg",
                  "coco/train2017/000000012345.jpg"
              ],
              "prompt": "Image1:<image-placeholder>\\nImage2:<image-placeholder>\\nIn Image2, caf\\u00e9 \\ud83d\\ude00?",
              "chosen": "Three\\tboats\\b\\f\\u0001\\u007f \\"here\\" \\\\ /",
              "rejected": "One dog.",
              "gt": "Three boats",
              "score": 1.50,
              "boxes": [],
              "extra": {}
          },
          {
              "id": 17,
              "image": "coco/a.jpg",
              "prompt": "<image-placeholder>\\nIn Image3, what?",
              "chosen": "a",
              "rejected": "b",
              "gt": "a"
          }
      ]
      """
    ),
    (
      "llava.json",
      #"[{"id": "000000033471", "image": "coco/train2017/000000033471.jpg", "conversations": [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A bus."}]}, {"id": "wgByO4Y_0", "model": "", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho", "weight": 1e-5}]}]"#
        + "\n"
    ),
    (
      "compact.json",
      #"[{"id":9007199254740993,"image":"é.jpg","conversations":[{"from":"human","value":"<image>名"},{"from":"gpt","value":"x"}],"n":123456789012345678901234567890,"p":[1,-0,2.50e+3,true,null]}]"#
    ),
    (
      "trainer.jsonl",
      #"{"id": "a", "image": ["x.png"], "prompt": "<image>\nFor the central plot, é?", "chosen": "1", "rejected": "2", "gt": "1", "z": 0.1}"#
        + "\n"
        + #"{"gt": "1", "rejected": "2", "chosen": "1", "prompt": "<image>Q", "image": "x.png", "id": 3}"#
        + "\n"
    ),
    ("lines.jsonl", #"{"id":1,"image":"x","conversations":[]}"# + "\n" + #"{"id":"1"}"#),
    (
      "tabbed.json",
      "[\n  {\n    \"id\": \"a\",\n    \"image\": [\n      \"b\"\n    ]\n  },\n  {\n    \"id\": 2\n  }\n]\n"
    ),
    ("empty.json", "[]"),
  ]

  @Test("Read and written again is the same bytes", arguments: files.map(\.name))
  func roundTrip(name: String) throws {
    let text = try #require(Self.files.first { $0.name == name }).text
    let folder = try TemporaryFolder()
    let file = try RecordFile(contentsOf: try folder.write(text, to: name))
    try file.write(to: folder.path + "/copy")
    #expect(try String(contentsOfFile: folder.path + "/copy", encoding: .utf8) == text)
  }

  @Test func otherLayoutsKeepValuesAndTheOrderOfKeys() throws {
    let folder = try TemporaryFolder()
    let text = "[ {\"b\" :1.0, \"a\":\t[1 ,2]},\r\n\n {\"c\":\"\\/\\u00e9\"}\n]"
    let file = try RecordFile(contentsOf: folder.write(text, to: "odd.json"))
    try file.write(to: folder.path + "/copy.json")
    #expect(try RecordFile(contentsOf: folder.path + "/copy.json").records == file.records)
    #expect(
      file.records == [
        .object([.init("b", .number(1)), .init("a", .array([.integer(1), .integer(2)]))]),
        .object([.init("c", .string("/é"))]),
      ])
  }

  @Test func marksAreExchangedInPromptsOnly() throws {
    let folder = try TemporaryFolder()
    let pair =
      #"{"id": 1, "image": ["a", "b"], "prompt": "Image1:<image-placeholder>\nImage2:<image>\nx", "chosen": "<image>", "rejected": "y"}"#
    let talk =
      #"{"image": "a", "conversations": [{"from": "human", "value": "<image-placeholder>\nx"}, {"from": "gpt", "value": "<image-placeholder>"}]}"#
    var file = try RecordFile(contentsOf: folder.write(pair + "\n" + talk + "\n", to: "r.jsonl"))
    file.mark(images: ImageMark.text)
    let trainer = [
      pair.replacing("Image1:<image-placeholder>", with: "Image1:<image>"),
      talk.replacing("<image-placeholder>\\n", with: "<image>\\n"),
    ]
    #expect(file.style.text(of: file.records) == trainer.joined(separator: "\n") + "\n")
    file.mark(images: ImageMark.placeholder)
    #expect(
      file.records[0][key: "prompt"]?.text
        == "Image1:<image-placeholder>\nImage2:<image-placeholder>\nx")
    #expect(file.records[0][key: "chosen"]?.text == "<image>")
  }

  @Test func linesBecomeAListAndBack() throws {
    let folder = try TemporaryFolder()
    let text = try #require(Self.files.first { $0.name == "trainer.jsonl" }).text
    var file = try RecordFile(contentsOf: folder.write(text, to: "t.jsonl"))
    let lines = file.style
    file.style = .forFile(named: "data.jsonl.d/t.json")
    try file.write(to: folder.path + "/t.json")
    #expect(file.style == .released)
    var back = try RecordFile(contentsOf: folder.path + "/t.json")
    #expect(back.records == file.records)
    back.style = lines
    #expect(back.style.text(of: back.records) == text)
    #expect(JSONStyle.forFile(named: "a/b.jsonl") == .lines)
  }

  @Test func formatsByKeys() throws {
    func format(_ text: String) throws -> RecordFormat? {
      RecordFormat(try OrderedJSON(parsing: Array(text.utf8)))
    }
    #expect(try format(#"{"conversations": []}"#) == .conversation)
    #expect(try format(#"{"chosen": ""}"#) == .pair)
    #expect(try format(#"{"kind": "grid", "images": []}"#) == .composed)
    #expect(try format(#"{"image": ""}"#) == nil)
    #expect(try format("[]") == nil)
  }

  @Test func brokenFilesAreErrors() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("[{\"a\": 1}, {\"a\" 2}]", to: "b.json")
    #expect(
      message { _ = try RecordFile(contentsOf: path) }
        == "\(path): record 1: broken JSON in line 1, byte 16: expected ':' after the key \"a\", found '2'")
    #expect(
      message { try RecordFile(records: []).write(to: folder.path + "/none/x.json") }
        .hasPrefix("\(folder.path)/none/x.json: cannot write: "))
  }
}
