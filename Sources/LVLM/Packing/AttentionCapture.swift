import Tensor

/// Where an answer looked: attention of one decoder layer from the tokens of the answer to every image token,
/// the mean over heads and over the answer's tokens (eos never asks). Not normalised: attention to text is
/// missing from the sum. MIA-DPO, equation 4.
public struct ImageAttention: Equatable, Sendable {
  /// What the values of each picture stand for.
  public let grids: [FeatureGrid]
  /// Tokens that asked: the tokens of the answer without eos.
  public var tokenCount: Int
  /// One per image feature, picture by picture; zero when no token asked.
  public var values: [Float]

  /// Attention of no token yet to pictures with these features.
  public init(grids: [FeatureGrid]) {
    self.grids = grids
    tokenCount = 0
    values = Array(repeating: 0, count: grids.reduce(0) { $0 + $1.count })
  }

  /// Pictures in the prompt.
  public var imageCount: Int { grids.count }

  /// The map of one picture, in the order of its features.
  public subscript(image: Int) -> ArraySlice<Float> {
    let start = grids[..<image].reduce(0) { $0 + $1.count }
    return values[start..<start + grids[image].count]
  }

  /// Adds more asking tokens: `probabilities` is `[tokens, heads, keys]`, `columns` the keys that are image
  /// tokens.
  mutating func add(_ probabilities: Tensor, columns: [Int], heads reduction: AttentionReading.Heads = .mean)
  {
    let (tokens, heads, keys) = (probabilities.shape[0], probabilities.shape[1], probabilities.shape[2])
    guard tokens > 0 else { return }
    let all = probabilities.array(of: Float.self)
    var sums = values.map { $0 * Float(tokenCount) }
    switch reduction {
    case .mean:
      let share = 1 / Float(heads)
      for row in 0..<tokens * heads {
        for (index, column) in columns.enumerated() { sums[index] += all[row * keys + column] * share }
      }
    case .max:
      for token in 0..<tokens {
        for (index, column) in columns.enumerated() {
          var most: Float = 0
          for head in 0..<heads { most = max(most, all[(token * heads + head) * keys + column]) }
          sums[index] += most
        }
      }
    }
    tokenCount += tokens
    values = sums.map { $0 / Float(tokenCount) }
  }
}

/// Which attention of a layer counts as where an answer looked.
public struct AttentionReading: Equatable, Hashable, Sendable {
  /// How the heads of a layer are put together.
  public enum Heads: String, CaseIterable, Sendable {
    /// Their mean, as in MIA-DPO's released code.
    case mean
    /// The head that looks most at a patch.
    case max
  }

  /// Which tokens ask; their attention is averaged.
  public enum Queries: String, CaseIterable, Sendable {
    /// The tokens of the answer without eos, as in MIA-DPO's released code.
    case answer
    /// The last of them.
    case last
    /// The last token of the prompt and the tokens of the answer without eos: the rows that predict the
    /// answer.
    case prediction
  }

  /// How heads are put together.
  public var heads: Heads
  /// Which tokens ask.
  public var queries: Queries

  /// The reading of MIA-DPO's released code by default.
  public init(heads: Heads = .mean, queries: Queries = .answer) {
    self.heads = heads
    self.queries = queries
  }
}

/// Asks a forward pass to keep the image attention of some decoder layers, and receives it.
///
/// Only the rows of answers are looked at; no other layer's probabilities are ever computed.
public final class AttentionCapture {
  /// Indices of the decoder layers, from 0.
  public let layers: Range<Int>
  /// What is read of each.
  public let reading: AttentionReading
  /// For each of ``layers`` one entry per answer of the batch, in order, after the pass.
  public private(set) var byLayer: [[ImageAttention]]

  /// A capture of one layer.
  public convenience init(layer: Int) { self.init(layers: layer..<layer + 1) }

  /// A capture of several layers that follow each other.
  public init(layers: Range<Int>, reading: AttentionReading = AttentionReading()) {
    self.layers = layers
    self.reading = reading
    byLayer = Array(repeating: [], count: layers.count)
  }

  /// One entry per answer of the batch, of the first layer.
  public var attention: [ImageAttention] { byLayer.first ?? [] }

  /// Takes the probabilities of the answers of `batch` from one layer's rotated queries and keys.
  ///
  /// - Parameters:
  ///   - query: `[rows, heads, size]`; rows are those of the batch, or only its output rows.
  ///   - key: `[tokens, key heads, size]`.
  func record(
    layer: Int, query: Tensor, key: Tensor, onlyOutputs: Bool, batch: PackedBatch, scale: Double
  ) {
    byLayer[layer - layers.lowerBound] = batch.sequences.map { sequence in
      let columns = batch.imageRows[sequence.imageRows].map { Int($0) - sequence.prompt.lowerBound }
      var result = ImageAttention(grids: batch.grids(of: sequence))
      let prompt = 0..<sequence.prompt.count
      func add(_ rows: Range<Int>, keys: Tensor, causal: Range<Int>?, earlier: Range<Int>? = nil) {
        let probabilities = attentionProbabilities(
          query: query.slice(axis: 0, rows), key: keys,
          layout: AttentionLayout(
            segments: [
              .init(
                queries: 0..<rows.count, keys: [prompt] + (earlier.map { [$0] } ?? []), causal: causal)
            ]),
          rows: Array(0..<rows.count), scale: scale)
        result.add(probabilities, columns: columns, heads: reading.heads)
      }
      if reading.queries == .prediction {
        let end = onlyOutputs ? sequence.promptOutput : sequence.prompt.upperBound - 1
        add(end..<end + 1, keys: key.slice(axis: 0, sequence.prompt), causal: nil)
      }
      guard !sequence.answer.isEmpty else { return result }
      let rows = onlyOutputs ? sequence.answerOutputs : sequence.answer
      let answer = prompt.count..<prompt.count + rows.count
      let keys = Tensor.concatenated(
        [key.slice(axis: 0, sequence.prompt), key.slice(axis: 0, sequence.answer)], axis: 0)
      if reading.queries == .last {
        add(rows.upperBound - 1..<rows.upperBound, keys: keys, causal: nil, earlier: answer)
      } else {
        add(rows, keys: keys, causal: answer)
      }
      return result
    }
  }
}
