import Checkpoint

extension KnownKeys {
  /// What every section of a `config.json` carries along: how the file was made, and what transformers
  /// returns.
  private static let bookkeeping = KnownKeys(
    computed: ["model_type", "architectures", "tie_word_embeddings"],
    harmless: [
      "_name_or_path", "transformers_version", "torch_dtype", "dtype", "_attn_implementation",
      "_attn_implementation_autoset", "attn_implementation", "_commit_hash", "use_cache", "return_dict",
      "output_attentions", "output_hidden_states", "output_past", "torchscript", "use_bfloat16",
      "tf_legacy_loss", "id2label", "label2id", "num_labels", "problem_type", "task_specific_params",
      "finetuning_task",
      "tokenizer_class", "initializer_range", "initializer_factor", "gradient_checkpointing",
      "return_dict_in_generate", "output_scores", "output_logits",
    ],
    only: [
      "attention_dropout": [.integer(0)], "dropout": [.integer(0)], "hidden_dropout": [.integer(0)],
      "chunk_size_feed_forward": [.integer(0)], "is_encoder_decoder": [.boolean(false)],
      "is_decoder": [.boolean(false)], "add_cross_attention": [.boolean(false)],
      "cross_attention_hidden_size": [], "tie_encoder_decoder": [.boolean(false)],
      "pruned_heads": [.object([])], "quantization_config": [], "auto_map": [], "prefix": [],
      "sep_token_id": [], "decoder_start_token_id": [],
    ])

  /// What decides how transformers goes on with a prompt. Sampling is chosen by the options of a command
  /// here, and the best token taken unless they say otherwise; whatever else would change that token is not
  /// computed.
  private static let generating = KnownKeys(
    harmless: [
      "do_sample", "temperature", "top_k", "top_p", "min_p", "top_h", "typical_p", "epsilon_cutoff",
      "eta_cutoff",
      "max_length", "max_new_tokens", "early_stopping", "length_penalty", "use_cache", "num_return_sequences",
      "return_dict_in_generate", "output_scores", "output_logits", "output_attentions",
      "output_hidden_states", "cache_implementation", "cache_config", "return_legacy_cache", "compile_config",
      "disable_compile", "prefill_chunk_size", "low_memory", "remove_invalid_values", "diversity_penalty",
    ],
    only: [
      "min_length": [.integer(0)], "min_new_tokens": [.integer(0)], "num_beams": [.integer(1)],
      "num_beam_groups": [.integer(1)], "repetition_penalty": [.integer(1)],
      "encoder_repetition_penalty": [.integer(1)], "no_repeat_ngram_size": [.integer(0)],
      "encoder_no_repeat_ngram_size": [.integer(0)], "bad_words_ids": [], "force_words_ids": [],
      "constraints": [], "forced_bos_token_id": [], "forced_eos_token_id": [],
      "forced_decoder_ids": [], "suppress_tokens": [.array([])], "begin_suppress_tokens": [.array([])],
      "exponential_decay_length_penalty": [], "sequence_bias": [], "guidance_scale": [.integer(1)],
      "penalty_alpha": [], "dola_layers": [], "renormalize_logits": [.boolean(false)],
      "watermarking_config": [], "stop_strings": [], "max_time": [], "token_healing": [.boolean(false)],
    ])

  /// What any `config.json` carries along outside its sections.
  static let model = generating.merging(bookkeeping)

  /// `text_config`.
  static let text = generating.merging(bookkeeping).merging(
    KnownKeys(
      computed: [
        "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "head_dim", "max_position_embeddings", "rms_norm_eps", "rope_theta",
        "rope_parameters", "rope_scaling", "attention_bias", "mlp_bias", "hidden_act", "bos_token_id",
        "eos_token_id", "pad_token_id",
      ],
      // The product of slices of a matrix, which rounds alone: as transformers does from release 5 on, it is
      // ignored.
      harmless: ["pretraining_tp", "max_sequence_length", "unk_token_id"],
      only: ["partial_rotary_factor": [.integer(1)], "rope_interleaved": [.boolean(false)]]))

  /// `rope_parameters` and `rope_scaling`.
  static let rope = KnownKeys(
    computed: RotaryParameters.CodingKeys.allCases.map(\.rawValue),
    // Whether the model was trained further after it was scaled.
    harmless: ["finetuned"],
    only: ["partial_rotary_factor": [.integer(1)]])

  /// `vision_config`. A tower of CLIP has no vocabulary; files say one all the same.
  static let vision = generating.merging(bookkeeping).merging(
    KnownKeys(
      computed: [
        "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_channels",
        "image_size", "patch_size", "hidden_act", "layer_norm_eps", "projection_dim",
      ],
      harmless: ["vocab_size", "bos_token_id", "eos_token_id", "pad_token_id"]))

  /// `vision_config` of a SigLIP tower: how pictures are brought to it stands in another file.
  static let siglip = generating.merging(bookkeeping).merging(
    KnownKeys(
      computed: SiglipConfiguration.CodingKeys.allCases.map(\.rawValue),
      harmless: [
        "vocab_size", "bos_token_id", "eos_token_id", "pad_token_id", "projection_dim", "vision_use_head",
        "use_base_siglip", "max_image_size", "size",
      ]))

  /// `generation_config.json`.
  static let generation = generating.merging(
    KnownKeys(
      computed: ["eos_token_id"],
      harmless: [
        "bos_token_id", "pad_token_id", "decoder_start_token_id", "_from_model_config",
        "transformers_version",
        "trust_remote_code", "is_assistant", "num_assistant_tokens", "num_assistant_tokens_schedule",
        "assistant_confidence_threshold", "assistant_early_exit", "assistant_lookbehind",
        "target_lookbehind", "prompt_lookup_num_tokens", "max_matching_ngram_size",
        "continuous_batching_config",
      ]))
}
