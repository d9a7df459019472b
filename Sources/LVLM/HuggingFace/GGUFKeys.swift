import Checkpoint

/// The metadata of a GGUF file of a LLaMA or Qwen2 model: what is computed, what changes nothing, and what is
/// refused by name. (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and llama.cpp's
/// `llama-arch.cpp`.)
enum GGUFKeys {
  /// The family of an architecture; Mistral's files are LLaMA's.
  static func family(_ architecture: String) -> TextFamily? {
    switch architecture {
    case "llama": .llama
    case "qwen2": .qwen2
    default: nil
    }
  }

  /// Keys of the architecture, without its name before them.
  private static let model = KnownKeys(
    computed: [
      "context_length", "embedding_length", "block_count", "feed_forward_length", "attention.head_count",
      "attention.head_count_kv", "attention.key_length", "attention.value_length",
      "attention.layer_norm_rms_epsilon",
      "rope.freq_base", "rope.dimension_count", "rope.scaling.type", "rope.scaling.factor",
      "rope.scale_linear", "rope.scaling.original_context_length",
    ],
    harmless: ["vocab_size", "rope.scaling.finetuned"],
    only: [
      "attention.causal": [.boolean(true)], "attention.layer_norm_epsilon": [],
      "attention.max_alibi_bias": [.integer(0)],
      "attention.clamp_kqv": [.integer(0)], "attention.sliding_window": [.integer(0)],
      "attention.scale": [.integer(0)], "rope.scaling.attn_factor": [.integer(1)],
      "rope.scaling.yarn_log_multiplier": [],
      "expert_count": [.integer(0)], "expert_used_count": [.integer(0)], "logit_scale": [.integer(0)],
      "residual_scale": [.integer(0)], "embedding_scale": [.integer(0)],
      "attn_logit_softcapping": [.integer(0)],
      "final_logit_softcapping": [.integer(0)], "use_parallel_residual": [.boolean(false)],
      "pooling_type": [.integer(0)],
    ])

  /// Keys of the tokenizer, without `tokenizer.`.
  private static let tokenizer = KnownKeys(
    computed: [
      "ggml.model", "ggml.pre", "ggml.tokens", "ggml.merges", "ggml.token_type", "ggml.bos_token_id",
      "ggml.eos_token_id", "ggml.unknown_token_id", "ggml.padding_token_id", "ggml.add_bos_token",
      "chat_template",
    ],
    harmless: [
      // Byte-level BPE scores nothing, and has tokens of other tasks and other turns that are never made.
      "ggml.scores", "ggml.token_type_count", "ggml.seperator_token_id", "ggml.separator_token_id",
      "ggml.cls_token_id", "ggml.mask_token_id", "ggml.prefix_token_id", "ggml.suffix_token_id",
      "ggml.middle_token_id",
      "ggml.fim_pre_token_id", "ggml.fim_suf_token_id", "ggml.fim_mid_token_id", "ggml.fim_pad_token_id",
      "ggml.fim_rep_token_id", "ggml.fim_sep_token_id", "ggml.add_sep_token", "chat_templates",
      "huggingface.json", "rwkv.world",
    ],
    only: [
      "ggml.add_eos_token": [.boolean(false)], "ggml.add_space_prefix": [.boolean(false)],
      "ggml.remove_extra_whitespaces": [.boolean(false)], "ggml.precompiled_charsmap": [.array([])],
      "ggml.added_tokens": [.array([])],
    ])

  /// Of SentencePiece's vocabularies, whose pieces are ranked by their scores.
  private static let sentencePieces = tokenizer.merging(
    KnownKeys(computed: ["ggml.scores", "ggml.add_space_prefix"]))

