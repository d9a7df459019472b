public import Tensor

/// CLIP's vision transformer. All blocks are there, so that files fit, but those behind the feature layer and
/// the final norm are never computed.
public final class VisionTower: VisionEncoder {
  private let configuration: VisionConfiguration
  private let used: Int
  private let keepsClassToken: Bool
  private let embeddings: VisionEmbeddings
  private let firstNorm: LayerNorm
  private let blocks: [VisionBlock]
  private let lastNorm: LayerNorm?
  public var isGradientCheckpointing = false

  /// - Parameters:
  ///   - used: blocks that are computed for the connector.
  ///   - keepsClassToken: whether it reads the class token too.
  ///   - hasLastNorm: whether files have the norm that is never computed.
  package init(
    _ configuration: VisionConfiguration, through used: Int, keepsClassToken: Bool,
    hasLastNorm: Bool = true, using generator: inout RandomGenerator
  ) {
    self.configuration = configuration
    self.used = used
    self.keepsClassToken = keepsClassToken
    embeddings = VisionEmbeddings(configuration, using: &generator)
    firstNorm = LayerNorm(configuration.hiddenSize, epsilon: configuration.layerNormEpsilon)
    var blocks: [VisionBlock] = []
    for _ in 0..<configuration.hiddenLayerCount {
      blocks.append(VisionBlock(configuration, using: &generator))
    }
    self.blocks = blocks
    lastNorm =
      hasLastNorm ? LayerNorm(configuration.hiddenSize, epsilon: configuration.layerNormEpsilon) : nil
  }

  /// Visits the parameters under their Hugging Face names.
  public func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("embeddings", embeddings)
    visitor.child("pre_layrnorm", firstNorm)
    for (index, block) in blocks.enumerated() { visitor.child("encoder.layers.\(index)", block) }
    if let lastNorm { visitor.child("post_layernorm", lastNorm) }
  }

  /// The hidden state that the connector reads, `[pictures, patches, width]`, with the class token in front
  /// where the family keeps it.
  public func selected(_ pixels: Tensor) -> Tensor {
    let states = hiddenStates(pixels, through: used)
    let selected = states[states.count - 1]
    return keepsClassToken ? selected : selected.slice(axis: 1, 1..<selected.shape[1])
  }

  public func hiddenStates(_ pixels: Tensor) -> [Tensor] { hiddenStates(pixels, through: nil) }

  /// Hidden states of pictures, each `[pictures, 1 + patches, width]`: the input of the first block, then the
  /// output of each block up to the `last`-th.
  ///
  /// - Parameters:
  ///   - pixels: `[pictures, channels, side, side]`, normalised.
  ///   - last: number of blocks to compute; all when nil.
  public func hiddenStates(_ pixels: Tensor, through last: Int?) -> [Tensor] {
    tensorRequire(
      pixels.shape.dropFirst()
        == [configuration.channelCount, configuration.imageSize, configuration.imageSize], "VisionTower",
      "found pixels of shape \(pixels.shape), expected [pictures, \(configuration.channelCount), "
        + "\(configuration.imageSize), \(configuration.imageSize)]")
    let tokens = 1 + configuration.patchCount
    let shape = [pixels.shape[0], tokens, configuration.hiddenSize]
    let layout = AttentionLayout(
      segments: (0..<pixels.shape[0]).map { picture in
        let own = picture * tokens..<(picture + 1) * tokens
        return .init(queries: own, keys: [own], causal: nil)
      })
    var x = firstNorm(embeddings(pixels))
    var states = [x.reshaped(shape)]
    for block in blocks.prefix(last ?? blocks.count) {
      let input = x
      x =
        isGradientCheckpointing
        ? checkpoint { block(input, layout: layout) } : block(input, layout: layout)
      states.append(x.reshaped(shape))
    }
    return states
  }
}
