import Foundation
import Testing

/// Whole runs with attention as a loss and the image-conditional term.
@Suite struct SuccessorRunTests {
  private static let terms = [
    "train.attention_weight=0.9", "train.image_weight=1", "train.image_corruption=swap",
  ]
  .flatMap { ["--set", $0] }
  private static let lora = ["--set", "train.adapter=lora", "--set", "train.lora_r=2"]

  private func run(_ arguments: [String], in folder: URL) throws {
    let call = try BuiltCommand.run(arguments, in: folder)
    #expect(call.status == 0, "\(call.errors)")
  }

  @Test(arguments: [true, false]) func aKilledRunEndsUpTheSame(precomputes: Bool) throws {
    try BuiltCommand.withFolder { folder in
      let arguments =
        ["--config", try TinyRun.write(to: folder), "--quiet", "--set", "select.layer=auto"] + Self.terms
        + ["--set", "train.precompute_ref_log_probs=\(precomputes)"] + (precomputes ? [] : Self.lora)
      try run(arguments, in: folder)
      let whole = folder.appendingPathComponent("runs/tiny")
      let steps = try RunMetrics.train(of: whole)
      #expect(steps.count == 8)
      for step in steps {
        #expect(try (0...1).contains(#require(step["attention/chosen"])))
        #expect(try #require(step["attention/penalty"]) >= 0)
        #expect(step["rewards/image_margins"] != nil && step["rewards/corrupted"] != nil)
      }
      let caches = ["reference.h5", "reference-corrupted.h5"].map {
        FileManager.default.fileExists(atPath: whole.appendingPathComponent("train/\($0)").path)
      }
      #expect(caches == [precomputes, precomputes])

      let other = arguments + ["--set", "run.output_dir=killed"]
      let killed = folder.appendingPathComponent("killed")
      let (process, _) = try BuiltCommand.start(other, in: folder)
      for _ in 0..<20_000 where process.isRunning {
        let text =
          (try? String(contentsOf: killed.appendingPathComponent("metrics.jsonl"), encoding: .utf8)) ?? ""
        if text.contains("attention/chosen") { break }
        usleep(2000)
      }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      try run(other, in: folder)
      #expect(try TinyRun.fingerprint(of: killed) == TinyRun.fingerprint(of: whole))
    }
  }

  /// The layer of selection, wherever it comes from, is the one that is trained; another one is another run.
  @Test func theLayerIsSelectionsOrItsOwn() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      func losses(_ name: String, _ settings: [String]) throws -> [Double?] {
        let arguments =
          ["--config", config, "--set", "run.output_dir=\(name)", "--set", "train.attention_weight=0.9"]
          + settings.flatMap { ["--set", $0] }
        for stage in ["sft", "compose", "select", "train"] {
          let call = try BuiltCommand.run([stage] + arguments, in: folder)
          #expect(call.status == 0, "\(call.errors)")
          let layer =
            settings.contains("train.attention_layer=0") || settings.contains("select.layer=0") ? 0 : 1
          if stage == "train" {
            #expect(
              (call.output + call.errors).contains(
                "train: the attention of layer \(layer) takes part in the loss"),
              "\(call.output) \(call.errors)")
          }
        }
        return try RunMetrics.train(of: folder.appendingPathComponent(name)).map { $0["loss"] }
      }
      let usual = try losses("usual", [])
      let own = try losses("own", ["train.attention_layer=1"])
      let first = try losses("first", ["train.attention_layer=0"])
      let selected = try losses("selected", ["select.layer=0"])
      #expect(usual == own && first == selected && usual != first)
    }
  }

  /// Pairs of which nobody knows what they ask about.
  @Test func pairsFromElsewhereAreRefused() throws {
    try BuiltCommand.withFolder { folder in
      let base = ["--config", try TinyRun.write(to: folder), "--quiet"]
      for stage in ["sft", "compose", "select"] { try run([stage] + base, in: folder) }
      let file = folder.appendingPathComponent("runs/tiny/pairs.jsonl")
      let good = try String(contentsOf: file, encoding: .utf8)
      let line = try #require(
        good.split(separator: "\n").first { $0.contains("Image2:<image>") })
      let foreign = line.replacingOccurrences(of: "In Image", with: "In  Image")
        .replacingOccurrences(of: "\"id\": \"", with: "\"id\": \"own-")
      try Data((foreign + "\n" + good).utf8).write(to: file)
      let arguments = ["train"] + base + ["--accept", "pairs.jsonl"]
      let call = try BuiltCommand.run(arguments + ["--set", "train.attention_weight=1"], in: folder)
      #expect(call.status == 1 && call.errors.contains("pairs.jsonl:1: record own-"), "\(call.errors)")
      #expect(call.errors.contains("train.attention_weight needs to know the picture that is asked about"))
      let image = try BuiltCommand.run(arguments + ["--set", "train.image_weight=1"], in: folder)
      #expect(image.status == 1 && image.errors.contains("pairs.jsonl:1: record own-"), "\(image.errors)")
      #expect(image.errors.contains("train.image_weight needs to know which of"))
      let skipping = arguments + Self.terms + ["--set", "run.on_bad_record=skip"]
      let left = try BuiltCommand.run(skipping, in: folder)
      #expect(left.status == 0 && left.errors.contains("left out"), "\(left.errors)")
    }
  }

  @Test func settingsThatContradictEachOther() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      for (settings, complaint) in [
        (
          ["train.attention_weight=1", "select.heads=max"],
          "train.attention_weight: found 1.0 with select.heads max"
        ),
        (["train.image_weight=1", "train.ld_alpha=0.5"], "train.image_weight: found 1.0 with ld_alpha 0.5"),
        (["train.attention_layer=7"], "train.attention_layer: found 7, expected a layer below 2"),
        (["train.attention_layer=auto"], "train.attention_layer"),
        (["train.image_corruption=blur"], "crop, swap, noise"),
        (["train.attention_threshold=1.5"], "a number from 0 to 1"),
        (["train.attention_weight=-1"], "0 or more"),
      ] {
        let call = try BuiltCommand.run(
          ["plan", "--config", config] + settings.flatMap { ["--set", $0] }, in: folder)
        #expect(call.status != 0 && call.errors.contains(complaint), "\(settings): \(call.errors)")
      }
    }
  }
}
