import Checkpoint

extension KnownKeys {
  /// `config.json` outside its sections.
  static let llava = model.merging(
    KnownKeys(
      computed: [
        "text_config", "vision_config", "image_token_index", "image_token_id", "vision_feature_layer",
        "vision_feature_select_strategy", "projector_hidden_act", "multimodal_projector_bias",
        "eos_token_id",
      ],
      harmless: [
        // What is ignored in a loss, the size of the vocabulary again, and a length that is worked out from
        // the tower.
        "ignore_index", "vocab_size", "image_seq_length", "pad_token_id", "bos_token_id", "hidden_size",
      ]))
}

extension LlavaConfiguration {
  /// The keys of a `config.json` that are unknown or have values that are not computed here.
  static func unknownKeys(in json: JSONValue) -> [ModelConfigurationError.Problem] {
    func inside(_ path: String..., keys: KnownKeys) -> [ModelConfigurationError.Problem] {
      let object = path.reduce(Optional(json)) { $0?[$1] }
      return object.map { keys.problems(in: $0, section: path.map { $0 + "." }.joined()) } ?? []
    }
    let family = (json["text_config"]?["model_type"]?.text).flatMap(TextFamily.init) ?? .llama
    return KnownKeys.llava.problems(in: json) + inside("vision_config", keys: .vision)
      + inside("text_config", keys: KnownKeys.text.merging(family.keys))
      + inside("text_config", "rope_parameters", keys: .rope)
      + inside("text_config", "rope_scaling", keys: .rope)
  }
}
