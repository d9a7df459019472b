import Foundation
import LVLM
import TestSupport
import Testing

/// Every key of `tokenizer_config.json` and `special_tokens_map.json` is computed, harmless or refused by
/// its name.
@Suite struct TokenizerKeysTests: ModelCopies {
  private static let taken: [(key: String, values: [String])] = [
    ("bos_token", [#""<s>""#, #"{"content": "<s>", "lstrip": false}"#, "null"]),
    ("eos_token", [#""</s>""#, "null"]), ("pad_token", [#""<pad>""#, "null"]),
    ("unk_token", [#""<unk>""#, "null"]), ("sep_token", ["null"]), ("cls_token", [#""<s>""#, "null"]),
    ("mask_token", ["null"]), ("image_token", [#""<image>""#]),
    ("additional_special_tokens", ["[]", #"["<image>", "<s>"]"#, "null"]),
    ("extra_special_tokens", ["{}", #"{"image_token": "<image>"}"#, #"["<image>"]"#, "[]"]),
    ("model_specific_special_tokens", [#"{"image_token": {"content": "<image>"}}"#]),
    ("added_tokens_decoder", [#"{"2": {"content": "</s>", "special": true, "lstrip": false}}"#, "{}"]),
    ("add_bos_token", ["true", "null"]), ("add_eos_token", ["false", "null"]),
    ("add_prefix_space", ["true", "null"]), ("split_special_tokens", ["false"]),
    ("do_lower_case", ["false"]), ("sp_model_kwargs", ["{}"]), ("clean_up_tokenization_spaces", ["false"]),
    ("errors", [#""replace""#]), ("auto_map", ["null"]), ("fix_mistral_regex", ["false"]),
    ("tokenizer_class", [#""LlamaTokenizer""#, #""LlamaTokenizerFast""#, #""PreTrainedTokenizerFast""#]),
    ("model_max_length", ["2048", "1e30"]), ("padding_side", [#""left""#, #""right""#]),
    ("truncation_side", [#""left""#]), ("legacy", ["true", "false"]), ("processor_class", [#""Other""#]),
    ("use_default_system_prompt", ["true"]), ("name_or_path", [#""x""#]), ("backend", [#""tokenizers""#]),
    ("trust_remote_code", ["false"]), ("spaces_between_special_tokens", ["false"]),
    ("model_input_names", [#"["input_ids"]"#]), ("special_tokens_map_file", ["null", #""x""#]),
  ]

  private static let refused: [(key: String, values: [String])] = [
    ("bos_token", ["7", "[]"]), ("unk_token", [#""<other>""#, "3"]), ("sep_token", [#""[SEP]""#]),
    ("cls_token", [#""[CLS]""#]), ("mask_token", [#"{"content": "<mask>"}"#]),
    ("image_token", [#""<picture>""#]), ("additional_special_tokens", [#"["<image>", "<end>"]"#, "7"]),
    ("extra_special_tokens", [#"{"image_token": "<picture>"}"#, #"["<end>"]"#, #"[7]"#]),
    ("model_specific_special_tokens", [#"{"boi_token": "<boi>"}"#]),
    ("add_bos_token", ["false"]), ("add_eos_token", ["true"]), ("add_prefix_space", ["false", "7"]),
    ("split_special_tokens", ["true"]), ("do_lower_case", ["true"]),
    ("sp_model_kwargs", [#"{"enable_sampling": true}"#]), ("clean_up_tokenization_spaces", ["true"]),
    ("errors", [#""strict""#]), ("auto_map", [#"{"AutoTokenizer": "x"}"#]), ("fix_mistral_regex", ["true"]),
    ("tokenizer_class", [#""BertTokenizer""#, #""T5Tokenizer""#, "7"]), ("normalization", ["true"]),
    ("strip_accents", ["true"]), ("tokenize_chinese_chars", ["true"]), ("keep_accents", ["true"]),
    ("remove_space", ["true"]), ("byte_fallback", ["true"]), ("dropout", ["0.1"]), ("vocab_type", ["1"]),
    ("some_new_key", ["1"]),
  ]

  @Test func keysThatAreTaken() throws { try check(Self.taken) { $0.hasPrefix("no error") } }

  @Test func keysThatAreRefused() throws {
    try check(Self.refused) { $0.contains("tokenizer_config.json: ") && $0.contains(": found") }
  }

  private func check(_ table: [(key: String, values: [String])], _ holds: (String) -> Bool) throws {
    for (key, values) in table {
      for value in values {
        for isAlone in [false, true] {
          try withCopy { folder in
            // Alone, the vocabulary is that of tokenizer.json.
            if isAlone {
              try FileManager.default.removeItem(at: folder.appending(component: "tokenizer.model"))
            }
            let parsed = try JSONSerialization.jsonObject(with: Data(value.utf8), options: .fragmentsAllowed)
            try edit("tokenizer_config.json", folder) { $0[key] = parsed }
            let words = message(folder)
            #expect(
              holds(words) && (words.hasPrefix("no error") || words.contains(key)),
              "\(key) \(value): \(words)")
          }
        }
      }
    }
  }

  @Test func theMapOfSpecialTokens() throws {
    try withCopy { folder in
      for (key, value) in [
        ("unk_token", "<other>" as Any), ("additional_special_tokens", ["<end>"]), ("some_new_key", 1),
      ] {
        try write([key: value], "special_tokens_map.json", folder)
        let words = message(folder)
        #expect(words.contains("special_tokens_map.json: \(key)") && words.contains("found"), "\(words)")
      }
      let harmless: [String: Any] = [
        "bos_token": "<s>", "unk_token": ["content": "<unk>"], "additional_special_tokens": ["<image>"],
      ]
      try write(harmless, "special_tokens_map.json", folder)
      #expect(message(folder).hasPrefix("no error"), "\(message(folder))")
    }
  }

  /// Tokens with ids of their own are the vocabulary's, all of them.
  @Test func addedTokens() throws {
    try withCopy { folder in
      try write(["<image>": 330, "<extra>": 333], "added_tokens.json", folder)
      #expect(
        message(folder).contains(
          "added_tokens.json (<extra> has the id 333, expected one that the vocabulary has"),
        "\(message(folder))")
      try write(["<image>": 330, "<s>": 5], "added_tokens.json", folder)
      #expect(message(folder).contains("<s> has the id 5, expected 1"), "\(message(folder))")
      try FileManager.default.removeItem(at: folder.appending(component: "added_tokens.json"))
      try edit("tokenizer_config.json", folder) {
        $0["added_tokens_decoder"] = ["333": ["content": "<extra>"]]
      }
      #expect(
        message(folder).contains("tokenizer_config.json (<extra> has the id 333"), "\(message(folder))")
    }
  }
}
