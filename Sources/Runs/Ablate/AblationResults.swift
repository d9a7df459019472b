import DPOTrain
import Foundation
import MultiImageData
import Records
import Reporting

/// The figures of all finished runs of a suite.
public struct AblationResults: Sendable {
  /// A group of questions that has a column of its own.
  public enum Column: String, CaseIterable, Sendable {
    /// The questions of that kind.
    case single, sequence, grid
    /// Pictures inside a picture.
    case picInPic = "pic_in_pic"
    /// Every question about one of several pictures that it names.
    case multiImage = "multi_image"
    /// Named pictures of a sequence that are compared.
    case compare
    /// Named cells of a grid that are compared.
    case compareGrid = "compare_grid"
    /// The picture of a sequence that fits a description.
    case find
    /// The cell of a grid that fits a description.
    case findGrid = "find_grid"

    /// Those that every table has, whether such questions were asked or not.
    static let usual: [Column] = [.single, .sequence, .grid, .picInPic, .multiImage]

    /// The name printed in tables.
    public var title: String {
      QuestionKind(rawValue: rawValue)?.title ?? "All multi-image"
    }

    func contains(_ kind: QuestionKind) -> Bool {
      self == .multiImage ? QuestionKind.multiImage.contains(kind) : kind.rawValue == rawValue
    }
  }

  /// Which questions a model has right.
  struct Answers: Sendable {
    /// The kind and outcome of each question, by id.
    var outcomes: [String: (kind: QuestionKind, isRight: Bool)]

    /// The outcomes of a column's questions, in the order of their ids.
    func outcomes(of column: Column) -> [Bool] {
      outcomes.filter { column.contains($0.value.kind) }.sorted { $0.key < $1.key }.map(\.value.isRight)
    }

    func accuracy(of column: Column) -> Double? {
      let outcomes = outcomes(of: column)
      return outcomes.isEmpty ? nil : Double(outcomes.count(where: { $0 })) / Double(outcomes.count)
    }
  }

  /// One finished run.
  struct Run: Sendable {
    var seed: UInt64
    var before: Answers
    var after: Answers
    var pairs: Int
    var seconds: [String: Double]
  }

  /// A variant with its finished runs.
  struct Row: Sendable {
    var variant: AblationSuite.Variant
    /// By ascending seed.
    var runs: [Run]
  }

  /// The suite.
  public let suite: AblationSuite
  /// Variants in the order of the suite.
  let rows: [Row]
  /// How long each run took.
  let log: [AblationLog]

  /// Reads the runs of a suite that are finished.
  /// - Throws: ``RowFileError`` for a damaged file.
  public init(_ suite: AblationSuite) throws {
    self.suite = suite
    log = AblationLog.read(in: suite.directory).rows
    rows = try suite.variants.map { variant in
      Row(
        variant: variant,
        runs: try suite.units.filter { $0.variant == variant && $0.isFinished }.map(Self.run)
          .sorted { $0.seed < $1.seed })
    }
  }

  private static func run(_ unit: AblationSuite.Unit) throws -> Run {
    let folder = unit.directory.appendingPathComponent("evaluate")
    let file = unit.directory.appendingPathComponent("pairs.jsonl")
    let pairs = FileManager.default.fileExists(atPath: file.path) ? try WrittenFile.read(file) : nil
    let own = Stage.allCases.compactMap { stage -> (String, Double)? in
      guard let record = RunDirectory.record(of: RunPart(stage), in: unit.directory), record.from == nil
      else { return nil }
      return (stage.rawValue, record.seconds)
    }
    return Run(
      seed: unit.seed, before: try answers(folder.appendingPathComponent("before.jsonl")),
      after: try answers(folder.appendingPathComponent("after.jsonl")),
      pairs: pairs?.count { $0 == UInt8(ascii: "\n") } ?? 0,
      seconds: Dictionary(own) { first, _ in first })
  }

  private static func answers(_ file: URL) throws -> Answers {
    struct Outcome: Decodable {
      var id: String
      var kind: QuestionKind
      var correct: Bool
    }
    let rows = try RowFile.read(Outcome.self, from: file)
    return Answers(
      outcomes: Dictionary(rows.map { ($0.id, ($0.kind, $0.correct)) }) { first, _ in first })
  }

  /// The columns of tables: the usual ones, and those of which a run has questions.
  var columns: [Column] {
    let answers = rows.flatMap(\.runs).map(\.before)
    return Column.allCases.filter { column in
      Column.usual.contains(column) || answers.contains { $0.accuracy(of: column) != nil }
    }
  }

  // MARK: Comparisons

  /// The variant that the others are compared with.
  var reference: Row? { rows.first { $0.variant.name == suite.reference && !$0.runs.isEmpty } }

  /// A figure over seeds.
  struct Figure: Sendable, Equatable {
    var values: [Double]
    var mean: Double { values.reduce(0, +) / Double(values.count) }
    /// Student's 95 % interval of the mean over seeds; `nil` for a single seed.
    var interval: Interval? { Statistics.studentMean(values) }

    init?(_ values: [Double]) {
      guard !values.isEmpty else { return nil }
      self.values = values
    }
  }

  /// Two models on the same questions of the same seeds.
  struct Comparison: Sendable {
    /// Second minus first, a value for each seed that both have.
    var difference: Figure
    /// All seeds' questions together.
    var test: PairedTest
  }

  /// Accuracy of the base models that the finished runs of a suite began with.
  func baseAccuracy(of column: Column) -> Figure? {
    var bySeed: [UInt64: Double] = [:]
    for run in rows.flatMap(\.runs) { bySeed[run.seed] = run.before.accuracy(of: column) }
    return Figure(bySeed.sorted { $0.key < $1.key }.map(\.value))
  }

  func accuracy(of row: Row, _ column: Column) -> Figure? {
    Figure(row.runs.compactMap { $0.after.accuracy(of: column) })
  }

  /// A variant against the base model.
  func change(of row: Row, _ column: Column) -> Comparison? {
    compare(row.runs.map { ($0.before, $0.after) }, column)
  }

  /// A variant against the reference, over the seeds that both have finished.
  func toReference(_ row: Row, _ column: Column) -> Comparison? {
    guard let reference, reference.variant != row.variant else { return nil }
    return compare(
      row.runs.compactMap { run in
        reference.runs.first { $0.seed == run.seed }.map { ($0.after, run.after) }
      }, column)
  }

  private func compare(_ pairs: [(Answers, Answers)], _ column: Column) -> Comparison? {
    let both = pairs.map { ($0.0.outcomes(of: column), $0.1.outcomes(of: column)) }
      .filter { $0.0.count == $0.1.count && !$0.0.isEmpty }
    let differences = both.map { first, second in
      Double(second.count(where: { $0 }) - first.count(where: { $0 })) / Double(first.count)
    }
    return Figure(differences).map { figure in
      Comparison(
        difference: figure,
        test: PairedTest(first: both.flatMap(\.0), second: both.flatMap(\.1)))
    }
  }

  /// Holm-corrected p values of a comparison on all multi-image questions, by variant name.
  func corrected(_ comparison: (Row) -> Comparison?) -> [String: Double] {
    let tested = rows.compactMap { row in comparison(row).map { (row.variant.name, $0.test.p) } }
    return Dictionary(
      zip(tested.map(\.0), PairedTest.holm(tested.map(\.1)))
    ) { first, _ in first }
  }
}
