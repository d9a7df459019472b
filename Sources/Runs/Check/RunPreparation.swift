import DPOTrain
import Foundation
import LVLM
import MultiImageData
import Records

/// Everything that is looked at before a run's first step: counts, memory and disk, then the length of every
/// record. What cannot be used is left out here, or the run stops with all of it at once.
struct RunPreparation {
  let configuration: RunConfiguration
  /// The run's.
  let directory: URL
  let console: Console
  let pictures: PictureCheck

  /// What of the prompts of `compose.path` cannot be used.
  /// - Throws: ``DataError`` when nothing can.
  static func badPrompts(
    _ configuration: RunConfiguration, source: any QuestionSource, encoder: RunEncoder, pictures: PictureCheck
  ) throws -> [DataError] {
    guard let prompts = PromptFolder(configuration) else { return [] }
    let lengths = try RecordLengths(configuration, source: source, encoder: encoder)
    let found = try prompts.read(
      pictures: pictures, lengths: { try lengths.problem(of: $0, encoder: encoder) })
    try prompts.requireSome(found.taken, found.problems)
    return found.problems
  }

  /// The records that the stages work with, and what each stage left out of those that could be read.
  /// - Parameters:
  ///   - stages: those that are not done yet.
  ///   - vocabulary: the one the run makes of its own texts, if it does.
  /// - Throws: ``RunCheckError``.
  func prepared(
    _ source: any QuestionSource, stages: [Stage], vocabulary: OwnVocabulary?
  ) throws -> (source: any QuestionSource, long: [Stage: [DataError]]) {
    let check = RunCheck(configuration, source: source, stages: stages)
    console.message("data " + check.records)
    for remark in check.remarks() { console.warning(remark) }
    if let first = source.badRecords.first, DataSplit.allCases.allSatisfy({ source.count(of: $0) == 0 }) {
      guard configuration.run.onBadRecord == .skip else {
        throw RunCheckError(problems: [], records: UnusableRecords(source.badRecords))
      }
      throw DataError(
        file: configuration.data.path ?? source.name,
        problem: "none of its records can be used; the first of \(source.badRecords.count) problems: \(first)"
      )
    }
    let encoder = RunEncoder(configuration, vocabulary: vocabulary, directory: directory)
    let problems =
      try check.problems() + check.levelLengthProblems(encoder: encoder) + check.resourceProblems()
    let long = try RecordLengths.problems(
      configuration, source: source, stages: Set(stages), encoder: encoder)
    var bad = source.badRecords + long.problems
    if stages.contains(.compose) {
      bad += try Self.badPrompts(configuration, source: source, encoder: encoder, pictures: pictures)
    }
    if configuration.run.onBadRecord == .skip { bad = [] }
    guard problems.isEmpty, bad.isEmpty else {
      throw RunCheckError(
        problems: problems, records: bad.isEmpty ? nil : UnusableRecords(bad.inFileOrder))
    }
    guard !long.problems.isEmpty else { return (source, [:]) }
    let remaining = RemainingRecords(source, without: long.left)
    let left = RunCheck(configuration, source: remaining, stages: stages)
    console.message("without records that are too long: " + left.records)
    let lacking = try left.problems()
    guard lacking.isEmpty else { throw RunCheckError(problems: lacking) }
    return (remaining, long.stages)
  }

  /// Looks at the pairs of a run that brings its own: what cannot be read, does not fit the model or shows
  /// pictures that cannot be opened, then memory and disk.
  /// - Returns: the pairs that can be used.
  /// - Throws: ``RunCheckError``, unless bad records are to be left out.
  func prepared(_ pairs: OwnPairs) throws -> OwnPairs {
    console.message("data " + pairs.words)
    for note in pairs.notes { console.warning(note) }
    let problems = RunCheck(configuration, source: NoQuestions(), stages: [.train])
      .resourceProblems(pairs)
    let encoder = try PretrainedModel.encoder(
      of: configuration.startingModel(in: directory),
      template: configuration.tokenizer.template?.chatTemplate)
    let rest = try pairs.examined(encoder: encoder, pictures: pictures)
    let bad = rest.problems
    let stops = configuration.run.onBadRecord == .error && !bad.isEmpty
    guard problems.isEmpty, !stops else {
      throw RunCheckError(problems: problems, records: stops ? UnusableRecords(bad) : nil)
    }
    if !bad.isEmpty { console.message("without those that cannot be used: " + rest.words) }
    return rest
  }
}
