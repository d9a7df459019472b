import Foundation
import Testing

/// A run that trains on, composes, selects from and is asked prompts of every level.
@Suite struct LevelsRunTests {
  private static let settings = [
    "data.sizes={sft: 60, pref: 300, val: 80, test: 300}",
    "sft.composed={share: 0.6, sequence: {2: 1, 3: 1}, grid: {4: 1}, questions: 3, compare: 0.3, find: 0.3}",
    "sft.eval_steps=6", "sft.eval_questions=4", "evaluate.permuted=true",
    "compose.compare={3: 6}", "compose.compare_grid={4: 4}", "compose.find={2: 6}",
    "compose.find_grid={4: 4}",
    "select.use_attention=true", "select.threshold_rule=quantile", "select.threshold_quantile=0.9",
    "select.layer=auto", "evaluate.compare=4", "evaluate.compare_grid=3", "evaluate.find=4",
    "evaluate.find_grid=3", "report.attention_maps=4",
  ].flatMap { ["--set", $0] }

  private func rows(_ run: URL, _ name: String) throws -> [[String: Any]] {
    try String(contentsOf: run.appendingPathComponent(name), encoding: .utf8).split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  @Test func everyStageKnowsTheLevels() throws {
    try BuiltCommand.withFolder { folder in
      let arguments = ["--config", try TinyRun.write(to: folder), "--quiet"] + Self.settings
      let call = try BuiltCommand.run(arguments, in: folder)
      #expect(call.status == 0, "\(call.errors)")
      let run = folder.appendingPathComponent("runs/tiny")
      let names = ["compare", "compare_grid", "find", "find_grid"]

      let looks = try rows(run, "metrics.jsonl").filter { $0["eval_accuracy_single"] != nil }
      #expect(looks.count == 2)
      for look in looks {
        for name in names + ["sequence", "grid"] {
          #expect(look["eval_accuracy_\(name)"] is Double, "\(name)")
        }
      }
      let records = try rows(run, "compose/records.jsonl")
      #expect(records.count { $0["level"] != nil } == 20 && records.count == 42)
      let candidates = try rows(run, "select/candidates.jsonl")
      for (name, count) in zip(names, [6, 4, 6, 4]) {
        let own = candidates.filter { $0["kind"] as? String == name }
        #expect(own.count == count)
        // Two pictures are asked about, or one; R is the share of both.
        for row in own {
          #expect((row["targets"] as? [Int])?.count == (name.hasPrefix("compare") ? 2 : 1))
        }
      }
      let pairs = try rows(run, "pairs.jsonl")
      #expect(pairs.contains { ($0["id"] as? String)?.contains("-compare-") == true })
      let summary = try #require(
        try JSONSerialization.jsonObject(
          with: Data(contentsOf: run.appendingPathComponent("select/summary.json"))) as? [String: Any])
      let quality = try #require(summary["quality"] as? [String: Any])
      #expect(names.allSatisfy { quality[$0] is [String: Any] && summary[$0] is [String: Any] })

      let results = try #require(
        try JSONSerialization.jsonObject(
          with: Data(contentsOf: run.appendingPathComponent("results.json"))) as? [String: Any])
      let after = try #require(results["after"] as? [String: Any])
      #expect((after["multi_image"] as? [String: Any])?["n"] as? Int == 18)
      for (name, count) in zip(names, [4, 3, 4, 3]) {
        let part = try #require(after[name] as? [String: Any])
        #expect(part["n"] as? Int == count)
        #expect((part["permuted"] != nil) == !name.hasSuffix("grid"))
        let isKnown = part["answered_from_another_image"] is Double
        #expect(isKnown == name.hasPrefix("find"), "\(name)")
      }
      let page = try String(contentsOf: run.appendingPathComponent("report.html"), encoding: .utf8)
      #expect(page.contains("<th>Find, grid</th>") && page.contains("<h3>Compare, sequence</h3>"))
      let table = try BuiltCommand.run(["table", run.path], in: folder)
      #expect(table.status == 0 && table.output.contains("Compare, grid"))

      // What it left is read again: nothing is made twice, and other levels need no new answers.
      let again = try BuiltCommand.run(
        ["--config", folder.appendingPathComponent("tiny.yaml").path] + Self.settings
          + ["--set", "select.levels=[name]"], in: folder)
      #expect(again.status == 0, "\(again.errors)")
      #expect(
        again.errors.contains("select.levels: [name, compare, find] there, [name] here"), "\(again.errors)")
      #expect(!again.errors.contains("redoes answers") && !again.errors.contains("redoes sft"))
      #expect(
        try rows(run, "pairs.jsonl").allSatisfy { ($0["id"] as? String)?.contains("-compare-") == false })
    }
  }

  @Test func whatDoesNotFitIsToldFirst() throws {
    try BuiltCommand.withFolder { folder in
      let file = try TinyRun.write(to: folder)
      let call = try BuiltCommand.run(
        [
          "--config", file, "--set", "compose.find={5: 4}", "--set", "data.sizes.pref=4", "--set",
          "compose.sequence={2: 1}", "--set", "compose.grid={}", "--set", "evaluate.compare=3", "--set",
          "model.text_config.max_position_embeddings=250", "--set", "evaluate.max_new_tokens=200",
        ], in: folder)
      #expect(call.status != 0)
      #expect(call.errors.contains("compose.find: has 5, and for"), "\(call.errors)")
      #expect(
        call.errors.contains("evaluate.compare: a prompt of 3 pictures: found")
          && call.errors.contains("expected at most 250 (the context length)"), "\(call.errors)")
    }
  }
}
