import Foundation
import MultiImageData
import Records
import TestSupport
import Testing

/// Every format with everything that a pair can have: what is written is read again as the same pairs, also
/// after a way through our own format, and what a format cannot hold is refused.
@Suite struct PairRoundTripTests {
  static let cases: [(name: String, pair: PreferencePair)] = [
    ("text", PreferencePair(id: "a", images: [], prompt: "Why?", chosen: "So.", rejected: "No.")),
    (
      "picture",
      PreferencePair(id: "7", images: ["x/1.png"], prompt: "<image>\nWhat?", chosen: "A", rejected: "B")
    ),
    (
      "mark inside",
      PreferencePair(id: "m", images: ["1.png"], prompt: "See <image> and say.", chosen: "A", rejected: "B")
    ),
    (
      "mark without a line break",
      PreferencePair(id: "w", images: ["1.png"], prompt: "<image>What?", chosen: "A", rejected: "B")
    ),
    (
      "several pictures",
      PreferencePair(
        id: "s", images: ["1.png", "2.png", "1.png"],
        prompt: "Image1:<image>\nImage2:<image>\nImage3:<image>\nIn Image2, what?", chosen: "A bus",
        rejected: "A cat")
    ),
    (
      "history",
      PreferencePair(
        id: "h", images: ["1.png", "2.png"], prompt: "And <image>?", chosen: "A", rejected: "B",
        history: [
          .init(question: "<image>\nWhat?", answer: "C"), .init(question: "Sure?", answer: "Yes"),
        ])
    ),
    (
      "system",
      PreferencePair(
        id: "y", images: ["1.png"], prompt: "<image>\nWhat?", chosen: "A", rejected: "B",
        system: "Be brief.")
    ),
    (
      "rejected images",
      PreferencePair(
        id: "r", images: ["1.png"], prompt: "<image>\nWhat?", chosen: "A", rejected: "B",
        rejectedImages: ["2.png"])
    ),
    (
      "the same answer about other pictures",
      PreferencePair(
        id: "o", images: ["1.png"], prompt: "<image>\nWhat?", chosen: "A", rejected: "A",
        rejectedImages: ["2.png"])
    ),
    (
      "unicode",
      PreferencePair(
        id: "ü \"1\"", images: ["Bilder/é 😀.png"], prompt: "<image>\n名前は？\u{2028}\t\\ \u{1}", chosen: "写真 👩‍👩‍👧",
        rejected: " è\r\n ", system: "Réponds.")
    ),
    (
      "another ground truth",
      PreferencePair(
        id: "g", images: ["1.png"], prompt: "<image>\nWhat?", chosen: "A", rejected: "B", groundTruth: "C")
    ),
    (
      "keys of its own",
      PreferencePair(
        id: "", images: ["1.png"], prompt: "<image>\n.", chosen: " A", rejected: "A.",
        extra: [
          .init("score", .spelled("1.50")), .init("none", .null), .init("list", .array([])),
          .init("map", .object([])), .init("text", .string("")), .init("idx", .integer(3)),
        ])
    ),
  ]

  /// What each format says to the cases that it cannot hold.
  static let refusals: [PairFormat: [String: String]] = [
    .trl: [
      "rejected images": "has other pictures for the rejected answer, which trl cannot hold",
      "the same answer about other pictures":
        "has other pictures for the rejected answer, which trl cannot hold",
    ],
    .llamaFactory: [
      "rejected images": "has other pictures for the rejected answer, which llama-factory cannot hold",
      "the same answer about other pictures":
        "has other pictures for the rejected answer, which llama-factory cannot hold",
    ],
    .rlaifV: [
      "text": "has 0 images, and rlaif-v holds one",
      "mark inside": "has its <image> mark inside the prompt; in rlaif-v the picture comes first",
      "several pictures": "has 3 images, and rlaif-v holds one",
      "history": "has earlier turns, which rlaif-v cannot hold",
      "system": "has a system message, which rlaif-v cannot hold",
      "unicode": "has a system message, which rlaif-v cannot hold",
      "rejected images": "has other pictures for the rejected answer, which rlaif-v cannot hold",
      "the same answer about other pictures":
        "has other pictures for the rejected answer, which rlaif-v cannot hold",
    ],
  ]

  @Test(arguments: PairFormat.allCases, ["json", "jsonl"])
  func whatIsWrittenIsReadAgain(format: PairFormat, ending: String) throws {
    let folder = try TemporaryFolder()
    for (name, pair) in Self.cases {
      let path = folder.path + "/\(name).\(ending)"
      if let refusal = Self.refusals[format]?[name] {
        let said = message { try PairFile.write([pair], to: path, format: format) }
        #expect(said == "\(path): record \(pair.id): \(refusal)")
        #expect(!FileManager.default.fileExists(atPath: path))
        continue
      }
      try PairFile.write([pair], to: path, format: format)
      let (pairs, reading) = try PairFile.read(path)
      #expect(pairs == [pair], "\(format) \(name)")
      #expect(reading.format == format, "\(name)")

      let (ours, back) = (folder.path + "/ours.\(ending)", folder.path + "/back.\(ending)")
      _ = try PairFile.convert(path, to: ours, to: .miaDPO)
      #expect(try PairFile.read(ours).pairs == [pair], "\(format) \(name)")
      _ = try PairFile.convert(ours, to: back, from: .miaDPO, to: format)
      #expect(try Data(contentsOf: URL(filePath: back)) == Data(contentsOf: URL(filePath: path)), "\(name)")
    }
  }

  @Test(arguments: PairFormat.allCases)
  func allThatAFormatHoldsInOneFile(format: PairFormat) throws {
    let folder = try TemporaryFolder()
    let held = Self.cases.filter { Self.refusals[format]?[$0.name] == nil }.map(\.pair)
    let path = folder.path + "/all.json"
    try PairFile.write(held, to: path, format: format)
    let read = try PairFile.read(path)
    #expect(read.pairs == held && read.reading.format == format && read.reading.count == held.count)
    // Pieces written one by one are the text of the whole.
    let whole = try RecordFile(contentsOf: path)
    try whole.write(to: folder.path + "/whole.json")
    #expect(
      try Data(contentsOf: URL(filePath: path))
        == Data(contentsOf: URL(filePath: folder.path + "/whole.json")))
  }

  @Test func noPairsAreAnEmptyListOrAnEmptyFile() throws {
    let folder = try TemporaryFolder()
    for (name, text) in [("a.json", "[]"), ("a.jsonl", "")] {
      try PairFile.write([], to: folder.path + "/" + name, format: .trl)
      #expect(try String(contentsOfFile: folder.path + "/" + name, encoding: .utf8) == text)
    }
  }

  /// Files as other programs and people write them.
  @Test(arguments: PairSamples.records)
  func otherFilesComeBackAsTheSamePairs(sample: PairSamples.Sample) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(sample.text + "\n", to: "in.jsonl")
    let (pairs, reading) = try PairFile.read(path)
    #expect(reading.format == sample.format, "\(sample.name)")
    #expect(pairs == [sample.pair], "\(sample.name)")
    let (ours, back) = (folder.path + "/ours.json", folder.path + "/back.jsonl")
    _ = try PairFile.convert(path, to: ours, to: .miaDPO)
    _ = try PairFile.convert(ours, to: back, from: .miaDPO, to: sample.format)
    let again = try PairFile.read(back)
    #expect(again.pairs == [sample.pair] && again.reading.format == sample.format, "\(sample.name)")
  }
}
