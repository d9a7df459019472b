import Checkpoint
import Foundation
import LVLM
import Tensor
import Testing

/// Runs whose frozen weights are stored in half precision, `train.frozen_dtype: bfloat16`.
@Suite struct FrozenWeightsRunTests {
  /// Trains adapters on a given model for eight steps; the steps' metrics and the merged weights.
  private func train(
    on model: String, as type: String, in folder: URL
  ) throws -> (metrics: [[String: Double]], weights: [String: [Float]]) {
    let lines = TinyRun.yaml.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex { $0.hasPrefix("model:") })
    let end = try #require(lines.firstIndex { $0.hasPrefix("sft:") })
    var yaml = (lines[..<start] + ["model: {path: \(model)}"] + lines[end...]).joined(separator: "\n")
    yaml.replace("tokenizer: {vocab_size: 384}\n", with: "")
    yaml.replace("  max_steps: 12\n", with: "  max_steps: 0\n")
    yaml.replace("train:\n", with: "train:\n  adapter: lora\n  lora_r: 2\n  frozen_dtype: \(type)\n")
    let run = "\(model)-\(type)"
    let file = folder.appendingPathComponent("\(run).yaml")
    try Data(yaml.utf8).write(to: file)
    for stage in ["sft", "compose", "select", "train"] {
      let call = try BuiltCommand.run([stage, "--config", file.path, "--quiet"], in: folder)
      #expect(call.status == 0, "\(run) \(stage): \(call.errors)")
    }
    let place = folder.appendingPathComponent("runs/\(run)")
    let weights = try SafeTensorsFile(reading: place.appendingPathComponent("train/model/model.safetensors"))
    return (
      try RunMetrics.train(of: place),
      Dictionary(
        uniqueKeysWithValues: try weights.tensors().map { ($0.name, $0.tensor.array(of: Float.self)) })
    )
  }

  private func difference(_ a: [[String: Double]], _ b: [[String: Double]]) -> Double {
    #expect(a.count == 8 && b.count == 8)
    var largest = 0.0
    for (a, b) in zip(a, b) {
      for key in ["loss", "grad_norm", "rewards/margins", "logps/chosen", "logps/rejected"] {
        let (x, y) = (a[key] ?? .nan, b[key] ?? .infinity)
        largest = max(largest, abs(x - y) / max(1, abs(y)))
      }
    }
    return largest
  }

  @Test func storedInHalfPrecisionTheyTrainTheSame() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      let call = try BuiltCommand.run(
        "sft", "--config", config, "--quiet", "--set", "run.output_dir=base", in: folder)
      #expect(call.status == 0, "\(call.errors)")
      let plain = folder.appendingPathComponent("plain")
      let rounded = folder.appendingPathComponent("rounded")
      for copy in [plain, rounded] {
        try FileManager.default.copyItem(at: folder.appendingPathComponent("base/sft/model"), to: copy)
      }
      // Every number of this copy is one of BFloat16's: storing it so loses nothing.
      let weights = rounded.appendingPathComponent("model.safetensors")
      let tensors = try SafeTensorsFile(reading: weights).tensors().map {
        (name: $0.name, tensor: $0.tensor.to(.bfloat16).to(.float32))
      }
      try SafeTensors.write(tensors, to: weights)
      try FileManager.default.removeItem(at: rounded.appendingPathComponent("checksums.sfv"))

      let (exact, stored) = (
        try train(on: "rounded", as: "float32", in: folder),
        try train(on: "rounded", as: "bfloat16", in: folder)
      )
      #expect(difference(stored.metrics, exact.metrics) < 1e-4)
      for (name, values) in exact.weights {
        let found = try #require(stored.weights[name], "\(name)")
        #expect(zip(values, found).allSatisfy { abs($0 - $1) < 1e-4 }, "\(name)")
      }
      // Other numbers are rounded to eight bits: seen, but small beside what is learned.
      let full = try train(on: "plain", as: "float32", in: folder)
      let change = difference(try train(on: "plain", as: "bfloat16", in: folder).metrics, full.metrics)
      #expect(change > 1e-5 && change < 0.05, "\(change)")
    }
  }
}
