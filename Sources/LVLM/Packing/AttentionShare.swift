import Tensor

/// Asks a forward pass how large a part of an answer's attention to images falls on some image features, in
/// one decoder layer, as a number with a gradient.
///
/// It is the ratio R of MIA-DPO's equation 4 (``ImageAttention`` says what enters it: the mean over heads and
/// asking tokens, nothing of text), a differentiable one: no other layer's probabilities are computed, and of
/// this layer only the rows of the answers that are asked about.
public final class AttentionShare {
  /// An answer, and the image features whose share is wanted.
  public struct Target: Equatable, Sendable {
    /// Place of the answer among ``PackedBatch/sequences``.
    public var sequence: Int
    /// How much of each image feature of the prompt counts, 0 … 1, pictures in order.
    public var weights: [Float]
    /// How much of each counts at all, 0 … 1: of pictures in tiles padding does not. All of all where nil.
    public var counted: [Float]?

    /// A target.
    public init(sequence: Int, weights: [Float], counted: [Float]? = nil) {
      self.sequence = sequence
      self.weights = weights
      self.counted = counted
    }
  }

  /// Index of the decoder layer, from 0.
  public let layer: Int
  /// Which tokens ask.
  public let queries: AttentionReading.Queries
  /// What is asked.
  public let targets: [Target]
  /// After the pass, for each of ``targets`` the share, `[targets]`; 0 where no token asks or none looks at
  /// an image.
  public private(set) var ratios: Tensor?

  /// Attention to images below which it counts as none.
  private static let leastMass = 1e-12

  /// A question to one layer.
  public init(layer: Int, queries: AttentionReading.Queries = .answer, targets: [Target]) {
    self.layer = layer
    self.queries = queries
    self.targets = targets
  }

  /// Computes the shares from the layer's rotated queries and keys.
  ///
  /// - Parameters:
  ///   - query: `[rows, heads, size]`; rows are those of the batch, or only its output rows.
  ///   - key: `[tokens, key heads, size]`.
  func record(query: Tensor, key: Tensor, onlyOutputs: Bool, batch: PackedBatch, scale: Double) {
    let foci = targets.map { target in
      let sequence = batch.sequences[target.sequence]
      let keys = batch.imageRows[sequence.imageRows].map(Int.init)
      return AttentionFocus(
        queries: rows(of: sequence, onlyOutputs: onlyOutputs), keys: keys,
        weights: [
          target.weights.map(Double.init), target.counted?.map(Double.init) ?? keys.map { _ in 1 },
        ])
    }
    guard !foci.isEmpty else {
      ratios = Tensor.zeros([0], dtype: query.dtype)
      return
    }
    let masses = attentionMass(
      query: query, key: key, layout: onlyOutputs ? batch.outputLayout : batch.layout, foci: foci,
      scale: scale)
    let means = Self.means(masses.mean(axes: [1]), counts: foci.map(\.queries.count))
    let target = means.slice(axis: 1, 0..<1).reshaped([foci.count])
    let all = means.slice(axis: 1, 1..<2).reshaped([foci.count])
    ratios = target / all.maximum(Tensor.full([], Self.leastMass, dtype: all.dtype))
  }

  private func rows(of sequence: PackedBatch.Sequence, onlyOutputs: Bool) -> [Int] {
    let answer = Array(onlyOutputs ? sequence.answerOutputs : sequence.answer)
    return switch queries {
    case .answer: answer
    case .last: answer.suffix(1)
    case .prediction: [onlyOutputs ? sequence.promptOutput : sequence.prompt.upperBound - 1] + answer
    }
  }

  /// Means of the next `counts[i]` rows for each `i`, `[rows, n]` to `[counts, n]`.
  private static func means(_ values: Tensor, counts: [Int]) -> Tensor {
    let rows = counts.reduce(0, +)
    var shares = [Float](repeating: 0, count: counts.count * rows)
    var next = 0
    for (index, count) in counts.enumerated() {
      for row in next..<next + count { shares[index * rows + row] = 1 / Float(count) }
      next += count
    }
    return Tensor(shares, shape: [counts.count, rows]).to(values.dtype).matmul(values)
  }
}
