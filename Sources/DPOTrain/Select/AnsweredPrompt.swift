/// One row of `select/answers.jsonl`: what the base model answered to a prompt, before any rule is applied.
///
/// Rules can be changed and applied again without asking the model again.
package struct AnsweredPrompt: JSONRow, Equatable {
  /// An answer with what rules look at.
  package struct Answer: Codable, Equatable, Sendable {
    /// The text.
    var text: String
    /// Perplexity of the answer under the model that gave it.
    var perplexity: Double
    /// Attention ratio R of the target, 0 … 1; 1 for a single image.
    var ratio: Double
    /// The share of each picture (or cell).
    var shares: [Double]
    /// R by decoder layer, where all layers are read.
    var layerRatios: [Double]?
    /// The attention map, kept for a few prompts.
    var attention: AttentionMap?
    /// `false` where it is made of pieces that are no text (``AnswerPieces``); absent otherwise.
    var isOfWholePieces: Bool?

    package init(
      text: String, perplexity: Double, ratio: Double, shares: [Double], layerRatios: [Double]? = nil,
      attention: AttentionMap? = nil, isOfWholePieces: Bool? = nil
    ) {
      self.text = text
      self.perplexity = perplexity
      self.ratio = ratio
      self.shares = shares
      self.layerRatios = layerRatios
      self.attention = attention
      self.isOfWholePieces = isOfWholePieces
    }

    enum CodingKeys: String, CodingKey {
      case text, perplexity, ratio, shares, attention
      case isOfWholePieces = "whole_pieces"
      case layerRatios = "layer_ratios"
    }

    var json: OrderedJSON {
      var members: [OrderedJSON.Member] = [
        .init("text", .string(text)), .init("perplexity", .number(perplexity)),
        .init("ratio", .number(ratio)), .init("shares", .numbers(shares)),
      ]
      if let layerRatios { members.append(.init("layer_ratios", .numbers(layerRatios))) }
      if let attention { members.append(.init("attention", attention.json)) }
      if let isOfWholePieces { members.append(.init("whole_pieces", .bool(isOfWholePieces))) }
      return .object(members)
    }
  }

  /// The prompt's id.
  var id: String
  /// The greedy answer.
  var greedy: Answer
  /// Sampled answers; with `select.require_wrong` only where the greedy one is right.
  var samples: [Answer]
  /// The greedy answer, then the sampled ones.
  var all: [Answer] { [greedy] + samples }

  package init(id: String, greedy: Answer, samples: [Answer]) {
    self.id = id
    self.greedy = greedy
    self.samples = samples
  }

  package var json: OrderedJSON {
    .members([
      "id": .string(id), "greedy": greedy.json, "samples": .array(samples.map(\.json)),
    ])
  }
}