  /// What is wrong with the metadata of a file, key by key.
  /// - Parameter architecture: the name before the model's own keys.
  static func problems(in file: GGUFFile, _ architecture: String) -> [ModelConfigurationError.Problem] {
    let metadata = file.metadata
    var problems: [ModelConfigurationError.Problem] = metadata.keys.sorted().compactMap { key in
      guard let value = metadata[key].map(JSONValue.init) else { return nil }
      func rest(_ prefix: String) -> String { String(key.dropFirst(prefix.count)) }
      switch true {
      // Names, licences, where it came from and how it was quantised.
      case key.hasPrefix("general."), key.hasPrefix("quantize.imatrix."): return nil
      case key == "tokenizer.ggml.eot_token_id", key == "tokenizer.ggml.eom_token_id":
        // llama.cpp ends an answer at either of them too.
        let eos = metadata["tokenizer.ggml.eos_token_id"]?.asInt
        return value.whole == eos
          ? nil : .init(key: key, found: value.brief, expected: "\(eos ?? -1), tokenizer.ggml.eos_token_id")
      case key.hasPrefix(architecture + "."):
        return model.problem(rest(architecture + "."), value, section: architecture + ".")
      case key.hasPrefix("tokenizer."):
        let isSentencePieces = metadata["tokenizer.ggml.model"]?.asString == "llama"
        return (isSentencePieces ? sentencePieces : tokenizer)
          .problem(rest("tokenizer."), value, section: "tokenizer.")
      case key == "split.count":
        return value.whole ?? 1 <= 1
          ? nil : .init(key: key, found: value.brief, expected: "1, the whole model in one file")
      case key.hasPrefix("split."): return nil
      default: return KnownKeys().problem(key, value)
      }
    }
    if let problem = scaling(metadata, architecture).problem { problems.append(problem) }
    return problems
  }

  /// How rotary positions are scaled, by llama.cpp's reading: a factor without a type is linear, none or 0
  /// is 1, and yarn's attention factor is the one that follows from the factor.
  static func scaling(
    _ metadata: [String: GGUFValue], _ architecture: String
  ) -> (scaling: RotaryScaling, problem: ModelConfigurationError.Problem?) {
    let key = "\(architecture).rope.scaling"
    let type = metadata["\(key).type"]
    let stated = metadata["\(key).factor"] ?? metadata["\(architecture).rope.scale_linear"]
    func problem(
      _ key: String, _ value: GGUFValue?, _ expected: String
    ) -> (RotaryScaling, ModelConfigurationError.Problem?) {
      (.none, .init(key: key, found: value.map { JSONValue($0).brief } ?? "nothing", expected: expected))
    }
    if let type, !["none", "linear", "yarn"].contains(type.asString) {
      return problem("\(key).type", type, "none, linear or yarn: other scaling is not computed here")
    }
    guard let factor = stated?.asDouble ?? (stated == nil ? 0 : nil), factor >= 0, factor.isFinite else {
      return problem("\(key).factor", stated, "a positive number")
    }
    if type?.asString == "none" || factor == 0 || factor == 1 { return (.none, nil) }
    guard type?.asString == "yarn" else { return (.linear(factor: factor), nil) }
    let original = metadata["\(key).original_context_length"].flatMap { $0.asInt == 0 ? nil : $0 }
    guard let context = (original ?? metadata["\(architecture).context_length"])?.asInt, context > 0 else {
      return problem("\(key).original_context_length", original, "a positive whole number")
    }
    return (.yarn(.init(factor: factor, originalContext: context)), nil)
  }
}

extension JSONValue {
  /// A value of a GGUF file; of an array its length alone matters here.
  init(_ value: GGUFValue) {
    switch value {
    case .unsigned(let number): self = Int(exactly: number).map(JSONValue.integer) ?? .real(Double(number))
    case .integer(let number): self = .integer(Int(number))
    case .real(let number): self = .real(number)
    case .boolean(let flag): self = .boolean(flag)
    case .string(let text): self = .string(text)
    case .array(let values): self = .array(values.prefix(4).map(JSONValue.init))
    }
  }
}
