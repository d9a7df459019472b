import Foundation
import LVLM
import Testing

/// Every way in which a record cannot be used, by every stage and both policies: told with file, line and
/// reason before the first step, or left out and listed.
@Suite struct BadRecordTableTests {
  /// A record that cannot be used.
  struct Kind: CustomTestStringConvertible, Sendable {
    var name: String
    /// What takes the place of the record's line.
    var line: @Sendable (Int) -> String
    /// What is said of it, after its file.
    var expected: String
    var testDescription: String { name }
  }

  private static func record(
    _ number: Int, image: String? = nil, question: String = "<image>\\nWhat color is it?",
    answer: String = "red",
    later: String = "bright"
  ) -> String {
    let image = image ?? "\"pictures/\(number).png\""
    return
      #"{"id": "r\#(number)", "image": \#(image), "conversations": [{"from": "human", "value": "\#(question)"}, "#
      + #"{"from": "gpt", "value": "\#(answer)"}, {"from": "human", "value": "Is it dark or bright?"}, "#
      + #"{"from": "gpt", "value": "\#(later)"}]}"#
  }

  /// Stands for a byte that no text in UTF-8 has.
  private static let invalid = "\u{F8FF}"

  private static func words(_ count: Int) -> String {
    Array(repeating: "word", count: count).joined(separator: " ")
  }

