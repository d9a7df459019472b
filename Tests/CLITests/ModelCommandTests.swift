import Checkpoint
import Foundation
import TestSupport
import Testing

/// The commands that work on model directories.
@Suite struct ModelCommandTests {
  private let folder = Fixtures.url("verification")
  private var model: String { folder.appending(component: "llava_tiny").path }

  @Test func verify() throws {
    let call = try BuiltCommand.run("verify", "--golden", folder.path, "--quiet")
    #expect(call.status == 0)
    #expect(call.output.contains(/^\d+ passed, 0 failed\n$/))
    try BuiltCommand.withFolder { copy in
      let broken = copy.appending(component: "golden")
      try FileManager.default.copyItem(at: folder, to: broken)
      try FileManager.default.removeItem(at: broken.appending(component: "lora.h5"))
      let call = try BuiltCommand.run("verify", "--golden", broken.path, "--quiet")
      #expect(call.status == 1)
      #expect(call.output.hasPrefix("FAIL  lora.h5  error infinite  allowed 0  (missing"))
      #expect(call.output.hasSuffix("passed, 1 failed\n"))
      #expect(call.errors.isEmpty)
    }
    let nowhere = try BuiltCommand.run("verify", "--golden", "/nowhere")
    #expect(nowhere.status == 1)
    #expect(nowhere.errors == "error: /nowhere: found no such folder, expected a folder of expected values\n")
  }

  @Test func modelsInTwoFiles() throws {
    func file(_ name: String) -> String { Fixtures.url("gguf_vision/\(name).gguf").path }
    try BuiltCommand.withFolder { scratch in
      for (model, projector, picture) in [
        ("llava/model-q8_0", "llava/mmproj-q8_0", "verification/images/photo.jpg"),
        ("smolvlm/model-f16", "smolvlm/mmproj-q8_0", "smolvlm/images/rgb1_33x58.png"),
      ] {
        var arguments = [
          "generate", "--model", file(model), "--projector", file(projector), "--image",
          Fixtures.url(picture).path, "--prompt", "What?", "--max-new-tokens", "4",
        ]
        if model.hasPrefix("llava") { arguments += ["--template", "plain"] }
        let call = try BuiltCommand.run(arguments)
        #expect(call.status == 0, "\(call.errors)")
        #expect(call.errors.contains("is not in the file"))
        let target = scratch.appending(component: String(model.prefix(5))).path
        let export = try BuiltCommand.run(
          "export", "--model", file(model), "--projector", file(projector), "--format", "hf", "--output",
          target)
        #expect(export.status == 0, "\(export.errors)")
        arguments.replaceSubrange(2..<5, with: [target])
        let again = try BuiltCommand.run(arguments)
        #expect(again.output == call.output, "\(again.errors)")
      }
    }
    let several = try BuiltCommand.run("generate", "--model", file("llava/model-f32"), "--prompt", "x")
    #expect(several.status == 1)
    #expect(several.errors.contains("mmproj-f32.gguf, mmproj-q8_0.gguf (2 projectors for model-f32.gguf"))
  }

