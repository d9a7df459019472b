import Foundation
import LVLM
import Testing

/// One bad record among ten thousand costs that record alone, in every layout of the file, when asked to skip
/// it.
@Suite struct TenThousandRecordsTests {
  private enum Layout: CaseIterable {
    case lines, listByLine, listOnOneLine, indentedList

    var name: String { self == .lines ? "data.jsonl" : "data.json" }

    func text(_ records: [String]) -> String {
      switch self {
      case .lines: records.joined(separator: "\n") + "\n"
      case .listByLine: "[\n" + records.joined(separator: ",\n") + "\n]\n"
      case .listOnOneLine: "[" + records.joined(separator: ", ") + "]"
      case .indentedList:
        "[\n"
          + records.map { "  " + $0.replacing(", \"", with: ",\n    \"") }.joined(separator: ",\n")
          + "\n]\n"
      }
    }
  }

  private static let count = 10_000

  /// Conversations about forty pictures, each with an answer of its own; number 7000 is `bad`.
  private func write(_ bad: String, as layout: Layout, in folder: URL) throws {
    let pictures = folder.appendingPathComponent("p")
    if !FileManager.default.fileExists(atPath: pictures.path) {
      try FileManager.default.createDirectory(at: pictures, withIntermediateDirectories: true)
      for i in 0..<40 {
        try RGBImage(width: 12, height: 9, colour: RGBColour(UInt8(6 * i), 9, 90))
          .writePNG(to: pictures.appendingPathComponent("\(i).png").path)
      }
      try Data("no picture".utf8).write(to: pictures.appendingPathComponent("bad.png"))
    }
    var records = (0..<Self.count).map { record($0, image: "\($0 % 40).png") }
    records[7000] = bad
    try Data(layout.text(records).utf8).write(to: folder.appendingPathComponent(layout.name))
  }

  private func record(_ number: Int, image: String) -> String {
    #"{"id": \#(number), "image": "p/\#(image)", "conversations": [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "It, {was [red \#(number % 40)."}]}"#
  }

  private func makeData(_ layout: Layout, skip: Bool = true, in folder: URL) throws -> BuiltCommand {
    try BuiltCommand.run(
      ["make-data", "--llava", layout.name, "--images", ".", "--output", "out", "--kind", "sequence"]
        + ["--limit", "1", "--on-bad-record", skip ? "skip" : "error"], in: folder)
  }

  @Test func brokenJSON() throws {
    let good = record(7000, image: "0.png")
    for layout in Layout.allCases {
      try BuiltCommand.withFolder { folder in
        // No value, an unknown word, a missing quotation mark, a missing bracket.
        let damages = [(": 7000", ": "), ("7000", "nul"), ("\"p/", "p/"), ("]}", "]")]
        for (number, (old, new)) in damages.enumerated() {
          try write(good.replacing(old, with: new), as: layout, in: folder)
          let stopped = try makeData(layout, skip: false, in: folder)
          #expect(stopped.status == 1)
          #expect(
            stopped.errors.hasPrefix("error: \(layout.name): record 7000: broken JSON in line "),
            "\(stopped.errors)")
          let call = try makeData(layout, in: folder)
          #expect(call.status == 0, "\(call.errors)")
          let told = call.errors.split(separator: "\n").filter { $0.hasPrefix("warning: ") }
          #expect(
            told.first?.hasPrefix("warning: left out: \(layout.name): record 7000: broken JSON in line ")
              ?? false)
          if layout == .listOnOneLine, number > 1 {
            // Nothing tells where the next record begins: what comes after is lost, and that is said.
            #expect(told.count == 2 && told[1].contains(": record 7001: it and all after it are not read: "))
            #expect(call.output.contains(": 7000 conversations about one image"), "\(call.output)")
          } else {
            #expect(told.count == 1, "\(layout) \(new): \(call.errors)")
            #expect(call.output.contains(": 9999 conversations about one image"), "\(layout) \(call.output)")
          }
        }
      }
    }
  }

  @Test func picturesThatAreMissingOrBroken() throws {
    for layout in [Layout.lines, .indentedList] {
      try BuiltCommand.withFolder { folder in
        try write(record(7000, image: "none.png"), as: layout, in: folder)
        let missing = try makeData(layout, in: folder)
        #expect(missing.status == 0 && missing.output.contains(": 9999 conversations"), "\(missing.errors)")
        #expect(missing.errors.contains(": record 7000: image \"p/none.png\" does not exist in ."))

        try write(record(7000, image: "bad.png"), as: layout, in: folder)
        let run = [
          "compose", "--config", try TinyRun.write(to: folder), "--set", "data.source=llava", "--set",
          "data.path=\(layout.name)", "--set", "data.sizes={sft: 6000, pref: 3000, val: 500, test: 500}",
          "--set", "run.on_bad_record=skip", "--quiet",
        ]
        let call = try BuiltCommand.run(run, in: folder)
        #expect(call.status == 0, "\(call.errors)")
        let told = try String(
          contentsOf: folder.appendingPathComponent("runs/tiny/omissions.txt"), encoding: .utf8)
        #expect(told.split(separator: "\n").count == 1, "\(told)")
        #expect(
          told.contains(": record 7000: ./p/bad.png: not an image: expected a PNG, JPEG or WebP"), "\(told)")
      }
    }
  }

  @Test func pairsAreInspectedBeyondABrokenOne() throws {
    try BuiltCommand.withFolder { folder in
      var pairs = (0..<Self.count).map {
        #"{"id": "p\#($0)", "image": ["a.png"], "prompt": "<image>\nIn Image2, q?", "chosen": "a", "rejected": "b"}"#
      }
      pairs[7000] = pairs[7000].replacing("\"a\", ", with: "\"a, ")
      for layout in [Layout.lines, .listByLine, .indentedList] {
        try Data(layout.text(pairs).utf8).write(to: folder.appendingPathComponent(layout.name))
        let call = try BuiltCommand.run(["inspect", layout.name], in: folder)
        #expect(call.status == 1)
        #expect(call.output.contains("preference pairs: 9999\n"), "\(call.output)")
        #expect(call.output.contains("problems in 1 of 10000 records\n"), "\(call.output)")
        #expect(call.output.contains(": record 7000: broken JSON in line "), "\(call.output)")
      }
    }
  }
}
