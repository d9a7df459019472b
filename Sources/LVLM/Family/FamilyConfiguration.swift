public import Foundation
public import Tensor

/// The shape of a vision encoder's blocks, for estimates of memory and time.
public struct VisionBlockShape: Equatable, Sendable {
  /// Blocks that are computed.
  public var count: Int
  /// Width of the hidden states.
  public var width: Int
  /// Width inside the perceptron.
  public var inner: Int

  /// A shape.
  public init(count: Int, width: Int, inner: Int) {
    (self.count, self.width, self.inner) = (count, width, inner)
  }
}

/// What makes a family of models: its configuration, and with it its parts, its names and its files.
///
/// A family is a folder with such a type, its names table, its own layers and one line in ``FamilyRegistry``.
public protocol FamilyConfiguration: Encodable, Sendable {
  /// What people call it.
  static var familyName: String { get }
  /// The values of `model_type` that a `config.json` of the family has.
  static var modelTypes: [String] { get }
  /// How files call the parameters.
  static var names: ParameterNames { get }

  /// Reads and validates a `config.json`.
  ///
  /// - Throws: ``ModelConfigurationError`` with the file and every key that is missing, of another type,
  ///   unknown or contradictory.
  static func read(from url: URL) throws -> Self

  /// The decoder.
  var text: TextConfiguration { get set }
  /// Token that stands for one image feature in a prompt.
  var imageTokenIndex: Int { get set }
  /// Side of a view in pixels.
  var viewSide: Int { get }
  /// Hidden states of one view that the connector reads.
  var viewPatchCount: Int { get }
  /// What the features stand for of a picture that is one view.
  var viewGrid: FeatureGrid { get }
  /// The blocks of the vision encoder.
  var visionBlocks: VisionBlockShape { get }
  /// Weights of the vision encoder.
  var visionWeightCount: Int { get }
  /// Weights between the vision encoder and the decoder.
  var projectorWeightCount: Int { get }

  /// Whether a repetition penalty counts the tokens of the prompt.
  var penaltySeesPrompt: Bool { get }

  /// Notes everything contradictory.
  func check(_ checks: inout ConfigurationChecks)

  /// A vision encoder with random weights.
  func makeVisionEncoder(using generator: inout RandomGenerator) -> any VisionEncoder
  /// A connector with random weights.
  func makeConnector(using generator: inout RandomGenerator) -> any Connector

  /// What a directory says of pictures; nil where it says nothing.
  /// - Parameter configuration: what its `config.json` says, where that could be read.
  /// - Throws: ``ModelConfigurationError`` or ``ModelDirectoryError`` for settings that are not computed here
  ///   or say two things.
  static func pictureProcessor(of directory: URL, _ configuration: Self?) throws -> (any PictureProcessor)?

  /// What is done with pictures where a directory says nothing.
  var usualPictureProcessor: any PictureProcessor { get }
  /// The same in words.
  var usualPictureWords: String { get }

  /// Compares the settings of a directory with the model.
  /// - Throws: ``ModelConfigurationError`` with everything that contradicts it.
  func check(_ processor: (any PictureProcessor)?, directory: URL) throws

  /// The files that hold the settings for pictures, by name.
  /// - Parameter processor: nil for a language model alone.
  func processorFiles(_ processor: (any PictureProcessor)?) throws -> [String: Data]
}

extension FamilyConfiguration {
  /// As in transformers.
  public var penaltySeesPrompt: Bool { true }

  /// Width of the hidden states that the connector reads.
  public var visionWidth: Int { visionBlocks.width }

  /// Weights of the decoder.
  public var decoderWeightCount: Int {
    let vocabulary = text.vocabularySize * text.hiddenSize
    return vocabulary * (text.tiesWordEmbeddings ? 1 : 2) + text.hiddenLayerCount * text.blockWeightCount
      + text.hiddenSize
  }

  /// Throws a ``ModelConfigurationError`` that lists everything contradictory in this configuration.
  public func validate() throws {
    var checks = ConfigurationChecks()
    check(&checks)
    if !checks.problems.isEmpty { throw ModelConfigurationError(problems: checks.problems) }
  }

  /// How files call the parameters.
  public var names: ParameterNames { Self.names }
}
