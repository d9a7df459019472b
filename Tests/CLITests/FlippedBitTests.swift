import Foundation
import TestSupport
import Testing

/// Files of a finished run with one bit flipped, read by every command that reads them: `scripts/faults` in
/// short.
@Suite struct FlippedBitTests {
  /// Flips a bit, calls `body`, and puts the file back.
  private func withDamage(_ file: URL, at position: Int, _ body: () throws -> Void) throws {
    let whole = try Data(contentsOf: file)
    var bytes = [UInt8](whole)
    bytes[position % bytes.count] ^= 4
    try Data(bytes).write(to: file)
    try body()
    try whole.write(to: file)
  }

  @Test func everyCommandRefusesTheFileByName() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      #expect(try BuiltCommand.run("--config", config, "--quiet", in: folder).status == 0)
      let run = folder.appendingPathComponent("runs/tiny")
      let all = ["--config", config, "--quiet"]
      let generate = [
        "generate", "--model", "runs/tiny/train/model", "--prompt", "what?", "--max-new-tokens", "2",
      ]
      let model = try FileManager.default.contentsOfDirectory(
        atPath: run.appendingPathComponent("train/model").path)
      #expect(model.contains("checksums.sfv") && model.count > 4)
      let questions = run.appendingPathComponent("evaluate/questions/images/composed")
      let picture = try FileManager.default.contentsOfDirectory(atPath: questions.path).sorted()[0]
      let cases: [(String, [String])] =
        model.map { ("train/model/\($0)", generate) } + [
          ("results.json", ["table", "runs/tiny"]), ("pairs.jsonl", ["inspect", "runs/tiny/pairs.jsonl"]),
          ("select/layers.json", ["layers", "--run", "runs/tiny"]), ("results.json", all),
          ("metrics.jsonl", ["report"] + all), ("sft/metrics.jsonl", ["report"] + all),
          ("compose/records.jsonl", ["report"] + all),
          ("select/answers.jsonl", all), ("select/candidates.jsonl", ["report"] + all),
          ("select/summary.json", all), ("evaluate/before.jsonl", ["report"] + all),
          ("evaluate/after.jsonl", ["report"] + all), ("evaluate/questions/composed.jsonl", all),
          ("evaluate/questions/images/composed/\(picture)", all), ("sft/model/model.safetensors", all),
          ("sft/sft.sfv", all), ("train/done.json", all), ("select/answers.done.json", all),
        ]
      for (name, command) in cases {
        let file = run.appendingPathComponent(name)
        let size = try Data(contentsOf: file).count
        try #require(size > 2, "\(name) is empty: there is nothing to flip")
        for position in [size / 3, size - 2] {
          try withDamage(file, at: position) {
            let call = try BuiltCommand.run(command, in: folder)
            let last = (name as NSString).lastPathComponent
            if name == "metrics.jsonl" {
              // Put together again from what the stages keep.
              #expect(call.status == 0, "\(name): \(call.errors)")
            } else {
              #expect(call.status == 1, "\(name) at \(position), \(command)")
              #expect(call.errors.contains(last), "\(name) at \(position): \(call.errors)")
            }
          }
        }
      }
      let again = try BuiltCommand.run(all, in: folder)
      #expect(again.status == 0, "\(again.errors)")

      // A benchmark's evaluation, and the configuration for whoever reads a run without having one.
      let evaluate = [
        "evaluate", "--data", Fixtures.url("benchmarks/POPE.tsv").path, "--model", "runs/tiny/sft/model",
        "--output-dir", "evaluated",
      ]
      #expect(try BuiltCommand.run(evaluate, in: folder).status == 0)
      let evaluated = folder.appendingPathComponent("evaluated")
      let parts = try FileManager.default.contentsOfDirectory(atPath: evaluated.path).filter {
        !$0.hasSuffix(".lock")
      }
      #expect(parts.count == 6, "\(parts)")
      let others =
        parts.map { (evaluated.appendingPathComponent($0), evaluate) } + [
          (run.appendingPathComponent("config.yaml"), ["layers", "--run", "runs/tiny"]),
          (run.appendingPathComponent("config.sfv"), ["layers", "--run", "runs/tiny"]),
        ]
      for (file, command) in others {
        try withDamage(file, at: try Data(contentsOf: file).count / 2) {
          let call = try BuiltCommand.run(command, in: folder)
          #expect(call.status == 1, "\(file.lastPathComponent): \(call.output)")
          #expect(call.errors.contains(file.lastPathComponent), "\(call.errors)")
        }
      }
      #expect(try BuiltCommand.run(evaluate, in: folder).output.contains("done already"))
      // A run writes its configuration anew, and says so.
      try withDamage(run.appendingPathComponent("config.yaml"), at: 40) {
        let call = try BuiltCommand.run(all, in: folder)
        #expect(call.status == 0 && call.errors.contains("config.yaml is damaged"), "\(call.errors)")
      }

      // Refused, then made again with the same outcome: what was made from it stays.
      try withDamage(run.appendingPathComponent("select/summary.json"), at: 20) {
        #expect(try BuiltCommand.run(all, in: folder).status == 1)
        let made = try BuiltCommand.run(["--config", config, "--redo", "select"], in: folder)
        #expect(made.status == 0, "\(made.errors)")
        #expect(made.output.contains("train: done before") && made.output.contains("evaluate: done before"))
      }
      let fingerprint = try TinyRun.fingerprint(of: run)

      // A change by hand is told, and taken when that is asked for.
      let pairs = run.appendingPathComponent("pairs.jsonl")
      let lines = try String(contentsOf: pairs, encoding: .utf8).split(separator: "\n")
      try Data((lines.dropLast().joined(separator: "\n") + "\n").utf8).write(to: pairs)
      let refused = try BuiltCommand.run(all, in: folder)
      #expect(refused.status == 1)
      #expect(refused.errors.contains("--accept"), "\(refused.errors)")
      let accepted = try BuiltCommand.run(
        ["--config", config, "--accept", "runs/tiny/pairs.jsonl"], in: folder)
      #expect(accepted.status == 0, "\(accepted.errors)")
      #expect(accepted.output.contains("select: done before"))
      #expect(
        try TinyRun.fingerprint(of: run)["train/model/model.safetensors"]
          != fingerprint["train/model/model.safetensors"])
    }
  }
}
