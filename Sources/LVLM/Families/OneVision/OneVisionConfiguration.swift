import Checkpoint
import Foundation
import Tensor

/// Shape of a LLaVA-OneVision: a SigLIP tower, two layers, a Qwen2. Keys, and the values taken for absent
/// ones, are those of Hugging Face's `LlavaOnevisionConfig`.
public struct OneVisionConfiguration: Codable, Equatable, Sendable {
  /// The vision tower.
  public var vision: SiglipConfiguration
  /// The decoder.
  public var text: TextConfiguration
  /// Token that stands for one image feature in a prompt.
  public var imageTokenIndex: Int
  /// Token that stands for one feature of a film: kept for the file, not used here.
  public var videoTokenIndex: Int
  /// The canvases that tiles may make up (`image_grid_pinpoints`), in the order of their preference.
  public var canvases: [AnyResolution.Size]
  /// How many views' worth of features the tiles of a picture may have: the number in `vision_aspect_ratio`.
  public var tileLimit: Int
  /// Hidden state of the tower that is projected: 0 is the input of the first block, −1 the output of the
  /// last.
  public var visionFeatureLayer: Int
  /// Activation between the two layers of the connector.
  public var projectorActivation: Activation
  /// Biases in the connector.
  public var hasProjectorBias: Bool

  /// A model configuration.
  public init(
    vision: SiglipConfiguration = usualVision, text: TextConfiguration, imageTokenIndex: Int = 151_646,
    videoTokenIndex: Int = 151_647,
    canvases: [AnyResolution.Size] = AnyResolutionConfiguration.publishedCanvases, tileLimit: Int = 9,
    visionFeatureLayer: Int = -1, projectorActivation: Activation = .gelu, hasProjectorBias: Bool = true
  ) {
    self.vision = vision
    self.text = text
    self.imageTokenIndex = imageTokenIndex
    self.videoTokenIndex = videoTokenIndex
    self.canvases = canvases
    self.tileLimit = tileLimit
    self.visionFeatureLayer = visionFeatureLayer
    self.projectorActivation = projectorActivation
    self.hasProjectorBias = hasProjectorBias
  }

  /// The tower of the published models, which is also meant where a file has no section for it.
  public static let usualVision = SiglipConfiguration(
    hiddenSize: 1152, intermediateSize: 4304, hiddenLayerCount: 26, attentionHeadCount: 16, imageSize: 384,
    patchSize: 14)

  /// How pictures are cut.
  public var resolution: AnyResolution {
    AnyResolution(
      canvases: canvases, viewSide: vision.imageSize, patchSize: vision.patchSize, tileLimit: tileLimit)
  }

  enum CodingKeys: String, CodingKey {
    case vision = "vision_config"
    case text = "text_config"
    case imageTokenIndex = "image_token_index"
    case imageTokenID = "image_token_id"
    case videoTokenIndex = "video_token_index"
    case canvases = "image_grid_pinpoints"
    case aspectRatio = "vision_aspect_ratio"
    case visionFeatureLayer = "vision_feature_layer"
    case featureSelection = "vision_feature_select_strategy"
    case projectorActivation = "projector_hidden_act"
    case hasProjectorBias = "multimodal_projector_bias"
    case tiesWordEmbeddings = "tie_word_embeddings"
    case modelType = "model_type"
    case architectures
  }

  private static let modelType = "llava_onevision"
  private static let architecture = "LlavaOnevisionForConditionalGeneration"

  /// Reads `config.json`; `text_config` must be there, other absent keys take the values of the class.
  public init(from decoder: any Decoder) throws {
    let section = try ConfigurationSection(decoder, keyedBy: CodingKeys.self)
    section.require(Self.modelType, at: .modelType)
    section.require("full", at: .featureSelection)
    let architectures: [String] = section.value(.architectures, default: [])
    if !architectures.isEmpty, !architectures.contains(Self.architecture) {
      section.note(
        .architectures, found: architectures.joined(separator: ", "), expected: Self.architecture)
    }
    let isVisionStated =
      section.keys.contains(.vision) && (try? section.keys.decodeNil(forKey: .vision)) != true
    vision = isVisionStated ? section.siglip(.vision, as: .siglip) : Self.usualVision
    text = section.required(.text, fallback: TextConfiguration())
    let (index, id): (Int?, Int?) = (section.optional(.imageTokenIndex), section.optional(.imageTokenID))
    imageTokenIndex = index ?? id ?? 151_646
    if let index, let id, index != id {
      section.note(.imageTokenID, found: "\(id)", expected: "\(index), which image_token_index says")
    }
    videoTokenIndex = section.value(.videoTokenIndex, default: 151_647)
    let pairs: [[Int]]? = section.optional(.canvases)
    if let pairs, pairs.contains(where: { $0.count != 2 }) {
      section.note(.canvases, found: "\(pairs)", expected: "pairs of height and width")
    }
    canvases =
      pairs?.filter { $0.count == 2 }.map { .init(height: $0[0], width: $0[1]) }
      ?? AnyResolutionConfiguration.publishedCanvases
    let aspect: String = section.value(.aspectRatio, default: Self.aspectRatio(limit: 9))
    tileLimit = Self.limit(aspect) ?? 9
    if Self.limit(aspect) == nil {
      section.note(.aspectRatio, found: "\"\(aspect)\"", expected: "\"anyres_max_\" and a positive number")
    }
    visionFeatureLayer = section.value(.visionFeatureLayer, default: -1)
    projectorActivation = section.value(.projectorActivation, default: .gelu)
    hasProjectorBias = section.value(.hasProjectorBias, default: true)
    // The published small model says so in one section, the others in both or none.
    if section.value(.tiesWordEmbeddings, default: false) { text.tiesWordEmbeddings = true }
    try section.finish()
  }

