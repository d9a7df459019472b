import MultiImageData
import Records

/// One row of `easy-vqa/<model>.jsonl`: a test question of easy-VQA and what a model, the same model without
/// the picture, and a guesser that knows the question alone say to it.
public struct EasyVQAAnswer: JSONRow, Equatable {
  /// `test-` and the question's number in the file.
  public var id: String
  /// The picture, relative to the data set's folder.
  public var image: String
  /// The kind of question.
  public var family: EasyVQAFamily
  /// The question.
  public var question: String
  /// The right answer.
  public var answer: String
  /// The model's answer.
  public var prediction: String
  /// Its answer with zeros in the place of the image features.
  public var blindPrediction: String
  /// The most frequent answer to the question among the train questions.
  public var guess: String

  /// Creates a row.
  public init(
    id: String, image: String, family: EasyVQAFamily, question: String, answer: String, prediction: String,
    blindPrediction: String, guess: String
  ) {
    self.id = id
    self.image = image
    self.family = family
    self.question = question
    self.answer = answer
    self.prediction = prediction
    self.blindPrediction = blindPrediction
    self.guess = guess
  }

  /// Whether the model's answer is right: the same words, or a sentence that says so.
  public var correct: Bool { isRight(prediction) }
  /// Whether its answer without the picture is right.
  public var blindCorrect: Bool { isRight(blindPrediction) }
  /// Whether the guess is right.
  public var guessCorrect: Bool { AnswerText.matches(guess, answer) }

  private func isRight(_ text: String) -> Bool {
    AnswerText.matches(text, answer)
      || ShapeQuestion.grader.verdict(of: text, to: question, expecting: answer) == .right
  }

  enum CodingKeys: String, CodingKey {
    case id, image, family, question, answer, prediction, guess
    case blindPrediction = "blind_prediction"
  }

  public var json: OrderedJSON {
    .members([
      "id": .string(id), "image": .string(image), "family": .string(family.rawValue),
      "question": .string(question), "answer": .string(answer), "prediction": .string(prediction),
      "correct": .bool(correct), "blind_prediction": .string(blindPrediction),
      "blind_correct": .bool(blindCorrect), "guess": .string(guess), "guess_correct": .bool(guessCorrect),
    ])
  }
}
