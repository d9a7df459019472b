import Foundation
import Testing

/// A run whose base model learns all formats, with looks at validation data, and whose sequences are asked in
/// two orders.
@Suite struct AllFormatsRunTests {
  private static let settings = [
    "data.sizes={sft: 60, pref: 300, val: 80, test: 300}",
    "sft.composed={share: 0.6, sequence: {2: 1, 3: 1}, grid: {4: 1}, pic_in_pic: 1, questions: 2}",
    "sft.eval_steps=3", "sft.eval_questions=4", "evaluate.permuted=true",
  ].flatMap { ["--set", $0] }

  private func rows(_ run: URL, _ name: String) throws -> [[String: Any]] {
    try String(contentsOf: run.appendingPathComponent(name), encoding: .utf8).split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  @Test func aKilledRunEndsUpTheSame() throws {
    try BuiltCommand.withFolder { folder in
      let arguments = ["--config", try TinyRun.write(to: folder), "--quiet"] + Self.settings
      let call = try BuiltCommand.run(arguments, in: folder)
      #expect(call.status == 0, "\(call.errors)")
      let whole = folder.appendingPathComponent("runs/tiny")

      let looks = try rows(whole, "metrics.jsonl").filter { $0["eval_accuracy_single"] != nil }
      // Looks at 3, 6, 9 and 12 of 12 steps; rows every second step show the last one.
      #expect(looks.compactMap { $0["step"] as? Int } == [4, 6, 10, 12])
      for look in looks {
        for name in ["sequence", "grid", "pic_in_pic"] {
          let accuracy = try #require(look["eval_accuracy_\(name)"] as? Double)
          #expect((0...1).contains(accuracy))
        }
      }
      for row in try rows(whole, "evaluate/before.jsonl") {
        #expect((row["permuted_correct"] is Bool) == (row["kind"] as? String == "sequence"))
      }
      let results = try #require(
        try JSONSerialization.jsonObject(
          with: Data(contentsOf: whole.appendingPathComponent("results.json"))) as? [String: Any])
      let sequence = try #require((results["after"] as? [String: Any])?["sequence"] as? [String: Any])
      #expect((sequence["permuted"] as? [String: Any])?["n"] as? Int == 6)
      #expect(((sequence["by_place"] as? [[String: Any]])?.first)?["place"] as? Int == 1)

      let run = folder.appendingPathComponent("killed")
      let other = arguments + ["--set", "run.output_dir=killed"]
      let (process, _) = try BuiltCommand.start(other, in: folder)
      for _ in 0..<20_000 where process.isRunning {
        let text =
          (try? String(contentsOf: run.appendingPathComponent("metrics.jsonl"), encoding: .utf8)) ?? ""
        if text.contains("eval_accuracy") { break }
        usleep(2000)
      }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      let last = try BuiltCommand.run(other, in: folder)
      #expect(last.status == 0, "\(last.errors)")
      #expect(try TinyRun.fingerprint(of: run) == TinyRun.fingerprint(of: whole))
      for name in ["evaluate/before.jsonl", "evaluate/after.jsonl"] {
        #expect(
          try Data(contentsOf: run.appendingPathComponent(name))
            == Data(contentsOf: whole.appendingPathComponent(name)), "\(name)")
      }
    }
  }
}
