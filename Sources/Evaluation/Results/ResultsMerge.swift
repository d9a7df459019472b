import DPOTrain
import Foundation
import MultiImageData
import Records

/// Several runs of one configuration with different seeds, taken together.
public struct MergedResults: Sendable, Equatable {
  /// The runs, by ascending seed.
  public var runs: [EvaluationResult]

  /// Takes runs together.
  /// - Throws: ``ResultsError`` where there are none, where they are of different configurations, or where a
  ///   seed occurs twice.
  public init(_ results: [EvaluationResult]) throws {
    guard !results.isEmpty else {
      throw ResultsError(description: "found no results to merge, expected some")
    }
    runs = results.sorted { $0.seed < $1.seed }
    for run in runs.dropFirst() { try Self.check(run, isAs: runs[0]) }
    for (first, second) in zip(runs, runs.dropFirst()) where first.seed == second.seed {
      throw ResultsError(description: "results to merge: found seed \(first.seed) twice, expected it once")
    }
  }

  /// Refuses a run of another configuration, and says what differs.
  private static func check(_ run: EvaluationResult, isAs first: EvaluationResult) throws {
    func refuse(_ key: String, _ one: String, _ other: String) throws -> Never {
      throw ResultsError(
        description: "results to merge: found \(key) \(one) with seed \(first.seed) and \(other) with seed "
          + "\(run.seed), expected one configuration with different seeds")
    }
    guard !first.configuration.isEmpty, !run.configuration.isEmpty else {
      // Files of earlier versions say no more than the name.
      guard first.configName == run.configName else {
        try refuse("configuration", first.configName, run.configName)
      }
      return
    }
    let keys = Set(first.configuration.keys).union(run.configuration.keys).sorted()
    let differing = keys.filter { first.configuration[$0] != run.configuration[$0] }
    guard let key = differing.first else { return }
    let others = differing.dropFirst().prefix(12).joined(separator: ", ")
    let rest = differing.count > 13 ? " and \(differing.count - 13) more" : ""
    let more = differing.count == 1 ? "" : " (differing too: \(others)\(rest))"
    try refuse(key, first.configuration[key] ?? "missing", (run.configuration[key] ?? "missing") + more)
  }

  /// One value over the runs.
  public struct Value: Sendable, Equatable {
    /// The value of each run, by ascending seed.
    public var values: [Double]
    /// Their mean.
    public var mean: Double { values.reduce(0, +) / Double(values.count) }
    /// The 95 % interval of the mean over seeds (Student's t); `nil` for a single run.
    public var interval: Interval? { Statistics.studentMean(values) }

    init?(_ values: [Double?]) {
      let present = values.compactMap { $0 }
      guard !present.isEmpty, present.count == values.count else { return nil }
      self.values = present
    }
  }

  /// A value that every run has.
  public func value(_ read: (EvaluationResult) -> Double?) -> Value? { Value(runs.map(read)) }

  /// The before/after table: mean over seeds, with the interval of that mean over seeds in brackets.
  public var table: TextTable {
    var rows: [[String]] = []
    func add(_ kind: QuestionKind) {
      guard runs.contains(where: { $0.before.kinds[kind] != nil }) else { return }
      rows.append(row(kind.title) { $0?.kinds[kind]?.all })
    }
    QuestionKind.layouts.forEach(add)
    if runs.contains(where: { $0.before.multiImage != nil }) {
      rows.append(row("All multi-image") { $0?.multiImage })
    }
    QuestionKind.levels.forEach(add)
    return TextTable(
      header: ["", "before", "after", "change", "change by seed", "other image", "blind", "n per seed"],
      rows: rows)
  }

  private func row(_ title: String, _ part: (PhaseResult?) -> AccuracyResult?) -> [String] {
    func text(_ value: Value?, _ single: (Double) -> String, _ interval: (Interval) -> String) -> String {
      guard let value else { return "–" }
      return value.interval.map(interval) ?? single(value.mean)
    }
    let before = value { part($0.before)?.accuracy }
    let after = value { part($0.after)?.accuracy }
    let change = value { run in
      part(run.before).flatMap { old in part(run.after).map { $0.accuracy - old.accuracy } }
    }
    let elsewhere = [
      value { part($0.before)?.answeredFromAnotherImage }, value { part($0.after)?.answeredFromAnotherImage },
    ]
    let counts = runs.compactMap { part($0.before)?.n }
    return [
      title, text(before, Format.percent) { Format.interval($0.estimate, $0.low, $0.high) },
      text(after, Format.percent) { Format.interval($0.estimate, $0.low, $0.high) },
      text(change, Format.points, Format.change),
      change.map { $0.values.map(Format.points).joined(separator: ", ") } ?? "–",
      elsewhere.allSatisfy { $0 == nil }
        ? "–" : elsewhere.compactMap { $0 }.map { Format.percent($0.mean) }.joined(separator: " → "),
      Format.percent(value { (part($0.after) ?? part($0.before))?.blind }?.mean),
      Set(counts).sorted().map(String.init).joined(separator: "/"),
    ]
  }

  /// A section for `docs/results`: facts, the merged table and a table for each seed.
  /// - Parameter command: the command that produced the results, shown first.
  public func markdown(command: String? = nil) -> String {
    var text = ""
    if let command { text += "```sh\n\(command)\n```\n\n" }
    let names = Set(runs.map(\.configName)).sorted().joined(separator: ", ")
    let hashes = Set(runs.map(\.configHash)).sorted().map { String($0.prefix(12)) }.joined(separator: ", ")
    let seeds = runs.map { String($0.seed) }.joined(separator: ", ")
    text += "Configuration `\(names)` (`\(hashes)`), \(runs.count == 1 ? "seed" : "seeds") \(seeds). "
    text += "Accuracy in per cent"
    if runs.count > 1 {
      text += ", mean over seeds with its 95 % interval over seeds (Student's t) in brackets.\n\n"
      text += table.markdown
    } else {
      text += "; 95 % bootstrap intervals in brackets.\n\n"
    }
    for run in runs {
      if runs.count > 1 { text += "\n### Seed \(run.seed)\n\n95 % bootstrap intervals over questions.\n\n" }
      text += run.table().markdown
      if let places = run.placeTable { text += "\nBy the picture that is asked about:\n\n" + places.markdown }
      let times = run.orderedSeconds.map { "\($0.stage) \(Format.duration($0.seconds))" }
      if !times.isEmpty { text += "\nTime: " + times.joined(separator: ", ") + ".\n" }
    }
    return text
  }
}