  @Test func generate() throws {
    try BuiltCommand.withFolder { scratch in
      let drawing = scratch.appending(component: "attention.png")
      let pictures = ["photo.jpg", "rgba.png"].map { folder.appending(path: "images/\($0)").path }
      let arguments = [
        "generate", "--model", model, "--image", pictures[0], "--image", pictures[1], "--prompt",
        "What is this?",
        "--template", "plain", "--max-new-tokens", "6",
      ]
      let call = try BuiltCommand.run(arguments + ["--attention", drawing.path])
      #expect(call.status == 0, "\(call.errors)")
      #expect(call.output.hasSuffix("\n"))
      #expect(try Data(contentsOf: drawing).prefix(4) == Data([0x89, 0x50, 0x4E, 0x47]))
      #expect(try BuiltCommand.run(arguments).output == call.output)
      let adapted = try BuiltCommand.run(
        arguments + ["--adapter", folder.appending(component: "lora").path])
      #expect(adapted.status == 0, "\(adapted.errors)")
      let marks = try BuiltCommand.run(
        "generate", "--model", model, "--image", pictures[0], "--prompt", "<image><image> Compare.")
      #expect(marks.status == 1)
      #expect(marks.errors.contains("found 2 <image> marks, expected 1, one per image"))
      let long = try BuiltCommand.run(
        "generate", "--model", model, "--image", pictures[0], "--prompt", "x", "--max-new-tokens", "4000")
      #expect(long.status == 1)
      #expect(long.errors.contains("(the context length)"))
    }
    let usage = try BuiltCommand.run("generate", "--model", model, "--prompt", "x", "--template", "alpaca")
    #expect(usage.status == 2)
    #expect(
      usage.errors.contains("found alpaca, expected one of vicuna_v1, llava_v0, plain, chatml, smolvlm"))
  }

  @Test func export() throws {
    try BuiltCommand.withFolder { scratch in
      let adapter = folder.appending(component: "lora").path
      for (format, files) in [
        ("hf", ["config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.model"]),
        ("merged", ["config.json", "model.safetensors", "processor_config.json", "chat_template.jinja"]),
        ("peft", ["adapter_config.json", "adapter_model.safetensors"]),
      ] {
        let target = scratch.appending(component: format)
        var arguments = ["export", "--model", model, "--format", format, "--output", target.path]
        if format != "hf" { arguments += ["--adapter", adapter] }
        let call = try BuiltCommand.run(arguments)
        #expect(call.status == 0, "\(call.errors)")
        for file in files {
          #expect(FileManager.default.fileExists(atPath: target.appending(component: file).path), "\(file)")
        }
        let again = try BuiltCommand.run(arguments)
        #expect(again.status == 1)
        #expect(again.errors.contains("expected an absent or empty directory"))
      }
      let weights = scratch.appending(path: "hf/model.safetensors").path
      let (h5, back) = (
        scratch.appending(component: "a.h5").path, scratch.appending(component: "b.safetensors").path
      )
      #expect(try BuiltCommand.run("convert", weights, h5).status == 0)
      #expect(try BuiltCommand.run("convert", h5, back).status == 0)
      #expect(try Data(contentsOf: URL(filePath: weights)) == Data(contentsOf: URL(filePath: back)))
    }
    #expect(
      try BuiltCommand.run("export", "--model", model, "--format", "peft", "--output", "x").status == 2)
  }

  @Test func recordsAreConverted() throws {
    try BuiltCommand.withFolder { folder in
      let (list, lines) = (folder.appending(component: "a.json"), folder.appending(component: "b.jsonl"))
      let record =
        #"{"id": 1, "image": "a", "prompt": "<image-placeholder>\nÖ", "chosen": "x", "rejected": "y", "s": 1.50}"#
      try Data("[\(record)]".utf8).write(to: list)
      let call = try BuiltCommand.run("convert", list.path, lines.path, "--mark", "image")
      #expect(call.status == 0, "\(call.errors)")
      let written = try String(contentsOf: lines, encoding: .utf8)
      #expect(written == record.replacingOccurrences(of: "-placeholder", with: "") + "\n")
      #expect(try BuiltCommand.run("convert", list.path, "a.h5").status == 2)
      #expect(try BuiltCommand.run("convert", "a.h5", "b.safetensors", "--mark", "image").status == 2)
    }
  }

  /// A run's checkpoint: the adapter is written as it is, and what was trained beside it is never left out in
  /// silence.
  @Test func exportFromACheckpoint() throws {
    try BuiltCommand.withFolder { scratch in
      let configuration = try TinyRun.write(to: scratch)
      func checkpoint(_ name: String, _ settings: String...) throws -> (base: String, file: String) {
        let run = scratch.appending(component: name)
        let options = (["run.output_dir=\(run.path)"] + settings).flatMap { ["--set", $0] }
        let call = try BuiltCommand.run(["--config", configuration, "--quiet"] + options)
        #expect(call.status == 0, "\(call.errors)")
        return (run.appending(path: "sft/model").path, run.appending(path: "checkpoints/step-8.h5").path)
      }
      func export(_ run: (base: String, file: String), _ format: String) throws -> (URL, BuiltCommand) {
        let target = scratch.appending(component: UUID().uuidString)
        return (
          target,
          try BuiltCommand.run(
            "export", "--model", run.base, "--adapter", run.file, "--format", format, "--output", target.path)
        )
      }
      let adapters = try checkpoint("adapters", "train.adapter=lora", "train.train_projector=false")
      let (peft, written) = try export(adapters, "peft")
      #expect(written.status == 0, "\(written.errors)")
      let (merged, _) = try export(adapters, "merged")
      let again = scratch.appending(component: "again").path
      let call = try BuiltCommand.run(
        "export", "--model", adapters.base, "--adapter", peft.path, "--format", "merged", "--output", again)
      #expect(call.status == 0, "\(call.errors)")
      func weights(_ folder: String) throws -> Data {
        try Data(contentsOf: URL(filePath: folder).appending(component: "model.safetensors"))
      }
      #expect(try weights(merged.path) == weights(again))

      // The checkpoint has what was trained and says on which model.
      let held = try TrainingCheckpoint(reading: URL(filePath: adapters.file))
      #expect(held.model.count == 2 * 14 && held.model.allSatisfy { $0.name.contains(".lora_") })
      #expect(held.baseHash.count == 64)
      let stranger = try export(
        (peft.deletingLastPathComponent().appending(component: "again").path, adapters.file), "merged"
      ).1
      #expect(stranger.status == 1)
      #expect(stranger.errors.contains("base_hash: found parameters of the base model `\(held.baseHash)`"))
      // As earlier versions wrote it, with every parameter and without the hash.
      let older = scratch.appending(component: "older.h5")
      var all = held
      all.baseHash = ""
      let base = try SafeTensorsFile(
        reading: URL(filePath: adapters.base).appending(component: "model.safetensors"))
      all.model += try base.tensors()
      try all.write(to: older)
      let (old, reading) = try export((adapters.base, older.path), "merged")
      #expect(reading.status == 0, "\(reading.errors)")
      #expect(try weights(old.path) == weights(again))

      let projector = try checkpoint("projector", "train.adapter=lora", "train.train_projector=true")
      let refused = try export(projector, "peft").1
      #expect(refused.status == 1)
      #expect(refused.errors.contains("4 parameters beside the adapters that differ from \(projector.base)"))
      #expect(refused.errors.contains("--format merged writes everything"))
      let (everything, complete) = try export(projector, "merged")
      #expect(complete.status == 0, "\(complete.errors)")
      let trained = URL(filePath: projector.base).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "train/model").path
      #expect(try weights(everything.path) == weights(trained))

      let full = try checkpoint("full", "train.adapter=none")
      let none = try export(full, "merged").1
      #expect(none.status == 1)
      #expect(none.errors.contains("no lora_A or lora_B among them"))
    }
  }

  @Test func trainTokenizer() throws {
    try BuiltCommand.withFolder { scratch in
      let output = scratch.appending(component: "tokenizer.model").path
      let call = try BuiltCommand.run(
        "tokenizer", "--vocab-size", "376", "--output", output, Fixtures.url("golden/corpus.txt").path)
      #expect(call.status == 0, "\(call.errors)")
      #expect(call.output == "\(output): 376 pieces from 30 lines\n")
      let missing = try BuiltCommand.run(
        "tokenizer", "--vocab-size", "376", "--output", output, "/nowhere/text")
      #expect(missing.status == 1)
      #expect(missing.errors.contains("/nowhere/text: found nothing readable"))
    }
  }
}
