import DPOTrain
import Foundation
import Records
import Reporting

extension AblationResults {
  /// All tables with their explanations, as `docs/results` shows them.
  /// - Parameter command: the command that made the runs.
  func markdown(command: String) -> String {
    let seeds = suite.seeds.map(String.init).joined(separator: ", ")
    let finished = rows.reduce(0) { $0 + $1.runs.count }
    var text = """
      # Ablations: \(suite.name)

      ```sh
      \(command)
      ```

      \(finished) of \(suite.units.count) runs, seeds \(seeds). Accuracy in per cent: the mean over seeds with its 95 %
      interval over seeds (Student's t). *Δ base* is the change against the base model of the same seed on the same
      questions, *Δ \(referenceLabel)* the difference to that row. *p* is McNemar's exact test on the multi-image questions of
      all seeds together, corrected after Holm for all rows of this page: it says whether these models differ on such
      questions, the intervals whether other seeds would show the same.

      """
    if let cost { text += "\n" + cost + "\n" }
    for table in suite.tables {
      text += "\n## \(table)\n\n" + self.table(table).markdown
      if let paper = paperTable(table) { text += "\nThe paper's own figures:\n\n" + paper.markdown }
    }
    return text
  }

  private var referenceLabel: String {
    suite.variants.first { $0.name == suite.reference }?.label ?? suite.reference
  }

  /// Wall time and memory of what is finished.
  private var cost: String? {
    guard let peak = log.map(\.peakBytes).max() else { return nil }
    let seconds = log.reduce(0) { $0 + $1.seconds }
    let threads = Set(log.map(\.threads)).sorted().map(String.init).joined(separator: " or ")
    return
      "The runs took \(Format.duration(seconds)), all added up, with \(threads) threads each and at most "
      + "\(peak >> 20) MiB of memory."
  }

  /// The base model, the reference, and the table's rows.
  func table(_ name: String) -> TextTable {
    let p = (corrected { change(of: $0, .multiImage) }, corrected { toReference($0, .multiImage) })
    let columns = columns
    var lines: [[String]] = [
      ["base model"] + columns.map { Self.text(baseAccuracy(of: $0)) } + ["", "", "", "", ""]
    ]
    let own = rows.filter { $0.variant.table == name || $0.variant.name == suite.reference }
    lines += own.map { row in
      let comparisons = (change(of: row, .multiImage), toReference(row, .multiImage))
      return [row.variant.label + (row.runs.count == suite.seeds.count ? "" : " (\(row.runs.count) seeds)")]
        + columns.map { Self.text(accuracy(of: row, $0)) }
        + [
          Self.difference(comparisons.0?.difference), Self.probability(p.0[row.variant.name]),
          Self.difference(comparisons.1?.difference), Self.probability(p.1[row.variant.name]),
          Figure(row.runs.map { Double($0.pairs) }).map { Format.decimal($0.mean, 0) } ?? "–",
        ]
    }
    return TextTable(
      header: [""] + columns.map(\.title)
        + ["Δ base", "p", "Δ \(referenceLabel)", "p", "pairs"], rows: lines)
  }

  /// The paper's rows of a table; `nil` where it has none.
  func paperTable(_ name: String) -> TextTable? {
    let own = suite.variants.filter { $0.table == name || $0.name == suite.reference }
    guard let base = suite.paperBase, own.contains(where: { $0.table == name && $0.paper != nil }) else {
      return nil
    }
    func mean(_ figures: [Double]) -> Double { figures.reduce(0, +) / Double(figures.count) }
    func line(_ label: String, _ figures: [Double]) -> [String] {
      [label] + figures.map { Format.decimal($0) }
        + [Format.decimal(mean(figures)), Format.points((mean(figures) - mean(base)) / 100)]
    }
    return TextTable(
      header: [""] + suite.paperColumns + ["average", "Δ"],
      rows: [line("base model", base)]
        + own.compactMap { one in one.paper.map { line(one.paperLabel ?? one.label, $0) } })
  }