  static let kinds: [Kind] = [
    Kind(
      name: "cut picture", line: { record($0, image: "\"pictures/cut.jpg\"") },
      expected: "pictures/cut.jpg: image is cut short"),
    Kind(
      name: "GIF", line: { record($0, image: "\"pictures/gif.jpg\"") },
      expected: "pictures/gif.jpg: is a GIF, which is not read; convert it to PNG, JPEG or WebP"),
    Kind(
      name: "missing", line: { record($0, image: "\"pictures/none.png\"") },
      expected: "image \"pictures/none.png\" does not exist"),
    Kind(
      name: "long answer", line: { record($0, answer: words(1080)) },
      expected: "expected at most 512 (the context length)"),
    Kind(
      name: "long question", line: { record($0, question: "<image>" + words(600)) },
      expected: "expected at most 512 (the context length)"),
    Kind(
      name: "empty answer", line: { record($0, answer: " ") },
      expected: "turn 2 of \"conversations\": the answer is empty"),
    Kind(
      name: "empty later answer", line: { record($0, later: "") },
      expected: "turn 4 of \"conversations\": the answer is empty"),
    Kind(
      name: "wrong type", line: { record($0, image: "7") },
      expected: "\"image\": expected a string or a list of strings, found a number"),
    Kind(
      name: "null in a list", line: { record($0, image: "[null]") },
      expected: "\"image\": expected strings in the list, found null"),
    Kind(
      name: "no picture, one mark", line: { record($0, image: "null") },
      expected: "has 1 <image> marks for 0 images"),
    Kind(
      name: "empty list, one mark", line: { record($0, image: "[]") },
      expected: "has 1 <image> marks for 0 images"),
    Kind(name: "broken JSON", line: { String(record($0).dropLast(7)) }, expected: "broken JSON in line "),
    Kind(name: "no object", line: { _ in "17" }, expected: "expected an object, found a number"),
    Kind(
      name: "control character", line: { record($0, answer: "a\u{1}b") }, expected: "broken JSON in line "),
    Kind(
      name: "invalid UTF-8", line: { record($0, answer: "a\(invalid)b") },
      expected: "the string is not valid UTF-8"),
    Kind(
      name: "no turns", line: { #"{"id": "r\#($0)", "image": "pictures/0.png", "conversations": []}"# },
      expected: "expected a question and an answer"),
  ]

  private static func bytes(_ text: String) -> Data {
    var bytes = Data()
    for (number, part) in text.components(separatedBy: invalid).enumerated() {
      bytes += (number > 0 ? [0xFF] : []) + Array(part.utf8)
    }
    return bytes
  }

  /// Records with pictures, and pictures that are none.
  ///
  /// - Parameter isArray: whether they are one JSON array in place of a line each.
  func dataset(
    in folder: URL, isArray: Bool = false, _ change: (inout [String]) -> Void
  ) throws -> [String] {
    let pictures = folder.appendingPathComponent("pictures")
    try FileManager.default.createDirectory(at: pictures, withIntermediateDirectories: true)
    var lines: [String] = []
    for number in 0..<120 {
      let shade = UInt8(2 * number)
      try RGBImage(width: 40, height: 30, colour: RGBColour(shade, 100, 200 - shade / 2))
        .writePNG(to: pictures.appendingPathComponent("\(number).png").path)
      lines.append(Self.record(number, answer: ["red", "green", "blue"][number % 3]))
    }
    let jpeg = try RGBImage(width: 200, height: 100, colour: .white).jpegBytes()
    try Data(jpeg.prefix(300)).write(to: pictures.appendingPathComponent("cut.jpg"))
    try Data("GIF89a\u{1}\0\u{1}\0\0\0;".utf8).write(to: pictures.appendingPathComponent("gif.jpg"))
    change(&lines)
    let name = isArray ? "data.json" : "data.jsonl"
    let text = isArray ? "[\(lines.joined(separator: ",\n"))]" : lines.joined(separator: "\n")
    try Self.bytes(text).write(to: folder.appendingPathComponent(name))
    return [
      "--config", try TinyRun.write(to: folder), "--set", "data.source=llava", "--set",
      "data.path=\(name)",
      "--set", "data.sizes={sft: 40, pref: 40, val: 4, test: 36}", "--set",
      "model.text_config.max_position_embeddings=512", "--set", "sft.max_steps=6",
    ]
  }

  /// As many kinds at a time as an error names, by the whole run, by one stage and by the plan.
  @Test(arguments: [0..<8, 8..<kinds.count]) func stopsBeforeTheFirstStep(range: Range<Int>) throws {
    let kinds = Array(Self.kinds[range])
    try BuiltCommand.withFolder { folder in
      let arguments = try dataset(in: folder) { lines in
        for (index, kind) in kinds.enumerated() { lines[30 + index] = kind.line(30 + index) }
      }
      func isTold(_ text: String) {
        for (index, kind) in kinds.enumerated() {
          #expect(
            text.split(separator: "\n").contains { line in
              Self.places(30 + index).contains(where: line.contains) && line.contains(kind.expected)
            }, "\(kind.name): \(text)")
        }
        #expect(
          text.contains(
            "\n\(kinds.count) records cannot be used; run.on_bad_record: skip leaves them out and lists them in "
              + "omissions.txt"), "\(text)")
      }
      let call = try BuiltCommand.run(arguments + ["--quiet"], in: folder)
      #expect(call.status == 1)
      isTold(call.errors)
      // Nothing was begun.
      #expect(!FileManager.default.fileExists(atPath: folder.path + "/runs"))
      let plan = try BuiltCommand.run(["plan"] + arguments, in: folder)
      #expect(plan.status == 1 && plan.output.contains("\n# What will not work\n"))
      isTold(plan.output)
    }
  }

  /// How a record of a line, from 0, is named.
  private static func places(_ number: Int) -> [String] {
    [
      "data.jsonl:\(number + 1): record ",
      "data.jsonl: record \(number): broken JSON in line \(number + 1), ",
    ]
  }

  /// All kinds at once, by all stages: the run goes on with the others, and each is listed once.
  @Test func leavesOutEveryKindAndListsIt() throws {
    try BuiltCommand.withFolder { folder in
      let first = 30
      let arguments = try dataset(in: folder) { lines in
        for (index, kind) in Self.kinds.enumerated() { lines[first + index] = kind.line(first + index) }
      }
      // The same directory: the policy makes no other run of it.
      let stopped = try BuiltCommand.run(arguments + ["--quiet"], in: folder)
      #expect(stopped.status == 1)
      let call = try BuiltCommand.run(
        arguments + ["--quiet", "--set", "run.on_bad_record=skip"], in: folder)
      #expect(call.status == 0, "\(call.errors)")
      let told = try String(
        contentsOf: folder.appendingPathComponent("runs/tiny/omissions.txt"), encoding: .utf8
      ).split(separator: "\n").map(String.init)
      #expect(told.count == Self.kinds.count, "\(told.joined(separator: "\n"))")
      for (index, kind) in Self.kinds.enumerated() {
        #expect(
          told.contains { text in
            text.contains(": left out: ") && Self.places(first + index).contains(where: text.contains)
              && text.contains(kind.expected)
          }, "\(kind.name)")
      }
      let report = try String(
        contentsOf: folder.appendingPathComponent("runs/tiny/report.html"), encoding: .utf8)
      #expect(report.contains("Left out: \(Self.kinds.count) ("))
      // Nothing of them is shown anywhere.
      let composed = try String(
        contentsOf: folder.appendingPathComponent("runs/tiny/compose/records.jsonl"), encoding: .utf8)
      #expect(!composed.contains("gif.jpg") && !composed.contains("cut.jpg"))
      // Nothing is done again under the other policy.
      let again = try BuiltCommand.run(arguments, in: folder)
      #expect(again.status == 0 && again.output.contains("train: done before"), "\(again.errors)")
    }
  }

  @Test(arguments: ["GIF", "long answer", "broken JSON"]) func leavingOutEverythingIsAnError(name: String)
    throws
  {
    let kind = try #require(Self.kinds.first { $0.name == name })
    try BuiltCommand.withFolder { folder in
      let arguments = try dataset(in: folder) { lines in
        for number in lines.indices { lines[number] = kind.line(number) }
      }
      let call = try BuiltCommand.run(
        ["sft"] + arguments + ["--quiet", "--set", "run.on_bad_record=skip"], in: folder)
      #expect(call.status == 1)
      #expect(call.errors.hasPrefix("error: ") || call.errors.contains("\nerror: "), "\(call.errors)")
    }
  }

  /// Records that only looks during supervised training ask about are measured for them.
  @Test func looksMeasureTheValidationSplit() throws {
    try BuiltCommand.withFolder { folder in
      let arguments = try dataset(in: folder) { lines in
        for number in lines.indices {
          lines[number] = Self.record(number, question: "<image>" + Self.words(600))
        }
      }
      for (settings, count) in [([], 108), (["--set", "sft.eval_steps=2"], 112)] {
        let call = try BuiltCommand.run(["plan"] + arguments + settings, in: folder)
        #expect(call.output.contains("\n\(count) records cannot be used"), "\(call.output)")
      }
    }
  }

  /// Pictures and texts that go bad between stages.
  @Test func laterStages() throws {
    try BuiltCommand.withFolder { folder in
      let arguments = try dataset(in: folder) { _ in } + ["--quiet", "--set", "sft.max_steps=40"]
      let skip = ["--set", "run.on_bad_record=skip"]
      for stage in ["sft", "compose"] {
        #expect(try BuiltCommand.run([stage] + arguments, in: folder).status == 0)
      }
      let run = folder.appendingPathComponent("runs/tiny")
      func left(_ stage: String) throws -> [String] {
        let text =
          (try? String(contentsOf: run.appendingPathComponent("omissions.txt"), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init).filter { $0.hasPrefix(stage + ": ") }
      }
      // select: a composed picture that is damaged
      let grid = run.appendingPathComponent("compose/images/composed/grid-4-pref-000002.png")
      let whole = try Data(contentsOf: grid)
      try whole.prefix(60).write(to: grid)
      let changed = ["--accept", "compose/images/composed/grid-4-pref-000002.png"]
      let stopped = try BuiltCommand.run(["select"] + arguments + changed, in: folder)
      #expect(stopped.status == 1)
      #expect(
        stopped.errors.contains(
          #/error: .*compose\/records\.jsonl:\d+: record grid-4-pref-000002: .*image is cut short/#),
        "\(stopped.errors)")
      let skipped = try BuiltCommand.run(["select"] + arguments + skip, in: folder)
      #expect(skipped.status == 0, "\(skipped.errors)")
      let lost = try left("select")
      #expect(lost.count == 1 && lost[0].contains("record grid-4-pref-000002"), "\(lost)")

      // train: pairs from elsewhere, of which some are of no use
      let edited = ["--accept", "pairs.jsonl"]
      let pairs = run.appendingPathComponent("pairs.jsonl")
      let good = try String(contentsOf: pairs, encoding: .utf8)
      func pair(_ id: String, _ chosen: String, _ rejected: String, image: String = "pictures/1.png")
        -> String
      {
        #"{"id": "\#(id)", "image": ["\#(folder.path)/\#(image)"], "prompt": "<image>\nq", "chosen": "\#(chosen)", "rejected": "\#(rejected)"}"#
      }
      let bad = [
        (pair("same", "yes", "yes"), "record same: chosen and rejected are the same text"),
        (pair("long", "yes", Self.words(1080)), "record long: rejected answer"),
        (pair("gif", "yes", "no", image: "pictures/gif.jpg"), "is a GIF, which is not read"),
        (pair("cut", "yes", "no", image: "pictures/cut.jpg"), "image is cut short"),
        (pair("none", "yes", "no", image: "pictures/none.png"), "does not exist"),
        (pair("empty", " ", "no"), "record empty: \"chosen\" is empty"),
        (
          pair("whole", "yes", "no") + "\n" + pair("whole", "yes", "no"),
          "record whole: the same pair occurs twice"
        ),
        (pair("bytes", "yes", "n\(Self.invalid)o"), "the string is not valid UTF-8"),
        (#"{"id": "x", "image": 3}"#, "record x: "), (#"{"id": "#, "broken JSON in line 1"),
      ]
      for (line, expected) in bad {
        try Self.bytes(line + "\n" + good).write(to: pairs)
        let call = try BuiltCommand.run(["train"] + arguments + edited, in: folder)
        #expect(call.status == 1 && call.errors.contains("pairs.jsonl"), "\(call.errors)")
        #expect(call.errors.contains(expected), "\(expected): \(call.errors)")
      }
      try Self.bytes(bad.map(\.0).joined(separator: "\n") + "\n" + good).write(to: pairs)
      let trained = try BuiltCommand.run(["train"] + arguments + skip + edited, in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let omitted = try left("train")
      #expect(omitted.count == bad.count, "\(omitted)")
      try Self.bytes(bad.map(\.0).filter { !$0.contains("whole") }.joined(separator: "\n")).write(to: pairs)
      let nothing = try BuiltCommand.run(["train"] + arguments + skip + edited, in: folder)
      #expect(
        nothing.status == 1 && nothing.errors.contains("none of 9 pairs can be used"), "\(nothing.errors)")
      try Data(good.utf8).write(to: pairs)
      #expect(try BuiltCommand.run(["train"] + arguments + edited, in: folder).status == 0)

      // train: ballast, of which a picture has gone bad
      let candidates = run.appendingPathComponent("select/candidates.jsonl")
      let judged = try String(contentsOf: candidates, encoding: .utf8)
      try Data(judged.replacing("\"correct\": false", with: "\"correct\": true").utf8).write(to: candidates)
      let shown = try #require(judged.firstMatch(of: #/"images": \["[^"]*\/pictures\/(\d+\.png)"/#)?.1)
      let other = folder.appendingPathComponent("pictures/\(shown)")
      let sound = try Data(contentsOf: other)
      try sound.prefix(60).write(to: other)
      let ballast = [
        "--set", "train.ballast_per_step=2", "--set", "train.gamma=0.5", "--accept",
        "select/candidates.jsonl", "--accept", "data.path",
      ]
      let refused = try BuiltCommand.run(["train"] + arguments + skip, in: folder)
      #expect(
        refused.status == 1 && refused.errors.contains("data.path: files hold something else"),
        "\(refused.errors)")
      let unfit = try BuiltCommand.run(["train"] + arguments + ballast + skip, in: folder)
      #expect(unfit.status == 0, "\(unfit.errors)")
      let unused = try left("train ballast")
      #expect(!unused.isEmpty, "\(unused)")
      #expect(unused.allSatisfy { $0.contains("\(shown): image is cut short") }, "\(unused)")
      #expect(
        unused.allSatisfy { $0.contains("select/candidates.jsonl:") && $0.contains(": record ") }, "\(unused)"
      )
      let halted = try BuiltCommand.run(
        ["train"] + arguments + ballast + ["--set", "train.gamma=0.25"], in: folder)
      #expect(halted.status == 1 && halted.errors.contains("image is cut short"), "\(halted.errors)")
      try sound.write(to: other)
      try Data(judged.utf8).write(to: candidates)
      let back = try BuiltCommand.run(["train"] + arguments + ballast.suffix(4), in: folder)
      #expect(back.status == 0, "\(back.errors)")

      // evaluate: a question's picture
      let folderOfQuestions = run.appendingPathComponent("evaluate/questions/images/composed")
      let interrupted = try BuiltCommand.run(["evaluate"] + arguments, in: folder)
      #expect(interrupted.status == 0, "\(interrupted.errors)")
      let name = try #require(
        try FileManager.default.contentsOfDirectory(atPath: folderOfQuestions.path).sorted().first)
      let question = folderOfQuestions.appendingPathComponent(name)
      let picture = try Data(contentsOf: question)
      try picture.prefix(60).write(to: question)
      let path = "evaluate/questions/images/composed/\(name)"
      let told = try BuiltCommand.run(arguments + ["--accept", path], in: folder)
      #expect(told.status == 1)
      #expect(
        told.errors.contains(
          #/error: .*evaluate\/questions\/composed\.jsonl:\d+: record \S+: .*image is cut short/#),
        "\(told.errors)")
      let answered = try BuiltCommand.run(arguments + skip, in: folder)
      #expect(answered.status == 0, "\(answered.errors)")
      let unasked = try left("evaluate")
      #expect(unasked.count == 1 && unasked[0].contains("image is cut short"), "\(unasked)")
    }
  }

  /// An id that several records have is no error; each is asked and answered for itself.
  @Test func oneIdOfSeveralRecords() throws {
    try BuiltCommand.withFolder { folder in
      let arguments = try dataset(in: folder) { lines in
        for number in lines.indices {
          lines[number] = lines[number].replacing("\"r\(number)\"", with: "\"same\"")
        }
      }
      let single = ["--quiet", "--set", "compose.single=6"]
      for stage in ["sft", "compose", "select"] {
        let call = try BuiltCommand.run([stage] + arguments + single, in: folder)
        #expect(call.status == 0, "\(call.errors)")
      }
      let run = folder.appendingPathComponent("runs/tiny")
      let rows = try String(
        contentsOf: run.appendingPathComponent("select/candidates.jsonl"), encoding: .utf8
      ).split(separator: "\n")
      let ids = rows.compactMap { $0.firstMatch(of: #/"id": "(single-[^"]*)"/#)?.1 }
      #expect(ids.count == 6 && Set(ids).count == 6, "\(ids)")
    }
  }
}
