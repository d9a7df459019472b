import Checkpoint
import Foundation
import LVLM
import TestSupport
import Testing

/// `dpotrain export`, and the ways to say which model is meant.
@Suite struct ExportCommandTests {
  private let folder = Fixtures.url("verification")
  private var model: String { folder.appending(component: "llava_tiny").path }

  private func export(
    _ model: String, _ format: String, to target: URL, _ others: String...
  ) throws -> BuiltCommand {
    try BuiltCommand.run(
      ["export", "--model", model, "--format", format, "--output", target.path] + others)
  }

  private func names(_ folder: URL) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
  }

  private func json(_ url: URL) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
  }

  /// Every family in every format: what is written, or the words with which it is refused.
  @Test func familiesAndFormats() throws {
    let adapter = folder.appending(component: "lora").path
    let gguf = Fixtures.url("gguf_vision/smolvlm/model-f16.gguf").path
    let projector = ["--projector", Fixtures.url("gguf_vision/smolvlm/mmproj-f32.gguf").path]
    func fixture(_ name: String) -> String { Fixtures.url(name).path }
    let rows: [(model: String, format: String, others: [String], expected: String)] = [
      (model, "hf", [], "README.md"), (model, "merged", ["--adapter", adapter], "model.safetensors"),
      (model, "peft", ["--adapter", adapter], "adapter_model.safetensors"),
      (model, "gguf", [], "model-F32.gguf"), (model, "gguf", ["--adapter", adapter], "mmproj-F32.gguf"),
      (model, "gguf", ["--dtype", "q8_0"], "model-Q8_0.gguf"),
      (model, "gguf-lora", ["--adapter", adapter], "adapter-F32.gguf"),
      (fixture("smolvlm"), "hf", [], "processor_config.json"),
      (fixture("smolvlm"), "gguf", ["--dtype", "float16"], "mmproj-F16.gguf"),
      (gguf, "hf", projector, "README.md"), (gguf, "gguf", projector, "mmproj-F32.gguf"),
      (fixture("onevision"), "hf", [], "README.md"),
      (fixture("onevision"), "gguf", [], "error: clip.projector_type: found the LLaVA-OneVision family"),
      (fixture("xcomposer/model"), "hf", [], "README.md"),
      (
        fixture("xcomposer/model"), "gguf", [],
        "error: text_config.model_type: found \"internlm2\" with partial LoRA"
      ),
      (
        model, "gguf-lora", ["--adapter", fixture("adapters/wild/dora")],
        "error: DoRA, which llama.cpp does not compute"
      ),
    ]
    try BuiltCommand.withFolder { scratch in
      for (index, row) in rows.enumerated() {
        let target = scratch.appending(component: "\(index)")
        let call = try BuiltCommand.run(
          ["export", "--model", row.model, "--format", row.format, "--output", target.path] + row.others)
        let name = "\(row.model) \(row.format)"
        guard row.expected.hasPrefix("error: ") else {
          #expect(call.status == 0, "\(name): \(call.errors)")
          #expect(names(target).contains(row.expected), "\(name): \(names(target))")
          #expect(!names(target).contains { $0.hasPrefix(".") })
          continue
        }
        #expect(call.status == 1, "\(name)")
        #expect(call.errors.contains(row.expected.dropFirst(7)), "\(name): \(call.errors)")
        #expect(!FileManager.default.fileExists(atPath: target.path), "\(name)")
      }
    }
  }

  @Test func wrongUse() throws {
    try BuiltCommand.withFolder { scratch in
      let target = scratch.appending(component: "out")
      let rows: [([String], Int32, String)] = [
        (["--format", "gguf-lora"], 2, "--format gguf-lora needs --adapter"),
        (["--format", "hf", "--dtype", "q8_0"], 2, "--dtype q8_0 needs --format gguf"),
        (["--format", "gguf", "--base-name", "x"], 2, "--base-name belongs to --format peft"),
        (["--format", "gguf", "--dtype", "q5_1"], 2, "q5_1"),
      ]
      for (arguments, status, words) in rows {
        let call = try BuiltCommand.run(["export", "--model", model, "--output", target.path] + arguments)
        #expect(call.status == status && call.errors.contains(words), "\(call.errors)")
      }
      try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
      try Data("x".utf8).write(to: target.appending(component: "mine"))
      let call = try export(model, "gguf", to: target)
      #expect(call.status == 1 && call.errors.contains("expected an absent or empty directory"))
      #expect(names(target) == ["mine"])
      let nowhere = try export(model, "gguf", to: scratch.appending(path: "mine/x"))
      #expect(nowhere.status == 0, "\(nowhere.errors)")
    }
  }

  @Test func shards() throws {
    try BuiltCommand.withFolder { scratch in
      let target = scratch.appending(component: "shards")
      let call = try export(model, "hf", to: target, "--max-shard-size", "20KB")
      #expect(call.status == 0, "\(call.errors)")
      // The weights of the shards are those of one file.
      let (whole, again) = (scratch.appending(component: "whole"), scratch.appending(component: "again"))
      #expect(try export(model, "hf", to: whole).status == 0)
      #expect(try export(target.path, "hf", to: again).status == 0)
      let weights = try [whole, again].map {
        try Data(contentsOf: $0.appending(component: "model.safetensors"))
      }
      #expect(weights[0] == weights[1])
      let shards = names(target).filter { $0.hasSuffix(".safetensors") }
      #expect(shards.count > 2 && shards[0].hasPrefix("model-00001-of-"))
      let map = try #require(
        json(target.appending(component: "model.safetensors.index.json"))["weight_map"] as? [String: String])
      #expect(Set(map.values) == Set(shards))
      for shard in shards {
        let url = target.appending(component: shard)
        let held = try SafeTensorsFile(reading: url).names
        #expect(Set(held) == Set(map.filter { $0.value == shard }.keys))
        let size = try Data(contentsOf: url).count
        #expect(held.count == 1 || size < 30_000)
      }
      #expect(try PretrainedModel.load(from: target).template == PretrainedModel.load(from: again).template)
    }
  }

  /// The base of an adapter is a way to it or a name, never a place on this machine.
  @Test func theBaseOfAnAdapter() throws {
    try BuiltCommand.withFolder { scratch in
      let base = scratch.appending(component: "base")
      try FileManager.default.copyItem(atPath: model, toPath: base.path)
      let adapter = folder.appending(component: "lora").path
      for (place, others, expected) in [
        ("a", [], "../base"), ("deep/b", [], "../../base"),
        ("c", ["--base-name", "llava-hf/tiny"], "llava-hf/tiny"),
      ] as [(String, [String], String)] {
        let target = scratch.appending(path: place)
        let call = try BuiltCommand.run(
          [
            "export", "--model", base.path, "--adapter", adapter, "--format", "peft", "--output", target.path,
          ] + others)
        #expect(call.status == 0, "\(call.errors)")
        let keys = try json(target.appending(component: "adapter_config.json"))
        #expect(keys["base_model_name_or_path"] as? String == expected)
        let text = try String(
          contentsOf: target.appending(component: "adapter_config.json"), encoding: .utf8)
        #expect(!text.contains(scratch.path))
      }
    }
  }

  /// A run directory stands for what came out of it, for every command; a checkpoint for the model it makes.
  @Test func runsAndCheckpoints() throws {
    try BuiltCommand.withFolder { scratch in
      let configuration = try TinyRun.write(to: scratch)
      func run(_ name: String, _ settings: String...) throws -> URL {
        let run = scratch.appending(component: name)
        let options = (["run.output_dir=\(run.path)"] + settings).flatMap { ["--set", $0] }
        let call = try BuiltCommand.run(["--config", configuration, "--quiet"] + options)
        #expect(call.status == 0, "\(call.errors)")
        return run
      }
      func answer(_ model: URL, _ others: String...) throws -> BuiltCommand {
        try BuiltCommand.run(
          [
            "generate", "--model", model.path, "--prompt", "what shape is in the image?", "--max-new-tokens",
            "4",
          ] + others)
      }
      let adapters = try run("adapters", "train.adapter=lora", "train.train_projector=false")
      let trained = try answer(adapters.appending(path: "train/model"))
      #expect(trained.status == 0 && trained.errors.isEmpty, "\(trained.errors)")
      let whole = try answer(adapters)
      #expect(whole.output == trained.output)
      #expect(whole.errors.contains("its model is train/model"), "\(whole.errors)")
      let step = adapters.appending(path: "checkpoints/step-8.h5")
      for call in [
        try answer(step), try answer(adapters, "--adapter", step.path),
        try answer(adapters.appending(path: "sft/model"), "--adapter", step.path),
      ] {
        #expect(call.status == 0, "\(call.errors)")
        #expect(call.output == trained.output)
      }
      #expect(try answer(step, "--adapter", step.path).errors.contains("a checkpoint beside --adapter"))

      // The card has the run's table, and the model is that of the run.
      let target = scratch.appending(component: "out")
      let call = try export(adapters.path, "hf", to: target, "--name", "my-model")
      #expect(call.status == 0, "\(call.errors)")
      let card = try String(contentsOf: target.appending(component: "README.md"), encoding: .utf8)
      #expect(card.hasPrefix("---\nlibrary_name: transformers\npipeline_tag: image-text-to-text\n"))
      #expect(card.contains("# my-model\n") && card.contains("from_pretrained(\"my-model\")"))
      #expect(card.contains("## What the run measured") && card.contains("| "), "\(card)")
      #expect(!card.contains(scratch.path))
      #expect(try answer(target).output == trained.output)
      let base = scratch.appending(component: "base")
      _ = try export(adapters.appending(path: "sft/model").path, "hf", to: base)
      let other = try String(contentsOf: base.appending(component: "README.md"), encoding: .utf8)
      #expect(!other.contains("measured"))
      let lora = try export(step.path, "gguf-lora", to: scratch.appending(component: "lora"))
      #expect(lora.status == 0, "\(lora.errors)")

      // Training that is not finished: the newest checkpoint, of adapters or of the weights themselves.
      let full = try run("full", "train.adapter=none")
      let finished = try answer(full.appending(path: "train/model"))
      try FileManager.default.removeItem(at: full.appending(path: "train/model"))
      let stopped = try answer(full)
      #expect(stopped.output == finished.output, "\(stopped.errors)")
      #expect(stopped.errors.contains("its training is not finished; its newest checkpoint is of step 8"))
      try FileManager.default.removeItem(at: full.appending(component: "checkpoints"))
      let untrained = try answer(full)
      #expect(untrained.status == 0)
      #expect(untrained.errors.contains("nothing is trained yet; its base model is"))
      try FileManager.default.removeItem(at: full.appending(component: "sft"))
      let none = try answer(full)
      #expect(none.status == 1 && none.errors.contains("the model that the run began with"), "\(none.errors)")
      let outside = scratch.appending(component: "step-8.h5")
      try FileManager.default.copyItem(at: step, to: outside)
      #expect(try answer(outside).errors.contains("a checkpoint outside a run's folder checkpoints"))
    }
  }

  /// What a run trained, in transformers with its own processor: the same answer to a question about two
  /// pictures, and llama.cpp's files of it.
  @Test(
    .enabled(
      if: PeerPython.has("transformers", "torch", "PIL", "gguf"),
      "needs a Python with torch, transformers, Pillow and gguf; set PEER_PYTHON"))
  func aRunInOtherPrograms() throws {
    let script = """
      import sys, gguf, torch
      from PIL import Image
      from transformers import AutoProcessor, AutoModelForImageTextToText
      d, files, pictures = sys.argv[1], sys.argv[2:4], [Image.open(x) for x in sys.argv[4:]]
      p = AutoProcessor.from_pretrained(d)
      m = AutoModelForImageTextToText.from_pretrained(d, dtype="auto").eval()
      content = [{"type": "image"}, {"type": "image"}, {"type": "text", "text": "what shape is in the second image?"}]
      prompt = p.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
      inputs = p(text=prompt, images=pictures, return_tensors="pt")
      with torch.no_grad():
          out = m.generate(**inputs, max_new_tokens=6, do_sample=False)
      kinds = [gguf.GGUFReader(f).fields["general.type"].contents() for f in files]
      print("found", kinds, p.decode(out[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True).strip())
      """
    try BuiltCommand.withFolder { scratch in
      let configuration = try TinyRun.write(to: scratch)
      let run = scratch.appending(component: "run")
      let made = try BuiltCommand.run(
        "--config", configuration, "--quiet", "--set", "run.output_dir=\(run.path)")
      #expect(made.status == 0, "\(made.errors)")
      let (hf, gguf) = (scratch.appending(component: "hf"), scratch.appending(component: "gguf"))
      #expect(try export(run.path, "hf", to: hf).status == 0)
      let written = try export(run.path, "gguf", to: gguf, "--dtype", "q8_0")
      #expect(written.status == 0, "\(written.errors)")
      let pictures = try [RGBColour(200, 30, 30), RGBColour(20, 40, 220)].enumerated().map { index, colour in
        let path = scratch.appending(component: "\(index).png").path
        try RGBImage(width: 36, height: 36, colour: colour).writePNG(to: path)
        return path
      }
      let own = try BuiltCommand.run(
        [
          "generate", "--model", hf.path, "--prompt", "what shape is in the second image?",
          "--max-new-tokens", "6",
        ] + pictures.flatMap { ["--image", $0] })
      let files = names(gguf).reversed().map { gguf.appending(component: $0).path }
      let output = try PeerPython.run(script, [hf.path] + files + pictures)
      let found = output.text.split(separator: "\n").last.map(String.init)
      let answer = own.output.trimmingCharacters(in: .whitespacesAndNewlines)
      #expect(found == "found ['model', 'mmproj'] \(answer)", "\(output.text)")
    }
  }
}
