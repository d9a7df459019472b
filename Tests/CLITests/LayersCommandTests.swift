import Foundation
import Testing

@Suite struct LayersCommandTests {
  @Test func theProfileOfARun() throws {
    try BuiltCommand.withFolder { folder in
      let select = folder.appendingPathComponent("run/select")
      try FileManager.default.createDirectory(at: select, withIntermediateDirectories: true)
      try Data(TinyRun.yaml.utf8).write(to: folder.appendingPathComponent("run/config.yaml"))
      let missing = try BuiltCommand.run("layers", "--run", "run", in: folder)
      #expect(missing.status == 1 && missing.output.isEmpty)
      #expect(
        missing.errors.hasSuffix(
          "/run/select/layers.json: no such file; dpotrain select writes it, with select.layer_profile and several images\n"
        ))
      try Data(
        """
        {"parts": [{"right": 9, "wrong": 5, "areas": [{"estimate": 0.8, "low": 0.7, "high": 0.9}, {"estimate": 0.5, "low": 0.3, "high": 0.6}]}]}
        """.utf8
      ).write(to: select.appendingPathComponent("layers.json"))
      let call = try BuiltCommand.run("layers", "--run", "run", "--csv", "layers.csv", in: folder)
      #expect(call.status == 0, "\(call.errors)")
      #expect(
        call.output == """
          layer      All multi-image
          ─────  ───────────────────
          0      0.80 [0.70, 0.90] *
          1      0.50 [0.30, 0.60]

          All multi-image: best in layer 0, AUC 0.80 [0.70, 0.90], of 9 right and 5 wrong answers; layer 1, which the run read, 0.50 [0.30, 0.60]

          """)
      let csv = try String(contentsOf: folder.appendingPathComponent("layers.csv"), encoding: .utf8)
      #expect(csv.hasSuffix("\nall,0,0.8,0.7,0.9,9,5\nall,1,0.5,0.3,0.6,9,5\n"))
    }
  }

  /// The layer that the answers choose is read as one given by number; the sampled answers too.
  @Test func anAutomaticLayerIsReadAsANumberedOne() throws {
    try BuiltCommand.withFolder { folder in
      let common = [
        "--config", try TinyRun.write(to: folder), "--set", "run.output_dir=run", "--set", "select.samples=1",
        "--quiet",
      ]
      for stage in ["sft", "compose"] {
        let made = try BuiltCommand.run([stage] + common, in: folder)
        #expect(made.status == 0, "\(made.errors)")
      }
      func answers(layer: String) throws -> (rows: Data, layer: Int?) {
        let select = folder.appendingPathComponent("run/select")
        let call = try BuiltCommand.run(["select"] + common + ["--set", "select.layer=\(layer)"], in: folder)
        #expect(call.status == 0, "\(call.errors)")
        let profile = try JSONSerialization.jsonObject(
          with: Data(contentsOf: select.appendingPathComponent("layers.json")))
        return (
          try Data(contentsOf: select.appendingPathComponent("answers.jsonl")),
          (profile as? [String: Any])?["layer"] as? Int
        )
      }
      let chosen = try answers(layer: "auto")
      let layer = try #require(chosen.layer)
      #expect(try answers(layer: "\(layer)") == chosen)
      let other = try answers(layer: "\(1 - layer)")
      #expect(other.layer == 1 - layer && other.rows != chosen.rows)
    }
  }
}
