/// Numbers of weights, worked out without making any.
extension LlavaConfiguration {
  /// Weights of the vision tower.
  public var visionWeightCount: Int {
    let (d, i) = (vision.hiddenSize, vision.intermediateSize)
    let layer = 4 * (d * d + d) + (d * i + i) + (i * d + d) + 4 * d
    let embeddings =
      vision.channelCount * vision.patchSize * vision.patchSize * d + d + (vision.patchCount + 1) * d
    return embeddings + vision.hiddenLayerCount * layer + 4 * d
  }

  /// Weights of the projector.
  public var projectorWeightCount: Int {
    let (v, t) = (vision.hiddenSize, text.hiddenSize)
    return v * t + t * t + (hasProjectorBias ? 2 * t : 0)
  }

  /// Weights of the decoder.
  public var decoderWeightCount: Int {
    let vocabulary = text.vocabularySize * text.hiddenSize
    return vocabulary * (text.tiesWordEmbeddings ? 1 : 2) + text.hiddenLayerCount * text.blockWeightCount
      + text.hiddenSize
  }
}

extension TextConfiguration {
  /// Weights of one block.
  public var blockWeightCount: Int {
    let (queries, keys) = (headSize * attentionHeadCount, headSize * keyValueHeadCount)
    var count = 2 * hiddenSize * (queries + keys) + 3 * hiddenSize * intermediateSize + 2 * hiddenSize
    if hasAttentionBias { count += queries + 2 * keys + (family == .llama ? hiddenSize : 0) }
    if hasPerceptronBias { count += 2 * intermediateSize + hiddenSize }
    return count
  }
}
