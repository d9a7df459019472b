import DPOTrain
import Foundation
import Runs
import Testing

/// The two presets against a table of what the paper (arXiv 2410.17637) and the authors' scripts say.
@Suite("MIA-DPO's presets")
struct PresetTests {
  /// Key, the paper's value, the released scripts' value.
  private static let values: [(key: String, paper: String, released: String)] = [
    ("tokenizer.template", "vicuna_v1", "vicuna_v1"),
    ("compose.sequence", "{2: 34300, 3: 10050, 4: 9950, 5: 8161}", "{2: 34300, 3: 10050, 4: 9950, 5: 8161}"),
    (
      "compose.grid", "{2: 48000, 3: 14000, 4: 14000, 6: 7000, 9: 7000}",
      "{2: 48000, 3: 14000, 4: 14000, 6: 7000, 9: 7000}"
    ),
    ("compose.pic_in_pic.total", "48975", "48975"), ("compose.pic_in_pic.inner_scale", "0.5", "0.7"),
    ("compose.geometry", "paper", "paper"), ("compose.cell_size", "448", "448"),
    ("compose.picture_format", "png", "jpeg"),
    (
      "select.thresholds.sequence", "{2: 0.7, 3: 0.6, 4: 0.5, 5: 0.5}", "{2: 0.8, 3: 0.7, 4: 0.6, 5: 0.6}"
    ),
    (
      "select.thresholds.grid", "{2: 0.7, 3: 0.6, 4: 0.5, 6: 0.4, 9: 0.4}",
      "{2: 0.7, 3: 0.6, 4: 0.5, 6: 0.4, 9: 0.3}"
    ),
    ("select.thresholds.pic_in_pic", "0.6", "0.8"), ("select.strict.sequence", "false", "false"),
    ("select.strict.grid", "false", "true"), ("select.strict.pic_in_pic", "false", "true"),
    ("select.strict.perplexity", "false", "true"), ("select.layer", "16", "16"),
    ("select.heads", "mean", "mean"), ("select.queries", "answer", "answer"),
    ("select.samples", "1", "0"), ("select.require_wrong", "false", "false"),
    ("select.template", "null", "llava_v0"), ("select.noise.sequence", "0", "0"),
    ("select.noise.grid", "0", "225"), ("select.noise.pic_in_pic", "0", "49"),
    ("select.max_new_tokens", "512", "512"), ("select.post_selection", "true", "true"),
    ("select.perplexity_min", "1", "1.1"), ("select.perplexity_max", "0", "0"),
    ("select.chosen_length_max", "0", "511"), ("select.perplexity_quantile", "0.02", "0"),
    ("select.length_ratio_quantile", "0.02", "0"), ("select.edit_distance_quantile", "0.01", "0"),
    ("train.beta", "0.1", "0.1"), ("train.loss_type", "sigmoid", "sigmoid"),
    ("train.preference_weight", "1", "1"), ("train.label_smoothing", "0", "0"),
    ("train.gamma", "0.1", "0"), ("train.nll_reduction", "sum", "mean"),
    ("train.num_train_epochs", "3", "1"), ("train.max_steps", "0", "0"),
    ("train.per_device_train_batch_size", "1", "1"), ("train.gradient_accumulation_steps", "64", "64"),
    ("train.learning_rate", "5e-05", "5e-05"), ("train.lr_scheduler_type", "linear", "linear"),
    ("train.warmup_ratio", "0.1", "0.1"), ("train.weight_decay", "0", "0"),
    ("train.max_grad_norm", "1", "1"), ("train.adam_beta1", "0.9", "0.9"),
    ("train.adam_beta2", "0.999", "0.999"), ("train.adapter", "lora", "lora"),
    ("train.lora_r", "128", "128"), ("train.lora_alpha", "256", "256"),
    (
      "train.lora_target", "[q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]",
      "[q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]"
    ),
    ("train.train_projector", "false", "false"), ("train.train_vision", "false", "false"),
    ("train.ballast_per_step", "0", "0"), ("run.seed", "42", "42"),
  ]

  private static func configuration(_ name: String, _ overrides: [String] = []) throws -> RunConfiguration {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    return try RunConfiguration(
      contentsOf: root.appendingPathComponent("configs/\(name).yaml"), overrides: overrides)
  }

  @Test("every value is the one of the table, and every one can be changed")
  func values() throws {
    let paper = try Self.configuration("mia-dpo-paper").values
    let released = try Self.configuration("mia-dpo-released").values
    for value in Self.values {
      #expect(paper[value.key] == value.paper, "\(value.key)")
      #expect(released[value.key] == value.released, "\(value.key)")
      let changed = try Self.configuration("mia-dpo-released", ["\(value.key)=\(value.paper)"]).values
      #expect(changed[value.key] == value.paper, "\(value.key)")
    }
  }

  @Test("the presets of the selection are those of the files", arguments: ["paper", "released"])
  func selection(name: String) throws {
    let file = try Self.configuration("mia-dpo-\(name)").select
    let preset = SelectionSettings(preset: try #require(.init(rawValue: name)))
    #expect(
      file.thresholds == preset.thresholds && file.strict == preset.strict && file.noise == preset.noise)
    #expect(file.perplexityMin == preset.perplexityMin && file.template == preset.template)
    #expect(file.chosenLengthMax == preset.chosenLengthMax)
  }

  @Test(
    "a plan needs the model's config.json and nothing else, and says so", arguments: ["paper", "released"])
  func plan(name: String) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("preset-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let configuration = try Self.configuration("mia-dpo-\(name)", ["model.path=\(folder.path)"])
    #expect(throws: (any Error).self) { try RunPlan(configuration) }
    // What llava-hf/llava-1.5-7b-hf ships: everything else is LLaMA's and CLIP's default.
    let json = """
      {"model_type": "llava", "image_token_index": 32000, "projector_hidden_act": "gelu",
       "vision_feature_layer": -2, "vision_feature_select_strategy": "default", "pad_token_id": 32001,
       "text_config": {"model_type": "llama", "vocab_size": 32064, "hidden_size": 4096,
         "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
         "num_key_value_heads": 32, "max_position_embeddings": 4096, "rms_norm_eps": 1e-05},
       "vision_config": {"model_type": "clip_vision_model", "hidden_size": 1024, "intermediate_size": 4096,
         "num_hidden_layers": 24, "num_attention_heads": 16, "image_size": 336, "patch_size": 14,
         "projection_dim": 768}}
      """
    try Data(json.utf8).write(to: folder.appendingPathComponent("config.json"))
    let plan = try RunPlan(configuration)
    // 9.99 million per layer at rank 128.
    #expect(plan.trainedWeights == 319_815_680)
    #expect(plan.trainSteps.count == (name == "paper" ? 9_444 : 3_148) && plan.trainSteps.isUpperBound)
  }
}
