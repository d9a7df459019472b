import Foundation
import TestSupport
import Testing

/// `--profile`: what a run's time goes into.
@Suite struct ProfileOptionTests {
  @Test func aRunHasStagesPhasesAndOperations() throws {
    try BuiltCommand.withFolder { folder in
      let call = try BuiltCommand.run(
        ["--config", try TinyRun.write(to: folder), "--profile", "trace.json"], in: folder)
      #expect(call.status == 0, "\(call.errors)")
      #expect((call.output + call.errors).contains("profile: trace.json, "))
      let text = try Data(contentsOf: folder.appendingPathComponent("trace.json"))
      let rows = try #require(try JSONSerialization.jsonObject(with: text) as? [[String: Any]])
      func spans(_ name: String) -> [(start: Double, end: Double)] {
        rows.filter { $0["name"] as? String == name && $0["cat"] as? String == "phase" }.compactMap { row in
          guard let start = row["ts"] as? Double, let duration = row["dur"] as? Double else { return nil }
          return (start, start + duration)
        }
      }
      for stage in ["sft", "compose", "select", "train", "evaluate"] {
        #expect(spans("stage \(stage)").count == 1, "\(stage)")
      }
      let train = try #require(spans("stage train").first)
      for phase in ["step 1", "forward", "backward", "optimizer", "matmul gradient", "checkpoint"] {
        let inside = spans(phase).filter { $0.start >= train.start && $0.end <= train.end + 0.01 }
        #expect(!inside.isEmpty, "\(phase)")
      }
      #expect(!spans("generate").isEmpty && !spans("next tokens").isEmpty && !spans("attention").isEmpty)
    }
  }

  @Test func placesThatAreRefused() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      for (path, words) in [
        ("trace.txt", "--profile: found trace.txt, expected a name that ends with .json"),
        ("none/trace.json", "expected one that is there"),
        ("runs/tiny/trace.json", "is in the run's own folder, expected a place outside of it"),
      ] {
        try FileManager.default.createDirectory(
          at: folder.appendingPathComponent("runs"), withIntermediateDirectories: true)
        let call = try BuiltCommand.run(["plan", "--config", config], in: folder)
        #expect(call.status == 0)
        if path.hasPrefix("runs/tiny") {
          #expect(try BuiltCommand.run(["--config", config, "--quiet"], in: folder).status == 0)
        }
        let refused = try BuiltCommand.run(["--config", config, "--profile", path], in: folder)
        #expect(refused.status == 1 && refused.errors.contains(words), "\(refused.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent(path).path))
      }
    }
  }
}
