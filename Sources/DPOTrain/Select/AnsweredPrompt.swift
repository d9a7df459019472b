import Records

/// One row of `select/answers.jsonl`: what the base model answered to a prompt, before any rule is applied.
///
/// Rules can be changed and applied again without asking the model again.
package struct AnsweredPrompt: JSONRow, Equatable {
  /// What the attention of one layer says of an answer.
  package struct Reading: Codable, Equatable, Sendable {
    /// Attention ratio R of the target.
    var ratio: Double
    /// The share of each picture (or cell).
    var shares: [Double]
    /// The attention map, kept for a few prompts.
    var attention: AttentionMap?

    package init(ratio: Double, shares: [Double], attention: AttentionMap?) {
      self.ratio = ratio
      self.shares = shares
      self.attention = attention
    }
  }

  /// An answer with what rules look at.
  package struct Answer: Codable, Equatable, Sendable {
    /// The text.
    package var text: String
    /// Perplexity of the answer under the model that gave it.
    var perplexity: Double
    /// Attention ratio R of the target, 0 … 1; 1 for a single image.
    package var ratio: Double
    /// The share of each picture (or cell).
    var shares: [Double]
    /// R by decoder layer, where all layers are read.
    package var layerRatios: [Double]?
    /// The attention map, kept for a few prompts.
    var attention: AttentionMap?
    /// What every layer says, until one is chosen (`select.layer: auto`).
    package var readings: [Reading]?
    /// `false` where it is made of pieces that are no text (``AnswerPieces``); absent otherwise.
    package var isOfWholePieces: Bool?

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

    package init(text: String, perplexity: Double, readings: [Reading], layerRatios: [Double]?) {
      self.init(text: text, perplexity: perplexity, ratio: 1, shares: [1], layerRatios: layerRatios)
      self.readings = readings
    }

    /// With what the reading at a place says, and no others.
    func read(by place: Int) -> Self {
      guard let reading = readings?[place] else { return self }
      var answer = self
      answer.readings = nil
      (answer.ratio, answer.shares, answer.attention) = (reading.ratio, reading.shares, reading.attention)
      return answer
    }

    enum CodingKeys: String, CodingKey {
      case text, perplexity, ratio, shares, attention, readings
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
      if let readings {
        let rows = readings.map { reading in
          OrderedJSON.object(
            [.init("ratio", .number(reading.ratio)), .init("shares", .numbers(reading.shares))]
              + (reading.attention.map { [.init("attention", $0.json)] } ?? []))
        }
        members.append(.init("readings", .array(rows)))
      }
      if let isOfWholePieces { members.append(.init("whole_pieces", .bool(isOfWholePieces))) }
      return .object(members)
    }
  }

  /// The prompt's id.
  package var id: String
  /// The greedy answer.
  package var greedy: Answer
  /// Sampled answers; with `select.require_wrong` only where the greedy one is right.
  package var samples: [Answer]
  /// The greedy answer, then the sampled ones.
  package var all: [Answer] { [greedy] + samples }

  /// With what one layer says of every answer.
  package func read(by place: Int) -> Self {
    AnsweredPrompt(id: id, greedy: greedy.read(by: place), samples: samples.map { $0.read(by: place) })
  }

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
