import MultiImageData
public import Records

/// Why a candidate became a pair or did not.
public enum SelectionOutcome: String, RowWord, Encodable, Sendable {
  /// A pair: the answer is the rejected one, the ground truth the chosen one.
  case kept
  /// The answer is right, so there is nothing to reject.
  case correct
  /// The attention ratio of the target is over the threshold.
  case overThreshold = "over_threshold"
  /// Removed afterwards for its perplexity.
  case perplexity
  /// Removed afterwards because the two answers differ too much in length.
  case lengthRatio = "length_ratio"
  /// Removed afterwards because the chosen answer is longer than is allowed.
  case chosenLength = "chosen_length"
  /// Removed afterwards because the two answers are nearly the same text.
  case editDistance = "edit_distance"
  /// The model gave an empty answer.
  case empty
  /// The answer is a scrap of sampling and no text: control characters, bytes that are no character, half a
  /// token.
  case notText = "not_text"
  /// No answer of the model looked at its image enough to be the chosen one.
  case noChosen = "no_chosen"
  /// A pair like the others, left out because its format is not wanted or the wanted number was reached.
  case surplus

  /// The outcome in words.
  package var title: String {
    switch self {
    case .kept: "kept"
    case .correct: "right answer"
    case .overThreshold: "R over τ"
    case .perplexity: "cut by perplexity"
    case .lengthRatio: "cut by length ratio"
    case .chosenLength: "cut by length of the chosen answer"
    case .editDistance: "cut by edit distance"
    case .empty: "empty answer"
    case .notText: "not text"
    case .noChosen: "no answer to choose"
    case .surplus: "not needed"
    }
  }
}

/// The mean attention from answer tokens to the patches of each image of one candidate (MIA-DPO code, layer
/// map).
public struct AttentionMap: Codable, Sendable, Equatable {
  /// Rows of patches in one image.
  public var rows: Int
  /// Columns of patches in one image.
  public var columns: Int
  /// One map per image the model saw, `rows * columns` values each, row by row.
  public var values: [[Double]]
  /// The target's rectangle in patches, where it is part of one image (grid, pic-in-pic).
  public var region: Region?

  /// A rectangle on the first image, in patches; a border may cut a patch.
  public struct Region: Codable, Sendable, Equatable {
    /// Upper edge.
    public var row: Double
    /// Left edge.
    public var column: Double
    /// Height.
    public var rows: Double
    /// Width.
    public var columns: Double

    /// Creates a rectangle of patches.
    public init(row: Double, column: Double, rows: Double, columns: Double) {
      self.row = row
      self.column = column
      self.rows = rows
      self.columns = columns
    }
  }

  /// Creates a map.
  public init(rows: Int, columns: Int, values: [[Double]], region: Region? = nil) {
    self.rows = rows
    self.columns = columns
    self.values = values
    self.region = region
  }
}

/// One row of `select/candidates.jsonl`: a composed question, the model's answer, and what became of it.
public struct CandidateRow: JSONRow, Equatable {
  /// The composed record's id.
  public var id: String
  /// Sequence, grid or pic-in-pic (or single, for ballast).
  public var kind: QuestionKind
  /// Number of pictures shown.
  public var count: Int
  /// The picture asked about, 1-based.
  public var target: Int
  /// The pictures asked about where the prompt compares or looks for one; `nil` where it names one.
  public var targets: [Int]?
  /// Paths of the images given to the model, in prompt order, relative to the run directory.
  public var images: [String]
  /// The question as given, with `<image>` marks.
  public var prompt: String
  /// The model's answer (the rejected one of a pair).
  public var answer: String
  /// The right answer.
  public var groundTruth: String
  /// The chosen answer of the pair where it is not the ground truth.
  public var chosen: String?
  /// Whether the answer counts as right.
  public var correct: Bool
  /// Whether the answer was sampled; absent means it is the greedy one.
  public var sampled: Bool?
  /// Whether the greedy answer was right, where this one was sampled.
  public var greedyCorrect: Bool?
  /// Attention ratio R of the target: its share of the attention that the answer pays to images, 0 … 1.
  public var ratio: Double
  /// The threshold τ that `ratio` was compared with.
  public var threshold: Double
  /// The share of each picture (or cell); sums to 1.
  public var shares: [Double]
  /// R by decoder layer, where all layers were recorded.
  public var layerRatios: [Double]?
  /// Perplexity of the answer under the model that gave it.
  public var perplexity: Double
  /// Length of the longer of answer and ground truth over that of the shorter, in characters.
  public var lengthRatio: Double
  /// Edit distance between answer and ground truth.
  public var editDistance: Double
  /// What became of the candidate.
  public var outcome: SelectionOutcome
  /// The attention map, kept for a few candidates.
  public var attention: AttentionMap?
  /// What can be said about the answer by its claims, for diagnosis; absent where nothing can.
  public var verdict: AnswerVerdict?