  /// The number in a `vision_aspect_ratio`.
  static func limit(_ aspect: String) -> Int? {
    guard aspect.hasPrefix("anyres_max_") else { return nil }
    return Int(aspect.dropFirst("anyres_max_".count)).flatMap { (1...1 << 12).contains($0) ? $0 : nil }
  }

  /// The `vision_aspect_ratio` with a number.
  static func aspectRatio(limit: Int) -> String { "anyres_max_\(limit)" }

  /// Writes every key, as `LlavaOnevisionForConditionalGeneration.save_pretrained` does.
  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode([Self.architecture], forKey: .architectures)
    try keys.encode(Self.modelType, forKey: .modelType)
    try keys.encode(HeadlessTower(tower: vision), forKey: .vision)
    try keys.encode(text, forKey: .text)
    try keys.encode(imageTokenIndex, forKey: .imageTokenIndex)
    try keys.encode(videoTokenIndex, forKey: .videoTokenIndex)
    try keys.encode(canvases.map { [$0.height, $0.width] }, forKey: .canvases)
    try keys.encode(Self.aspectRatio(limit: tileLimit), forKey: .aspectRatio)
    try keys.encode(visionFeatureLayer, forKey: .visionFeatureLayer)
    try keys.encode("full", forKey: .featureSelection)
    try keys.encode(projectorActivation, forKey: .projectorActivation)
    try keys.encode(hasProjectorBias, forKey: .hasProjectorBias)
    try keys.encode(text.tiesWordEmbeddings, forKey: .tiesWordEmbeddings)
  }

  /// Notes everything contradictory.
  public func check(_ checks: inout ConfigurationChecks) {
    vision.check(&checks)
    text.check(&checks)
    checks.require(
      AnyResolution.Size.fit(canvases, views: vision.imageSize), CodingKeys.canvases.rawValue,
      with: "vision_config.image_size", found: "\(canvases.map { [$0.height, $0.width] })",
      expected: "pairs of height and width in multiples of vision_config.image_size (\(vision.imageSize))")
    checks.positive(tileLimit, CodingKeys.aspectRatio.rawValue)
    let layers = max(vision.hiddenLayerCount, 0)
    checks.require(
      (-layers - 1...layers).contains(visionFeatureLayer), CodingKeys.visionFeatureLayer.rawValue,
      with: "vision_config.num_hidden_layers", found: "\(visionFeatureLayer)",
      expected: "a hidden state of \(layers) blocks: \(-layers - 1)...\(layers)")
    checks.require(
      imageTokenIndex >= 0 && imageTokenIndex < text.vocabularySize, CodingKeys.imageTokenIndex.rawValue,
      with: "text_config.vocab_size", found: "\(imageTokenIndex)",
      expected: "an id below text_config.vocab_size (\(text.vocabularySize))")
    checks.require(
      projectorActivation != .silu, CodingKeys.projectorActivation.rawValue,
      found: "\"\(projectorActivation.rawValue)\"", expected: "\"gelu\"")
  }
}

/// A tower without the pooling head that its class has where nothing is said of it.
private struct HeadlessTower: Encodable {
  let tower: SiglipConfiguration

  enum Key: String, CodingKey { case usesHead = "vision_use_head" }

  func encode(to encoder: any Encoder) throws {
    try tower.encode(to: encoder)
    var keys = encoder.container(keyedBy: Key.self)
    try keys.encode(false, forKey: .usesHead)
  }
}

extension OneVisionConfiguration {
  /// `config.json` outside its sections.
  private static let keys = KnownKeys.llava.merging(
    KnownKeys(
      computed: ["video_token_index", "image_grid_pinpoints", "vision_aspect_ratio"],
      only: ["use_image_newline_parameter": [.boolean(true)]]))

  /// The keys of a `config.json` that are unknown or have values that are not computed here.
  static func unknownKeys(in json: JSONValue) -> [ModelConfigurationError.Problem] {
    func inside(_ path: String..., keys: KnownKeys) -> [ModelConfigurationError.Problem] {
      let object = path.reduce(Optional(json)) { $0?[$1] }
      return object.map { keys.problems(in: $0, section: path.map { $0 + "." }.joined()) } ?? []
    }
    let name = json["text_config"]?["model_type"]?.text
    let family = name.flatMap(TextFamily.init) ?? .qwen2
    var problems = keys.problems(in: json) + inside("vision_config", keys: .siglip)
    if json["text_config"] != nil, name == nil {
      // Sections are read as LLaMA's where they name nothing, and this class means Qwen2 then.
      problems.append(
        .init(key: "text_config.model_type", found: "nothing", expected: "\"\(TextFamily.qwen2.rawValue)\""))
    }
    return problems + inside("text_config", keys: KnownKeys.text.merging(family.keys))
      + inside("text_config", "rope_parameters", keys: .rope)
      + inside("text_config", "rope_scaling", keys: .rope)
  }
}
