public import Tensor

/// Reads pixels, answers with hidden states.
public protocol VisionEncoder: Module {
  /// Whether blocks keep their inputs alone for the backward pass, and are computed again in it.
  var isGradientCheckpointing: Bool { get set }

  /// The hidden states that the connector reads.
  ///
  /// - Parameter pixels: `[views, 3, side, side]`, normalised.
  /// - Returns: `[views, patches, vision width]`, without what the family leaves out (a class token).
  func selected(_ pixels: Tensor) -> Tensor

  /// Every hidden state as the family's reference counts them, each `[views, tokens, vision width]`: the
  /// first is the input of the first block.
  func hiddenStates(_ pixels: Tensor) -> [Tensor]
}

/// Carries hidden states of views into the embedding space of the decoder and puts those of each picture into
/// the order in which the decoder reads them.
public protocol Connector: Module {
  /// - Parameters:
  ///   - selected: `[views of all pictures, patches, vision width]`, picture by picture.
  ///   - layout: the features of every picture.
  /// - Returns: `[features of all pictures, text width]`.
  func callAsFunction(_ selected: Tensor, layout: FeatureLayout) -> Tensor
}
