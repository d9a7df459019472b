import Checkpoint
import DPOTrain
import Evaluation
public import Foundation
public import LVLM
import MultiImageData
import Records

/// Grades the models of a run, or a model directory, on easy-VQA's test questions.
///
/// Written are `<model>.jsonl` with every answer, `results.json`, `table.md`, and their checksums.
public struct EasyVQAGrading {
  /// A model and how it is opened.
  private struct Candidate {
    var name: String
    var directory: URL
    var open: () throws -> PretrainedModel
  }

  /// What the models achieve.
  public let result: EasyVQAResult
  /// What has to be known beside the table, line by line.
  public let notes: [String]

  /// Grades the base model of a run directory and, where it is there, the model after preference
  /// optimization.
  /// - Parameters:
  ///   - folder: where files are written; `easy-vqa` in the run directory where none is given.
  /// - Throws: ``DataError`` where there is no run or no model yet, `ConfigurationError` for a configuration
  ///   that cannot be read, and what ``EasyVQAExam/answers(of:named:from:)`` throws.
  public init(run directory: URL, data: EasyVQA, folder: URL? = nil, console: Console) throws {
    let file = directory.appendingPathComponent("config.yaml")
    let files = FileManager.default
    guard files.fileExists(atPath: file.path) else {
      throw DataError(file: directory.path, problem: "has no config.yaml, expected the directory of a run")
    }
    let run = try RunConfiguration(contentsOf: file)
    let places = [("before", run.baseModel(in: directory)), ("after", run.trainedModel(in: directory))]
    let candidates = places.filter { files.fileExists(atPath: $1.appendingPathComponent("config.json").path) }
      .map { name, place in
        Candidate(name: name, directory: place) { try ModelBuilder.open(place, run: run) }
      }
    guard !candidates.isEmpty else {
      throw DataError(file: directory.path, problem: "has no model yet: dpotrain sft --config … makes it")
    }
    try self.init(
      candidates, data: data,
      folder: folder ?? directory.appendingPathComponent("easy-vqa", isDirectory: true),
      settings: run.evaluate, notes: Self.notes(on: run, data), console: console)
  }

  /// Grades the model in a directory.
  /// - Parameter template: how a question is wrapped; where none is given, the model's own.
  /// - Throws: `ModelErrors` and its kin for a directory that is no model, ``DataError`` for a model that
  ///   sees nothing, and what ``EasyVQAExam/answers(of:named:from:)`` throws.
  public init(
    model directory: URL, template: ChatTemplate? = nil, data: EasyVQA, folder: URL, console: Console
  ) throws {
    let candidate = Candidate(name: "model", directory: directory) {
      let loaded = try PretrainedModel.load(from: directory, template: template)
      _ = try loaded.pictureProcessor(of: directory)
      for note in loaded.notes { console.warning(note) }
      return loaded
    }
    try self.init(
      [candidate], data: data, folder: folder, settings: RunConfiguration.Evaluate(), notes: [],
      console: console)
  }

  private init(
    _ candidates: [Candidate], data: EasyVQA, folder: URL, settings: RunConfiguration.Evaluate,
    notes: [String],
    console: Console
  ) throws {
    let exam = try EasyVQAExam(data, folder: folder, settings: settings, console: console)
    let lock = try FileLock(folder.appendingPathComponent(".lock"), directory: folder.path)
    defer { withExtendedLifetime(lock) {} }
    unlink(folder.appendingPathComponent(Self.list).path)
    result = EasyVQAResult(
      try candidates.map { candidate in
        let rows = try exam.answers(
          of: try candidate.open(), named: candidate.name, from: candidate.directory)
        return (candidate.name, rows)
      })
    self.notes = result.notes + notes
    let table = result.table.markdown + "\n" + self.notes.map { $0 + "\n" }.joined(separator: "\n")
    for (name, text) in [("results.json", result.json.pretty), ("table.md", table)] {
      try AtomicFile.write(text.utf8, to: folder.appendingPathComponent(name))
    }
    try ChecksumList.write(
      candidates.map { $0.name + ".jsonl" } + ["results.json", "table.md"], of: folder, to: Self.list)
  }

  /// The checksums of what is written; not `checksums.sfv`, which a model in the same folder has.
  private static let list = "easy-vqa.sfv"

  /// What the run's own data leave out of easy-VQA's grammar, or add to it.
  private static func notes(on run: RunConfiguration, _ data: EasyVQA) -> [String] {
    guard run.data.source == .shapes else {
      return ["The run's data (data.source: \(run.data.source.rawValue)) are not generated scenes alone."]
    }
    guard !run.data.negations else { return [] }
    let negated = (0..<data.count(of: .test)).count { index in
      EasyVQAFamily(rawValue: data.record(.test, index).family)?.isNegated ?? false
    }
    return [
      "\(negated) yes/no questions are negated, which the run's data (data.negations: false) never asked."
    ]
  }
}
