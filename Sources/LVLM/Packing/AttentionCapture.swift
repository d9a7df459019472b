import Tensor

/// Where an answer looked: attention of one decoder layer from the tokens of the answer to every image token, the
/// mean over heads and over the answer's tokens (eos never asks). Not normalised: attention to text is missing
/// from the sum. MIA-DPO, equation 4.
public struct ImageAttention: Equatable, Sendable {
  /// Image tokens of one picture.
  public let patchesPerImage: Int
  /// Tokens that asked: the tokens of the answer without eos.
  public var tokenCount: Int
  /// `[images, patches]`, row-major; zero when no token asked.
  public var values: [Float]

  /// Attention of no token yet.
  public init(imageCount: Int, patchesPerImage: Int) {
    self.patchesPerImage = patchesPerImage
    tokenCount = 0
    values = Array(repeating: 0, count: imageCount * patchesPerImage)
  }

  /// Pictures in the prompt.
  public var imageCount: Int { patchesPerImage == 0 ? 0 : values.count / patchesPerImage }

  /// The map of one picture, row-major over its patches.
  public subscript(image: Int) -> ArraySlice<Float> {
    values[image * patchesPerImage..<(image + 1) * patchesPerImage]
  }

  /// Adds more asking tokens: `probabilities` is `[tokens, heads, keys]`, `columns` the keys that are image tokens.
  mutating func add(_ probabilities: Tensor, columns: [Int]) {
    let (tokens, heads, keys) = (probabilities.shape[0], probabilities.shape[1], probabilities.shape[2])
    guard tokens > 0 else { return }
    let all = probabilities.array(of: Float.self)
    let share = 1 / Float(heads)
    var sums = values.map { $0 * Float(tokenCount) }
    for row in 0..<tokens * heads {
      for (index, column) in columns.enumerated() { sums[index] += all[row * keys + column] * share }
    }
    tokenCount += tokens
    values = sums.map { $0 / Float(tokenCount) }
  }
}

/// Asks a forward pass to keep the image attention of one decoder layer, and receives it.
///
/// Only the rows of answers are looked at; no other layer's probabilities are ever computed.
public final class AttentionCapture {
  /// Index of the decoder layer, from 0.
  public let layer: Int
  /// One entry per answer of the batch, in order, after the pass.
  public internal(set) var attention: [ImageAttention] = []

  /// A capture of one layer.
  public init(layer: Int) { self.layer = layer }

  /// Takes the probabilities of the answers of `batch` from one layer's rotated queries and keys.
  ///
  /// - Parameters:
  ///   - query: `[rows, heads, size]`; rows are those of the batch, or only its output rows.
  ///   - key: `[tokens, key heads, size]`.
  func record(query: Tensor, key: Tensor, onlyOutputs: Bool, batch: PackedBatch, scale: Double) {
    attention = batch.sequences.map { sequence in
      let columns = batch.imageRows[sequence.imageRows].map { Int($0) - sequence.prompt.lowerBound }
      var result = ImageAttention(
        imageCount: sequence.imageRows.count / max(batch.patchesPerImage, 1),
        patchesPerImage: batch.patchesPerImage)
      guard !sequence.answer.isEmpty else { return result }
      let rows = onlyOutputs ? sequence.answerOutputs : sequence.answer
      let count = rows.count
      let prompt = 0..<sequence.prompt.count
      let causal = prompt.count..<prompt.count + count
      let keys = Tensor.concatenated(
        [key.slice(axis: 0, sequence.prompt), key.slice(axis: 0, sequence.answer)], axis: 0)
      let probabilities = attentionProbabilities(
        query: query.slice(axis: 0, rows), key: keys,
        layout: AttentionLayout(segments: [.init(queries: 0..<count, keys: [prompt], causal: causal)]),
        rows: Array(0..<count), scale: scale)
      result.add(probabilities, columns: columns)
      return result
    }
  }
}
