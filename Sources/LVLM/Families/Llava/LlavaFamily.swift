public import Foundation
public import Tensor

/// LLaVA-1.5: a CLIP tower, two layers, a LLaMA, and every picture one square.
extension LlavaConfiguration: FamilyConfiguration {
  public static let familyName = "LLaVA"
  public static let modelTypes = ["llava"]
  public static let names = ParameterNames.llava

  public static func read(from url: URL) throws -> LlavaConfiguration {
    try read(from: url, unknownKeys: unknownKeys)
  }

  public var viewSide: Int { vision.imageSize }
  public var viewPatchCount: Int { tokensPerImage }
  public var viewGrid: FeatureGrid { featureGrid }
  public var visionBlocks: VisionBlockShape {
    VisionBlockShape(
      count: vision.hiddenLayerCount, width: vision.hiddenSize, inner: vision.intermediateSize)
  }

  public var visionWeightCount: Int { vision.weightCount }

  public var projectorWeightCount: Int {
    let (v, t) = (vision.hiddenSize, text.hiddenSize)
    return v * t + t * t + (hasProjectorBias ? 2 * t : 0)
  }

  public func makeVisionEncoder(using generator: inout RandomGenerator) -> any VisionEncoder {
    VisionTower(
      vision, through: usedVisionLayerCount, keepsClassToken: featureSelection == .full, using: &generator)
  }

  public func makeConnector(using generator: inout RandomGenerator) -> any Connector {
    MultiModalProjector(
      from: vision.hiddenSize, to: text.hiddenSize, activation: projectorActivation, bias: hasProjectorBias,
      using: &generator)
  }

  public static func pictureProcessor(
    of directory: URL, _ configuration: LlavaConfiguration?
  ) throws -> (any PictureProcessor)? {
    try LlavaProcessorFiles.image(of: directory).map {
      ImageProcessor($0, grid: configuration?.featureGrid)
    }
  }

  public var usualPictureProcessor: any PictureProcessor {
    ImageProcessor(ImageProcessorConfiguration(size: vision.imageSize), grid: featureGrid)
  }

  public var usualPictureWords: String { "they are padded to squares and normalised as CLIP's" }

  public func check(_ processor: (any PictureProcessor)?, directory: URL) throws {
    try LlavaProcessorFiles.check(self, directory: directory)
  }

  public func processorFiles(_ processor: (any PictureProcessor)?) throws -> [String: Data] {
    var files = [LlavaProcessorFiles.name: try LlavaProcessorFiles.json(self)]
    if let processor = processor as? ImageProcessor {
      files[LlavaProcessorFiles.imageName] = try processor.configuration.json()
    }
    return files
  }
}
