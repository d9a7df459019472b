import Foundation
import LVLM

/// Multi-image prompts: single-image records of the preference split in, `compose/records.jsonl`,
/// `compose/single.jsonl` and pictures out.
struct ComposeStage {
  let context: StageContext

  static let records = "records.jsonl"
  static let single = "single.jsonl"

  func run() throws {
    let folder = try context.directory.folder(.compose)
    let plan = CompositionPlan(context.configuration.compose)
    let count =
      if let path = context.configuration.compose.path {
        try take(plan, from: path, to: folder)
      } else {
        try make(plan, in: folder)
      }
    let single = try SingleQuestions(source: context.source, folder: folder).write(
      count: min(context.configuration.compose.single, context.source.count(of: .preference)),
      split: .preference, to: Self.single)
    context.console.message("compose: \(count) prompts with several images, \(single.count) with one")
  }

  /// Makes the prompts of a plan of the preference split.
  /// - Returns: their number.
  private func make(_ plan: CompositionPlan, in folder: URL) throws -> Int {
    let composer = Composer(
      source: context.source, options: try context.configuration.compositionOptions(),
      seed: context.configuration.run.seed)
    let progress = context.console.progress("compose", total: plan.total)
    defer { progress.finish() }
    var omitted = 0
    let written = try CompositionWriter(composer: composer, folder: folder).write(
      plan, split: .preference, to: Self.records,
      progress: { done, total in
        progress.update(step: done)
        try Interruption.check("compose, \(done) of \(total) prompts")
      },
      broken: { try leaveOut($0, &omitted) })
    tell(omitted)
    return written.count
  }

  /// Takes the prompts of a plan out of a folder of `dpotrain make-data`, the first of each kind and number of images.
  /// - Returns: their number.
  /// - Throws: ``DataError`` naming the file and record, or the folder when it has no prompt that is asked for.
  private func take(_ plan: CompositionPlan, from path: String, to folder: URL) throws -> Int {
    let place = FilePath.absolute(path)
    var (taken, omitted): ([ComposedRecord], Int) = ([], 0)
    for kind in CompositionKind.allCases {
      var wanted: [Int: Int] = [:]
      for entry in plan.entries where entry.kind == kind { wanted[entry.count, default: 0] += entry.records }
      let file = FilePath.join(place, kind.rawValue + ".jsonl")
      guard wanted.values.contains(where: { $0 > 0 }), FileManager.default.fileExists(atPath: file) else {
        continue
      }
      for var record in try ComposedRecordFile.read(URL(fileURLWithPath: file))
      where wanted[record.count, default: 0] > 0 {
        record.images = record.images.map { FilePath.join(place, $0) }
        if let missing = record.images.first(where: { !FileManager.default.fileExists(atPath: $0) }) {
          try leaveOut(
            DataError(file: file, record: record.id, problem: "image \"\(missing)\" does not exist"), &omitted
          )
          continue
        }
        wanted[record.count, default: 0] -= 1
        taken.append(record)
      }
    }
    tell(omitted)
    guard !taken.isEmpty else {
      throw DataError(
        file: path,
        problem:
          "has no prompt of the formats and numbers of images that compose asks for; dpotrain make-data writes them"
      )
    }
    if taken.count < plan.total {
      context.console.message("compose: \(path) has \(taken.count) of the \(plan.total) prompts asked for")
    }
    try ComposedRecordFile.write(taken, to: folder.appendingPathComponent(Self.records))
    return taken.count
  }

  private func leaveOut(_ error: any Error, _ omitted: inout Int) throws {
    guard context.configuration.run.onBadRecord == .skip else { throw error }
    omitted += 1
    if omitted <= 5 { context.console.warning("left out: \(error)") }
  }

  private func tell(_ omitted: Int) {
    if omitted > 5 { context.console.warning("and \(omitted - 5) more prompts") }
  }
}

/// Single-image questions as files beside composed ones.
struct SingleQuestions {
  let source: any QuestionSource
  let folder: URL

  /// One question on file: as a composed record, without composition.
  struct Row: JSONRow, Equatable {
    var id: String
    var image: String
    var prompt: String
    var answer: String
    var family: String

    var json: OrderedJSON {
      .members([
        "id": .string(id), "image": .string(image), "prompt": .string(prompt), "answer": .string(answer),
        "family": .string(family),
      ])
    }
  }

  /// Writes the first `count` records of a split with their pictures.
  @discardableResult
  func write(count: Int, split: DataSplit, to name: String) throws -> [Row] {
    var rows: [Row] = []
    var written: Set<String> = []
    for index in 0..<count {
      let record = try source.record(split, index)
      let path = source.file(of: record.image) ?? "images/" + record.image.path
      // Written anew even where it is there: a process that was cut off may have left it unfinished.
      if !path.hasPrefix("/"), written.insert(path).inserted {
        let url = folder.appendingPathComponent(path)
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try source.image(for: record.image).writePNG(to: url.path)
      }
      rows.append(
        Row(
          id: "single-\(record.id)", image: path, prompt: record.prompt, answer: record.answer,
          family: record.family))
    }
    try RowFile.write(rows, to: folder.appendingPathComponent(name))
    return rows
  }
}
