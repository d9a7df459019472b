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
    let composer = Composer(
      source: context.source, options: context.configuration.compositionOptions,
      seed: context.configuration.run.seed)
    let plan = CompositionPlan(context.configuration.compose)
    let progress = context.console.progress("compose", total: plan.total)
    defer { progress.finish() }
    var omitted = 0
    let written = try CompositionWriter(composer: composer, folder: folder).write(
      plan, split: .preference, to: Self.records,
      progress: { done, total in
        progress.update(step: done)
        try Interruption.check("compose, \(done) of \(total) prompts")
      },
      broken: { error in
        guard context.configuration.run.onBadRecord == .skip else { throw error }
        omitted += 1
        if omitted <= 5 { context.console.warning("left out: \(error)") }
      })
    if omitted > 5 { context.console.warning("and \(omitted - 5) more prompts") }
    let single = try SingleQuestions(source: context.source, folder: folder).write(
      count: min(context.configuration.compose.single, context.source.count(of: .preference)),
      split: .preference, to: Self.single)
    context.console.message(
      "compose: \(written.count) prompts with several images, \(single.count) with one")
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
    for index in 0..<count {
      let record = try source.record(split, index)
      let path = source.file(of: record.image) ?? "images/" + record.image.path
      if !path.hasPrefix("/") {
        let url = folder.appendingPathComponent(path)
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        if !FileManager.default.fileExists(atPath: url.path) {
          try source.image(for: record.image).writePNG(to: url.path)
        }
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
