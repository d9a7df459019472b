import DPOTrain
import Foundation
import Records
import Tensor

/// What models achieve on easy-VQA's test questions: open and yes/no questions apart, each by family, with
/// the model without the picture and the guess by the question alone beside them.
public struct EasyVQAResult: Sendable, Equatable {
  /// The accuracy of one model on some questions.
  public struct Accuracy: Sendable, Equatable {
    /// With the picture.
    public var model: Interval
    /// With zeros in the place of the image features.
    public var blind: Interval
  }

  /// The questions of one kind.
  public struct Row: Sendable, Equatable {
    /// What they are called.
    public var title: String
    /// Their families.
    public var families: [EasyVQAFamily]
    /// Their number.
    public var questions: Int
    /// The number of pictures they are about.
    public var pictures: Int
    /// The accuracy of the guess by the question alone.
    public var guess: Interval
    /// The accuracy of each model, in the order of ``EasyVQAResult/models``.
    public var accuracies: [Accuracy]
    /// The last model's accuracy less the first one's; `nil` for a single model.
    public var change: Interval?
  }

  /// The names of the models.
  public let models: [String]
  /// All open questions, their families, all yes/no questions, their families, all questions.
  public let rows: [Row]
  /// Questions that are worded as no generated scene asks, in the order of the file.
  public let unknownQuestions: [String]

  /// Summarizes answers. Intervals are those of a bootstrap over pictures, seeded by a constant.
  /// - Precondition: all models answer the same questions in the same order, and there are some.
  public init(
    _ answers: [(model: String, rows: [EasyVQAAnswer])], resamples: Int = Statistics.defaultResamples
  ) {
    let all = answers[0].rows
    tensorRequire(
      !all.isEmpty && answers.allSatisfy { $0.rows.map(\.id) == all.map(\.id) }, "EasyVQAResult",
      "models with different questions")
    models = answers.map(\.model)
    unknownQuestions = all.filter { !$0.family.isGenerated }.map(\.question)
    var rows: [Row] = []
    func add(_ title: String, _ families: [EasyVQAFamily]) {
      let places = all.indices.filter { families.contains(all[$0].family) }
      var generator = RandomGenerator(seed: 0, stream: 0x6561_7379).split(UInt64(rows.count))
      if let row = Self.row(
        title, families, answers.map { answer in places.map { answer.rows[$0] } }, resamples, &generator)
      {
        rows.append(row)
      }
    }
    for isOpen in [true, false] {
      let families = EasyVQAFamily.allCases.filter { $0.isOpen == isOpen }
      add(isOpen ? "Open questions" : "Yes/no questions", families)
      for family in families { add("  " + family.title, [family]) }
    }
    add("All questions", EasyVQAFamily.allCases)
    self.rows = rows
  }

  private static func row(
    _ title: String, _ families: [EasyVQAFamily], _ answers: [[EasyVQAAnswer]], _ resamples: Int,
    _ generator: inout RandomGenerator
  ) -> Row? {
    let pictures = answers[0].map(\.image)
    func share(_ outcomes: [Bool]) -> Interval? {
      Statistics.groupedProportion(outcomes, groups: pictures, resamples: resamples, using: &generator)
    }
    guard let guess = share(answers[0].map(\.guessCorrect)) else { return nil }
    let accuracies = answers.compactMap { rows in
      share(rows.map(\.correct)).flatMap { model in
        share(rows.map(\.blindCorrect)).map { Accuracy(model: model, blind: $0) }
      }
    }
    var change: Interval?
    if let last = answers.last, answers.count > 1 {
      let differences = zip(last, answers[0]).map {
        Double($0.correct ? 1 : 0) - Double($1.correct ? 1 : 0)
      }
      change = Statistics.groupedMean(
        differences, groups: pictures, resamples: resamples, using: &generator)
    }
    return Row(
      title: title, families: families, questions: pictures.count, pictures: Set(pictures).count,
      guess: guess,
      accuracies: accuracies, change: change)
  }

  /// Accuracy in per cent with 95 % intervals.
  public var table: TextTable {
    func text(_ interval: Interval) -> String {
      Format.interval(interval.estimate, interval.low, interval.high)
    }
    let several = models.count > 1
    return TextTable(
      header: ["", "n"] + models.flatMap { [$0, "blind"] } + ["question alone"] + (several ? ["change"] : []),
      rows: rows.map { row in
        [row.title, String(row.questions)]
          + row.accuracies.flatMap { [text($0.model), Format.percent($0.blind.estimate)] }
          + [Format.percent(row.guess.estimate)] + (several ? [Format.change(row.change)] : [])
      })
  }

  /// What has to be known beside the table, line by line.
  public var notes: [String] {
    var notes: [String] = []
    if let all = rows.last {
      notes.append(
        "A guess by the question alone, without any picture, is right on "
          + "\(Format.percent(all.guess.estimate)) % of all "
          + "\(all.questions) questions: the open ones tell whether a model looks.")
    }
    if unknownQuestions.isEmpty {
      notes.append("Every question is worded as generated scenes ask.")
    } else {
      notes.append(
        "\(unknownQuestions.count) questions are worded as no generated scene asks; they are asked and "
          + "listed as other wordings. The first: \(unknownQuestions[0])")
    }
    return notes
  }

  /// The result as an object, for `results.json`.
  public var json: OrderedJSON {
    .members([
      "models": .array(models.map(OrderedJSON.string)),
      "unknown_questions": .integer(unknownQuestions.count),
      "rows": .array(
        rows.map { row in
          .members([
            "families": .array(row.families.map { .string($0.rawValue) }), "n": .integer(row.questions),
            "pictures": .integer(row.pictures),
            "models": .array(
              row.accuracies.map {
                .members([
                  "with_picture": $0.model.json(named: "accuracy"), "blind": $0.blind.json(named: "accuracy"),
                ])
              }),
            "question_alone": row.guess.json(named: "accuracy"),
            "change": row.change?.json(named: "difference") ?? .null,
          ])
        }),
    ])
  }
}
