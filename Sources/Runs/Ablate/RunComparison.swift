import DPOTrain
import Evaluation
import Foundation
import MultiImageData
import Records
import Reporting
import Tensor

/// Finished runs beside each other: what their configurations differ in, and how many of the same questions
/// their trained models have right.
///
/// Every difference is to the first run, over the questions that both were asked, with a paired bootstrap
/// interval and McNemar's exact test. Of a run that is not finished there are its keys, and how far it is.
public struct RunComparison {
  /// A key that does not have one value in all runs.
  public struct Difference: Sendable, Equatable {
    /// The dotted key.
    public var key: String
    /// Its value in each run; `nil` where the run has no such key.
    public var values: [String?]
  }

  private struct Run {
    var name: String
    var values: [String: String]
    var answers: [String: AnswerRecord]
    var heldOut: HeldOutSummary?
    /// How far it is, where there is nothing of it to compare.
    var remark: String?
  }

  private let runs: [Run]

  /// Reads run directories.
  /// - Throws: ``DataError`` for a directory that is no run; ``RowFileError`` and `CheckpointError` for
  ///   damaged files.
  public init(_ directories: [String]) throws {
    runs = try directories.map { path in
      let url = URL(fileURLWithPath: path, isDirectory: true)
      let file = url.appendingPathComponent("config.yaml")
      guard FileManager.default.fileExists(atPath: file.path) else {
        throw DataError(file: path, problem: "is no run directory, expected one with a config.yaml")
      }
      let after = url.appendingPathComponent("evaluate/after.jsonl")
      var rows: [AnswerRecord] = []
      if FileManager.default.fileExists(atPath: after.path) { rows = try RowFile.read(from: after) }
      let heldOut = try HeldOutSummary(ofRun: url)
      let configuration = try RunConfiguration(contentsOf: file)
      var remark: String?
      if rows.isEmpty, heldOut == nil {
        let stages = try RunProgress.stages(of: configuration, in: url)
        remark =
          "nothing to compare yet: "
          + stages.map { "\($0.stage) \($0.state == .done ? "done" : $0.words)" }.joined(separator: ", ")
      }
      return Run(
        name: path, values: configuration.values,
        answers: Dictionary(rows.map { ("\($0.kind.rawValue) \($0.id)", $0) }) { first, _ in first },
        heldOut: heldOut, remark: remark)
    }
  }

  /// The keys in which the runs differ, where they write and what they are called apart.
  public var differences: [Difference] {
    let keys = Set(runs.flatMap(\.values.keys)).subtracting(["run.name", "run.output_dir"])
    return keys.sorted().compactMap { key in
      let values = runs.map { $0.values[key] }
      return Set(values).count > 1 ? Difference(key: key, values: values) : nil
    }
  }

  /// What is shown: differing keys, accuracy by kind of question, pairs held out.
  public var text: String {
    var parts: [String] = []
    let differences = differences
    let names = runs.indices.map { "\($0 + 1)" }
    parts.append(
      zip(names, runs).map { number, run in
        "\(number)  \(run.name)" + (run.remark.map { " (\($0))" } ?? "")
      }.joined(separator: "\n") + "\n")
    parts.append(
      differences.isEmpty
        ? "The configurations say the same.\n"
        : TextTable(
          header: ["key"] + names, rows: differences.map { [$0.key] + $0.values.map { $0 ?? "–" } },
          leftColumns: 1 + runs.count
        ).plain)
    if runs.contains(where: { !$0.answers.isEmpty }) { parts.append(accuracy(names).plain) }
    if runs.contains(where: { $0.heldOut != nil }) { parts.append(heldOut(names).plain) }
    return parts.joined(separator: "\n")
  }

  /// Accuracy in per cent; behind the first run the change against it, its interval and p.
  private func accuracy(_ names: [String]) -> TextTable {
    let kinds: [(name: String, includes: (QuestionKind) -> Bool)] =
      QuestionKind.allCases.filter { kind in runs.contains { $0.answers.values.contains { $0.kind == kind } }
      }
      .map { kind in (kind.title, { $0 == kind }) }
      + [("All multi-image", { QuestionKind.multiImage.contains($0) })]
    let rows = kinds.map { name, includes in
      [name]
        + runs.indices.map { index in
          let own = runs[index].answers.values.filter { includes($0.kind) }
          guard !own.isEmpty else { return "–" }
          let share = Double(own.count { $0.correct }) / Double(own.count)
          guard index > 0 else { return "\(Format.percent(share)) (n \(own.count))" }
          return Format.percent(share) + " " + change(from: runs[0], to: runs[index], includes)
        }
    }
    return TextTable(header: ["accuracy, %"] + names, rows: rows)
  }

  private func change(from first: Run, to second: Run, _ includes: (QuestionKind) -> Bool) -> String {
    let shared = first.answers.keys.filter { second.answers[$0] != nil && includes(first.answers[$0]!.kind) }
      .sorted()
    guard !shared.isEmpty else { return "(no common question)" }
    let (before, after) = (
      shared.map { first.answers[$0]!.correct }, shared.map { second.answers[$0]!.correct }
    )
    var generator = RandomGenerator(seed: 0, stream: 0x434D_5052)
    let interval = Statistics.pairedDifference(
      before: before.map { $0 ? 1 : 0 }, after: after.map { $0 ? 1 : 0 }, using: &generator)
    let p = PairedTest(first: before, second: after).p
    return Format.change(interval) + " p \(p < 0.001 ? "< 0.001" : Format.decimal(p, 3))"
  }

  private func heldOut(_ names: [String]) -> TextTable {
    func row(_ name: String, _ value: (HeldOutSummary) -> String) -> [String] {
      [name] + runs.map { $0.heldOut.map(value) ?? "–" }
    }
    func words(_ estimate: HeldOutSummary.Estimate?, _ digits: Int, _ scale: Double = 1) -> String {
      Format.interval(estimate?.interval, digits, scale: scale)
    }
    return TextTable(
      header: ["pairs held out"] + names,
      rows: [
        row("n") { "\($0.pairs)" },
        row("chosen answer the likelier one, %") { words($0.after.prefersChosen, 1, 100) },
        row("reward accuracy, %") { words($0.after.rewardAccuracy, 1, 100) },
        row("reward margin") { words($0.after.rewardMargin, 3) },
        row("loss") { fixed($0.after.loss, 4) },
      ])
  }
}
