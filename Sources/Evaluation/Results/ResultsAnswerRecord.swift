import MultiImageData
import Records

/// One row of `evaluate/before.jsonl` and `evaluate/after.jsonl`: a held-out question and the model's answer
/// to it.
public struct AnswerRecord: JSONRow, Equatable {
  /// The question's id; the same question has the same id before and after.
  public var id: String
  /// How the images are shown.
  public var kind: QuestionKind
  /// Number of pictures shown (2 for pic-in-pic).
  public var count: Int
  /// The picture asked about, 1-based.
  public var target: Int
  /// The family of the question (`colour`, `shape`, …).
  public var family: String
  /// The question as given, with `<image>` marks.
  public var prompt: String
  /// The right answer.
  public var answer: String
  /// The model's answer.
  public var prediction: String
  /// Whether the prediction counts as right.
  public var correct: Bool
  /// Whether the prediction is wrong and is the right answer for another picture of the same prompt; `nil`
  /// where nobody knows what is right for the others.
  public var answeredFromAnotherImage: Bool?
  /// Whether the same model answers right without any image; `nil` where it was not asked.
  public var blindCorrect: Bool?
  /// The model's answer with the pictures in another order; `nil` where it was not asked.
  public var permutedPrediction: String?
  /// Whether that counts as right.
  public var permutedCorrect: Bool?
  /// Attention ratio R of the target while answering, where it was recorded.
  public var ratio: Double?
  /// R by decoder layer, where all layers were recorded.
  public var layerRatios: [Double]?

  /// Creates a record.
  public init(
    id: String, kind: QuestionKind, count: Int, target: Int, family: String, prompt: String, answer: String,
    prediction: String, correct: Bool, answeredFromAnotherImage: Bool?, blindCorrect: Bool? = nil,
    permutedPrediction: String? = nil, permutedCorrect: Bool? = nil,
    ratio: Double? = nil, layerRatios: [Double]? = nil
  ) {
    self.id = id
    self.kind = kind
    self.count = count
    self.target = target
    self.family = family
    self.prompt = prompt
    self.answer = answer
    self.prediction = prediction
    self.correct = correct
    self.answeredFromAnotherImage = answeredFromAnotherImage
    self.blindCorrect = blindCorrect
    self.permutedPrediction = permutedPrediction
    self.permutedCorrect = permutedCorrect
    self.ratio = ratio
    self.layerRatios = layerRatios
  }

  enum CodingKeys: String, CodingKey {
    case id, kind, count, target, family, prompt, answer, prediction, correct, ratio
    case answeredFromAnotherImage = "answered_from_another_image"
    case blindCorrect = "blind_correct"
    case permutedPrediction = "permuted_prediction"
    case permutedCorrect = "permuted_correct"
    case layerRatios = "layer_ratios"
  }

  public var json: OrderedJSON {
    var members: [OrderedJSON.Member] = [
      .init("id", .string(id)), .init("kind", .string(kind.rawValue)), .init("count", .integer(count)),
      .init("target", .integer(target)), .init("family", .string(family)), .init("prompt", .string(prompt)),
      .init("answer", .string(answer)), .init("prediction", .string(prediction)),
      .init("correct", .bool(correct)),
      .init("answered_from_another_image", answeredFromAnotherImage.map(OrderedJSON.bool) ?? .null),
    ]
    if let blindCorrect { members.append(.init("blind_correct", .bool(blindCorrect))) }
    if let permutedPrediction { members.append(.init("permuted_prediction", .string(permutedPrediction))) }
    if let permutedCorrect { members.append(.init("permuted_correct", .bool(permutedCorrect))) }
    if let ratio { members.append(.init("ratio", .number(ratio))) }
    if let layerRatios { members.append(.init("layer_ratios", .numbers(layerRatios))) }
    return .object(members)
  }
}
