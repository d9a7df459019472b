public import Foundation
public import Tensor

/// InternLM-XComposer2.5: a CLIP tower, pictures cut into tiles, an InternLM2 with partial LoRA at the rows
/// of pictures.
extension XComposerConfiguration: FamilyConfiguration {
  public static let familyName = "InternLM-XComposer2.5"
  public static let modelTypes = [TextFamily.internlm2.rawValue]
  public static let names = ParameterNames.xComposer

  public var viewSide: Int { vision.imageSize }
  public var viewPatchCount: Int { vision.patchCount }
  public var viewGrid: FeatureGrid {
    usualGeometry.grid(width: vision.imageSize, height: vision.imageSize, isAlone: true)
  }
  public var visionBlocks: VisionBlockShape {
    VisionBlockShape(
      count: vision.hiddenLayerCount, width: vision.hiddenSize, inner: vision.intermediateSize)
  }

  /// Without the norm behind the last block.
  public var visionWeightCount: Int { vision.weightCount - 2 * vision.hiddenSize }

  public var projectorWeightCount: Int {
    let (merged, outer) = (4 * vision.hiddenSize, text.hiddenSize)
    return (merged + 1) * outer + (outer + 1) * outer + 2 * merged
  }

  public func makeVisionEncoder(using generator: inout RandomGenerator) -> any VisionEncoder {
    VisionTower(
      vision, through: vision.hiddenLayerCount, keepsClassToken: false, hasLastNorm: false,
      using: &generator)
  }

  public func makeConnector(using generator: inout RandomGenerator) -> any Connector {
    XComposerConnector(visionWidth: vision.hiddenSize, textWidth: text.hiddenSize, using: &generator)
  }

  private var usualGeometry: XComposerGeometry { XComposerGeometry(usualSettings) }
  private var usualSettings: XComposerImageConfiguration {
    XComposerImageConfiguration(tileSide: vision.imageSize, patchSide: vision.patchSize)
  }

  public static func pictureProcessor(
    of directory: URL, _ configuration: XComposerConfiguration?
  ) throws -> (any PictureProcessor)? {
    let usual = configuration?.usualSettings ?? XComposerImageConfiguration()
    return try XComposerImageConfiguration.read(of: directory, usual: usual).map(XComposerProcessor.init)
  }

  public var usualPictureProcessor: any PictureProcessor { XComposerProcessor(usualSettings) }

  public var usualPictureWords: String {
    "they are cut into tiles as the model's own chat does, at most \(usualSettings.budget) of a picture that "
      + "is alone and \(usualSettings.budgetOfSeveral) of others"
  }

  public func check(_ processor: (any PictureProcessor)?, directory: URL) throws {}

  public func processorFiles(_ processor: (any PictureProcessor)?) throws -> [String: Data] {
    guard let processor = processor as? XComposerProcessor else { return [:] }
    return [XComposerImageConfiguration.fileName: try processor.configuration.json()]
  }

  /// What was said before an answer enters the model as embeddings in the published code, which its
  /// repetition penalty does not see.
  public var penaltySeesPrompt: Bool { false }
}

extension ParameterNames {
  /// The published names, which every kind of file has.
  static let xComposer: ParameterNames = {
    func everywhere(_ ours: String, _ theirs: String) -> Row {
      (ours, Dictionary(uniqueKeysWithValues: Layout.allCases.map { ($0, theirs) }))
    }
    return ParameterNames(
      [
        everywhere("vision_tower.", "vit.vision_tower.vision_model."),
        everywhere("multi_modal_projector.vision_proj.", "vision_proj."),
        everywhere("multi_modal_projector.plora_", "plora_"),
        everywhere("language_model.lm_head.", "output."),
        everywhere("language_model.model.embed_tokens.", "model.tok_embeddings."),
        everywhere("language_model.model.", "model."),
      ],
      decoderPattern: #"model\.layers\..*"#,
      isIgnored: { name in
        // Adapters of other tasks than conversation, a norm whose output nobody reads, and a part of a
        // sibling.
        [".lora_sft_", ".lora_dpo_", ".lora_web_"].contains(where: name.contains)
          || name.hasPrefix("vit.vision_tower.vision_model.post_layernorm.")
          || name.hasPrefix("video_mem_proj.")
      })
  }()
}