  /// Whether the model's own, greedy answer was right.
  public var answeredRight: Bool { greedyCorrect ?? correct }

  /// The length of the longer text over that of the shorter, in characters; an empty one counts as one
  /// character.
  static func lengthRatio(_ a: String, _ b: String) -> Double {
    let (first, second) = (Double(max(a.count, 1)), Double(max(b.count, 1)))
    return max(first / second, second / first)
  }

  /// Whether the candidate became a pair.
  public var kept: Bool { outcome == .kept }

  /// Creates a row.
  public init(
    id: String, kind: QuestionKind, count: Int, target: Int, targets: [Int]? = nil, images: [String],
    prompt: String, answer: String, groundTruth: String, chosen: String? = nil, correct: Bool,
    sampled: Bool? = nil, ratio: Double,
    threshold: Double, shares: [Double],
    layerRatios: [Double]? = nil, perplexity: Double, lengthRatio: Double, editDistance: Double,
    outcome: SelectionOutcome, attention: AttentionMap? = nil, verdict: AnswerVerdict? = nil
  ) {
    self.verdict = verdict
    self.id = id
    self.kind = kind
    self.count = count
    self.target = target
    self.targets = targets
    self.images = images
    self.prompt = prompt
    self.answer = answer
    self.groundTruth = groundTruth
    self.chosen = chosen
    self.correct = correct
    self.sampled = sampled
    self.ratio = ratio
    self.threshold = threshold
    self.shares = shares
    self.layerRatios = layerRatios
    self.perplexity = perplexity
    self.lengthRatio = lengthRatio
    self.editDistance = editDistance
    self.outcome = outcome
    self.attention = attention
  }

  enum CodingKeys: String, CodingKey {
    case id, kind, count, target, targets, images, prompt, answer, chosen, correct, sampled, ratio, threshold,
      shares,
      perplexity
    case groundTruth = "ground_truth"
    case greedyCorrect = "greedy_correct"
    case layerRatios = "layer_ratios"
    case lengthRatio = "length_ratio"
    case editDistance = "edit_distance"
    case outcome, attention, verdict
  }

  public var json: OrderedJSON {
    var members: [OrderedJSON.Member] = [
      .init("id", .string(id)), .init("kind", .string(kind.rawValue)), .init("count", .integer(count)),
      .init("target", .integer(target)),
    ]
    if let targets { members.append(.init("targets", .array(targets.map(OrderedJSON.integer)))) }
    members += [
      .init("images", .array(images.map(OrderedJSON.string))), .init("prompt", .string(prompt)),
      .init("answer", .string(answer)),
      .init("ground_truth", .string(groundTruth)), .init("correct", .bool(correct)),
    ]
    if let verdict { members.append(.init("verdict", .string(verdict.rawValue))) }
    if let chosen { members.append(.init("chosen", .string(chosen))) }
    if let sampled { members.append(.init("sampled", .bool(sampled))) }
    if let greedyCorrect { members.append(.init("greedy_correct", .bool(greedyCorrect))) }
    members += [
      .init("ratio", .number(ratio)), .init("threshold", .number(threshold)),
      .init("shares", .numbers(shares)),
    ]
    if let layerRatios { members.append(.init("layer_ratios", .numbers(layerRatios))) }
    members += [
      .init("perplexity", .number(perplexity)), .init("length_ratio", .number(lengthRatio)),
      .init("edit_distance", .number(editDistance)), .init("outcome", .string(outcome.rawValue)),
    ]
    if let attention { members.append(.init("attention", attention.json)) }
    return .object(members)
  }
}

extension AttentionMap {
  var json: OrderedJSON {
    var members: [OrderedJSON.Member] = [
      .init("rows", .integer(rows)), .init("columns", .integer(columns)),
      .init("values", .array(values.map(OrderedJSON.numbers))),
    ]
    if let region {
      members.append(
        .init(
          "region",
          .members([
            "row": .number(region.row), "column": .number(region.column), "rows": .number(region.rows),
            "columns": .number(region.columns),
          ])))
    }
    return .object(members)
  }
}
