import Foundation
import MultiImageData
import Records
import TestSupport
import Testing

@Suite struct PreferencePairFileTests {
  static let released = """
    [
        {
            "id": "000000012345",
            "image": [
                "coco/train2017/000000000001.jpg",
                "coco/train2017/000000012345.jpg"
            ],
            "prompt": "Image1:<image-placeholder>\\nImage2:<image-placeholder>\\nIn Image2, how many boats are there?",
            "chosen": "There are three boats \\u2013 \\ud83d\\ude00.",
            "rejected": "There is one dog.",
            "gt": "There are three boats \\u2013 \\ud83d\\ude00."
        }
    ]
    """

  @Test func releasedFilesAreReadAndWrittenUnchanged() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Self.released, to: "dpo.json")
    let pairs = try PreferencePairFile.read(path)
    #expect(pairs.count == 1 && pairs[0].id == "000000012345" && pairs[0].images.count == 2)
    #expect(pairs[0].prompt == "Image1:<image>\nImage2:<image>\nIn Image2, how many boats are there?")
    #expect(pairs[0].chosen == "There are three boats – 😀." && pairs[0].recoveredKind == .sequence)
    try PreferencePairFile.write(pairs, to: folder.path + "/copy.json", placeholder: ImageMark.placeholder)
    #expect(try String(contentsOfFile: folder.path + "/copy.json", encoding: .utf8) == Self.released)
  }

  @Test func linesStringsAndUnknownKeys() throws {
    let folder = try TemporaryFolder()
    let line =
      #"{"id": 5, "image": "a.png", "prompt": "<image>\nIn Image3, what?", "chosen": "x", "rejected": "y", "score": 0.5}"#
    let path = try folder.write(line + "\n" + line + "\n", to: "pairs.jsonl")
    let pairs = try PreferencePairFile.read(path)
    #expect(pairs.count == 2 && pairs[0].id == "5" && pairs[0].images == ["a.png"])
    #expect(pairs[0].groundTruth == "x" && pairs[0].recoveredKind == .grid)
    #expect(pairs[0].extra == [OrderedJSON.Member("score", .number(0.5))])
    try PreferencePairFile.write(pairs, to: folder.path + "/copy.jsonl")
    #expect(
      try String(contentsOfFile: folder.path + "/copy.jsonl", encoding: .utf8).hasPrefix(
        #"{"id": "5", "image": ["a.png"], "prompt": "<image>\nIn Image3, what?", "chosen": "x", "rejected": "y", "gt": "x", "score": 0.5}"#
      ))
    #expect(try PreferencePairFile.read(folder.path + "/copy.jsonl") == pairs)
  }

  @Test func whatCameBeforeThePromptIsKeptInKeysOfItsOwn() throws {
    let folder = try TemporaryFolder()
    let pair = PreferencePair(
      id: "a", images: ["1.png", "2.png", "3.png"], prompt: "And <image>?", chosen: "A bus.",
      rejected: "A cat.", extra: [.init("score", .integer(3))], system: "Be brief.",
      history: [.init(question: "<image><image>\nWhat?", answer: "Boats.")],
      rejectedImages: ["1.png", "2.png", "4.png"])
    let path = folder.path + "/pairs.jsonl"
    try PreferencePairFile.write([pair], to: path, placeholder: ImageMark.placeholder)
    #expect(
      try String(contentsOfFile: path, encoding: .utf8)
        == #"{"id": "a", "image": ["1.png", "2.png", "3.png"], "prompt": "And <image-placeholder>?", "chosen": "A bus.", "rejected": "A cat.", "gt": "A bus.", "system": "Be brief.", "history": [["<image-placeholder><image-placeholder>\nWhat?", "Boats."]], "rejected_image": ["1.png", "2.png", "4.png"], "score": 3}"#
        + "\n")
    #expect(try PreferencePairFile.read(path) == [pair])
    let plain =
      #"{"id": "a", "image": [], "prompt": "p", "chosen": "x", "rejected": "y", "system": "", "history": null, "rejected_image": []}"#
    let read = try PreferencePairFile.read(try folder.write(plain, to: "plain.jsonl"))
    #expect(read == [PreferencePair(id: "a", images: [], prompt: "p", chosen: "x", rejected: "y")])
  }

  @Test(
    "Errors name line, record and key",
    arguments: [
      (#"{"id": "q", "image": ["a"], "prompt": "<image>", "chosen": "x"}"#, #"record q: has no "rejected""#),
      (
        #"{"id": "q", "image": ["a"], "prompt": "<image>", "chosen": " ", "rejected": "y"}"#,
        #"record q: "chosen" is empty"#
      ),
      (
        #"{"id": "q", "image": ["a", "b"], "prompt": "<image>", "chosen": "x", "rejected": "y"}"#,
        "record q: has 1 <image> marks for 2 images; expected one mark for each image"
      ),
      (
        #"{"id": 7, "image": ["a"], "prompt": "<image>", "chosen": "\u00a0\n", "rejected": "y"}"#,
        #"record 7: "chosen" is empty"#
      ),
      (
        #"{"id": "q", "image": ["a", "b"], "prompt": "<image><image>In Image3, x", "chosen": "x", "rejected": "y"}"#,
        "record q: asks about Image3, but has 2 images"
      ),
      (
        #"{"id": "q", "image": ["a"], "prompt": "<image>In Image10, x", "chosen": "x", "rejected": "y"}"#,
        "record q: asks about Image10; a grid has at most 9 pictures"
      ),
      (
        #"{"id": "q", "image": ["a","b","c","d","e","f"], "prompt": "<image><image><image><image><image><image>In Image1, x", "chosen": "x", "rejected": "y"}"#,
        "record q: has 6 images; a sequence has at most 5"
      ),
      (
        #"{"id": "q", "image": ["a"], "prompt": 4, "chosen": "x", "rejected": "y"}"#,
        #"record q: "prompt": expected a string, found a number"#
      ),
      (
        #"{"id": "q", "prompt": "p", "chosen": "x", "rejected": "y", "system": ["s"]}"#,
        #"record q: "system": expected a string, found a list"#
      ),
      (
        #"{"id": "q", "prompt": "p", "chosen": "x", "rejected": "y", "history": [["a", "b"], ["c"]]}"#,
        #"record q: entry 2 of "history": expected a list of two strings, a question and its answer"#
      ),
      (
        #"{"id": "q", "prompt": "p", "chosen": "x", "rejected": "y", "history": [["a", " "]]}"#,
        #"record q: entry 1 of "history": the answer is empty"#
      ),
      (
        #"{"id": "q", "image": "a", "prompt": "p", "chosen": "x", "rejected": "y", "history": [["a", "<image>"]]}"#,
        "record q: has 0 <image> marks for 1 images; expected one mark for each image"
      ),
      (
        #"{"id": "q", "prompt": "p", "chosen": "x", "rejected": "y", "history": [["a", "<image>"]]}"#,
        #"record q: entry 1 of "history": the answer has an <image> mark, expected none"#
      ),
      (
        #"{"id": "q", "image": "a", "prompt": "<image>", "chosen": "x", "rejected": "y", "rejected_image": ["b", "c"]}"#,
        "record q: has 2 images for the rejected answer and 1 for the chosen one; expected as many, because "
          + "both follow the same prompt"
      ),
      (
        #"{"id": "q", "image": "a", "prompt": "<image>", "chosen": "x", "rejected": "y", "rejected_image": 3}"#,
        #"record q: "rejected_image": expected a string or a list of strings, found a number"#
      ),
    ])
  func errors(line: String, expected: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("\n" + line, to: "pairs.jsonl")
    #expect(message { _ = try PreferencePairFile.read(path) } == "\(path):2: \(expected)")
  }
}