  private static func text(_ figure: Figure?) -> String {
    guard let figure else { return "–" }
    guard let interval = figure.interval else { return Format.percent(figure.mean) }
    return "\(Format.percent(figure.mean)) ± \(Format.decimal((interval.high - interval.low) * 50))"
  }

  private static func difference(_ figure: Figure?) -> String {
    guard let figure else { return "" }
    guard let interval = figure.interval else { return Format.points(figure.mean) }
    return "\(Format.points(figure.mean)) ± \(Format.decimal((interval.high - interval.low) * 50))"
  }

  private static func probability(_ p: Double?) -> String {
    p.map { $0 < 0.001 ? "< 0.001" : Format.decimal($0, 3) } ?? ""
  }

  // MARK: For programs

  /// One line per variant, column and seed.
  var csv: String {
    func field(_ text: String) -> String {
      text.contains(where: { ",\"\n".contains($0) })
        ? "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\"" : text
    }
    var lines = ["table,variant,seed,questions,n,before,after,gained,lost,pairs,settings"]
    for row in rows {
      let settings = row.variant.changes.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
      for run in row.runs {
        for column in Column.allCases {
          let (before, after) = (run.before.outcomes(of: column), run.after.outcomes(of: column))
          guard before.count == after.count, !before.isEmpty else { continue }
          let test = PairedTest(first: before, second: after)
          lines.append(
            [
              field(row.variant.table), row.variant.name, "\(run.seed)", column.rawValue, "\(before.count)",
              Format.decimal(run.before.accuracy(of: column)!, 6),
              Format.decimal(run.after.accuracy(of: column)!, 6), "\(test.gained)", "\(test.lost)",
              "\(run.pairs)", field(settings),
            ].joined(separator: ","))
        }
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The content of `ablate.json`.
  var json: OrderedJSON {
    let p = (corrected { change(of: $0, .multiImage) }, corrected { toReference($0, .multiImage) })
    return .members([
      "format_version": .integer(1), "suite": .string(suite.name),
      "seeds": .array(suite.seeds.map { .integer(Int(truncatingIfNeeded: $0)) }),
      "reference": .string(suite.reference),
      "base": .object(
        Column.allCases.compactMap { column in
          baseAccuracy(of: column).map { .init(column.rawValue, Self.json($0)) }
        }),
      "variants": .array(
        rows.map { row in
          .members([
            "name": .string(row.variant.name), "table": .string(row.variant.table),
            "label": .string(row.variant.label),
            "set": .object(row.variant.changes.map { .init($0.key, .string($0.value)) }),
            "seeds": .array(row.runs.map { .integer(Int(truncatingIfNeeded: $0.seed)) }),
            "pairs": .numbers(row.runs.map { Double($0.pairs) }),
            "accuracy": .object(
              Column.allCases.compactMap { column in
                accuracy(of: row, column).map { .init(column.rawValue, Self.json($0)) }
              }),
            "change": comparisons(p.0[row.variant.name]) { change(of: row, $0) },
            "to_reference": comparisons(p.1[row.variant.name]) { toReference(row, $0) },
            "paper": row.variant.paper.map(OrderedJSON.numbers) ?? .null,
          ])
        }),
      "runs": .array(log.map(\.json)),
    ])
  }

  private func comparisons(_ corrected: Double?, _ find: (Column) -> Comparison?) -> OrderedJSON {
    .object(
      Column.allCases.compactMap { column in
        find(column).map { comparison in
          var members: [OrderedJSON.Member] = [
            .init("difference", Self.json(comparison.difference)),
            .init("gained", .integer(comparison.test.gained)), .init("lost", .integer(comparison.test.lost)),
            .init("p", .number(comparison.test.p)),
          ]
          if column == .multiImage { members.append(.init("p_holm", .optional(corrected))) }
          return .init(column.rawValue, .object(members))
        }
      })
  }

  private static func json(_ figure: Figure) -> OrderedJSON {
    .members([
      "mean": .number(figure.mean), "low": .optional(figure.interval?.low),
      "high": .optional(figure.interval?.high), "by_seed": .numbers(figure.values),
    ])
  }
}
