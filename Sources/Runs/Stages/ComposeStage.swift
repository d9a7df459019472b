import Foundation
import LVLM
import MultiImageData
import Records

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
      if let prompts = PromptFolder(context.configuration) {
        try take(prompts, to: folder)
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
      seed: context.configuration.roundSeed)
    let progress = context.console.progress("compose", total: plan.total)
    defer { progress.finish() }
    var problems: [DataError] = []
    let written = try CompositionWriter(composer: composer, folder: folder).write(
      plan, split: .preference, to: Self.records,
      progress: { done, total in
        progress.update(step: done)
        try Interruption.check("compose, \(done) of \(total) prompts")
      },
      broken: { problems.append(DataError($0, file: "compose", record: "")) })
    try context.omissions.leaveOut(problems, stage: .compose)
    guard !written.isEmpty || plan.total == 0 else {
      throw DataError(
        file: "compose",
        problem: "none of \(plan.total) prompts can be made; the first problem: \(problems[0])"
      )
    }
    return written.count
  }

  /// Takes the prompts of a folder.
  /// - Returns: their number.
  /// - Throws: ``UnusableRecords`` or ``DataError`` naming the file and record, or the folder when nothing in
  ///   it is asked for.
  private func take(_ prompts: PromptFolder, to folder: URL) throws -> Int {
    let encoder = RunEncoder(
      context.configuration, vocabulary: context.vocabulary, directory: context.directory.url)
    let lengths = try RecordLengths(context.configuration, source: context.source, encoder: encoder)
    let (taken, problems) = try prompts.read(
      pictures: context.pictureCheck, lengths: { try lengths.problem(of: $0, encoder: encoder) })
    try context.omissions.leaveOut(problems, stage: .compose)
    try prompts.requireSome(taken, problems)
    if taken.count < prompts.total {
      context.console.message(
        "compose: \(prompts.path) has \(taken.count) of the \(prompts.total) prompts asked for")
    }
    try ComposedRecordFile.write(taken, to: folder.appendingPathComponent(Self.records))
    return taken.count
  }
}
