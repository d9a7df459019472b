public import Tensor

/// SigLIP's vision transformer, without its pooling head (Zhai et al., "Sigmoid Loss for Language Image
/// Pre-Training", 2023). All blocks are there, so that files fit, but those behind the selected hidden state
/// are never computed.
public final class SiglipTower: VisionEncoder {
  private let configuration: SiglipConfiguration
  private let embeddings: SiglipEmbeddings
  private let blocks: [VisionBlock]
  private let lastNorm: LayerNorm
  private let usedLayerCount: Int
  private let appliesLastNorm: Bool
  public var isGradientCheckpointing = false

  /// A tower with random weights.
  ///
  /// - Parameters:
  ///   - layer: the hidden state that is selected: 0 is the input of the first block, −1 the output of the
  ///     last.
  ///   - appliesLastNorm: whether the norm behind all blocks is applied to what is selected.
  /// - Precondition: there is such a hidden state.
  package init(
    _ configuration: SiglipConfiguration, selecting layer: Int = -1, appliesLastNorm: Bool,
    using generator: inout RandomGenerator
  ) {
    self.configuration = configuration
    usedLayerCount = layer < 0 ? configuration.hiddenLayerCount + 1 + layer : layer
    self.appliesLastNorm = appliesLastNorm
    embeddings = SiglipEmbeddings(configuration, using: &generator)
    var blocks: [VisionBlock] = []
    for _ in 0..<configuration.hiddenLayerCount {
      blocks.append(VisionBlock(configuration, using: &generator))
    }
    self.blocks = blocks
    lastNorm = LayerNorm(configuration.hiddenSize, epsilon: configuration.layerNormEpsilon)
    tensorRequire(
      (0...blocks.count).contains(usedLayerCount), "SiglipTower",
      "found hidden state \(layer), expected one of \(blocks.count) blocks")
  }

  /// Visits the parameters under their Hugging Face names.
  public func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("embeddings", embeddings)
    for (index, block) in blocks.enumerated() { visitor.child("encoder.layers.\(index)", block) }
    visitor.child("post_layernorm", lastNorm)
  }

  public func selected(_ pixels: Tensor) -> Tensor { selected(pixels, masks: nil) }

  /// The selected hidden state of views that show something only in part.
  ///
  /// - Parameters:
  ///   - pixels: `[views, 3, side, side]`, normalised.
  ///   - masks: of every view; all patches show something when nil.
  /// - Returns: `[views, patches, width]`.
  package func selected(_ pixels: Tensor, masks: [PatchMask]?) -> Tensor {
    let states = hiddenStates(pixels, masks: masks, through: usedLayerCount)
    let state = states[states.count - 1]
    return appliesLastNorm ? lastNorm(state) : state
  }

  public func hiddenStates(_ pixels: Tensor) -> [Tensor] {
    hiddenStates(pixels, masks: nil, through: blocks.count)
  }

  /// Hidden states of views, each `[views, patches, width]`: the input of the first block, then the output of
  /// each block up to the `last`-th.
  ///
  /// Patches that show nothing are seen by no patch; their own states are computed like any other.
  /// - Precondition: every view shows something.
  package func hiddenStates(_ pixels: Tensor, masks: [PatchMask]?, through last: Int) -> [Tensor] {
    tensorRequire(
      pixels.shape.dropFirst()
        == [configuration.channelCount, configuration.imageSize, configuration.imageSize], "SiglipTower",
      "found pixels of shape \(pixels.shape), expected [views, \(configuration.channelCount), "
        + "\(configuration.imageSize), \(configuration.imageSize)]")
    let (side, count) = (configuration.patchesPerSide, configuration.patchCount)
    let masks =
      masks ?? Array(repeating: PatchMask(rows: side, columns: side), count: pixels.shape[0])
    tensorRequire(
      masks.count == pixels.shape[0]
        && masks.allSatisfy { $0.rows == side && $0.columns == side && $0.isOn.contains(true) },
      "SiglipTower", "found masks that do not fit \(pixels.shape[0]) views of \(side) x \(side) patches")
    let layout = AttentionLayout(
      segments: masks.enumerated().map { view, mask in
        .init(
          queries: view * count..<(view + 1) * count, keys: mask.runs(from: view * count), causal: nil)
      })
    let shape = [pixels.shape[0], count, configuration.hiddenSize]
    var x = embeddings(pixels, masks: masks)
    var states = [x.reshaped(shape)]
    for block in blocks.prefix(last) {
      let input = x
      x =
        isGradientCheckpointing
        ? checkpoint { block(input, layout: layout) } : block(input, layout: layout)
      states.append(x.reshaped(shape))
    }
    return states
  }
}

extension PatchMask {
  /// Stretches of patches that show something, counted from `start`.
  fileprivate func runs(from start: Int) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for (patch, shows) in isOn.enumerated() where shows {
      if let last = runs.last, last.upperBound == start + patch {
        runs[runs.count - 1] = last.lowerBound..<start + patch + 1
      } else {
        runs.append(start + patch..<start + patch + 1)
      }
    }
    return runs
  }
}
