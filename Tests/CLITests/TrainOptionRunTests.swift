import Foundation
import LVLM
import MultiImageData
import Testing

/// A tiny model and twelve pairs about squares, a third of them with two pictures.
enum PairsToTrainOn {
  static let model = BuiltCommand.packageRoot
    .appendingPathComponent("Tests/Fixtures/verification/llava_tiny").path

  /// A folder with `pairs.jsonl` and `pictures`.
  static func withFolder(_ body: (URL) throws -> Void) throws {
    try BuiltCommand.withFolder { folder in
      let pictures = folder.appendingPathComponent("pictures")
      try FileManager.default.createDirectory(at: pictures, withIntermediateDirectories: true)
      for shade in 0..<4 {
        var pixels: [UInt8] = []
        for place in 0..<120 { pixels += [UInt8(60 * shade), UInt8(place % 12 * 9), UInt8(place / 12 * 11)] }
        try RGBImage(width: 12, height: 10, pixels: pixels)
          .writePNG(to: pictures.appendingPathComponent("a\(shade).png").path)
      }
      let pairs = (0..<12).map { index in
        let images = index % 3 == 0 ? ["a\(index % 4).png", "a3.png"] : ["a\(index % 4).png"]
        let marks = String(repeating: "<image>\n", count: images.count)
        return PreferencePair(
          id: "p\(index)", images: images, prompt: "\(marks)What is number \(index)?", chosen: "a red dog",
          rejected: "two cats \(index)")
      }
      try PreferencePairFile.write(pairs, to: folder.appendingPathComponent("pairs.jsonl").path)
      try body(folder)
    }
  }

  /// `dpotrain dpo` for a few steps.
  static func arguments(_ more: [String], to output: String) -> [String] {
    [
      "dpo", "--model", model, "--pairs", "pairs.jsonl", "--images", "pictures", "--output-dir", output,
      "--set", "train.max_steps=6", "--set", "train.per_device_train_batch_size=4", "--set",
      "train.save_steps=2", "--set", "train.logging_steps=1", "--set", "train.learning_rate=0.01",
      // Its context is too short for the system message of another template.
      "--set", "tokenizer.template=plain",
    ] + more
  }

  static func weights(_ run: URL) throws -> Data {
    try Data(contentsOf: run.appendingPathComponent("train/model/model.safetensors"))
  }
}

