import Foundation
import LVLM
import TestSupport
import Testing

/// A trained model is served as it was trained: its chat template and image settings are part of it, for
/// every command.
@Suite struct TrainedModelTests {
  @Test func whatWasTrainedIsServed() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      let trained = try BuiltCommand.run(
        "sft", "--config", config, "--set", "tokenizer.template=llava_v0", "--quiet", in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let model = folder.appendingPathComponent("runs/tiny/sft/model")
      let names = try Set(FileManager.default.contentsOfDirectory(atPath: model.path))
      #expect(
        names.isSuperset(of: [
          "config.json", "model.safetensors", "tokenizer.model", "tokenizer.json", "tokenizer_config.json",
          "preprocessor_config.json", "processor_config.json", "chat_template.jinja",
          "generation_config.json",
        ]))
      #expect(try PretrainedModel.load(from: model).template == .llavaV0)
      func generate(_ arguments: String...) throws -> BuiltCommand {
        try BuiltCommand.run(
          [
            "generate", "--model", model.path, "--prompt", "what shape is in the image?", "--max-new-tokens",
            "4",
          ] + arguments)
      }
      let own = try generate()
      #expect(own.status == 0 && own.errors.isEmpty, "\(own.errors)")
      let other = try generate("--template", "vicuna_v1")
      #expect(
        other.errors.contains(
          "its chat template is llava_v0 (chat_template.jinja); --template vicuna_v1 takes its place"))
      // Exported with what it was trained with, the base's other files beside it or not.
      let exported = folder.appendingPathComponent("exported")
      let call = try BuiltCommand.run(
        "export", "--model", model.path, "--format", "hf", "--output", exported.path)
      #expect(call.status == 0 && call.errors.isEmpty, "\(call.errors)")
      let file = "chat_template.jinja"
      #expect(
        try Data(contentsOf: exported.appendingPathComponent(file))
          == Data(contentsOf: model.appendingPathComponent(file)))
      // A later run on it takes its template over, and says when it shall not.
      let later = [
        "sft", "--config", config, "--set", "model.path=\(exported.path)", "--set", "sft.max_steps=1",
      ]
      let places = ["--set", "run.output_dir=later", "--quiet"]
      var yaml = try String(contentsOf: URL(fileURLWithPath: config), encoding: .utf8)
      let start = try #require(yaml.range(of: "model:\n")).lowerBound
      let end = try #require(yaml.range(of: "sft:\n")).lowerBound
      yaml.removeSubrange(start..<end)
      try Data(yaml.utf8).write(to: URL(fileURLWithPath: config))
      let settings =
        #"{"image_processor_type": "CLIPImageProcessor", "size": 36, "crop_size": 36, "resample": 2}"#
      try FileManager.default.removeItem(at: exported.appendingPathComponent("preprocessor_config.json"))
      try Data("{\"image_processor\": \(settings)}".utf8).write(
        to: exported.appendingPathComponent("processor_config.json"))
      let taken = try BuiltCommand.run(later + places, in: folder)
      #expect(taken.status == 0 && !taken.errors.contains("template"), "\(taken.errors)")
      let again = try PretrainedModel.load(from: folder.appendingPathComponent("later/sft/model"))
      #expect(again.template == .llavaV0)
      // Pictures are prepared as the base says, by every stage, and what is written says so again.
      #expect(again.squareSettings?.padsToSquare == false)
      #expect(again.squareSettings?.resampling == .bilinear)
      let told = try BuiltCommand.run(
        later + ["--set", "run.output_dir=other", "--set", "tokenizer.template=plain", "--quiet"], in: folder)
      #expect(told.errors.contains("its chat template is llava_v0"), "\(told.errors)")
      #expect(
        try PretrainedModel.load(from: folder.appendingPathComponent("other/sft/model")).template == .plain)
    }
  }
}
