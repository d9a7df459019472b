import Foundation
import LVLM
import Testing

/// Every stage that asks for records × both policies × every kind of bad record × every source of records
/// with files of their own: `error` stops with all of them named and changes nothing, `skip` goes on.
@Suite struct BadRecordStagesTests {
  private static let stages = ["sft", "compose", "select", "train", "evaluate"]
  private static let skip = ["--set", "run.on_bad_record=skip"]

  @Test(arguments: [false, true]) func conversations(isArray: Bool) throws {
    // Within an array, a record that is no JSON ends it.
    let kinds = BadRecordTableTests.kinds.filter {
      !isArray || !["broken JSON", "control character"].contains($0.name)
    }
    try BuiltCommand.withFolder { folder in
      let arguments = try BadRecordTableTests().dataset(in: folder, isArray: isArray) { lines in
        // In all splits.
        for (index, kind) in kinds.enumerated() { lines[5 + 7 * index] = kind.line(5 + 7 * index) }
      }
      // Which texts are too long depends on the stage.
      let expected = kinds.filter { !$0.name.hasPrefix("long ") }.map(\.expected)
      try everyStage(arguments, in: folder, expected: expected, most: kinds.count)
      let left = try omissions(in: folder)
      for kind in kinds {
        // A record of no stage is measured by none.
        let count = left.filter { $0.contains(kind.expected) }.count
        #expect(count > 0 || kind.name.hasPrefix("long "), "\(kind.name): \(left)")
      }
      #expect(left.count <= kinds.count && Set(left).count == left.count, "\(left)")
    }
  }

