import DPOTrain
import Foundation
import LVLM
import MultiImageData
import Records

/// What `plan` says about the data of a run: how much there is of it, and what of it will not work.
public struct DataPlan: Sendable {
  /// How many records every split really has (``RunCheck/records``); `nil` where the data cannot be read.
  public private(set) var records: String?
  /// What works and is worth a word, or would be left out.
  public private(set) var remarks: [String] = []
  /// What will not work.
  public private(set) var problems: [String] = []
  /// Digests of the files outside the run that parts are made from, by the key that names them.
  public private(set) var outside: [String: String] = [:]
  /// The pairs of a run that brings its own, where they can be read.
  private(set) var ownPairs: OwnPairs?

  /// Looks at the data as a run would; of many picture files only the first are decoded, and it takes what it
  /// reads from the run's directory, where an earlier run looked at them.
  /// - Parameter mostPictures: how many files are decoded.
  public init(_ configuration: RunConfiguration, mostPictures: Int = 2000) {
    let directory = URL(fileURLWithPath: configuration.run.outputDirectory, isDirectory: true)
    do {
      let pictures = PictureCheck(most: mostPictures, remembering: directory)
      if let own = try OwnPairs(configuration) {
        try look(at: own, configuration, directory: directory, pictures: pictures)
        return
      }
      let source = try configuration.questionSource(pictures: pictures, collects: true)
      // Only where there are parts to compare with: all files are read for it.
      if try PartStates(configuration, in: directory).hasParts {
        outside = OutsideFiles(configuration, source: source).digests(remembering: directory)
      }
      let check = RunCheck(configuration, source: source)
      records = check.records
      let skips = configuration.run.onBadRecord == .skip
      remarks = check.remarks() + check.resourceProblems().map(\.description)
      if skips { remarks += source.omissions }
      problems = try check.problems().map(\.description)
      let (long, prompts, remark) = try Self.unusable(
        configuration, source: source, directory: directory, pictures: pictures, outside: outside)
      problems += prompts.map(\.description)
      if let remark { remarks.append(remark) }
      let bad = (source.badRecords + long).inFileOrder
      if skips {
        remarks += long.map { "left out: \($0)" }
      } else if !bad.isEmpty {
        problems.append("\(UnusableRecords(bad))")
      }
    } catch {
      problems.append("\(error)")
    }
  }

  /// As the initializer, at the pairs of a run that brings its own.
  private mutating func look(
    at own: OwnPairs, _ configuration: RunConfiguration, directory: URL, pictures: PictureCheck
  ) throws {
    (ownPairs, records, remarks) = (own, own.words, own.notes)
    if try PartStates(configuration, in: directory).hasParts {
      outside = OutsideFiles(configuration, source: NoQuestions(), ownPairs: own).digests(
        remembering: directory)
    }
    let encoder = try PretrainedModel.encoder(
      of: configuration.startingModel(in: directory),
      template: configuration.tokenizer.template?.chatTemplate)
    let rest = try own.examined(encoder: encoder, pictures: pictures)
    let bad = rest.problems
    guard !bad.isEmpty else { return }
    (ownPairs, records) = (rest, rest.words)
    if configuration.run.onBadRecord == .skip {
      remarks += bad.map { "left out: \($0)" }
    } else {
      problems.append("\(UnusableRecords(bad))")
    }
  }

  /// The records that are too long and the prompts of `compose.path` that cannot be used for the stages that
  /// are not done yet, or why that is not known: a plan may be made before the model is there.
  private static func unusable(
    _ configuration: RunConfiguration, source: any QuestionSource, directory: URL, pictures: PictureCheck,
    outside: [String: String]
  ) throws -> (records: [DataError], prompts: [RunProblem], remark: String?) {
    do {
      let encoder = RunEncoder(
        configuration, vocabulary: OwnVocabulary(configuration, source: source), directory: directory)
      let states = try? PartStates(configuration, in: directory, outside: outside)
      let open = Set(Stage.allCases.filter { states?.record(of: RunPart($0)) == nil })
      let long = try RunCheck(configuration, source: source, stages: open).levelLengthProblems(
        encoder: encoder)
      var bad = try RecordLengths.problems(
        configuration, source: source, stages: open, encoder: encoder
      ).problems
      if open.contains(.compose) {
        bad += try RunPreparation.badPrompts(
          configuration, source: source, encoder: encoder, pictures: pictures)
      }
      return (bad, long, nil)
    } catch let error as DataError {
      throw error
    } catch {
      return ([], [], "how long records are is not known yet: \(error)")
    }
  }
}
