import Checkpoint
import DPOTrain
import Foundation
import Records
import Reporting

/// How far a run is, from its files alone, without its lock.
enum RunProgress {
  /// Where the stages that make something stand.
  /// - Throws: ``RunDirectoryError/damagedRecord(_:found:expected:)``, and ``RowFileError`` for a broken
  ///   `metrics.jsonl`.
  static func stages(of configuration: RunConfiguration, in run: URL) throws -> [StageProgress] {
    let states = try PartStates(configuration, in: run)
    let log = run.appendingPathComponent("metrics.jsonl")
    let rows =
      FileManager.default.fileExists(atPath: log.path)
      ? try RowFile.readSoFar(MetricRow.self, from: log).rows : []
    var isBefore = true
    return configuration.stages.filter { $0 != .report }.map { stage in
      if let record = states.record(of: RunPart(stage)) {
        let words = record.from.map { "the same as in \($0)" } ?? Format.duration(record.seconds)
        return StageProgress(stage: stage.rawValue, state: .done, words: words)
      }
      // Whatever a later stage has left is of an earlier attempt.
      defer { isBefore = false }
      let words = isBefore ? self.words(of: stage, configuration, run, rows) : nil
      return StageProgress(
        stage: stage.rawValue, state: words == nil ? .left : .underWay, words: words ?? "not begun")
    }
  }

  private static func words(
    of stage: Stage, _ configuration: RunConfiguration, _ run: URL, _ rows: [MetricRow]
  ) -> String? {
    let folder = run.appendingPathComponent(stage.rawValue)
    guard FileManager.default.fileExists(atPath: folder.path) else { return nil }
    switch stage {
    case .sft: return step(rows.last { $0.stage == stage.rawValue }, of: configuration.sft.maxSteps)
    case .train:
      let last = rows.last { $0.stage == stage.rawValue }
      var steps = configuration.train.maxSteps
      if steps <= 0, let last, let epoch = last["epoch"], epoch > 0 {
        steps = Int(clamping: (Double(last.step) / epoch * configuration.train.numTrainEpochs).rounded())
      }
      return step(last, of: steps)
    case .select:
      let prompts = [ComposeStage.records, ComposeStage.single].map {
        lines(of: run.appendingPathComponent("compose/\($0)"))
      }.reduce(0, +)
      return answered(in: folder, named: ["answers"]).map { "\($0[0]) of \(prompts) prompts answered" }
        ?? "begun"
    case .evaluate:
      return answered(in: folder, named: ["before", "after"]).map {
        "\($0[0]) questions answered before training, \($0[1]) after it"
      } ?? "begun"
    case .compose, .report: return "begun"
    }
  }

  private static func step(_ row: MetricRow?, of steps: Int) -> String {
    guard let row else { return "no step logged yet" }
    let when = row.wallTime.map {
      ", logged at " + ISO8601DateFormatter().string(from: Date(timeIntervalSince1970: $0))
    }
    return "step \(row.step)" + (steps >= row.step ? " of \(steps)" : "") + (when ?? "")
  }

  /// How many rows the files of answers have, whole or being written; `nil` where there is none.
  private static func answered(in folder: URL, named names: [String]) -> [Int]? {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let counts = names.map { name -> Int? in
      let own = files.filter { $0 == name + ".jsonl" || $0.hasPrefix(name + ".") && $0.hasSuffix(".partial") }
      return own.map { lines(of: folder.appendingPathComponent($0)) }.max()
    }
    return counts.allSatisfy { $0 == nil } ? nil : counts.map { $0 ?? 0 }
  }

  private static func lines(of file: URL) -> Int {
    ((try? StoredBytes.read(file)) ?? Data()).count { $0 == UInt8(ascii: "\n") }
  }
}
