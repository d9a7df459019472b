import Tensor

/// A LLaMA decoder over packed rows: embedding, blocks, final norm and the head that predicts tokens.
public final class LlamaDecoder: Module {
  let configuration: TextConfiguration
  var embedding: Embedding
  let blocks: [DecoderBlock]
  let norm: RMSNorm
  /// Nil when the head is the transposed embedding.
  var head: Linear?
  /// Whether a block's values are computed again in the backward pass.
  var isGradientCheckpointing = false

  init(_ configuration: TextConfiguration, using generator: inout RandomGenerator) {
    self.configuration = configuration
    embedding = Embedding(
      configuration.vocabularySize, configuration.hiddenSize, standardDeviation: 0.02, using: &generator)
    var blocks: [DecoderBlock] = []
    for index in 0..<configuration.hiddenLayerCount {
      blocks.append(DecoderBlock(configuration, index: index, using: &generator))
    }
    self.blocks = blocks
    norm = RMSNorm(configuration.hiddenSize, epsilon: configuration.rmsNormEpsilon)
    head =
      configuration.tiesWordEmbeddings
      ? nil
      : Linear(configuration.hiddenSize, configuration.vocabularySize, bias: false, using: &generator)
  }

  /// Visits the parameters under their Hugging Face names; tied heads are visited once, as the embedding.
  public func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("model.embed_tokens", embedding)
    for (index, block) in blocks.enumerated() { visitor.child("model.layers.\(index)", block) }
    visitor.child("model.norm", norm)
    if let head { visitor.child("lm_head", head) }
  }

  /// The weight of the head, `[vocabulary, width]`; a quantised one is expanded for the occasion.
  public var headWeight: Tensor { head?.weightValues ?? embedding.weightValues }

  /// The log-probability of one target for each of some normed hidden states, `[rows]`, without their scores
  /// of all tokens; a quantised head is expanded a piece at a time.
  /// - Parameters:
  ///   - targets: token ids, one for each row.
  ///   - hidden: `[rows, width]`.
  public func logProbabilities(of targets: [Int32], after hidden: Tensor) -> Tensor {
    guard let matrix = quantizedHead else {
      return targetLogProbabilities(hidden: hidden, weight: headWeight, targets: targets)
    }
    return targetLogProbabilities(hidden: hidden, weight: matrix, targets: targets)
  }

  /// The type that hidden states have: that of the norms, whatever the matrices are stored in.
  var activationType: DType { norm.weight.dtype }

  /// The head, or the embedding in its place, where that is quantised.
  private var quantizedHead: QuantizedMatrix? {
    guard let head else { return (embedding as? QuantizedEmbedding)?.matrix }
    return (head as? QuantizedLinear)?.matrix
  }

  /// Indices of the blocks, from 0.
  public var layerIndices: Range<Int> { blocks.indices }

  /// Replaces every linear layer of the blocks.
  func replaceLinears(_ replacement: (Linear) -> Linear) {
    for block in blocks { block.replaceLinears(replacement) }
  }

  /// Embeddings of token ids, `[tokens, width]`.
  func embed(_ ids: [Int32]) -> Tensor { embedding(Tensor(ids)).to(activationType) }

  /// The final hidden states after the norm: of all rows, or of the pass's output rows.
  func callAsFunction(_ x: Tensor, pass: DecoderPass) -> Tensor {
    norm(run(x, pass: pass, through: blocks.count))
  }

  /// The hidden states of the first `count` blocks, without the final norm.
  func run(_ x: Tensor, pass: DecoderPass, through count: Int) -> Tensor {
    requireContext(pass)
    var x = x
    for (index, block) in blocks.prefix(count).enumerated() {
      let onlyOutputs = pass.outputs != nil && index == blocks.count - 1
      // What somebody takes out of a block on the way, or leaves in a cache, must not be computed twice.
      if isGradientCheckpointing, pass.cache == nil, !pass.observedLayers.contains(index) {
        let input = x
        x = checkpoint { block(input, pass: pass, onlyOutputs: onlyOutputs) }
      } else {
        x = block(x, pass: pass, onlyOutputs: onlyOutputs)
      }
    }
    return x
  }

  private func requireContext(_ pass: DecoderPass) {
    guard case .dynamic = configuration.ropeScaling, !configuration.stretchesContext else { return }
    let longest = Int(pass.positions.max() ?? -1) + 1
    tensorRequire(
      longest <= configuration.contextLength, "LlamaDecoder",
      "positions of type dynamic are computed up to \(configuration.contextLength) tokens, found \(longest)")
  }

  /// Every hidden state as Hugging Face counts them: the input, the output of each block, the last one
  /// normed.
  func hiddenStates(_ x: Tensor, pass: DecoderPass) -> [Tensor] {
    requireContext(pass)
    var states = [x]
    for block in blocks { states.append(block(states[states.count - 1], pass: pass, onlyOutputs: false)) }
    states[states.count - 1] = norm(states[states.count - 1])
    return states
  }

  /// Scores of every token of the vocabulary, `[rows, vocabulary]`, from normed hidden states.
  public func logits(_ hidden: Tensor) -> Tensor {
    if let head { return head(hidden) }
    if let matrix = quantizedHead { return linear(hidden, weight: matrix) }
    return linear(hidden, weight: embedding.weight.tensor)
  }
}
