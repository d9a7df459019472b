import Tensor

/// What a model says at some tokens beside their log-probabilities, without a gradient: what TRL logs.
package struct TokenStatistics: Sendable, Equatable {
  /// The mean of the logits over the vocabulary.
  package var meanLogits: [Double] = []
  /// The entropy of the distribution over the vocabulary, natural logarithm.
  package var entropies: [Double] = []
  /// Whether the token is the likeliest one, the first of several.
  package var isTop: [Bool] = []

  /// Logits that are held at once.
  private static let mostElements = 1 << 19

  /// Of one target for each of some normed hidden states. The logits, which log-probabilities and their
  /// gradient never store, are computed again in pieces: the price of one more product with the head.
  /// - Parameter hidden: `[targets, width]`.
  package init(of targets: [Int32], after hidden: Tensor, in decoder: LlamaDecoder) {
    let rows = max(1, Self.mostElements / max(decoder.configuration.vocabularySize, 1))
    noGradient {
      for start in stride(from: 0, to: targets.count, by: rows) {
        let range = start..<min(start + rows, targets.count)
        let logits = decoder.logits(hidden.slice(axis: 0, range))
        let logProbabilities = logits - logits.logSumExp(axes: [1], keepDims: true)
        meanLogits += logits.mean(axes: [1]).array(of: Double.self)
        entropies += (logProbabilities.exp() * -logProbabilities).sum(axes: [1]).array(of: Double.self)
        let top = logits.argmax(axis: 1).array(of: Int64.self)
        isTop += zip(top, targets[range]).map { $0 == Int64($1) }
      }
    }
  }
}
