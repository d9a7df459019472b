import Checkpoint
import Foundation
import LVLM
import MultiImageData
import Records
import Tensor

/// The prompts that a run takes out of a folder of `dpotrain make-data` (`compose.path`): of each kind and
/// number of images the first that can be used.
struct PromptFolder {
  /// The folder as the configuration names it.
  let path: String
  private let plan: CompositionPlan

  /// The folder of a configuration; `nil` where it makes its own prompts.
  init?(_ configuration: RunConfiguration) {
    guard let path = configuration.compose.path else { return nil }
    self.path = path
    plan = CompositionPlan(configuration.compose)
  }

  /// Reads the folder.
  /// - Parameters:
  ///   - pictures: finds the pictures that cannot be read.
  ///   - lengths: finds the prompts that are too long; nothing is measured where it is left out.
  /// - Returns: the prompts, their pictures' paths from the root, and what is wrong with others.
  func read(
    pictures: PictureCheck, lengths: ((ComposedRecord) throws -> String?)? = nil
  ) throws -> (taken: [ComposedRecord], problems: [DataError]) {
    let place = FilePath.absolute(path)
    var (taken, problems): ([ComposedRecord], [DataError]) = ([], [])
    for kind in CompositionKind.allCases {
      var wanted: [Size: Int] = [:]
      for entry in plan.entries where entry.kind == kind {
        wanted[Size(count: entry.count, level: entry.level), default: 0] += entry.records
      }
      let file = FilePath.join(place, kind.rawValue + ".jsonl")
      guard wanted.values.contains(where: { $0 > 0 }), FileManager.default.fileExists(atPath: file) else {
        continue
      }
      var records = try ComposedRecordFile.read(URL(fileURLWithPath: file), broken: { problems.append($0) })
      records = records.filter { wanted[Size($0.record), default: 0] > 0 }
      for index in records.indices {
        records[index].record.images = records[index].record.images.map { FilePath.join(place, $0) }
      }
      let list = try ChecksumList.optional(ChecksumList.place(of: URL(fileURLWithPath: file)))
      let checksums = Dictionary(
        (list?.entries ?? []).map { (FilePath.join(place, $0.path), $0.crc32) }
      ) { first, _ in first }
      let broken = try pictures.problems(of: records.flatMap(\.record.images), checksums: checksums)
      for (record, line) in records where wanted[Size(record), default: 0] > 0 {
        if let problem = try record.images.lazy.compactMap({ broken[$0] }).first ?? lengths?(record) {
          problems.append(DataError(file: "\(file):\(line)", record: record.id, problem: problem))
          continue
        }
        wanted[Size(record), default: 0] -= 1
        taken.append(record)
      }
    }
    // Files from elsewhere may have an id twice; answers are kept by it.
    var names: [String: Int] = [:]
    for index in taken.indices {
      names[taken[index].id, default: 0] += 1
      if let number = names[taken[index].id], number > 1 { taken[index].id += "#\(number)" }
    }
    return (taken, problems)
  }

  /// - Throws: ``DataError`` when nothing was taken, or nothing of a level that is asked for: folders of
  ///   `make-data` have none of these.
  func requireSome(_ taken: [ComposedRecord], _ problems: [DataError]) throws {
    guard FileManager.default.fileExists(atPath: FilePath.absolute(path)) else {
      throw DataError(file: path, problem: "no such folder, expected that of compose.path")
    }
    for entry in plan.entries {
      guard let level = entry.level, entry.records > 0,
        !taken.contains(where: { $0.kind == entry.kind && $0.level == level })
      else { continue }
      throw DataError(
        file: path,
        problem: "has no prompt of level \(level.rawValue) in \(entry.kind.rawValue).jsonl that can be used, "
          + "which compose.\(entry.kind.questionKind(level).rawValue) asks for")
    }
    guard taken.isEmpty else { return }
    throw DataError(
      file: path,
      problem: problems.first.map {
        "none of its prompts can be used; the first of \(problems.count) problems: \($0)"
      }
        ?? "has no prompt of the formats and numbers of images that compose asks for; "
        + "dpotrain make-data writes them"
    )
  }

  /// What prompts of a kind are counted by.
  private struct Size: Hashable {
    var count: Int
    var level: PromptLevel?

    init(count: Int, level: PromptLevel?) { (self.count, self.level) = (count, level) }

    init(_ record: ComposedRecord) { self.init(count: record.count, level: record.level) }
  }

  /// How many prompts are asked for.
  var total: Int { plan.total }
}
