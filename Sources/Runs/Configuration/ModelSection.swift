extension RunConfiguration {
  /// `model`: the shape of the vision-language model under Hugging Face's names, or an existing model.
  public struct Model: Sendable, Equatable {
    /// Directory of an existing model in Hugging Face layout; `nil` builds a new one from the shape below.
    public var path: String?
    /// GGUF file of a language model, which a new vision tower and projector are put before.
    public var languageModel: String?
    /// Family of a new model.
    public var modelType = Family.llava
    /// Patches along a side of what becomes one feature, in family `smolvlm`.
    public var scaleFactor = 2
    /// Tiles that a picture is cut into at most, in families that cut pictures.
    public var tiles = 4
    /// Shape of the vision tower.
    public var visionConfig = Vision()
    /// Shape of the decoder.
    public var textConfig = Text()
    /// Which hidden state of the vision tower goes to the projector, counted from the end when negative:
    /// −1 is the output of the last layer, −2 of the one before it.
    public var visionFeatureLayer = -2

    /// All defaults.
    public init() {}
  }
}

extension RunConfiguration.Model {
  /// A family of new models, by the `model_type` of its `config.json`.
  public enum Family: String, CaseIterable, Sendable {
    /// LLaVA: every picture is one square.
    case llava
    /// SmolVLM: tiles with tags, blocks of patches.
    case smolVLM = "smolvlm"
    /// LLaVA-OneVision: tiles of a picture that is alone, squares of several.
    case oneVision = "llava_onevision"
    /// InternLM-XComposer2.5: a view of the whole and tiles, partial LoRA at pictures.
    case xComposer = "internlm2"
  }

  /// `model.vision_config`: a CLIP-style vision transformer, SigLIP's in families that have one.
  public struct Vision: Sendable, Equatable {
    /// Activation of the vision transformer's feed-forward layers.
    public enum Activation: String, CaseIterable, Sendable {
      /// x · sigmoid(1.702 x).
      case quickGELU = "quick_gelu"
      /// x Φ(x).
      case gelu
    }

    /// Side of the square input picture, pixels.
    public var imageSize = 72
    /// Side of one patch, pixels; divides `imageSize`.
    public var patchSize = 12
    /// Width of the hidden states.
    public var hiddenSize = 64
    /// Width inside the feed-forward layers.
    public var intermediateSize = 256
    /// Number of transformer layers.
    public var numHiddenLayers = 4
    /// Number of attention heads; divides `hiddenSize`.
    public var numAttentionHeads = 2
    /// Activation of the feed-forward layers.
    public var hiddenAct = Activation.quickGELU

    /// All defaults.
    public init() {}

    /// Patches of one picture, which is also its number of tokens in a prompt.
    public var patchesPerImage: Int { (imageSize / patchSize) * (imageSize / patchSize) }
  }

  /// `model.text_config`: a LLaMA decoder.
  public struct Text: Sendable, Equatable {
    /// Width of the hidden states.
    public var hiddenSize = 128
    /// Width inside the gated feed-forward layers.
    public var intermediateSize = 344
    /// Number of decoder layers.
    public var numHiddenLayers = 4
    /// Number of attention heads; divides `hiddenSize`.
    public var numAttentionHeads = 4
    /// Number of key and value heads; divides `numAttentionHeads`.
    public var numKeyValueHeads = 4
    /// Base of the rotary position embedding.
    public var ropeTheta = 10_000.0
    /// Added to the mean square in RMS normalization.
    public var rmsNormEps = 1e-5
    /// Longest sequence in tokens, image tokens included.
    public var maxPositionEmbeddings = 1024
    /// Whether the vocabulary projection shares the embedding's weights.
    public var tieWordEmbeddings = false

    /// All defaults.
    public init() {}
  }
}
