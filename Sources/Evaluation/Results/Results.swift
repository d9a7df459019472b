import DPOTrain
import Foundation
import MultiImageData
import Tensor

/// Accuracy and the rates beside it for one group of questions.
public struct AccuracyResult: Sendable, Equatable {
  /// Share of right answers, 0 … 1.
  public var accuracy: Double
  /// Lower end of the 95 % interval.
  public var low: Double
  /// Upper end of the 95 % interval.
  public var high: Double
  /// Share of questions answered with what is true of another picture of the same prompt, among those for
  /// which it is known what is true of the others; `nil` where it is known for none.
  public var answeredFromAnotherImage: Double?
  /// Accuracy of the same model without images; `nil` where it was not asked.
  public var blind: Double?
  /// Mean attention ratio of the target; `nil` where it was not recorded.
  public var attentionRatio: Double?
  /// Number of questions.
  public var n: Int

  /// Creates a result from its numbers.
  public init(
    accuracy: Double, low: Double, high: Double, answeredFromAnotherImage: Double?, blind: Double?,
    attentionRatio: Double? = nil, n: Int
  ) {
    self.accuracy = accuracy
    self.low = low
    self.high = high
    self.answeredFromAnotherImage = answeredFromAnotherImage
    self.blind = blind
    self.attentionRatio = attentionRatio
    self.n = n
  }

  /// Summarizes answers; `nil` where there are none.
  public init?(
    _ records: [AnswerRecord], resamples: Int = Statistics.defaultResamples,
    using generator: inout RandomGenerator
  ) {
    let outcomes = records.map(\.correct)
    guard let interval = Statistics.proportion(outcomes, resamples: resamples, using: &generator) else {
      return nil
    }
    let elsewhere = records.compactMap(\.answeredFromAnotherImage)
    let blind = records.compactMap(\.blindCorrect)
    let ratios = records.compactMap(\.ratio)
    self.init(
      accuracy: interval.estimate, low: interval.low, high: interval.high,
      answeredFromAnotherImage: elsewhere.isEmpty
        ? nil : Double(elsewhere.count(where: { $0 })) / Double(elsewhere.count),
      blind: blind.isEmpty ? nil : Double(blind.count(where: { $0 })) / Double(blind.count),
      attentionRatio: ratios.isEmpty ? nil : ratios.reduce(0, +) / Double(ratios.count), n: records.count)
  }
}

/// The answers of one kind of question, whole and by part.
public struct KindResult: Sendable, Equatable {
  /// All questions of the kind.
  public var all: AccuracyResult
  /// By number of pictures, ascending.
  public var byImages: [Part<Int>]
  /// By the number of the picture that is asked about, ascending; empty where it is always the same.
  public var byPlace: [Part<Int>]
  /// By question family, alphabetically.
  public var byFamily: [Part<String>]
  /// The same questions with their pictures in another order; `nil` where they were not asked.
  public var permuted: PermutedResult?

  /// Part of the questions: those with one number of pictures, one place, or of one family.
  public struct Part<Label: Sendable & Equatable>: Sendable, Equatable {
    /// What the questions have in common.
    public var label: Label
    /// Their result.
    public var result: AccuracyResult

    /// Creates a part.
    public init(_ label: Label, _ result: AccuracyResult) {
      self.label = label
      self.result = result
    }
  }

  /// Creates a result from its parts.
  public init(
    all: AccuracyResult, byImages: [Part<Int>] = [], byPlace: [Part<Int>] = [], byFamily: [Part<String>] = [],
    permuted: PermutedResult? = nil
  ) {
    self.all = all
    self.byImages = byImages
    self.byPlace = byPlace
    self.byFamily = byFamily
    self.permuted = permuted
  }

  /// Summarizes answers; `nil` where there are none.
  public init?(
    _ records: [AnswerRecord], resamples: Int = Statistics.defaultResamples, generator: RandomGenerator
  ) {
    var whole = generator.split(0)
    guard let all = AccuracyResult(records, resamples: resamples, using: &whole) else { return nil }
    self.init(all: all)
    for count in Set(records.map(\.count)).sorted() {
      var random = generator.split(1).split(UInt64(count))
      let part = records.filter { $0.count == count }
      if let result = AccuracyResult(part, resamples: resamples, using: &random) {
        byImages.append(Part(count, result))
      }
    }
    for (index, family) in Set(records.map(\.family)).sorted().enumerated() {
      var random = generator.split(2).split(UInt64(index))
      let part = records.filter { $0.family == family }
      if let result = AccuracyResult(part, resamples: resamples, using: &random) {
        byFamily.append(Part(family, result))
      }
    }
    // Two pictures have no place.
    let places = Set(records.filter { $0.kind.level != .compare }.map(\.target)).sorted()
    for place in places where places.count > 1 {
      var random = generator.split(3).split(UInt64(place))
      let part = records.filter { $0.target == place }
      if let result = AccuracyResult(part, resamples: resamples, using: &random) {
        byPlace.append(Part(place, result))
      }
    }
    var random = generator.split(4)
    permuted = PermutedResult(records, resamples: resamples, using: &random)
  }
}

/// What one model achieves on the held-out questions.
public struct PhaseResult: Sendable, Equatable {
  /// By kind of question; kinds that were not asked are absent.
  public var kinds: [QuestionKind: KindResult]
  /// All questions about one of several pictures that they name (``QuestionKind/multiImage``).
  public var multiImage: AccuracyResult?
  /// How well the attention ratio of each decoder layer tells right from wrong answers to multi-image
  /// questions.
  public var attentionAUC: [Interval?]

