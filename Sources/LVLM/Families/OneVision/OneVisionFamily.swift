public import Foundation
public import Tensor

/// LLaVA-OneVision: a SigLIP tower, two layers, a Qwen2, and pictures in tiles where they are alone.
extension OneVisionConfiguration: FamilyConfiguration {
  public static let familyName = "LLaVA-OneVision"
  public static let modelTypes = ["llava_onevision"]
  public static let names = ParameterNames.oneVision

  public static func read(from url: URL) throws -> OneVisionConfiguration {
    try read(from: url, unknownKeys: unknownKeys)
  }

  public var viewSide: Int { vision.imageSize }
  public var viewPatchCount: Int { vision.patchCount }
  public var viewGrid: FeatureGrid { resolution.largest(isAlone: false) }
  public var visionBlocks: VisionBlockShape {
    VisionBlockShape(
      count: vision.hiddenLayerCount, width: vision.hiddenSize, inner: vision.intermediateSize)
  }

  public var visionWeightCount: Int { vision.weightCount }

  public var projectorWeightCount: Int {
    let (v, t) = (vision.hiddenSize, text.hiddenSize)
    return v * t + t * t + (hasProjectorBias ? 2 * t : 0) + t
  }

  public func makeVisionEncoder(using generator: inout RandomGenerator) -> any VisionEncoder {
    SiglipTower(vision, selecting: visionFeatureLayer, appliesLastNorm: false, using: &generator)
  }

  public func makeConnector(using generator: inout RandomGenerator) -> any Connector {
    OneVisionConnector(
      from: vision.hiddenSize, to: text.hiddenSize, activation: projectorActivation, bias: hasProjectorBias,
      resolution: resolution, using: &generator)
  }

  public static func pictureProcessor(
    of directory: URL, _ configuration: OneVisionConfiguration?
  ) throws -> (any PictureProcessor)? {
    try OneVisionProcessorFiles.image(of: directory).map { settings in
      // Views of another side than the tower's are told as such: how many features they would have does not
      // matter.
      guard let configuration, settings.size == configuration.viewSide else {
        return AnyResolutionProcessor(settings, patchSize: settings.size, tileLimit: 1)
      }
      return configuration.processor(settings)
    }
  }

  private func processor(_ settings: AnyResolutionConfiguration) -> AnyResolutionProcessor {
    AnyResolutionProcessor(settings, patchSize: vision.patchSize, tileLimit: tileLimit)
  }

  public var usualPictureProcessor: any PictureProcessor {
    processor(AnyResolutionConfiguration(size: viewSide, canvases: canvases))
  }

  public var usualPictureWords: String {
    "they are cut into tiles of \(viewSide) pixels and normalised by a mean and a deviation of 0.5"
  }

  public func check(_ processor: (any PictureProcessor)?, directory: URL) throws {
    try OneVisionProcessorFiles.check(self, processor as? AnyResolutionProcessor, directory: directory)
  }

  public func processorFiles(_ processor: (any PictureProcessor)?) throws -> [String: Data] {
    var files = [OneVisionProcessorFiles.name: try OneVisionProcessorFiles.json(self)]
    if let processor = processor as? AnyResolutionProcessor {
      files[OneVisionProcessorFiles.imageName] = try OneVisionProcessorFiles.json(processor.configuration)
    }
    return files
  }
}

extension ParameterNames {
  /// The names of LLaVA-OneVision's parameters: those of transformers 5, of the published `llava-hf`
  /// checkpoints (`vision_tower.vision_model.X`), those inside transformers 5, and those of the authors'.
  public static let oneVision = ParameterNames(
    [
      (
        "vision_tower.",
        [
          .published: "vision_tower.vision_model.", .inMemory: "model.vision_tower.",
          .original: "model.vision_tower.vision_tower.vision_model.",
        ]
      ),
      (
        "multi_modal_projector.image_newline",
        [
          .saved: "image_newline", .published: "image_newline", .inMemory: "model.image_newline",
          .original: "model.image_newline",
        ]
      ),
      (
        "multi_modal_projector.linear_1.",
        [.inMemory: "model.multi_modal_projector.linear_1.", .original: "model.mm_projector.0."]
      ),
      (
        "multi_modal_projector.linear_2.",
        [.inMemory: "model.multi_modal_projector.linear_2.", .original: "model.mm_projector.2."]
      ),
      ("language_model.lm_head.", [.inMemory: "lm_head.", .original: "lm_head."]),
      ("language_model.model.", [.inMemory: "model.language_model.", .original: "model."]),
    ],
    // Wrapped towers appear between releases.
    others: [("model.vision_tower.vision_model.", "vision_tower.")])
}
