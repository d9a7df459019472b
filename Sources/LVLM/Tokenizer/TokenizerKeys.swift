import Checkpoint

extension KnownKeys {
  /// Tokens that `tokenizer_config.json` and `special_tokens_map.json` name, one under each key.
  static let namedTokens = [
    "bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token", "mask_token", "image_token",
  ]

  /// Further tokens that they name: lists, or objects of names.
  static let listedTokens = [
    "additional_special_tokens", "extra_special_tokens", "model_specific_special_tokens",
  ]

  /// `special_tokens_map.json`.
  static let tokenMap = KnownKeys(computed: namedTokens + listedTokens)

  /// `tokenizer_config.json` beside a vocabulary.
  static func tokenizerConfiguration(_ tokenizer: Tokenizer) -> KnownKeys {
    tokenMap.merging(
      KnownKeys(
        computed: ["added_tokens_decoder", "chat_template"],
        harmless: [
          // Texts are cut, filled up and laid out by the commands here.
          "model_max_length", "max_length", "max_len", "padding_side", "truncation_side", "truncation",
          "truncation_strategy", "stride", "pad_to_multiple_of", "pad_token_type_id", "padding",
          "return_token_type_ids", "model_input_names",
          // How the files were made and found.
          "name_or_path", "special_tokens_map_file", "tokenizer_file", "vocab_file", "merges_file",
          "processor_class", "backend", "from_slow", "is_local", "local_files_only", "trust_remote_code",
          "use_fast", "verbose", "transformers_version",
          // A system sentence of a chat template that no release has any more.
          "use_default_system_prompt",
          // Where a blank is put is tokenizer.json's to say, or tokenizer.model's where it is alone.
          "legacy",
          // What stands between special tokens in a text that shows them.
          "spaces_between_special_tokens",
        ],
        only: [
          "add_bos_token": [.boolean(tokenizer.addsBOS)], "add_eos_token": [.boolean(false)],
          "add_prefix_space": [.boolean(tokenizer.putsBlankFirst)],
          "split_special_tokens": [.boolean(false)], "do_lower_case": [.boolean(false)],
          "sp_model_kwargs": [.object([])], "clean_up_tokenization_spaces": [.boolean(false)],
          "errors": [.string("replace")], "fix_mistral_regex": [.boolean(false)], "auto_map": [],
          "tokenizer_class": [
            "LlamaTokenizer", "LlamaTokenizerFast", "PreTrainedTokenizer", "PreTrainedTokenizerFast",
            "TokenizersBackend", "GPT2Tokenizer", "GPT2TokenizerFast", "Qwen2Tokenizer", "Qwen2TokenizerFast",
          ].map(JSONValue.string),
        ]))
  }

  /// What `tokenizer_config.json` has beside a vocabulary of InternLM2, whose class is not transformers' own;
  /// what its published code does is done here.
  static let internLM2Tokenizer = KnownKeys(
    harmless: ["auto_map", "decode_with_prefix_space"],
    only: ["tokenizer_class": internLM2Classes.map(JSONValue.string)])

  /// Names of that class.
  static let internLM2Classes = ["InternLM2Tokenizer", "InternLMXComposer2Tokenizer"]
}
