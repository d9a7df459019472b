import Checkpoint
public import Foundation
import Tensor

/// Shape of an InternLM-XComposer2.5: vision tower, projector, decoder. Keys are those of the published
/// `config.json`, which has the decoder's at the top.
///
/// What the published code has hard-wired may stand in three keys more: `plora_r`, `plora_alpha` and
/// `vision_config`. The published tower is described in a directory of its own.
public struct XComposerConfiguration: Codable, Equatable, Sendable {
  /// The vision tower.
  public var vision: VisionConfiguration
  /// The decoder.
  public var text: TextConfiguration
  /// Stands for one image feature in a prompt: an id that no text has, as in the published code.
  public var imageTokenIndex = Self.imageToken

  /// The id of an image feature.
  static let imageToken = Int(Tokenizer.unembeddedImageID)

  /// The published tower: CLIP ViT-L/14 at 560 pixels.
  public static let publishedVision = VisionConfiguration(imageSize: 560)

  /// The published decoder: InternLM2-7B with partial LoRA of width 256 in every matrix.
  public static let publishedText = TextFamily.internlm2.defaults

  /// A model configuration; the defaults are InternLM-XComposer2.5-7B.
  public init(
    vision: VisionConfiguration = publishedVision, text: TextConfiguration = publishedText
  ) {
    self.vision = vision
    self.text = text
  }

  enum CodingKeys: String, CodingKey {
    case architectures
    case modelType = "model_type"
    case vocabularySize = "vocab_size"
    case hiddenSize = "hidden_size"
    case intermediateSize = "intermediate_size"
    case hiddenLayerCount = "num_hidden_layers"
    case attentionHeadCount = "num_attention_heads"
    case keyValueHeadCount = "num_key_value_heads"
    case contextLength = "max_position_embeddings"
    case rmsNormEpsilon = "rms_norm_eps"
    case ropeTheta = "rope_theta"
    case ropeParameters = "rope_parameters"
    case ropeScaling = "rope_scaling"
    case tiesWordEmbeddings = "tie_word_embeddings"
    case hasBias = "bias"
    case activation = "hidden_act"
    case bosTokenID = "bos_token_id"
    case eosTokenID = "eos_token_id"
    case padTokenID = "pad_token_id"
    case partialRank = "plora_r"
    case partialAlpha = "plora_alpha"
    case vision = "vision_config"
  }

  /// The class whose weights these are. Plain language models have the same `model_type`.
  static let architecture = "InternLMXComposer2ForCausalLM"

  /// Reads `config.json`, in which the shape of the decoder must be.
  public init(from decoder: any Decoder) throws {
    let section = try ConfigurationSection(decoder, keyedBy: CodingKeys.self)
    section.require(TextFamily.internlm2.rawValue, at: .modelType)
    let architectures: [String] = section.value(.architectures, default: [])
    if !architectures.contains(Self.architecture) {
      section.note(
        .architectures, found: architectures.isEmpty ? "nothing" : architectures.joined(separator: ", "),
        expected: Self.architecture)
    }
    let usual = Self.publishedText
    var text = usual
    text.vocabularySize = section.required(.vocabularySize, fallback: usual.vocabularySize)
    text.hiddenSize = section.required(.hiddenSize, fallback: usual.hiddenSize)
    text.intermediateSize = section.required(.intermediateSize, fallback: usual.intermediateSize)
    text.hiddenLayerCount = section.required(.hiddenLayerCount, fallback: usual.hiddenLayerCount)
    text.attentionHeadCount = section.required(.attentionHeadCount, fallback: usual.attentionHeadCount)
    text.keyValueHeadCount = section.required(.keyValueHeadCount, fallback: usual.keyValueHeadCount)
    text.contextLength = section.required(.contextLength, fallback: usual.contextLength)
    text.rmsNormEpsilon = section.required(.rmsNormEpsilon, fallback: usual.rmsNormEpsilon)
    text.headSize = text.hiddenSize / max(text.attentionHeadCount, 1)
    text.tiesWordEmbeddings = section.value(.tiesWordEmbeddings, default: false)
    text.activation = section.value(.activation, default: .silu)
    text.bosTokenID = section.value(.bosTokenID, default: usual.bosTokenID)
    text.eosTokenID = section.value(.eosTokenID, default: usual.eosTokenID)
    text.padTokenID = section.optional(.padTokenID)
    text.partialRank = section.value(.partialRank, default: 256)
    text.partialAlpha = section.value(.partialAlpha, default: 256)
    if section.required(.hasBias, fallback: false) {
      section.note(.hasBias, found: "true", expected: "false: no matrix of the decoder has a bias here")
    }
    let rope = RotaryParameters.read(
      section, .ropeParameters, .ropeScaling, theta: .ropeTheta, context: text.contextLength)
    (text.ropeTheta, text.ropeScaling) = (rope.theta ?? 10_000, rope.scaling ?? .none)
    self.text = text
    vision = section.value(.vision, default: Self.publishedVision)
    try section.finish()
  }

