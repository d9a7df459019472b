import DPOTrain
import Evaluation
import Foundation
import LVLM
import MultiImageData
import Records

/// What can be said about a run before its first step: how many records there are, what the stages will ask
/// of them, and what of it cannot be.
public struct RunCheck {
  let configuration: RunConfiguration
  let source: any QuestionSource
  /// The stages that will run.
  let stages: Set<Stage>

  /// Checks a run.
  /// - Parameter stages: what will run; every stage when left out.
  public init(
    _ configuration: RunConfiguration, source: any QuestionSource,
    stages: some Sequence<Stage> = Stage.allCases
  ) {
    self.configuration = configuration
    self.source = source
    self.stages = Set(stages)
  }

  /// How many records and pictures every split really has, and which turns are used: `llava: 70 records: sft
  /// 50, pref 12, val 4, test 4`.
  public var records: String {
    let counts = DataSplit.allCases.map { (split: $0, count: source.count(of: $0)) }
    let parts = counts.map { "\($0.split.rawValue) \($0.count)" }.joined(separator: ", ")
    let sum = counts.reduce(0) { $0 + $1.count }
    let more = source.available.map { $0 > sum ? " of \($0) in the file (data.sizes)" : "" } ?? ""
    var text = "\(source.name): \(sum) records\(more): \(parts)"
    let turns = turnCounts
    if turns.all > turns.records {
      text +=
        "; \(turns.all) turns, of which sft learns \(turns.trained), composed prompts ask the first of each "
        + "record"
    }
    return text
  }

  private var turnCounts: (records: Int, all: Int, trained: Int) {
    guard configuration.data.source == .llava else { return (0, 0, 0) }
    var counts = (records: 0, all: 0, trained: 0)
    for index in 0..<source.count(of: .sft) {
      guard let record = try? source.record(.sft, index) else { continue }
      counts.records += 1
      counts.all += 1 + record.laterTurns.count
      counts.trained += 1 + source.trainedTurns(of: record).count
    }
    return counts
  }

  /// Everything that the data cannot give, with the key that asks for it and what helps.
  /// - Throws: what reading a record throws.
  public func problems() throws -> [RunProblem] {
    try supervisedProblems() + lookProblems() + compositionProblems() + evaluationProblems()
      + levelProblems() + selectionProblems() + ballastProblems()
  }

  /// What works and is worth a word.
  public func remarks() -> [String] {
    var lines: [String] = []
    func remark(_ key: String, _ text: String) { lines.append("\(configuration.places.name(key)): \(text)") }
    for (key, reason) in configuration.idleKeys { remark(key, reason) }
    let sft = source.count(of: .sft)
    if stages.contains(.sft), configuration.sft.maxSteps > 0, sft > 0 {
      let batch = configuration.sft.perDeviceTrainBatchSize
      if batch > sft {
        remark(
          "sft.per_device_train_batch_size",
          "has \(batch), the sft split \(sft) records: a step takes them all")
      }
    }
    let (compose, pool) = (configuration.compose, source.count(of: .preference))
    if stages.contains(.compose), pool > 0 {
      if compose.path == nil, compose.total > 10 * pool {
        remark(
          "compose",
          "asks for \(compose.total) prompts, the pref split has \(pool) records: each is asked about "
            + "\(compose.total / pool) times")
      }
      if compose.single > pool {
        remark(
          "compose.single", "has \(compose.single), the pref split \(pool) records: all of them are taken")
      }
    }
    let (held, questions) = (source.count(of: evaluatedSplit), configuration.evaluate.questions)
    if stages.contains(.evaluate), held > 0, questions > held {
      remark(
        "evaluate.questions",
        "has \(questions), the \(evaluatedSplit.rawValue) split \(held) records: "
          + "\(held) questions about single images, and each record is asked about in several composed ones")
    }
    return lines
  }

  var evaluatedSplit: DataSplit { configuration.evaluate.split == .val ? .validation : .test }

  func problem(_ key: String, _ text: String) -> RunProblem {
    RunProblem(place: configuration.places.name(key), text: text)
  }
}

/// One thing that will not work.
public struct RunProblem: Sendable, Equatable, CustomStringConvertible {
  /// File, line and key.
  public var place: String
  /// What was found, what is needed, what helps.
  public var text: String

  /// `FILE:LINE: KEY: TEXT`.
  public var description: String { "\(place): \(text)" }
}

/// Everything that will not work in a run, found before its first step.
public struct RunCheckError: Error, Equatable, CustomStringConvertible {
  /// What the configuration asks for and cannot have, in the order of the stages.
  public var problems: [RunProblem]
  /// Records that cannot be used, and are not to be left out.
  public var records: UnusableRecords?

  /// A line each, of records the first ten.
  public var description: String {
    (problems.map(\.description) + [records?.description].compactMap(\.self)).joined(separator: "\n")
  }
}
