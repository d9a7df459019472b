import Foundation
import Testing

/// `dpotrain convert` on files of preference pairs, and the script that makes such files of Parquet.
@Suite struct ConvertPairsTests {
  private static let record =
    #"{"messages": [{"role": "user", "content": "Ö?"}, {"role": "assistant", "content": "x"}], "rejected_response": "y", "images": ["a.png"], "score": 1.50}"#

  @Test func pairsBecomeAnotherFormat() throws {
    try BuiltCommand.withFolder { folder in
      try Data((Self.record + "\n").utf8).write(to: folder.appending(component: "in.jsonl"))
      let call = try BuiltCommand.run("convert", "in.jsonl", "out.json", "--to", "mia-dpo", in: folder)
      #expect(call.status == 0, "\(call.errors)")
      #expect(
        call.output
          == "1 pair from ms-swift to mia-dpo; pictures per pair: 1 (1 pair); unknown columns, kept as they "
          + "are: score\n"
      )
      #expect(
        try String(contentsOf: folder.appending(component: "out.json"), encoding: .utf8) == """
          [
              {
                  "id": "0",
                  "image": [
                      "a.png"
                  ],
                  "prompt": "<image>\\u00d6?",
                  "chosen": "x",
                  "rejected": "y",
                  "gt": "x",
                  "score": 1.50
              }
          ]
          """)
      let back = try BuiltCommand.run(
        "convert", "out.json", "back.jsonl", "--from", "mia-dpo", "--to", "rlaif-v", in: folder)
      #expect(back.status == 0, "\(back.errors)")
      #expect(
        try String(contentsOf: folder.appending(component: "back.jsonl"), encoding: .utf8)
          == #"{"idx": "0", "question": "<image>Ö?", "chosen": "x", "rejected": "y", "image": "a.png", "score": 1.50}"#
          + "\n")
    }
  }

  @Test func refusalsLeaveEverythingAsItWas() throws {
    try BuiltCommand.withFolder { folder in
      try Data((Self.record + "\n{}\n").utf8).write(to: folder.appending(component: "in.jsonl"))
      let bad = try BuiltCommand.run("convert", "in.jsonl", "out.json", "--to", "trl", in: folder)
      #expect(bad.status == 1)
      #expect(bad.errors.contains(#"in.jsonl:2: record 1: has no "messages""#), "\(bad.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["in.jsonl"])
      for arguments in [
        ["in.jsonl", "in.jsonl", "--to", "trl"], ["in.jsonl", "out.json", "--from", "trl"],
        ["in.jsonl", "out.json", "--to", "trl", "--mark", "image"],
        ["in.jsonl", "out.json", "--to", "alpaca"],
        ["a.h5", "b.safetensors", "--to", "trl"], ["in.jsonl", "none/out.json", "--to", "trl"],
      ] {
        let call = try BuiltCommand.run(["convert"] + arguments, in: folder)
        #expect(call.status != 0, "\(arguments)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["in.jsonl"])
    }
  }

  /// Python, where it is there, and whether it has what the script reads Parquet with.
  private static func python(_ arguments: String...) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3"] + arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  private static let hasPyArrow = (try? python("-c", "import pyarrow.parquet")) == 0

  @Test(.enabled(if: hasPyArrow, "needs Python's pyarrow"))
  func parquetBecomesLinesAndPictures() throws {
    let script = BuiltCommand.packageRoot.appending(path: "scripts/parquet-to-pairs").path
    #expect(try Self.python(script, "--self-test") == 0)
  }
}
