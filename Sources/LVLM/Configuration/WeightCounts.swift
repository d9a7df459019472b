/// Numbers of weights, worked out without making any.
extension TextConfiguration {
  /// Weights of one block.
  public var blockWeightCount: Int {
    let (queries, keys) = (headSize * attentionHeadCount, headSize * keyValueHeadCount)
    var count = 2 * hiddenSize * (queries + keys) + 3 * hiddenSize * intermediateSize + 2 * hiddenSize
    if hasAttentionBias { count += queries + 2 * keys + (family == .llama ? hiddenSize : 0) }
    if let partialRank {
      count += partialRank * (2 * hiddenSize + 2 * queries + 2 * keys + 3 * (hiddenSize + intermediateSize))
    }
    if hasPerceptronBias { count += 2 * intermediateSize + hiddenSize }
    return count
  }
}

extension VisionConfiguration {
  /// Weights of the tower.
  var weightCount: Int {
    let (d, i) = (hiddenSize, intermediateSize)
    let layer = 4 * (d * d + d) + (d * i + i) + (i * d + d) + 4 * d
    return channelCount * patchSize * patchSize * d + d + (patchCount + 1) * d + hiddenLayerCount * layer + 4
      * d
  }
}

extension SiglipConfiguration {
  /// Weights of the tower, its last norm among them.
  var weightCount: Int {
    let (d, i) = (hiddenSize, intermediateSize)
    let block = 4 * (d * d + d) + (d * i + i) + (i * d + d) + 4 * d
    let embeddings = channelCount * patchSize * patchSize * d + d + patchCount * d
    return embeddings + hiddenLayerCount * block + 2 * d
  }
}
