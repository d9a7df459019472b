import Foundation
import Testing

/// `dpotrain watch`: what a run logs, while it runs and afterwards.
@Suite struct WatchCommandTests {
  @Test func aFinishedRunIsShownAndTheCommandEnds() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      #expect(try BuiltCommand.run("--config", config, "--quiet", in: folder).status == 0)
      let call = try BuiltCommand.run("watch", "runs/tiny", in: folder)
      #expect(call.status == 0, "\(call.errors)")
      let lines = call.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
      #expect(lines.contains { $0.starts(with: ["sft", "step", "loss"]) })
      #expect(lines.contains { $0.starts(with: ["train", "step", "loss", "nll", "accuracy", "margin"]) })
      let steps = try RunMetrics.train(of: folder.appendingPathComponent("runs/tiny")).count
      let first = try #require(lines.firstIndex { $0.first == "train" })
      #expect(lines[(first + 1)...].count { Int($0[0]) != nil } == steps)

      // A line that is being written is not shown, nor is it lost.
      let metrics = folder.appendingPathComponent("runs/tiny/metrics.jsonl")
      let whole = try Data(contentsOf: metrics)
      try (whole + Data("{\"stage\": \"train\", \"st".utf8)).write(to: metrics)
      let once = try BuiltCommand.run("watch", "--once", "runs/tiny", in: folder)
      #expect(once.status == 0 && once.output == call.output)

      // A damaged line is told in its place, by what is wrong with it; the lines around it are shown.
      var rows = whole.split(separator: UInt8(ascii: "\n")).map { Data($0) }
      for (line, words) in [
        ("{\"stage\": \"tra", "metrics.jsonl:2: found text that is not JSON"),
        ("{\"stage\": \"sft\", \"step\": \"2\"}", "metrics.jsonl:2:key 'step': found the string \"2\""),
        ("[]", "metrics.jsonl:2: found a list, expected an object"),
      ] {
        rows[1] = Data(line.utf8)
        try Data(rows.joined(separator: [UInt8(ascii: "\n")]) + [UInt8(ascii: "\n")]).write(to: metrics)
        let damaged = try BuiltCommand.run("watch", "--once", "runs/tiny", in: folder)
        #expect(damaged.status == 0 && damaged.output.contains(words), "\(damaged.output)")
        let count = call.output.split(separator: "\n").count
        #expect(damaged.output.split(separator: "\n").count == count, "\(damaged.output)")
      }
      try whole.write(to: metrics)

      for (arguments, status, sentence) in [
        (["watch", "nowhere"], Int32(1), "nowhere: is no run directory"),
        (["watch", "runs/tiny", "--interval", "0"], 2, "--interval: found 0.0"),
      ] {
        let bad = try BuiltCommand.run(arguments, in: folder)
        #expect(bad.status == status && bad.errors.contains(sentence), "\(bad.errors)")
      }
    }
  }
}
