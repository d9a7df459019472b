import Records

/// What a suite will run, and what of it is made only once.
public struct AblationPlan: Sendable, CustomStringConvertible {
  private let suite: AblationSuite

  /// The plan of a suite.
  public init(_ suite: AblationSuite) { self.suite = suite }

  /// The parts that each unit has to make itself: those that no unit of its seed before it has made the same.
  public var own: [(unit: AblationSuite.Unit, parts: [RunPart])] {
    var made: Set<String> = []
    return suite.units.map { unit in
      let parts = RunPart.allCases.filter { $0 != .report }.filter { part in
        made.insert(part.rawValue + unit.configuration.hash(of: part)).inserted
      }
      return (unit, parts)
    }
  }

  /// A table of variants with their changes and what the first seed of each makes, and the number of runs.
  public var description: String {
    let seed = suite.seeds[0]
    let rows = own.filter { $0.unit.seed == seed }.map { unit, parts in
      [
        unit.variant.name, parts.map(\.rawValue).joined(separator: " "),
        unit.variant.changes.map { "\($0.key)=\($0.value)" }.joined(separator: " "),
      ]
    }
    return TextTable(header: ["run", "makes", "changes"], rows: rows, leftColumns: 3).plain
      + "\n\(suite.units.count) runs: \(suite.variants.count) variants, seeds "
      + suite.seeds.map(String.init).joined(separator: ", ") + ", in \(suite.outputDirectory)"
  }
}
