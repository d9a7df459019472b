import Foundation

/// A configuration with every stage that takes seconds.
enum TinyRun {
  static let yaml = """
    run: {seed: 3}
    data:
      source: shapes
      sizes: {sft: 60, pref: 300, val: 10, test: 300}
    tokenizer: {vocab_size: 384}
    model:
      vision_config: {image_size: 36, patch_size: 6, hidden_size: 16, intermediate_size: 32, num_hidden_layers: 2}
      text_config:
        hidden_size: 32
        intermediate_size: 48
        num_hidden_layers: 2
        num_attention_heads: 2
        num_key_value_heads: 1
    sft:
      vision_pretraining: {max_steps: 6, per_device_train_batch_size: 8}
      max_steps: 12
      per_device_train_batch_size: 4
      composed: {share: 0.25}
      logging_steps: 2
      save_steps: 4
    compose:
      sequence: {2: 8, 3: 4}
      grid: {4: 6}
      pic_in_pic: {total: 4}
    select: {use_attention: false, max_new_tokens: 6}
    train:
      max_steps: 8
      per_device_train_batch_size: 2
      logging_steps: 1
      save_steps: 3
    evaluate:
      questions: 6
      sequence_counts: [2, 3]
      grid_counts: [4]
      max_new_tokens: 6
      bootstrap_samples: 50
    report: {samples: 1, attention_maps: 1}

    """

  /// Writes the configuration into a folder.
  static func write(to folder: URL) throws -> String {
    let file = folder.appendingPathComponent("tiny.yaml")
    try Data(yaml.utf8).write(to: file)
    return file.path
  }

  /// The files that have to be the same bytes for the same configuration and seed, without the times at which
  /// steps were logged.
  static func fingerprint(of run: URL) throws -> [String: Data] {
    var found: [String: Data] = [:]
    for name in [
      "metrics.jsonl", "pairs.jsonl", "sft/model/model.safetensors", "train/model/model.safetensors",
    ] {
      found[name] = try bytes(of: name, in: run)
    }
    return found
  }
}

extension TinyRun {
  /// A file of a run as it is the same in every run: of a log of steps without its times.
  static func bytes(of name: String, in run: URL) throws -> Data {
    let data = try Data(contentsOf: run.appendingPathComponent(name))
    guard name.hasSuffix("metrics.jsonl") else { return data }
    let text = String(decoding: data, as: UTF8.self)
    return Data(text.replacing(#/, "wall_time": [0-9.]+/#, with: "").utf8)
  }
}

/// What a run wrote about its steps.
enum RunMetrics {
  /// The numbers of every logged step of preference training.
  static func train(of run: URL) throws -> [[String: Double]] {
    try String(contentsOf: run.appendingPathComponent("metrics.jsonl"), encoding: .utf8)
      .split(separator: "\n").filter { $0.contains("\"stage\": \"train\"") }.map { line in
        let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
        return row.compactMapValues { $0 as? Double }
      }
  }
}