/// What training does with options about adapters, optimizers and the reference.
@Suite struct TrainOptionRunTests {
  /// Products in bfloat16 are told with their instructions and train alike; without instructions that is
  /// told, and the bytes are those of Float32.
  @Test func productsInBFloat16() throws {
    try PairsToTrainOn.withFolder { folder in
      func run(_ name: String, _ more: [String] = []) throws -> (errors: String, losses: [Double]) {
        let call = try BuiltCommand.run(PairsToTrainOn.arguments(more, to: name), in: folder)
        #expect(call.status == 0, "\(name): \(call.errors)")
        let url = folder.appendingPathComponent("\(name)/metrics.jsonl")
        let rows = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map {
          try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        return (call.output + call.errors, rows.compactMap { $0["loss"] as? Double })
      }
      let exact = try run("exact")
      let rounded = try run("rounded", ["--set", "train.bf16=true"])
      #expect(!exact.errors.contains("bfloat16"))
      let isComputed = rounded.errors.contains("train: large products in bfloat16 (A")
      let isAbsent = rounded.errors.contains("train.bf16: this processor has no products in bfloat16")
      #expect(isComputed != isAbsent, "\(rounded.errors)")
      #expect(exact.losses.count == 6 && rounded.losses.count == 6)
      for (one, other) in zip(exact.losses, rounded.losses) { #expect(abs(one - other) <= 0.02 * abs(one)) }
      let weights = try ["exact", "rounded"].map {
        try PairsToTrainOn.weights(folder.appendingPathComponent($0))
      }
      #expect((weights[0] == weights[1]) == isAbsent)
    }
  }

  /// Adapters with all that can be set about them: the same after a kill, and scaled as they say.
  @Test func adaptersOfEveryKindEndTheSame() throws {
    try PairsToTrainOn.withFolder { folder in
      func run(_ name: String, _ keys: [String]) throws -> Data {
        let call = try BuiltCommand.run(
          PairsToTrainOn.arguments(["--quiet"] + keys.flatMap { ["--set", "train.\($0)"] }, to: name),
          in: folder)
        #expect(call.status == 0, "\(name): \(call.errors)")
        return try PairsToTrainOn.weights(folder.appendingPathComponent(name))
      }
      let plain = try run("plain", ["lora_r=4", "lora_alpha=16"])
      #expect(try run("root", ["lora_r=4", "lora_alpha=8", "use_rslora=true"]) == plain)
      for (index, key) in ["use_dora=true", "lora_dropout=0.3", "loraplus_lr_ratio=16"].enumerated() {
        #expect(try run("one-\(index)", ["lora_r=4", "lora_alpha=16", key]) != plain, "\(key)")
      }
      #expect(try run("averaged", ["lora_r=4", "lora_alpha=16", "ema_decay=0.9"]) != plain)
      let all = [
        "ema_decay=0.95", "lora_r=4", "use_rslora=true", "use_dora=true", "lora_dropout=0.3",
        "loraplus_lr_ratio=4",
        "train_projector=true", "projector_learning_rate=1e-3", "optim=rmsprop", "max_steps=200",
        "lr_scheduler_type=cosine_with_restarts", "lr_scheduler_kwargs.num_cycles=2",
        "loss_type=[sigmoid, hinge]", "loss_weights=[0.8, 0.2]",
      ]
      let whole = try run("whole", all)
      let (process, _) = try BuiltCommand.start(
        PairsToTrainOn.arguments(["--quiet"] + all.flatMap { ["--set", "train.\($0)"] }, to: "killed"),
        in: folder)
      let metrics = folder.appendingPathComponent("killed/metrics.jsonl")
      for _ in 0..<5000 where process.isRunning {
        let text = (try? String(contentsOf: metrics, encoding: .utf8)) ?? ""
        if text.contains("\"step\": 5,") { break }
        usleep(1000)
      }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      #expect(try run("killed", all) == whole)
      // Blocks that are computed again change no byte, dropout and all, and nothing is made again for them.
      #expect(try run("again", all + ["gradient_checkpointing=true"]) == whole)
      let same = try BuiltCommand.run(
        PairsToTrainOn.arguments(
          (all + ["gradient_checkpointing=true"]).flatMap { ["--set", "train.\($0)"] }, to: "whole"),
        in: folder)
      #expect(same.status == 0 && same.output.contains("train: done before"), "\(same.errors)")
    }
  }

  /// A checkpoint with an average gives its own weights; the run left the average.
  @Test func theWeightsThemselvesAreInTheCheckpoints() throws {
    try PairsToTrainOn.withFolder { folder in
      func run(_ name: String, _ keys: [String]) throws {
        let call = try BuiltCommand.run(
          PairsToTrainOn.arguments(["--quiet"] + keys.flatMap { ["--set", "train.\($0)"] }, to: name),
          in: folder)
        #expect(call.status == 0, "\(name): \(call.errors)")
      }
      try run("plain", ["adapter=lora", "train_projector=false"])
      try run("averaged", ["adapter=lora", "train_projector=false", "ema_decay=0.9"])
      for name in ["plain", "averaged"] {
        let call = try BuiltCommand.run(
          "export", "--model", PairsToTrainOn.model, "--adapter", "\(name)/checkpoints/step-6.h5",
          "--format", "peft", "--output", "\(name)-adapter", in: folder)
        #expect(call.status == 0, "\(call.errors)")
      }
      func adapter(_ name: String) throws -> Data {
        try Data(contentsOf: folder.appendingPathComponent("\(name)-adapter/adapter_model.safetensors"))
      }
      #expect(try adapter("averaged") == adapter("plain"))
      let (plain, averaged) = (
        try PairsToTrainOn.weights(folder.appendingPathComponent("plain")),
        try PairsToTrainOn.weights(folder.appendingPathComponent("averaged"))
      )
      #expect(plain != averaged)
    }
  }

  @Test func aReferenceThatFollows() throws {
    try PairsToTrainOn.withFolder { folder in
      func run(_ name: String, _ keys: [String]) throws -> Data {
        let given = ["adapter=none", "precompute_ref_log_probs=false"] + keys
        let call = try BuiltCommand.run(
          PairsToTrainOn.arguments(["--quiet"] + given.flatMap { ["--set", "train.\($0)"] }, to: name),
          in: folder)
        #expect(call.status == 0, "\(name): \(call.errors)")
        return try PairsToTrainOn.weights(folder.appendingPathComponent(name))
      }
      let (follows, every) = ("sync_ref_model=true", "ref_model_sync_steps=2")
      let fixed = try run("fixed", [])
      #expect(try run("still", [follows, every, "ref_model_mixup_alpha=0"]) == fixed)
      #expect(try run("late", [follows]) == fixed)
      let moved = try run("moved", [follows, every])
      #expect(moved != fixed)
      #expect(try run("features", [follows, every, "train_projector=true"]) != moved)
    }
  }
}
