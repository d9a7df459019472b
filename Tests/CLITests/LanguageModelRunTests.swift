import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// A run on a given language model: a tiny GGUF file in the place of SmolLM2.
@Suite struct LanguageModelRunTests {
  /// The configuration of ``TinyRun`` with the decoder and vocabulary of `tiny.gguf`, whose context is made
  /// longer.
  private func write(to folder: URL) throws -> String {
    var bytes = try Data(contentsOf: Fixtures.url("tokenizers/tiny.gguf"))
    let key = try #require(bytes.range(of: Data("llama.context_length".utf8)))
    bytes.replaceSubrange(key.upperBound + 4..<key.upperBound + 8, with: [0, 4, 0, 0])
    try bytes.write(to: folder.appendingPathComponent("tiny.gguf"))
    let lines = TinyRun.yaml.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex { $0.hasPrefix("  text_config") })
    let end = try #require(lines.firstIndex { $0.hasPrefix("sft:") })
    var yaml = (lines[..<start] + ["  language_model: tiny.gguf"] + lines[end...]).joined(separator: "\n")
    yaml.replace("tokenizer: {vocab_size: 384}", with: "tokenizer: {template: chatml}")
    yaml.replace("  max_steps: 12\n", with: "  max_steps: 12\n  train_decoder: false\n")
    // A decoder of random weights has said something readable with these.
    yaml.replace("source: shapes\n", with: "source: shapes\n  answers: words\n  describe_share: 0\n")
    yaml.replace("train:\n", with: "train:\n  adapter: lora\n  lora_r: 2\n")
    let file = folder.appendingPathComponent("tiny.yaml")
    try Data(yaml.utf8).write(to: file)
    return file.path
  }

  private func decoder(_ model: LlavaModel) -> [String: [Float]] {
    Dictionary(
      uniqueKeysWithValues: model.decoder.namedParameters().map {
        ($0.name, $0.parameter.tensor.array(of: Float.self))
      })
  }

  @Test func theLanguageModelStaysAsItCame() throws {
    try BuiltCommand.withFolder { folder in
      let call = try BuiltCommand.run("--config", try write(to: folder), in: folder)
      #expect(call.status == 0, "\(call.errors)")
      let run = folder.appendingPathComponent("runs/tiny")
      let given = decoder(
        try PretrainedModel.load(from: folder.appendingPathComponent("tiny.gguf")).model)
      let base = try PretrainedModel.load(from: run.appendingPathComponent("sft/model"))
      #expect(decoder(base.model) == given)
      // The vocabulary came along: the directory stands by itself.
      #expect(base.template == .chatML)
      let text = "In Image2, what color is the 12th shape?"
      let tokenizer = try Tokenizer(contentsOf: folder.appendingPathComponent("tiny.gguf"))
      #expect(try base.tokenizer.encode(text) == tokenizer.encode(text))
      #expect(base.tokenizer.imageID == tokenizer.imageID && base.tokenizer.eosID == tokenizer.eosID)
      #expect(base.tokenizer.vocabularySize == tokenizer.vocabularySize)

      // Adapters learn beside it: the checkpoint has what learns, and nothing of the file's weights.
      let held = try TrainingCheckpoint.readModel(run.appendingPathComponent("checkpoints/step-8.h5"))
      #expect(held.contains { $0.name.contains(".lora_") })
      for name in given.keys { #expect(!held.contains { $0.name == "language_model.\(name)" }, "\(name)") }
      let trained = decoder(try PretrainedModel.load(from: run.appendingPathComponent("train/model")).model)
      #expect(trained["model.embed_tokens.weight"] == given["model.embed_tokens.weight"])
      #expect(trained["model.layers.0.mlp.up_proj.weight"] != given["model.layers.0.mlp.up_proj.weight"])

      // Vision tower and projector did learn in the first stage; the tower can stay as its own training left
      // it.
      func sft(_ steps: Int, trainsVision: Bool) throws -> [String: [Float]] {
        let name = "sft-\(steps)-\(trainsVision)"
        let call = try BuiltCommand.run(
          "sft", "--config", folder.appendingPathComponent("tiny.yaml").path, "--set",
          "sft.max_steps=\(steps)",
          "--set", "sft.train_vision=\(trainsVision)", "--set", "run.output_dir=\(name)", "--quiet",
          in: folder)
        #expect(call.status == 0, "\(call.errors)")
        let model = try PretrainedModel.load(from: folder.appendingPathComponent(name + "/sft/model")).model
        return Dictionary(
          uniqueKeysWithValues: model.namedParameters().map {
            ($0.name, $0.parameter.tensor.array(of: Float.self))
          }
        )
      }
      let (one, both, frozen) = try (
        sft(1, trainsVision: true), sft(3, trainsVision: true), sft(3, trainsVision: false)
      )
      let (tower, projector) = (
        "vision_tower.embeddings.patch_embedding.weight", "multi_modal_projector.linear_2.weight"
      )
      #expect(one[tower] != nil && both[tower] != one[tower] && both[projector] != one[projector])
      #expect(frozen[tower] != both[tower] && frozen[projector] != one[projector])
      #expect(try sft(1, trainsVision: false)[tower] == frozen[tower])
      for (name, values) in given { #expect(both["language_model." + name] == values, "\(name)") }
    }
  }

  @Test func aKilledRunEndsUpTheSame() throws {
    try BuiltCommand.withFolder { folder in
      let config = try write(to: folder)
      #expect(try BuiltCommand.run("--config", config, "--quiet", in: folder).status == 0)
      let run = folder.appendingPathComponent("killed")
      let arguments = ["--config", config, "--quiet", "--set", "run.output_dir=killed"]
      for stage in ["sft", "train"] {
        let (process, _) = try BuiltCommand.start(arguments, in: folder)
        let metrics = run.appendingPathComponent("metrics.jsonl")
        for _ in 0..<20_000 where process.isRunning {
          let text = (try? String(contentsOf: metrics, encoding: .utf8)) ?? ""
          if text.contains("\"stage\": \"\(stage)\"") { break }
          usleep(2000)
        }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
      }
      let last = try BuiltCommand.run(arguments, in: folder)
      #expect(last.status == 0, "\(last.errors)")
      let whole = try TinyRun.fingerprint(of: folder.appendingPathComponent("runs/tiny"))
      #expect(try TinyRun.fingerprint(of: run) == whole)
    }
  }

  @Test func filesThatAreNoLanguageModel() throws {
    try BuiltCommand.withFolder { folder in
      let config = try write(to: folder)
      let file = folder.appendingPathComponent("tiny.gguf")
      let whole = try Data(contentsOf: file)
      func complaint() throws -> String {
        let call = try BuiltCommand.run("--config", config, "--quiet", "--fresh", in: folder)
        #expect(call.status == 1)
        return call.errors
      }
      try FileManager.default.removeItem(at: file)
      #expect(
        try complaint()
          == "error: tiny.gguf: no such file (model.language_model); scripts/smollm2 downloads "
          + "SmolLM2-135M-Instruct\n")
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("runs/tiny").path))
      try whole.prefix(5000).write(to: file)
      #expect(try complaint().contains("tiny.gguf"))
      try Data("GIF89a, nothing like it".utf8).write(to: file)
      #expect(try complaint().contains("tiny.gguf"))
      var other = whole
      let name = try #require(other.range(of: Data("general.architecture".utf8)))
      let value = try #require(
        other.range(of: Data("llama".utf8), in: name.upperBound..<name.upperBound + 32))
      other.replaceSubrange(value, with: Data("gemma".utf8))
      try other.write(to: file)
      #expect(try complaint().contains("general.architecture: found gemma, expected llama"))
    }
  }
}