  @Test func stamps() throws {
    try BuiltCommand.withFolder { folder in
      let place = folder.appendingPathComponent("stamps")
      func write(_ bytes: some Sequence<UInt8>, _ name: String) throws {
        let file = place.appendingPathComponent(name)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
      }
      for (index, kind) in ["animals/birds", "food", "vehicles", "symbols", "town/flags"].enumerated() {
        for number in 0..<30 {
          let colour = [RGBColour(255, 0, 0), RGBColour(0, 255, 0), RGBColour(0, 0, 255)][index % 3]
          let picture = RGBImage(width: 10 + number, height: 12, colour: colour)
          try write(picture.pngBytes(), "\(kind)/n\(number).png")
          try write("A \(kind) \(number).\n".utf8, "\(kind)/n\(number).txt")
        }
      }
      try write([1, 2, 3], "food/n4.png")
      try write(RGBImage(width: 9, height: 9, colour: .black).pngBytes().prefix(40), "food/n7.png")
      try write("\nde.utf8=x\n".utf8, "food/n5.txt")
      try write([0x41, 0xFF, 0x0A], "food/n6.txt")
      let arguments = [
        "--config", try TinyRun.write(to: folder), "--set", "data.source=stamps", "--set", "data.path=stamps",
        "--set", "sft.max_steps=6",
      ]
      let expected = [
        "food/n4.png: not an image", "food/n7.png: image is cut short",
        "food/n5.txt: its first line is empty", "food/n6.txt: is not text in UTF-8",
      ]
      // Questions beside which no picture can stand are left out too.
      try everyStage(arguments, in: folder, expected: expected, most: 100)
      let left = try omissions(in: folder)
      for words in expected { #expect(left.filter { $0.contains(words) }.count == 1, "\(words): \(left)") }
    }
  }

  /// Prompts out of a folder of `make-data` that another program changed.
  @Test func promptsOfAFolder() throws {
    try BuiltCommand.withFolder { folder in
      let arguments =
        try BadRecordTableTests().dataset(in: folder) { _ in } + ["--set", "compose.path=made", "--quiet"]
      let made = try BuiltCommand.run(
        ["make-data", "--llava", "data.jsonl", "--images", ".", "--output", "made", "--quiet"], in: folder)
      #expect(made.status == 0, "\(made.errors)")
      for kind in ["sequence", "grid", "pic_in_pic"] {
        try FileManager.default.removeItem(at: folder.appendingPathComponent("made/\(kind).sfv"))
      }
      let file = folder.appendingPathComponent("made/sequence.jsonl")
      let pairs = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
      let good = try #require(pairs.first { $0.contains(#""count": 2"#) })
      let picture = try #require(good.firstMatch(of: #/"images": \["([^"]*)"/#)?.1)
      func changed(_ old: String, _ new: String) -> String { good.replacing(old, with: new) }
      let answer = try #require(good.firstMatch(of: #/"answer": "[^"]*"/#)?.0)
      let prompt = try #require(good.firstMatch(of: #/"prompt": "[^"]*"/#)?.0)
      let long = Array(repeating: "word", count: 600).joined(separator: " ")
      let bad = [
        (String(good.dropLast(5)), "broken JSON in line 1"), ("17", "expected an object, found a number"),
        (changed(String(answer), #""answer": """#), "the answer is empty"),
        (changed(String(answer), #""answer": "  ""#), "the answer is empty"),
        (changed(String(picture), "none.png"), "none.png: no such image file"),
        (changed(String(picture), "\(folder.path)/pictures/cut.jpg"), "image is cut short"),
        (changed(String(picture), "\(folder.path)/pictures/gif.jpg"), "is a GIF, which is not read"),
        (changed(String(prompt), #""prompt": "\#(long)""#), "has 0 <image> marks for 2 images"),
        (
          changed(String(prompt), #""prompt": "<image><image>\#(long)""#),
          "expected at most 512 (the context length)"
        ),
        (
          changed(#""count": 2"#, #""count": "two""#),
          #""count": expected a whole number, found the string "two""#
        ),
        (changed(#""target": "#, #""target": 7"#), "of 2 pictures"),
        (
          changed(#""kind": "sequence""#, #""kind": "row""#),
          #""kind": expected one of sequence, grid, pic_in_pic, found the string "row""#
        ),
        (changed(#""prompt""#, #""text""#), #""prompt": expected a value, found no such key"#),
      ]
      try Data((bad.map(\.0) + pairs).joined(separator: "\n").utf8).write(to: file)
      #expect(try BuiltCommand.run(["sft"] + arguments, in: folder).status == 0)
      let stopped = try BuiltCommand.run(["compose"] + arguments, in: folder)
      #expect(
        stopped.status == 1 && stopped.errors.contains("\n\(bad.count) records cannot be used"),
        "\(stopped.errors)")
      let skipped = try BuiltCommand.run(["compose"] + arguments + Self.skip, in: folder)
      #expect(skipped.status == 0, "\(skipped.errors)")
      let left = try omissions(in: folder)
      #expect(left.count == bad.count, "\(left.joined(separator: "\n"))")
      for (_, words) in bad { #expect(left.contains { $0.contains(words) }, "\(words): \(left)") }
      for stage in ["select", "train", "evaluate"] {
        let call = try BuiltCommand.run([stage] + arguments, in: folder)
        #expect(call.status == 0, "\(stage): \(call.errors)")
      }
    }
  }

  private func omissions(in folder: URL) throws -> [String] {
    try String(contentsOf: folder.appendingPathComponent("runs/tiny/omissions.txt"), encoding: .utf8)
      .split(separator: "\n").map(String.init)
  }

  /// Runs each stage by itself, under `error` and then under `skip`.
  ///
  /// - Parameters:
  ///   - expected: what `error` says of records that no stage can use.
  ///   - most: records that cannot be used at most.
  private func everyStage(_ arguments: [String], in folder: URL, expected: [String], most: Int) throws {
    let arguments = arguments + ["--quiet"]
    let run = folder.appendingPathComponent("runs/tiny")
    for stage in Self.stages {
      let before = Self.files(of: run)
      let stopped = try BuiltCommand.run([stage] + arguments, in: folder)
      #expect(stopped.status == 1 && Self.files(of: run) == before, "\(stage): \(stopped.errors)")
      let lines = stopped.errors.split(separator: "\n").map(String.init)
      let last = lines.last?.firstMatch(
        of: #/^(\d+) records cannot be used; run\.on_bad_record: skip leaves them out/#)
      let count = last.flatMap { Int($0.1) } ?? 0
      #expect((expected.count...most).contains(count), "\(stage): \(stopped.errors)")
      // Ten are named, the others counted.
      let named = expected.filter { words in lines.contains { $0.contains(words) } }
      #expect(named.count >= min(expected.count, 8), "\(stage): \(stopped.errors)")
      let skipped = try BuiltCommand.run([stage] + arguments + Self.skip, in: folder)
      #expect(skipped.status == 0, "\(stage): \(skipped.errors)")
      #expect(skipped.errors.contains("left out: "), "\(stage): \(skipped.errors)")
    }
    // Nobody asks for records any more.
    for policy in [[], Self.skip] {
      let report = try BuiltCommand.run(["report"] + arguments + policy, in: folder)
      #expect(report.status == 0, "\(report.errors)")
    }
  }

  /// The files of a run with their sizes, without locks and what was found out about pictures.
  private static func files(of run: URL) -> [String: Int] {
    var found: [String: Int] = [:]
    let all = FileManager.default.enumerator(atPath: run.path)
    while let path = all?.nextObject() as? String {
      guard !path.hasSuffix(".lock"), !path.hasSuffix("checked-pictures.txt") else { continue }
      found[path] =
        (try? FileManager.default.attributesOfItem(atPath: run.path + "/" + path)[.size] as? Int) ?? -1
    }
    return found
  }
}
