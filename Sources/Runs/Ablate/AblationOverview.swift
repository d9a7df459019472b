import Foundation
import Records

/// What of a suite is done, begun and left, and about how long the rest takes.
public struct AblationOverview: Sendable {
  /// State of one run.
  public enum State: String, Sendable {
    /// Finished, started, or not yet begun.
    case done, begun, left
  }

  private let suite: AblationSuite
  private let states: [State]
  /// Estimated seconds until everything is done, by one process; `nil` before anything is.
  public let secondsLeft: Double?

  /// Looks at the directories of a suite.
  public init(_ suite: AblationSuite) {
    self.suite = suite
    states = suite.units.map { $0.isFinished ? .done : $0.isBegun ? .begun : .left }
    secondsLeft = Self.estimate(suite, states)
  }

  /// Number of runs in a state.
  public func count(_ state: State) -> Int { states.count { $0 == state } }

  /// `12 of 84 runs done, 1 begun, about 25 min left`.
  public var line: String {
    var parts = ["\(count(.done)) of \(states.count) runs done"]
    if count(.begun) > 0 { parts.append("\(count(.begun)) begun") }
    if let secondsLeft, count(.done) < states.count {
      parts.append("about \(Format.duration(secondsLeft)) left")
    }
    return parts.joined(separator: ", ")
  }

  /// A table of variants and seeds, and the line.
  public var text: String {
    let rows = suite.variants.map { variant in
      [variant.table, variant.name]
        + suite.seeds.map { seed in
          zip(suite.units, states).first { $0.0.variant.name == variant.name && $0.0.seed == seed }?.1
            .rawValue
            ?? ""
        }
    }
    return TextTable(header: ["table", "run"] + suite.seeds.map { "seed \($0)" }, rows: rows, leftColumns: 2)
      .plain + "\n" + line
  }

  /// The mean of finished runs for each one that is left; the first of each seed, which makes what the others
  /// take over, counts by itself.
  private static func estimate(_ suite: AblationSuite, _ states: [State]) -> Double? {
    let seconds = Dictionary(
      AblationLog.read(in: suite.directory).rows.map { ("\($0.variant)-\($0.seed)", $0.seconds) }
    ) { $1 }
    let isFirst = suite.units.map { $0.variant.name == suite.variants[0].name }
    func mean(_ wanted: Bool) -> Double? {
      let known = zip(suite.units, isFirst).compactMap { unit, first in
        first == wanted ? seconds["\(unit.variant.name)-\(unit.seed)"] : nil
      }
      return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
    }
    guard let any = mean(true) ?? mean(false) else { return nil }
    return zip(states, isFirst).reduce(0) { sum, unit in
      unit.0 == .done ? sum : sum + (mean(unit.1) ?? any)
    }
  }
}
