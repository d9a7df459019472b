import Foundation
import MultiImageData
import Records
import TestSupport
import Testing

@Suite struct PairConversionTests {
  private static func line(_ id: Int, _ rest: String = "") -> String {
    #"{"id": \#(id), "conversations": [{"from": "human", "value": "<image>Q"}], "chosen": {"from": "gpt", "value": "x"}, "rejected": {"from": "gpt", "value": "y"}, "images": ["a.png"], "score": 1.50\#(rest)}"#
  }

  @Test func aFileOfAnotherProgramBecomesOurs() throws {
    let folder = try TemporaryFolder()
    let text =
      #"{"conversations": [{"from": "human", "value": "Q"}], "chosen": {"from": "gpt", "value": "x"}, "rejected": {"from": "gpt", "value": "y"}, "source": "é"}"#
    let input = try folder.write([Self.line(1), Self.line(1), text].joined(separator: "\n"), to: "in.jsonl")
    let done = try PairFile.convert(input, to: folder.path + "/out.jsonl", to: .miaDPO)
    #expect(
      done.summary
        == "3 pairs from llama-factory to mia-dpo; pictures per pair: 0 (1 pair), 1 (2 pairs); unknown "
        + "columns, kept as they are: score, source"
    )
    let one =
      #"{"id": "1", "image": ["a.png"], "prompt": "<image>Q", "chosen": "x", "rejected": "y", "gt": "x", "score": 1.50}"#
    let other =
      #"{"id": "2", "image": [], "prompt": "Q", "chosen": "x", "rejected": "y", "gt": "x", "source": "é"}"#
    #expect(
      try String(contentsOfFile: folder.path + "/out.jsonl", encoding: .utf8)
        == [one, one, other].joined(separator: "\n") + "\n")
  }

  @Test func aFileWithPicturesHasOneTypeInEveryColumn() throws {
    let folder = try TemporaryFolder()
    let plain = #"{"prompt": "p", "chosen": "x", "rejected": "y"}"#
    let shown = #"{"prompt": "See <image>", "chosen": "x", "rejected": "y", "images": ["a.png"]}"#
    let (alone, both) = (folder.path + "/alone.jsonl", folder.path + "/both.jsonl")
    _ = try PairFile.convert(try folder.write(plain, to: "in.jsonl"), to: alone, from: .trl, to: .trl)
    #expect(
      try String(contentsOfFile: alone, encoding: .utf8)
        == #"{"id": "0", "prompt": [{"role": "user", "content": "p"}], "chosen": [{"role": "assistant", "content": "x"}], "rejected": [{"role": "assistant", "content": "y"}]}"#
        + "\n")
    _ = try PairFile.convert(
      try folder.write(plain + "\n" + shown, to: "in.jsonl"), to: both, from: .trl, to: .trl)
    let lines = try String(contentsOfFile: both, encoding: .utf8).split(separator: "\n")
    #expect(
      lines[0].hasPrefix(
        #"{"id": "0", "prompt": [{"role": "user", "content": [{"type": "text", "text": "p"}]}], "#))
    #expect(lines[0].hasSuffix(#""images": []}"#))
    #expect(
      lines[1].contains(
        #""content": [{"type": "text", "text": "See "}, {"type": "image"}]}], "chosen": [{"role": "assistant", "content": [{"type": "text", "text": "x"}]}]"#
      ))
  }

  @Test func oneAnswerTwiceMakesMessagesOfAll() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/out.jsonl"
    let pairs = [
      PreferencePair(
        id: "1", images: ["a.png"], prompt: "<image>Q", chosen: "x", rejected: "x",
        rejectedImages: ["b.png"]),
      PreferencePair(id: "2", images: ["a.png"], prompt: "<image>Q", chosen: "x", rejected: "y"),
      PreferencePair(id: "3", images: [], prompt: "Q", chosen: "x", rejected: "y"),
    ]
    try PairFile.write(pairs, to: path, format: .msSwift)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(!text.contains("rejected_response"))
    #expect(text.split(separator: "\n").allSatisfy { $0.contains("rejected_messages") })
    #expect(text.contains(#""images": ["a.png"], "rejected_images": ["a.png"]}"#))
    #expect(text.hasSuffix(#""images": [], "rejected_images": []}"# + "\n"))
    #expect(try PairFile.read(path).pairs == pairs)
  }

  @Test func badRecordsAreNamedAndNothingIsWritten() throws {
    let folder = try TemporaryFolder()
    let output = try folder.write("what was there", to: "out.json")
    let lines = (0..<30).map { Self.line($0, $0 % 2 == 0 ? #", "videos": ["a.mp4"]"# : "") }
    let input = try folder.write(lines.joined(separator: "\n"), to: "in.jsonl")
    let said = message { _ = try PairFile.convert(input, to: output, to: .miaDPO) }
    let all = said.split(separator: "\n")
    #expect(all.count == 12)
    #expect(
      all[1]
        == "\(input):3: record 2: has \"videos\", expected pictures and texts alone: tools, videos and "
        + "sounds are not read"
    )
    #expect(all[10] == "and 5 more" && all[11] == "15 records cannot be used; nothing is written")
    #expect(try String(contentsOfFile: output, encoding: .utf8) == "what was there")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 2)
  }

  @Test func whatTheTargetCannotHoldIsRefused() throws {
    let folder = try TemporaryFolder()
    func refusal(_ extra: String, _ target: PairFormat) throws -> String {
      let input = try folder.write(Self.line(4, extra), to: "in.jsonl")
      let output = folder.path + "/out.json"
      let said = message { _ = try PairFile.convert(input, to: output, to: target) }
      #expect(!FileManager.default.fileExists(atPath: output))
      return said.replacing("\(input):1: record 4: ", with: "")
    }
    #expect(try refusal(#", "system": "S""#, .rlaifV) == "has a system message, which rlaif-v cannot hold")
    #expect(
      try refusal(#", "history": [["a", "b"]]"#, .miaDPO)
        == "has a key \"history\" of its own, which means something else in mia-dpo")
    #expect(
      try refusal(#", "gt": 3"#, .miaDPO)
        == "has a key \"gt\" of its own, which means something else in mia-dpo")
    let marked = Self.line(4).replacing("<image>Q", with: "<image>Q <image-placeholder>")
    let input = try folder.write(marked, to: "in.jsonl")
    #expect(
      message { _ = try PairFile.convert(input, to: folder.path + "/out.json", to: .miaDPO) }
        == "\(input):1: record 4: has the text <image-placeholder>, which is a picture's mark in mia-dpo")
    let many = Self.line(4).replacing("<image>Q", with: "<image>In Image11, what?")
    let grid = try folder.write(many, to: "in.jsonl")
    #expect(
      message { _ = try PairFile.convert(grid, to: folder.path + "/out.json", to: .miaDPO) }
        == "\(grid):1: record 4: asks about Image11; a grid has at most 9 pictures")
  }

  @Test func filesWithoutPairs() throws {
    let folder = try TemporaryFolder()
    let list = try folder.write("[]", to: "in.json")
    #expect(
      message { _ = try PairFile.convert(list, to: folder.path + "/out.json", to: .trl) }
        == "\(list): found no pair, expected at least one")
    #expect(try PairFile.read(list).reading.format == nil)
    let blank = try folder.write("\n", to: "in.jsonl")
    #expect(message { _ = try PairFile.read(blank) } == "\(blank): is empty, expected JSON records")
    #expect(
      message { try PairFile.write([], to: folder.path + "/none/out.json", format: .trl) }
        .hasPrefix("\(folder.path)/none/out.json: cannot write: "))
  }
}
