import Foundation
import Testing

/// `dpotrain compare`, and parts taken over from another run's directory.
@Suite struct CompareCommandTests {
  @Test func aSecondRunTakesPartsOverAndIsCompared() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      #expect(try BuiltCommand.run("--config", config, "--quiet", in: folder).status == 0)
      let second = try BuiltCommand.run(
        "--config", config, "--set", "run.output_dir=second", "--set", "train.gamma=0.3", "--reuse",
        "runs/tiny", in: folder)
      #expect(second.status == 0, "\(second.errors)")
      for stage in ["sft", "compose", "select"] {
        #expect(second.output.contains("\(stage): the same as in tiny"), "\(stage): \(second.output)")
      }
      #expect(!second.output.contains("train: the same"))
      let (one, other) = (
        try Data(contentsOf: folder.appendingPathComponent("runs/tiny/sft/model/model.safetensors")),
        try Data(contentsOf: folder.appendingPathComponent("second/sft/model/model.safetensors"))
      )
      #expect(one == other)

      let compared = try BuiltCommand.run("compare", "runs/tiny", "second", in: folder)
      #expect(compared.status == 0, "\(compared.errors)")
      let key = try #require(compared.output.split(separator: "\n").first { $0.hasPrefix("train.gamma") })
      #expect(key.split(separator: " ") == ["train.gamma", "0.1", "0.3"])
      #expect(
        compared.output.split(separator: "\n").filter { $0.contains(".") && $0.hasPrefix("train.") }.count
          == 1)
      for row in ["Single image", "Sequence", "All multi-image"] {
        let line = try #require(compared.output.split(separator: "\n").first { $0.hasPrefix(row) }, "\(row)")
        #expect(line.contains("(n ") && line.contains(" p "), "\(line)")
      }
      // A run against itself differs in nothing.
      let same = try BuiltCommand.run("compare", "runs/tiny", "runs/tiny", in: folder)
      #expect(same.output.contains("The configurations say the same.") && same.output.contains("p 1.000"))

      for (arguments, status, sentence) in [
        (["compare", "runs/tiny"], Int32(2), "found 1 run, expected two or more"),
        (["compare", "runs/tiny", "nowhere"], 1, "nowhere: is no run directory"),
        (["--config", config, "--reuse", "nowhere"], 2, "--reuse: found no run in nowhere"),
      ] {
        let call = try BuiltCommand.run(arguments, in: folder)
        #expect(call.status == status && call.errors.contains(sentence), "\(arguments): \(call.errors)")
      }
    }
  }
}