  /// Creates a result from its parts.
  public init(
    kinds: [QuestionKind: KindResult], multiImage: AccuracyResult? = nil, attentionAUC: [Interval?] = []
  ) {
    self.kinds = kinds
    self.multiImage = multiImage
    self.attentionAUC = attentionAUC
  }

  /// Summarizes answers.
  public init(
    _ records: [AnswerRecord], resamples: Int = Statistics.defaultResamples, generator: RandomGenerator
  ) {
    kinds = [:]
    for (index, kind) in QuestionKind.allCases.enumerated() {
      kinds[kind] = KindResult(
        records.filter { $0.kind == kind }, resamples: resamples, generator: generator.split(UInt64(index)))
    }
    let several = records.filter { QuestionKind.multiImage.contains($0.kind) }
    var random = generator.split(100)
    multiImage = AccuracyResult(several, resamples: resamples, using: &random)
    let layers = several.compactMap(\.layerRatios?.count).max() ?? 0
    attentionAUC = (0..<layers).map { layer in
      func ratios(_ correct: Bool) -> [Double] {
        several.compactMap { record in
          guard record.correct == correct, let ratios = record.layerRatios, layer < ratios.count else {
            return nil
          }
          return ratios[layer].isFinite ? ratios[layer] : nil
        }
      }
      return Statistics.areaUnderCurve(positives: ratios(true), negatives: ratios(false))
    }
  }
}

/// `before` and `after` that do not hold the same questions.
public struct ResultsError: Error, Equatable, CustomStringConvertible, Sendable {
  /// What is wrong, with the id of the first question concerned.
  public var description: String
}

/// Everything `results.json` holds: what the model achieved before and after training, and what produced it.
public struct EvaluationResult: Sendable, Equatable {
  /// Name of the configuration.
  public var configName: String
  /// SHA-256 or other hash of the resolved configuration.
  public var configHash: String
  /// Every value that changes results, by dotted key, without the seed; empty in files of earlier versions.
  public var configuration: [String: String]
  /// The run's seed.
  public var seed: UInt64
  /// Versions of what produced the numbers, by name.
  public var versions: [String: String]
  /// Wall-clock seconds by stage.
  public var seconds: [String: Double]
  /// The model before DPO.
  public var before: PhaseResult
  /// The model after DPO; `nil` where only the base was evaluated.
  public var after: PhaseResult?
  /// `after - before` over the same questions, paired bootstrap, by kind.
  public var change: [QuestionKind: Interval]
  /// `after - before` over all multi-image questions.
  public var multiImageChange: Interval?

  /// Creates a result from its parts.
  public init(
    configName: String, configHash: String, configuration: [String: String] = [:], seed: UInt64,
    versions: [String: String], seconds: [String: Double],
    before: PhaseResult, after: PhaseResult?, change: [QuestionKind: Interval] = [:],
    multiImageChange: Interval? = nil
  ) {
    self.configName = configName
    self.configHash = configHash
    self.configuration = configuration
    self.seed = seed
    self.versions = versions
    self.seconds = seconds
    self.before = before
    self.after = after
    self.change = change
    self.multiImageChange = multiImageChange
  }

  /// Summarizes the answers before and after training; resampling is seeded by `seed`.
  /// - Throws: ``ResultsError`` where `after` is given and does not answer exactly the questions of `before`.
  public init(
    configName: String, configHash: String, configuration: [String: String] = [:], seed: UInt64,
    versions: [String: String], seconds: [String: Double],
    before: [AnswerRecord], after: [AnswerRecord]?,
    resamples: Int = Statistics.defaultResamples
  ) throws {
    let generator = RandomGenerator(seed: seed, stream: 0x7265_706F_7274)
    self.init(
      configName: configName, configHash: configHash, configuration: configuration, seed: seed,
      versions: versions, seconds: seconds,
      before: PhaseResult(before, resamples: resamples, generator: generator.split(1)),
      after: after.map { PhaseResult($0, resamples: resamples, generator: generator.split(2)) })
    guard let after else { return }
    let pairs = try Self.paired(before, after)
    func difference(_ key: UInt64, _ matches: (QuestionKind) -> Bool) -> Interval? {
      var random = generator.split(3).split(key)
      let part = pairs.filter { matches($0.before.kind) }
      return Statistics.pairedDifference(
        before: part.map { $0.before.correct ? 1 : 0 }, after: part.map { $0.after.correct ? 1 : 0 },
        resamples: resamples, using: &random)
    }
    for (index, kind) in QuestionKind.allCases.enumerated() {
      change[kind] = difference(UInt64(index)) { $0 == kind }
    }
    multiImageChange = difference(100) { QuestionKind.multiImage.contains($0) }
  }

  private static func paired(_ before: [AnswerRecord], _ after: [AnswerRecord]) throws
    -> [(before: AnswerRecord, after: AnswerRecord)]
  {
    var byID: [String: AnswerRecord] = [:]
    for record in after where byID.updateValue(record, forKey: record.id) != nil {
      throw ResultsError(description: "answers after training: found id '\(record.id)' twice, expected once")
    }
    let pairs = try before.map { record in
      guard let match = byID.removeValue(forKey: record.id) else {
        throw ResultsError(
          description: "answers after training: found none with id '\(record.id)', expected one as before")
      }
      return (before: record, after: match)
    }
    if let extra = byID.keys.min() {
      throw ResultsError(description: "answers before training: found none with id '\(extra)', expected one")
    }
    return pairs
  }
}