  /// Writes the published keys, and the three more.
  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode([Self.architecture], forKey: .architectures)
    try keys.encode(text.family, forKey: .modelType)
    try keys.encode(text.vocabularySize, forKey: .vocabularySize)
    try keys.encode(text.hiddenSize, forKey: .hiddenSize)
    try keys.encode(text.intermediateSize, forKey: .intermediateSize)
    try keys.encode(text.hiddenLayerCount, forKey: .hiddenLayerCount)
    try keys.encode(text.attentionHeadCount, forKey: .attentionHeadCount)
    try keys.encode(text.keyValueHeadCount, forKey: .keyValueHeadCount)
    try keys.encode(text.contextLength, forKey: .contextLength)
    try keys.encode(text.rmsNormEpsilon, forKey: .rmsNormEpsilon)
    try keys.encode(text.ropeTheta, forKey: .ropeTheta)
    if text.ropeScaling == .none {
      try keys.encodeNil(forKey: .ropeScaling)
    } else {
      try keys.encode(RotaryParameters(forOldReleases: text.ropeScaling), forKey: .ropeScaling)
    }
    try keys.encode(text.tiesWordEmbeddings, forKey: .tiesWordEmbeddings)
    try keys.encode(false, forKey: .hasBias)
    try keys.encode(text.activation, forKey: .activation)
    try keys.encode(text.bosTokenID, forKey: .bosTokenID)
    try keys.encode(text.eosTokenID, forKey: .eosTokenID)
    try keys.encodeIfPresent(text.padTokenID, forKey: .padTokenID)
    try keys.encode(text.partialRank, forKey: .partialRank)
    try keys.encode(text.partialAlpha, forKey: .partialAlpha)
    try keys.encode(vision, forKey: .vision)
  }

  /// Notes everything contradictory.
  public func check(_ checks: inout ConfigurationChecks) {
    vision.check(&checks)
    checks.multiple(
      vision.patchesPerSide, of: 2, named: "patch_size", "vision_config.image_size")
    var inner = ConfigurationChecks()
    text.check(&inner)
    let section = "text_config."
    for problem in inner.problems {
      let key = problem.key.hasPrefix(section) ? String(problem.key.dropFirst(section.count)) : problem.key
      checks.require(false, key, found: problem.found, expected: problem.expected)
    }
    checks.positive(text.partialRank ?? 0, CodingKeys.partialRank.rawValue)
    checks.positive(text.partialAlpha, CodingKeys.partialAlpha.rawValue)
  }
}

extension XComposerConfiguration {
  /// Directories beside `config.json` in which the tower is described, by the names of the published ones.
  private static let visionFolders = ["internlm-xcomposer2d5-clip", "IXC2d5_clip_l_560"]

  /// Reads and validates a `config.json`, and the tower's where it stands in a directory of its own; without
  /// either the tower is the published one.
  ///
  /// - Throws: ``ModelConfigurationError``.
  public static func read(from url: URL) throws -> XComposerConfiguration {
    var configuration = try read(from: url, unknownKeys: unknownKeys)
    let isInside = try ModelJSON.read(url)[CodingKeys.vision.rawValue] != nil
    let stated =
      (isInside ? ["vision_config"] : [])
      + visionFolders.filter { folder in
        let file = url.deletingLastPathComponent().appending(components: folder, "config.json")
        return FileManager.default.fileExists(atPath: file.path)
      }
    guard stated.count < 2 else {
      throw ModelConfigurationError(
        file: url.path,
        problems: [
          .init(
            key: "vision_config", found: "the tower in \(stated.joined(separator: " and in "))",
            expected: "one place")
        ])
    }
    if isInside { return configuration }
    for folder in visionFolders {
      let file = url.deletingLastPathComponent().appending(components: folder, "config.json")
      guard FileManager.default.fileExists(atPath: file.path) else { continue }
      let json = try ModelJSON.read(file)
      do {
        configuration.vision = try JSONDecoder().decode(
          VisionConfiguration.self, from: Data(contentsOf: file).withoutByteOrderMark)
        let problems = KnownKeys.vision.problems(in: json)
        guard problems.isEmpty else { throw ModelConfigurationError(problems: problems) }
        try configuration.validate()
      } catch let error as ModelConfigurationError {
        throw ModelConfigurationError(file: file.path, problems: error.problems)
      }
      break
    }
    return configuration
  }

  /// The keys of a `config.json` that are unknown or have values that are not computed here.
  private static func unknownKeys(in json: JSONValue) -> [ModelConfigurationError.Problem] {
    func inside(_ key: String, _ keys: KnownKeys) -> [ModelConfigurationError.Problem] {
      json[key].map { keys.problems(in: $0, section: key + ".") } ?? []
    }
    return KnownKeys.xComposer.problems(in: json) + inside(CodingKeys.vision.rawValue, .vision)
      + inside(CodingKeys.ropeScaling.rawValue, .rope) + inside(CodingKeys.ropeParameters.rawValue, .rope)
  }
}

extension KnownKeys {
  /// `config.json` of InternLM-XComposer2.5.
  fileprivate static let xComposer = KnownKeys.text.merging(
    KnownKeys(
      computed: ["bias", "plora_r", "plora_alpha", "vision_config"],
      // The published code, which is restated here.
      harmless: ["auto_map"],
      only: ["attention_bias": [.boolean(false)], "mlp_bias": [.boolean(false)], "head_dim": []]))
}
