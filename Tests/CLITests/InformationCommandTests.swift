import DPOTrain
import Foundation
import Records
import Runs
import Testing

@Suite struct InformationCommandTests {
  @Test func environmentNamesWhatResultsDependOn() throws {
    let call = try BuiltCommand.run("env")
    #expect(call.status == 0)
    #expect(call.errors.isEmpty)
    let names = call.output.split(separator: "\n").map { $0.components(separatedBy: "  ")[0] }
    #expect(
      names == [
        "dpotrain", "swift", "system", "cpu", "cpu features", "bfloat16 products", "cores", "threads",
        "memory",
        "openblas", "openblas core", "hdf5",
      ])
    #expect(call.output.contains("OpenBLAS 0.3"))
    #expect(call.output.contains(PackageVersion.current))
  }

  @Test func environmentShowsTheThreadSetting() throws {
    let call = try BuiltCommand.run("env", environment: ["TENSOR_NUM_THREADS": "1"])
    #expect(call.output.contains(/(?m)^threads +1$/))
  }

  @Test func planIsTheResolvedConfigurationAndFigures() throws {
    try BuiltCommand.withFolder { folder in
      let file = folder.appendingPathComponent("tiny.yaml")
      try Data("train:\n  max_steps: 7\n  per_device_train_batch_size: 3\n".utf8).write(to: file)
      let call = try BuiltCommand.run(
        "plan", "--config", file.path, "--set", "run.seed=5", "--set", "compose.grid={4: 11}")
      #expect(call.status == 0)
      #expect(call.output.contains("\n  seed: 5\n"))
      #expect(call.output.contains("\n  grid: {4: 11}\n"))
      #expect(call.output.contains(/(?m)^run directory +runs\/tiny$/))
      #expect(
        call.output.contains(
          /(?m)^train +7 steps of 3 pairs, about \d+ tokens per step, \d+ weights trained$/))
      #expect(call.output.contains(/(?m)^memory +about \d+ MiB \(estimate\)$/))
      let yaml = try #require(call.output.components(separatedBy: "# The plan").first)
      #expect(try RunConfiguration(yaml: yaml, file: "plan").run.seed == 5)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["tiny.yaml"])
    }
  }
  @Test func planOfAModelThatIsOnlyDescribed() throws {
    try BuiltCommand.withFolder { folder in
      let json =
        #"{"model_type": "llava", "text_config": {"model_type": "llama", "max_position_embeddings": 4096}, "vision_config": {"#
        + #""model_type": "clip_vision_model", "hidden_size": 1024, "image_size": 336, "intermediate_size": 4096, "#
        + #""num_attention_heads": 16, "num_hidden_layers": 24, "patch_size": 14, "projection_dim": 768}, "#
        + #""image_token_index": 31999}"#
      try Data(json.utf8).write(to: folder.appendingPathComponent("config.json"))
      let file = folder.appendingPathComponent("large.yaml")
      try Data("model:\n  path: \(folder.path)\ntrain:\n  adapter: lora\n  frozen_dtype: bfloat16\n".utf8)
        .write(to: file)
      let call = try BuiltCommand.run("plan", "--config", file.path)
      #expect(call.status == 0, "\(call.errors)")
      #expect(
        call.output.contains(
          /(?m)^weights +7062902784: vision 303507456, projector 20979712, decoder 6738415616$/))
      #expect(call.output.contains(/(?m)^tokens per image +576, context \d+$/))
      #expect(
        call.output.contains(
          /(?m)^weights in memory +\d+ MiB in preference training, frozen ones as bfloat16$/))
      #expect(call.output.contains(/(?m)^time per step +about \S+ s \(estimate\): \S+ GFLOP/))
      try FileManager.default.removeItem(at: folder.appendingPathComponent("config.json"))
      let failed = try BuiltCommand.run("plan", "--config", file.path)
      #expect(failed.status != 0 && failed.errors.contains("config.json"))
    }
  }
}
