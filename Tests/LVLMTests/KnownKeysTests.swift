import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Keys that change results are computed or refused by name, in every file of a model; so are weights in
/// further files.
@Suite struct KnownKeysTests: ModelCopies {
  private static let refused: [(section: String, key: String, value: String)] = [
    ("", "quantization_config", #"{"bits": 4}"#), ("", "auto_map", #"{"AutoModel": "x"}"#),
    ("", "mm_projector_type", #""mlp2x_gelu""#),
    ("", "image_grid_pinpoints", "[[336, 672]]"), ("", "eos_token_id", "5"), ("", "image_token_id", "7"),
    ("", "repetition_penalty", "1.2"),
    ("text_config", "sliding_window", "64"),
    ("text_config", "rope_scaling", #"{"type": "linear"}"#),
    ("text_config", "rope_scaling", #"{"type": "linear", "factor": 0}"#),
    ("text_config", "rope_scaling", #"{"type": "linear", "rope_type": "default", "factor": 2}"#),
    ("text_config", "rope_parameters", #"{"type": "dynamic"}"#),
    ("text_config", "rope_parameters", #"{"type": "dynamic", "factor": 2, "alpha": 3}"#),
    ("text_config", "rope_parameters", #"{"type": "longrope", "factor": 2}"#),
    ("text_config", "rope_parameters", #"{"rope_type": "proportional", "factor": 2}"#),
    ("text_config", "rope_parameters", #"{"type": "linear", "factor": 2, "beta_fast": 32}"#),
    ("text_config", "rope_parameters", #"{"rope_type": "llama3", "factor": 2}"#),
    (
      "text_config", "rope_parameters",
      #"{"rope_type": "llama3", "factor": 2, "low_freq_factor": 4, "high_freq_factor": 4}"#
    ),
    (
      "text_config", "rope_parameters",
      #"{"rope_type": "llama3", "factor": 2, "low_freq_factor": 1, "high_freq_factor": 4, "mscale": 1}"#
    ),
    ("text_config", "rope_parameters", #"{"rope_type": "yarn"}"#),
    ("text_config", "rope_parameters", #"{"rope_type": "yarn", "factor": -2}"#),
    ("text_config", "rope_parameters", #"{"rope_type": "yarn", "factor": 2, "attention_factor": 0}"#),
    ("text_config", "rope_parameters", #"{"rope_type": "yarn", "factor": 2, "beta_fast": -1}"#),
    ("text_config", "rope_parameters", #"{"rope_type": "yarn", "factor": 2, "truncate": 1}"#),
    (
      "text_config", "rope_parameters",
      #"{"rope_type": "yarn", "factor": 2, "original_max_position_embeddings": 0}"#
    ),
    ("text_config", "rope_scaling", #"{"type": "linear", "factor": 4.0}"#),
    ("text_config", "rope_theta", "5000"),
    ("text_config", "rope_scaling", #"{"factor": 4.0}"#),
    ("text_config", "rope_parameters", #"{"rope_type": "axial", "factor": 2}"#),
    ("text_config", "rope_parameters", #"{"rope_theta": 10000, "low_freq_factor": 1}"#),
    ("text_config", "partial_rotary_factor", "0.5"),
    ("text_config", "attention_dropout", "0.1"), ("text_config", "logit_scale", "0.5"),
    ("text_config", "embedding_multiplier", "12"),
    ("text_config", "attn_logit_softcapping", "50"), ("text_config", "num_experts", "8"),
    ("text_config", "query_pre_attn_scalar", "2"),
    ("text_config", "qk_norm", "true"), ("text_config", "no_repeat_ngram_size", "3"),
    ("text_config", "suppress_tokens", "[5]"),
    ("text_config", "forced_eos_token_id", "2"), ("text_config", "min_length", "4"),
    ("text_config", "num_beams", "4"),
    ("text_config", "is_decoder", "true"), ("text_config", "quantization_config", "{}"),
    ("text_config", "eos_token_id", "[2, 7]"), ("text_config", "pad_token_id", "334"),
    ("vision_config", "attention_dropout", "0.1"), ("vision_config", "vision_use_head", "true"),
    ("vision_config", "use_abs_pos", "false"),
    ("vision_config", "num_channels", "1"), ("vision_config", "chunk_size_feed_forward", "8"),
    ("vision_config", "pruned_heads", #"{"0": [1]}"#),
  ]

  @Test(arguments: refused.indices)
  func configurationKeys(_ index: Int) throws {
    let (section, key, value) = Self.refused[index]
    try withCopy { folder in
      let file = folder.appending(component: "config.json")
      var all = try object(file)
      let parsed = try JSONSerialization.jsonObject(with: Data(value.utf8), options: .fragmentsAllowed)
      if section.isEmpty {
        all[key] = parsed
      } else {
        var inner = try #require(all[section] as? [String: Any])
        inner[key] = parsed
        all[section] = inner
      }
      try write(all, "config.json", folder)
      let words = message { _ = try PretrainedModel.load(from: folder) }
      let name = section.isEmpty ? key : "\(section).\(key)"
      #expect(words.contains("config.json: ") && words.contains(name) && words.contains("found"), "\(words)")
    }
  }

  /// What transformers 4 and 5 write of their own accord is taken as it is.
  @Test func harmlessKeysOfPublishedFiles() throws {
    try withCopy { folder in
      let file = folder.appending(component: "config.json")
      var all = try object(file)
      for (key, value) in [
        ("_name_or_path", "x" as Any), ("ignore_index", -100), ("pad_token_id", 331),
        ("torch_dtype", "float16"), ("vocab_size", 334),
        ("return_dict", true), ("id2label", ["0": "LABEL_0"]), ("image_seq_length", 576), ("use_cache", true),
        ("chunk_size_feed_forward", 0),
      ] { all[key] = value }
      var text = try #require(all["text_config"] as? [String: Any])
      // transformers 4.3x wrote every default of generation into sections.
      for (key, value) in [
        ("max_length", 20 as Any), ("min_length", 0), ("do_sample", false), ("num_beams", 1),
        ("temperature", 1.0), ("top_k", 50),
        ("repetition_penalty", 1.0), ("no_repeat_ngram_size", 0), ("bad_words_ids", NSNull()),
        ("pruned_heads", [String: Int]()),
        ("tie_encoder_decoder", false), ("cross_attention_hidden_size", NSNull()), ("rope_scaling", NSNull()),
        ("pretraining_tp", 1),
        ("diversity_penalty", 0.0), ("encoder_no_repeat_ngram_size", 0), ("suppress_tokens", NSNull()),
        ("typical_p", 1.0),
      ] { text[key] = value }
      all["text_config"] = text
      try write(all, "config.json", folder)
      try write(
        [
          "_from_model_config": true, "bos_token_id": 1, "eos_token_id": [2], "pad_token_id": 331,
          "transformers_version": "4.36.0",
          "do_sample": true, "temperature": 0.9, "top_p": 0.6, "max_length": 4096,
          "cache_implementation": "hybrid",
        ], "generation_config.json", folder)
      for name in [
        "pytorch_model-00001-of-00003.bin", "optimizer.pt", "training_args.bin", "rng_state_0.pth",
        "README.md",
      ] {
        try Data("x".utf8).write(to: folder.appending(component: name))
      }
      #expect(message { _ = try PretrainedModel.load(from: folder) } == "no error")
    }
  }

  @Test(arguments: [
    ("eos_token_id", "[2, 7]"), ("eos_token_id", "3"), ("repetition_penalty", "1.05"),
    ("no_repeat_ngram_size", "2"),
    ("suppress_tokens", "[4]"), ("bad_words_ids", "[[4]]"), ("num_beams", "2"), ("min_new_tokens", "3"),
    ("forced_bos_token_id", "4"),
    ("stop_strings", #"["END"]"#), ("guidance_scale", "2.0"), ("sequence_bias", "[[[4], 1.0]]"),
    ("min_length", "9"), ("new_key", "1"),
  ])
  func generationKeys(_ key: String, _ value: String) throws {
    try withCopy { folder in
      try Data("{\"\(key)\": \(value)}".utf8).write(to: folder.appending(component: "generation_config.json"))
      let words = message { _ = try PretrainedModel.load(from: folder) }
      #expect(words.contains("generation_config.json: \(key): found"), "\(words)")
    }
  }

  // MARK: Weights in further files

  @Test(arguments: [
    "mm_projector.bin", "non_lora_trainables.bin", "extra.safetensors", "model-00002-of-00002.safetensors",
    "vision.pt", "adapter_model.safetensors",
    "projector.npz", "head.h5", "adapter_config.json",
  ])
  func weightsOfAFurtherFile(_ name: String) throws {
    try withCopy { folder in
      try Data("{}".utf8).write(to: folder.appending(component: name))
      let words = message { _ = try PretrainedModel.load(from: folder) }
      #expect(words.contains("\(name) ("), "\(words)")
    }
    try Fixtures.withTemporaryDirectory { folder in
      let adapter = folder.appending(component: "adapter")
      try FileManager.default.copyItem(at: Fixtures.url("verification/lora"), to: adapter)
      guard !name.hasPrefix("adapter"), name != "non_lora_trainables.bin" else { return }
      try Data("x".utf8).write(to: adapter.appending(component: name))
      let model = try LlavaModel.load(from: Fixtures.url("verification/llava_tiny"))
      let words = message { try model.loadAdapter(from: adapter) }
      #expect(words.contains("\(name) (") && !model.hasAdapters, "\(words)")
    }
  }

  @Test func weightsThatPyTorchPickled() throws {
    for (name, words) in [
      ("pytorch_model.bin", "found no zip archive, expected a PyTorch file"),
      ("pytorch_model-00001-of-00002.bin", " (a shard, expected pytorch_model.bin.index.json beside it)"),
    ] {
      try withCopy { folder in
        try FileManager.default.removeItem(at: folder.appending(component: "model.safetensors"))
        try Data("PK".utf8).write(to: folder.appending(component: name))
        #expect(message(folder).contains(name) && message(folder).contains(words))
      }
    }
  }

  @Test func aGitLFSPointerIsCalledOne() throws {
    let pointer = Data(
      """
      version https://git-lfs.github.com/spec/v1
      oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
      size 12345

      """.utf8)
    for name in [
      "model.safetensors", "config.json", "tokenizer.model", "tokenizer.json", "tokenizer_config.json",
      "preprocessor_config.json",
      "processor_config.json", "chat_template.jinja", "chat_template.json", "generation_config.json",
      "model.safetensors.index.json",
      "added_tokens.json",
    ] {
      try withCopy { folder in
        try pointer.write(to: folder.appending(component: name))
        let words = message { _ = try PretrainedModel.load(from: folder) }
        #expect(words.contains(name) && words.contains("Git LFS pointer"), "\(name): \(words)")
      }
    }
    try Fixtures.withTemporaryDirectory { folder in
      let reads: [(String, (URL) throws -> Void)] = [
        ("a.gguf", { _ = try PretrainedModel.load(from: $0) }), ("a.h5", { _ = try HDF5File(reading: $0) }),
        ("a.png", { _ = try RGBImage(contentsOf: $0.path) }),
        ("a.jpg", { _ = try RGBImage(contentsOf: $0.path) }),
      ]
      for (name, read) in reads {
        let file = folder.appending(component: name)
        try pointer.write(to: file)
        let words = message { try read(file) }
        #expect(words.contains(name) && words.contains("Git LFS pointer"), "\(words)")
      }
    }
  }

  // MARK: Adapters

  @Test(arguments: ["attention", "list", "rslora", "patterns", "layers"])
  func adaptersAsPEFTComputesThem(_ name: String) throws {
    let all = try object(Fixtures.url("adapters/likelihoods.json"))
    let expected = try #require(all[name] as? Double)
    func base() throws -> PretrainedModel {
      try PretrainedModel.load(from: Fixtures.url("verification/llava_tiny"), template: .plain)
    }
    let loaded = try base()
    try loaded.model.loadAdapter(from: Fixtures.url("adapters/\(name)"))
    let found = try answer(loaded)
    #expect(abs(found - expected) < 2e-4, "\(found)")
    try Fixtures.withTemporaryDirectory { folder in
      let adapter = folder.appending(component: "adapter")
      // That of "list" has matrices in the vision tower too.
      try loaded.model.saveAdapter(to: adapter, baseModel: "x")
      let again = try base()
      try again.model.loadAdapter(from: adapter)
      #expect(abs(try answer(again) - found) < 1e-6)
      try loaded.save(to: folder.appending(component: "merged"))
      let merged = try PretrainedModel.load(from: folder.appending(component: "merged"))
      #expect(abs(try answer(merged) - found) < 1e-4)
    }
  }

  @Test(arguments: [
    ("init_lora_weights", #""pissa""#), ("init_lora_weights", #""pissa_niter_4""#),
    ("init_lora_weights", #""olora""#),
    ("init_lora_weights", #""loftq""#), ("init_lora_weights", #""corda""#), ("init_lora_weights", #""eva""#),
    ("use_dora", "1"), ("bias", #""some""#), ("fan_in_fan_out", "true"),
    ("modules_to_save", #""lm_head""#), ("modules_to_save", #"[""]"#),
    ("lora_bias", "true"), ("use_qalora", "true"), ("layer_replication", "[[0, 2]]"),
    ("trainable_token_indices", "[1, 2]"),
    ("target_parameters", #"["x"]"#), ("alora_invocation_tokens", "[1]"),
    ("loftq_config", #"{"loftq_bits": 4}"#),
    ("layers_pattern", #""blocks""#), ("megatron_config", #"{"a": 1}"#), ("arrow_config", #"{"a": 1}"#),
    ("peft_type", #""IA3""#), ("r", "0"),
    ("lora_alpha", "-1"), ("rank_pattern", #"{"q_proj": 0}"#), ("alpha_pattern", "[1]"), ("use_rslora", "1"),
    ("target_modules", "7"),
    ("layers_to_transform", #""x""#), ("a_new_key", "true"),
  ])
  func adapterKeys(_ key: String, _ value: String) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let adapter = folder.appending(component: "adapter")
      try FileManager.default.copyItem(at: Fixtures.url("adapters/attention"), to: adapter)
      var keys = try object(adapter.appending(component: "adapter_config.json"))
      keys[key] = try JSONSerialization.jsonObject(with: Data(value.utf8), options: .fragmentsAllowed)
      try write(keys, "adapter_config.json", adapter)
      let model = try LlavaModel.load(from: Fixtures.url("verification/llava_tiny"))
      let words = message { try model.loadAdapter(from: adapter) }
      #expect(words.contains("adapter_config.json: \(key): found"), "\(words)")
      #expect(!model.hasAdapters)
    }
  }

  /// Matrices of modules that the configuration does not name would be left out by PEFT.
  @Test(arguments: [
    ("target_modules", #"["q_proj"]"#), ("exclude_modules", #"["v_proj"]"#), ("layers_to_transform", "[0]"),
    ("target_modules", #"".*vision.*""#), ("modules_to_save", #"["v_proj"]"#),
  ])
  func matricesThatTheConfigurationDoesNotName(_ key: String, _ value: String) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let adapter = folder.appending(component: "adapter")
      try FileManager.default.copyItem(at: Fixtures.url("adapters/attention"), to: adapter)
      var keys = try object(adapter.appending(component: "adapter_config.json"))
      keys[key] = try JSONSerialization.jsonObject(with: Data(value.utf8), options: .fragmentsAllowed)
      try write(keys, "adapter_config.json", adapter)
      let model = try LlavaModel.load(from: Fixtures.url("verification/llava_tiny"))
      #expect(
        message { try model.loadAdapter(from: adapter) }.contains("that adapter_config.json does not name"))
    }
    let model = try LlavaModel.load(from: Fixtures.url("verification/llava_tiny"))
    #expect(
      message { try model.loadAdapter(from: Fixtures.url("adapters/pissa")) }.contains(
        "init_lora_weights: found \"pissa\""))
  }
}
