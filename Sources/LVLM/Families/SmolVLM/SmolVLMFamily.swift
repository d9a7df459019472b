import Checkpoint
public import Foundation
public import Tensor

/// SmolVLM and Idefics3: a SigLIP tower, blocks of patches, a LLaMA, and pictures in tiles.
extension SmolVLMConfiguration: FamilyConfiguration {
  public static let familyName = "SmolVLM"
  public static let modelTypes = [ModelType.smolVLM.rawValue, ModelType.idefics3.rawValue]
  public static let names = ParameterNames.smolVLM

  /// The end of an answer is that of the files beside it: the sections of published configurations name
  /// another token, which generation in transformers does not look at.
  public static func read(from url: URL) throws -> SmolVLMConfiguration {
    var configuration = try read(from: url, unknownKeys: unknownKeys)
    if let end = try AnswerEnd.id(in: url.deletingLastPathComponent()) {
      configuration.text.eosTokenID = end
    }
    return configuration
  }

  public var viewSide: Int { vision.imageSize }
  public var viewPatchCount: Int { vision.patchCount }
  public var viewGrid: FeatureGrid {
    geometry(SmolVLMTiling(longestEdge: viewSide, side: viewSide, splits: false)).grid(rows: 0, columns: 0)
  }
  public var visionBlocks: VisionBlockShape {
    VisionBlockShape(
      count: vision.hiddenLayerCount, width: vision.hiddenSize, inner: vision.intermediateSize)
  }

  public var visionWeightCount: Int { vision.weightCount }
  public var projectorWeightCount: Int {
    vision.hiddenSize * scaleFactor * scaleFactor * text.hiddenSize
  }

  public func makeVisionEncoder(using generator: inout RandomGenerator) -> any VisionEncoder {
    SiglipTower(vision, appliesLastNorm: true, using: &generator)
  }

  public func makeConnector(using generator: inout RandomGenerator) -> any Connector {
    SmolVLMConnector(
      scaleFactor: scaleFactor, visionWidth: vision.hiddenSize, textWidth: text.hiddenSize,
      using: &generator)
  }

  public static func pictureProcessor(
    of directory: URL, _ configuration: SmolVLMConfiguration?
  ) throws -> (any PictureProcessor)? {
    try SmolVLMProcessorFiles.image(of: directory).map { settings in
      // Views of another side than the tower's are told as such: how many features they would have does not
      // matter.
      guard let configuration, settings.tiling.side == configuration.viewSide else {
        return SmolVLMImageProcessor(settings, patchSide: settings.tiling.side, scaleFactor: 1)
      }
      return configuration.processor(settings)
    }
  }

  private func processor(_ settings: SmolVLMImageConfiguration) -> SmolVLMImageProcessor {
    SmolVLMImageProcessor(settings, patchSide: vision.patchSize, scaleFactor: scaleFactor)
  }

  public var usualPictureProcessor: any PictureProcessor {
    processor(
      SmolVLMImageConfiguration(tiling: SmolVLMTiling(longestEdge: 4 * viewSide, side: viewSide)))
  }

  public var usualPictureWords: String {
    "their longer side becomes \(4 * viewSide) pixels, and they are cut into tiles of \(viewSide)"
  }

  public func check(_ processor: (any PictureProcessor)?, directory: URL) throws {
    try SmolVLMProcessorFiles.check(self, directory: directory)
  }

  public func processorFiles(_ processor: (any PictureProcessor)?) throws -> [String: Data] {
    var files = [SmolVLMProcessorFiles.name: try SmolVLMProcessorFiles.json(self)]
    if let processor = processor as? SmolVLMImageProcessor {
      files[SmolVLMProcessorFiles.imageName] = try SmolVLMProcessorFiles.imageJSON(
        processor.configuration, self)
    }
    return files
  }
}

extension ParameterNames {
  /// The names of SmolVLM's and Idefics3's parameters, which are the same in every release and file.
  static let smolVLM = ParameterNames(
    [
      everywhere("vision_tower.", "model.vision_model."),
      everywhere("multi_modal_projector.", "model.connector."),
      everywhere("language_model.lm_head.", "lm_head."),
      everywhere("language_model.model.", "model.text_model."),
    ], decoderPattern: ".*text_model.*")

  private static func everywhere(_ ours: String, _ theirs: String) -> Row {
    (ours, Dictionary(uniqueKeysWithValues: Layout.allCases.map { ($0, theirs) }))
  }
}
