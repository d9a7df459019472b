import DPOTrain
import Reporting

extension ForestChart {
  /// The chart of one table of a suite, in points.
  init(_ results: AblationResults, table: String) {
    func row(_ row: AblationResults.Row) -> Row? {
      guard let change = results.change(of: row, .multiImage)?.difference else { return nil }
      let interval = change.interval
      return Row(
        label: row.variant.label, mean: change.mean * 100, low: interval.map { $0.low * 100 },
        high: interval.map { $0.high * 100 }, values: change.values.map { $0 * 100 })
    }
    let reference = results.reference.flatMap(row)
    let own = results.rows.filter { $0.variant.table == table && $0.variant.name != results.suite.reference }
    self.init(
      title: table, rows: [reference].compactMap { $0 } + own.compactMap(row), reference: reference?.mean)
  }
}
