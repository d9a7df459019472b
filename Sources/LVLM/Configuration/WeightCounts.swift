/// Numbers of weights, worked out without making any.
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
