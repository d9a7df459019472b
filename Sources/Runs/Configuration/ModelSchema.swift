import Records

extension RunConfiguration.Model: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .optionalPath(
        "path", \.path,
        "Directory of an existing model in Hugging Face layout, in place of the shape below; beside "
          + "`data.pairs` also a GGUF file of a language model, whose quantised matrices stay as they are."),
      .optionalPath(
        "language_model", \.languageModel,
        "GGUF file of a LLaMA language model with its vocabulary, in place of `text_config` and of a "
          + "vocabulary of the run's own texts."
      ),
      .choice(
        "model_type", \.modelType,
        "Family of a new model: one square for every picture (`llava`), tiles with tags (`smolvlm`), tiles "
          + "of a picture that is alone (`llava_onevision`), a whole view and tiles (`internlm2`, "
          + "InternLM-XComposer2.5)."
      ),
      .integer(
        "tiles", \.tiles, from: 1, to: 64,
        "Tiles of `vision_config.image_size` that a picture is cut into at most, in families that cut "
          + "pictures; `internlm2` cuts each of several into a quarter of that."
      ),
      .integer(
        "scale_factor", \.scaleFactor, from: 1, to: 64,
        "Patches along a side of what becomes one feature, in family `smolvlm`."),
      .section("vision_config", \.visionConfig, isWritten: { $0.path == nil }),
      .section("text_config", \.textConfig, isWritten: { $0.path == nil && $0.languageModel == nil }),
      .integer(
        "vision_feature_layer", \.visionFeatureLayer, from: -10_001, to: 10_000,
        "Hidden state of the vision tower that goes to the projector; −1 is the last layer's output, −2 the "
          + "one before."
      ),
    ]
  }
}

extension RunConfiguration.Model.Vision: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .integer("image_size", \.imageSize, from: 8, to: 2048, "Side of the square input picture, pixels.")
        .read(by: .sft, .compose, .questions),
      .integer(
        "patch_size", \.patchSize, from: 1, to: 2048, "Side of one patch, pixels; divides `image_size`."),
      .integer("hidden_size", \.hiddenSize, from: 1, to: 131_072, "Width of the hidden states."),
      .integer(
        "intermediate_size", \.intermediateSize, from: 1, to: 1_048_576,
        "Width inside the feed-forward layers."),
      .integer("num_hidden_layers", \.numHiddenLayers, from: 1, to: 10_000, "Number of layers."),
      .integer(
        "num_attention_heads", \.numAttentionHeads, from: 1, to: 131_072,
        "Number of attention heads; divides `hidden_size`."),
      .choice("hidden_act", \.hiddenAct, "Activation of the feed-forward layers."),
    ]
  }
}

extension RunConfiguration.Model.Text: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .integer("hidden_size", \.hiddenSize, from: 1, to: 131_072, "Width of the hidden states."),
      .integer(
        "intermediate_size", \.intermediateSize, from: 1, to: 1_048_576,
        "Width inside the gated feed-forward layers."),
      .integer("num_hidden_layers", \.numHiddenLayers, from: 1, to: 10_000, "Number of layers."),
      .integer(
        "num_attention_heads", \.numAttentionHeads, from: 1, to: 131_072,
        "Number of attention heads; divides `hidden_size`."),
      .integer(
        "num_key_value_heads", \.numKeyValueHeads, from: 1, to: 131_072,
        "Number of key and value heads; divides `num_attention_heads`."),
      .number("rope_theta", \.ropeTheta, .positive, "Base of the rotary position embedding."),
      .number("rms_norm_eps", \.rmsNormEps, .positive, "Added to the mean square in RMS normalization."),
      .integer(
        "max_position_embeddings", \.maxPositionEmbeddings, from: 1, to: 10_000_000,
        "Longest sequence in tokens, image tokens included."),
      .flag(
        "tie_word_embeddings", \.tieWordEmbeddings,
        "Whether the vocabulary projection shares the embedding's weights."),
    ]
  }
}
