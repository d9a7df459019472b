/// Shape of a SigLIP vision tower; the keys, and the values taken for absent ones, are those of Hugging
/// Face's `SiglipVisionConfig` or `Idefics3VisionConfig`.
public struct SiglipConfiguration: Encodable, Equatable, Sendable {
  /// Whose class reads the section, which decides what absent keys mean and where patches stand.
  public enum Variant: Sendable {
    /// `SiglipVisionConfig`: a position for each patch, in order.
    case siglip
    /// `Idefics3VisionConfig` and `SmolVLMVisionConfig`: positions by the fraction of the picture.
    case idefics3

    /// The names that `model_type` may have; the first one is written.
    var modelTypes: [String] {
      switch self {
      case .siglip: ["siglip_vision_model"]
      case .idefics3: ["idefics3_vision", "idefics3", "smolvlm_vision", "smolvlm"]
      }
    }

    /// What absent keys mean.
    public var defaults: SiglipConfiguration {
      switch self {
      case .siglip: SiglipConfiguration(variant: .siglip)
      case .idefics3:
        SiglipConfiguration(hiddenSize: 1152, attentionHeadCount: 16, patchSize: 32, variant: .idefics3)
      }
    }
  }

  /// Whose class reads the section.
  public var variant: Variant
  /// The name that the section was read under, written again.
  public var modelType: String
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
  /// Side of a view in pixels.
  public var imageSize: Int
  /// Side of a patch in pixels. Pixels that fill no patch are not seen.
  public var patchSize: Int
  /// Activation of the perceptron.
  public var activation: Activation
  /// Epsilon of the layer norms.
  public var layerNormEpsilon: Double

  /// A vision tower; the defaults are those of `SiglipVisionConfig`.
  public init(
    hiddenSize: Int = 768, intermediateSize: Int = 3072, hiddenLayerCount: Int = 12,
    attentionHeadCount: Int = 12, channelCount: Int = 3, imageSize: Int = 224, patchSize: Int = 16,
    activation: Activation = .geluTanh, layerNormEpsilon: Double = 1e-6, variant: Variant = .siglip,
    modelType: String? = nil
  ) {
    self.variant = variant
    self.modelType = modelType ?? variant.modelTypes[0]
    self.hiddenSize = hiddenSize
    self.intermediateSize = intermediateSize
    self.hiddenLayerCount = hiddenLayerCount
    self.attentionHeadCount = attentionHeadCount
    self.channelCount = channelCount
    self.imageSize = imageSize
    self.patchSize = patchSize
    self.activation = activation
    self.layerNormEpsilon = layerNormEpsilon
  }

  /// Patches along one side of a view.
  public var patchesPerSide: Int { imageSize / patchSize }
  /// Patches of a view; row-major, the first row is the top.
  public var patchCount: Int { patchesPerSide * patchesPerSide }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case hiddenSize = "hidden_size"
    case intermediateSize = "intermediate_size"
    case hiddenLayerCount = "num_hidden_layers"
    case attentionHeadCount = "num_attention_heads"
    case channelCount = "num_channels"
    case imageSize = "image_size"
    case patchSize = "patch_size"
    case activation = "hidden_act"
    case layerNormEpsilon = "layer_norm_eps"
    case modelType = "model_type"
  }

  /// Reads a section on its own; absent keys take the values of the variant's class.
  public init(from decoder: any Decoder, as variant: Variant) throws {
    let section = try ConfigurationSection(decoder, keyedBy: CodingKeys.self)
    let usual = variant.defaults
    self.variant = variant
    modelType = section.value(.modelType, default: usual.modelType)
    if !variant.modelTypes.contains(modelType) {
      section.note(
        .modelType, found: "\"\(modelType)\"",
        expected: variant.modelTypes.map { "\"\($0)\"" }.joined(separator: " or "))
    }
    hiddenSize = section.value(.hiddenSize, default: usual.hiddenSize)
    intermediateSize = section.value(.intermediateSize, default: usual.intermediateSize)
    hiddenLayerCount = section.value(.hiddenLayerCount, default: usual.hiddenLayerCount)
    attentionHeadCount = section.value(.attentionHeadCount, default: usual.attentionHeadCount)
    channelCount = section.value(.channelCount, default: usual.channelCount)
    imageSize = section.value(.imageSize, default: usual.imageSize)
    patchSize = section.value(.patchSize, default: usual.patchSize)
    activation = section.value(.activation, default: usual.activation)
    layerNormEpsilon = section.value(.layerNormEpsilon, default: usual.layerNormEpsilon)
    try section.finish()
  }

  /// Writes every key.
  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode(modelType, forKey: .modelType)
    try keys.encode(hiddenSize, forKey: .hiddenSize)
    try keys.encode(intermediateSize, forKey: .intermediateSize)
    try keys.encode(hiddenLayerCount, forKey: .hiddenLayerCount)
    try keys.encode(attentionHeadCount, forKey: .attentionHeadCount)
    try keys.encode(channelCount, forKey: .channelCount)
    try keys.encode(imageSize, forKey: .imageSize)
    try keys.encode(patchSize, forKey: .patchSize)
    try keys.encode(activation, forKey: .activation)
    try keys.encode(layerNormEpsilon, forKey: .layerNormEpsilon)
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
    checks.require(
      patchSize <= imageSize, name(.patchSize), with: name(.imageSize), found: "\(patchSize)",
      expected: "at most image_size (\(imageSize))")
  }
}

extension ConfigurationSection {
  /// The section of a SigLIP tower at `key`; the defaults of `variant` where the key is absent or null.
  func siglip(_ key: Key, as variant: SiglipConfiguration.Variant) -> SiglipConfiguration {
    do {
      guard keys.contains(key), try !keys.decodeNil(forKey: key) else { return variant.defaults }
      return try SiglipConfiguration(from: keys.superDecoder(forKey: key), as: variant)
    } catch {
      note(error)
      return variant.defaults
    }
  }
}
