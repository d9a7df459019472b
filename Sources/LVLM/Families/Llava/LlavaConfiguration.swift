import Checkpoint
import Foundation
import Tensor

/// Shape of a LLaVA model: vision tower, projector, decoder. Keys are those of Hugging Face's `LlavaConfig`.
public struct LlavaConfiguration: Codable, Equatable, Sendable {
  /// Which outputs of the vision tower become image tokens.
  public enum FeatureSelection: String, Codable, Sendable {
    /// The patches, without the class token.
    case patches = "default"
    /// The class token, then the patches.
    case full
  }

  /// The vision tower.
  public var vision: VisionConfiguration
  /// The decoder.
  public var text: TextConfiguration
  /// Token that stands for one image feature in a prompt.
  public var imageTokenIndex: Int
  /// Hidden state of the tower that is projected: 0 is the input of the first block, −1 the output of the
  /// last; −2 is LLaVA's.
  public var visionFeatureLayer: Int
  /// Which tokens of that hidden state.
  public var featureSelection: FeatureSelection
  /// Activation between the two layers of the projector.
  public var projectorActivation: Activation
  /// Biases in the projector.
  public var hasProjectorBias: Bool

  /// A model configuration.
  public init(
    vision: VisionConfiguration = VisionConfiguration(), text: TextConfiguration = TextConfiguration(),
    imageTokenIndex: Int = 32_000, visionFeatureLayer: Int = -2,
    featureSelection: FeatureSelection = .patches,
    projectorActivation: Activation = .gelu, hasProjectorBias: Bool = true
  ) {
    self.vision = vision
    self.text = text
    self.imageTokenIndex = imageTokenIndex
    self.visionFeatureLayer = visionFeatureLayer
    self.featureSelection = featureSelection
    self.projectorActivation = projectorActivation
    self.hasProjectorBias = hasProjectorBias
  }

  /// Image tokens of one picture.
  public var tokensPerImage: Int { vision.patchCount + (featureSelection == .full ? 1 : 0) }

  /// What the image tokens of any picture stand for: the patches of the square that the model sees.
  public var featureGrid: FeatureGrid {
    FeatureGrid(
      rows: vision.patchesPerSide, columns: vision.patchesPerSide, leading: featureSelection == .full ? 1 : 0)
  }

  /// Blocks of the vision tower that are computed: those after the feature layer never are.
  public var usedVisionLayerCount: Int {
    visionFeatureLayer < 0 ? vision.hiddenLayerCount + 1 + visionFeatureLayer : visionFeatureLayer
  }

  enum CodingKeys: String, CodingKey {
    case vision = "vision_config"
    case text = "text_config"
    case imageTokenIndex = "image_token_index"
    case imageTokenID = "image_token_id"
    case visionFeatureLayer = "vision_feature_layer"
    case featureSelection = "vision_feature_select_strategy"
    case projectorActivation = "projector_hidden_act"
    case hasProjectorBias = "multimodal_projector_bias"
    case imageSequenceLength = "image_seq_length"
    case tiesWordEmbeddings = "tie_word_embeddings"
    case modelType = "model_type"
    case architectures
  }

  /// Reads `config.json`; `vision_config` and `text_config` must be there, other absent keys take the values
  /// of `LlavaConfig`.
  public init(from decoder: any Decoder) throws {
    let section = try ConfigurationSection(decoder, keyedBy: CodingKeys.self)
    section.require("llava", at: .modelType)
    let architectures: [String] = section.value(.architectures, default: [])
    if !architectures.isEmpty, Self.architectures.isDisjoint(with: architectures) {
      section.note(
        .architectures, found: architectures.joined(separator: ", "), expected: Self.architectures.sorted()[0]
      )
    }
    vision = section.required(.vision, fallback: VisionConfiguration())
    text = section.required(.text, fallback: TextConfiguration())
    let (index, id): (Int?, Int?) = (section.optional(.imageTokenIndex), section.optional(.imageTokenID))
    imageTokenIndex = index ?? id ?? 32_000
    if let index, let id, index != id {
      section.note(.imageTokenID, found: "\(id)", expected: "\(index), which image_token_index says")
    }
    visionFeatureLayer = section.value(.visionFeatureLayer, default: -2)
    featureSelection = section.value(.featureSelection, default: .patches)
    projectorActivation = section.value(.projectorActivation, default: .gelu)
    hasProjectorBias = section.value(.hasProjectorBias, default: true)
    if section.value(.tiesWordEmbeddings, default: false) { text.tiesWordEmbeddings = true }
    try section.finish()
  }

  /// The classes whose weights these are, by transformers' name first and by that of the first release.
  private static let architectures: Set = ["LlavaForConditionalGeneration", "LlavaLlamaForCausalLM"]

  /// Writes every key, as `LlavaForConditionalGeneration.save_pretrained` does.
  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode(["LlavaForConditionalGeneration"], forKey: .architectures)
    try keys.encode("llava", forKey: .modelType)
    try keys.encode(vision, forKey: .vision)
    try keys.encode(text, forKey: .text)
    try keys.encode(imageTokenIndex, forKey: .imageTokenIndex)
    try keys.encode(visionFeatureLayer, forKey: .visionFeatureLayer)
    try keys.encode(featureSelection, forKey: .featureSelection)
    try keys.encode(projectorActivation, forKey: .projectorActivation)
    try keys.encode(hasProjectorBias, forKey: .hasProjectorBias)
    try keys.encode(tokensPerImage, forKey: .imageSequenceLength)
    try keys.encode(text.tiesWordEmbeddings, forKey: .tiesWordEmbeddings)
  }

  /// Notes everything contradictory.
  public func check(_ checks: inout ConfigurationChecks) {
    vision.check(&checks)
    text.check(&checks)
    let layers = max(vision.hiddenLayerCount, 0)
    checks.require(
      (-layers - 1...layers).contains(visionFeatureLayer), CodingKeys.visionFeatureLayer.rawValue,
      with: "vision_config.num_hidden_layers", found: "\(visionFeatureLayer)",
      expected: "a hidden state of \(layers) blocks: \(-layers - 1)...\(layers)")
    // A GGUF file's vocabulary may have no token for pictures.
    checks.require(
      (0..<max(text.vocabularySize, 0)).contains(imageTokenIndex)
        || imageTokenIndex == Int(Tokenizer.unembeddedImageID), CodingKeys.imageTokenIndex.rawValue,
      with: CodingKeys.imageTokenID.rawValue, "text_config.vocab_size", found: "\(imageTokenIndex)",
      expected: "an id below text_config.vocab_size (\(text.vocabularySize))")
    checks.require(
      projectorActivation != .silu, CodingKeys.projectorActivation.rawValue,
      found: "\"\(projectorActivation.rawValue)\"", expected: "\"gelu\"")
  }
}
