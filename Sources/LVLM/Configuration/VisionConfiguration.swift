/// Shape of a CLIP vision tower; the keys, and the values taken for absent ones, are those of Hugging Face's
/// `CLIPVisionConfig`.
public struct VisionConfiguration: Codable, Equatable, Sendable {
  /// Width of the encoder.
  public var hiddenSize: Int
  /// Width inside the two-layer perceptron of a block.
  public var intermediateSize: Int
  /// Number of blocks.
  public var hiddenLayerCount: Int
  /// Heads of an attention.
  public var attentionHeadCount: Int
  /// Colour channels of a picture.
  public var channelCount: Int
  /// Side of the square picture in pixels.
  public var imageSize: Int
  /// Side of a patch in pixels; divides `imageSize`.
  public var patchSize: Int
  /// Activation of the perceptron.
  public var activation: Activation
  /// Epsilon of the layer norms.
  public var layerNormEpsilon: Double
  /// Width of CLIP's image-text space: kept for the file, not used here.
  public var projectionSize: Int

  /// A vision tower; the defaults are CLIP ViT-L/14 at 336 pixels, the tower of LLaVA-1.5.
  public init(
    hiddenSize: Int = 1024, intermediateSize: Int = 4096, hiddenLayerCount: Int = 24,
    attentionHeadCount: Int = 16, channelCount: Int = 3, imageSize: Int = 336, patchSize: Int = 14,
    activation: Activation = .quickGELU, layerNormEpsilon: Double = 1e-5, projectionSize: Int = 768
  ) {
    self.hiddenSize = hiddenSize
    self.intermediateSize = intermediateSize
    self.hiddenLayerCount = hiddenLayerCount
    self.attentionHeadCount = attentionHeadCount
    self.channelCount = channelCount
    self.imageSize = imageSize
    self.patchSize = patchSize
    self.activation = activation
    self.layerNormEpsilon = layerNormEpsilon
    self.projectionSize = projectionSize
  }

  /// Patches along one side of a picture.
  public var patchesPerSide: Int { imageSize / patchSize }
  /// Patches of a picture; row-major, the first row is the top of the picture.
  public var patchCount: Int { patchesPerSide * patchesPerSide }
  /// Width of one head.
  public var headSize: Int { hiddenSize / attentionHeadCount }

  enum CodingKeys: String, CodingKey {
    case hiddenSize = "hidden_size"
    case intermediateSize = "intermediate_size"
    case hiddenLayerCount = "num_hidden_layers"
    case attentionHeadCount = "num_attention_heads"
    case channelCount = "num_channels"
    case imageSize = "image_size"
    case patchSize = "patch_size"
    case activation = "hidden_act"
    case layerNormEpsilon = "layer_norm_eps"
    case projectionSize = "projection_dim"
    case modelType = "model_type"
  }

  /// Reads the section; absent keys take the values of `CLIPVisionConfig`.
  public init(from decoder: any Decoder) throws {
    let section = try ConfigurationSection(decoder, keyedBy: CodingKeys.self)
    section.require("clip_vision_model", at: .modelType)
    hiddenSize = section.value(.hiddenSize, default: 768)
    intermediateSize = section.value(.intermediateSize, default: 3072)
    hiddenLayerCount = section.value(.hiddenLayerCount, default: 12)
    attentionHeadCount = section.value(.attentionHeadCount, default: 12)
    channelCount = section.value(.channelCount, default: 3)
    imageSize = section.value(.imageSize, default: 224)
    patchSize = section.value(.patchSize, default: 32)
    activation = section.value(.activation, default: .quickGELU)
    layerNormEpsilon = section.value(.layerNormEpsilon, default: 1e-5)
    projectionSize = section.value(.projectionSize, default: 512)
    try section.finish()
  }

  /// Writes every key.
  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode("clip_vision_model", forKey: .modelType)
    try keys.encode(hiddenSize, forKey: .hiddenSize)
    try keys.encode(intermediateSize, forKey: .intermediateSize)
    try keys.encode(hiddenLayerCount, forKey: .hiddenLayerCount)
    try keys.encode(attentionHeadCount, forKey: .attentionHeadCount)
    try keys.encode(channelCount, forKey: .channelCount)
    try keys.encode(imageSize, forKey: .imageSize)
    try keys.encode(patchSize, forKey: .patchSize)
    try keys.encode(activation, forKey: .activation)
    try keys.encode(layerNormEpsilon, forKey: .layerNormEpsilon)
    try keys.encode(projectionSize, forKey: .projectionSize)
  }

  func check(_ checks: inout ConfigurationChecks) {
    func name(_ key: CodingKeys) -> String { "vision_config.\(key.rawValue)" }
    checks.positive(hiddenSize, name(.hiddenSize))
    checks.positive(intermediateSize, name(.intermediateSize))
    checks.positive(hiddenLayerCount, upTo: 1 << 12, name(.hiddenLayerCount))
    checks.positive(attentionHeadCount, name(.attentionHeadCount))
    checks.require(
      channelCount == 3, name(.channelCount), found: "\(channelCount)", expected: "3 (red, green, blue)")
    checks.positive(imageSize, upTo: 1 << 14, name(.imageSize))
    checks.positive(patchSize, name(.patchSize))
    checks.positive(layerNormEpsilon, name(.layerNormEpsilon))
    checks.multiple(
      hiddenSize, of: attentionHeadCount, named: "num_attention_heads", name(.hiddenSize))
    checks.multiple(imageSize, of: patchSize, named: "patch_size", name(.imageSize))
  }
}
