import Checkpoint
import Foundation

/// Shape of an Idefics3 or SmolVLM: a SigLIP tower, a connector, a LLaMA. Keys, and the values taken for
/// absent ones, are those of Hugging Face's `Idefics3Config` and `SmolVLMConfig`.
public struct SmolVLMConfiguration: Codable, Equatable, Sendable {
  /// What the family is called in a file; both compute the same.
  public enum ModelType: String, Codable, Sendable {
    /// Idefics3, and the first SmolVLM.
    case idefics3
    /// SmolVLM2, and what is written from SmolVLM since.
    case smolVLM = "smolvlm"

    /// The class whose weights these are.
    var architecture: String {
      switch self {
      case .idefics3: "Idefics3ForConditionalGeneration"
      case .smolVLM: "SmolVLMForConditionalGeneration"
      }
    }

    /// The class that reads pictures and texts.
    var processorClass: String {
      switch self {
      case .idefics3: "Idefics3Processor"
      case .smolVLM: "SmolVLMProcessor"
      }
    }
  }

  /// What the file calls the family.
  public var modelType: ModelType
  /// The vision tower.
  public var vision: SiglipConfiguration
  /// The decoder.
  public var text: TextConfiguration
  /// Patches along a side of what becomes one feature.
  public var scaleFactor: Int
  /// Token that stands for one image feature in a prompt.
  public var imageTokenIndex: Int

  /// A model configuration.
  public init(
    vision: SiglipConfiguration = SiglipConfiguration.Variant.idefics3.defaults,
    text: TextConfiguration = TextConfiguration(), scaleFactor: Int = 2, imageTokenIndex: Int = 128_257,
    modelType: ModelType = .smolVLM
  ) {
    self.vision = vision
    self.text = text
    self.scaleFactor = scaleFactor
    self.imageTokenIndex = imageTokenIndex
    self.modelType = modelType
  }

  /// Features along a side of a view.
  public var featuresPerSide: Int { vision.patchesPerSide / max(scaleFactor, 1) }

  /// How many features pictures have that are cut in some way.
  func geometry(_ tiling: SmolVLMTiling) -> SmolVLMGeometry {
    SmolVLMGeometry(
      tiling: tiling, featuresPerSide: featuresPerSide, featureSide: vision.patchSize * scaleFactor)
  }

  enum CodingKeys: String, CodingKey {
    case vision = "vision_config"
    case text = "text_config"
    case scaleFactor = "scale_factor"
    case imageTokenIndex = "image_token_id"
    case tiesWordEmbeddings = "tie_word_embeddings"
    case modelType = "model_type"
    case architectures
  }

  /// Reads `config.json`; absent keys take the values of its class.
  public init(from decoder: any Decoder) throws {
    let section = try ConfigurationSection(decoder, keyedBy: CodingKeys.self)
    modelType = section.value(.modelType, default: .idefics3)
    let architectures: [String] = section.value(.architectures, default: [])
    let known = [ModelType.smolVLM, .idefics3].map(\.architecture)
    if !architectures.isEmpty, Set(known).isDisjoint(with: architectures) {
      section.note(
        .architectures, found: architectures.joined(separator: ", "),
        expected: known.joined(separator: " or "))
    }
    vision = section.siglip(.vision, as: .idefics3)
    text = section.value(.text, default: Self.usualText)
    scaleFactor = section.value(.scaleFactor, default: 2)
    imageTokenIndex = section.value(.imageTokenIndex, default: 128_257)
    if section.value(.tiesWordEmbeddings, default: false) { text.tiesWordEmbeddings = true }
    try section.finish()
  }

  /// What a file without `text_config` means.
  private static var usualText: TextConfiguration {
    var text = TextFamily.llama.defaults
    text.rmsNormEpsilon = 1e-5
    return text
  }

  /// Writes every key.
  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode([modelType.architecture], forKey: .architectures)
    try keys.encode(modelType, forKey: .modelType)
    try keys.encode(vision, forKey: .vision)
    try keys.encode(text, forKey: .text)
    try keys.encode(scaleFactor, forKey: .scaleFactor)
    try keys.encode(imageTokenIndex, forKey: .imageTokenIndex)
    try keys.encode(text.tiesWordEmbeddings, forKey: .tiesWordEmbeddings)
  }

  /// Notes everything contradictory.
  public func check(_ checks: inout ConfigurationChecks) {
    vision.check(&checks)
    text.check(&checks)
    let key = CodingKeys.scaleFactor.rawValue
    checks.positive(scaleFactor, upTo: 1 << 10, key)
    let side = vision.patchSize > 0 ? vision.patchesPerSide : 0
    checks.require(
      scaleFactor <= 0 || side <= 0 || side % scaleFactor == 0, key, with: "vision_config.image_size",
      "vision_config.patch_size", found: "\(scaleFactor)",
      expected: "a divisor of the \(side) patches along a side of a view")
    checks.require(
      imageTokenIndex >= 0 && imageTokenIndex < text.vocabularySize, CodingKeys.imageTokenIndex.rawValue,
      with: "text_config.vocab_size", found: "\(imageTokenIndex)",
      expected: "an id below text_config.vocab_size (\(text.vocabularySize))")
  }
}

extension SmolVLMConfiguration {
  /// `config.json` outside its sections.
  private static let keys = KnownKeys.model.merging(
    KnownKeys(
      computed: ["text_config", "vision_config", "scale_factor", "image_token_id"],
      harmless: [
        // The size of the vocabulary again, a length that is worked out from the tower, and a padding token
        // that no vocabulary of the family has.
        "vocab_size", "image_seq_len", "pad_token_id", "_pad_token_id", "bos_token_id", "eos_token_id",
        "transformers.js_config", "use_reentrant_checkpointing", "freeze_config",
      ]))

  /// What the sections of the published files carry along from the code that trained them.
  private static let relics = KnownKeys(
    harmless: [
      "_flash_attn_2_enabled", "is_llama_config", "neftune_noise_alpha", "perceiver_config",
      "pixel_shuffle_factor", "transformers.js_config",
    ],
    only: ["qk_layer_norms": [.boolean(false)], "use_resampler": [.boolean(false)]])

  /// The keys of a `config.json` that are unknown or have values that are not computed here.
  static func unknownKeys(in json: JSONValue) -> [ModelConfigurationError.Problem] {
    func inside(_ path: String..., keys: KnownKeys) -> [ModelConfigurationError.Problem] {
      let object = path.reduce(Optional(json)) { $0?[$1] }
      return object.map { keys.problems(in: $0, section: path.map { $0 + "." }.joined()) } ?? []
    }
    let family = (json["text_config"]?["model_type"]?.text).flatMap(TextFamily.init) ?? .llama
    return keys.problems(in: json) + inside("vision_config", keys: .siglip)
      + inside("text_config", keys: KnownKeys.text.merging(family.keys).merging(relics))
      + inside("text_config", "rope_parameters", keys: .rope)
      + inside("text_config", "rope_scaling", keys: .rope)
  }
}
