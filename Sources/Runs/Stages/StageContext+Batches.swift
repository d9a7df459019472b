import MultiImageData
import Ranks
import Records

extension StageContext {
  /// Computes the batches of questions of which a row is not known yet, on every rank its share, and shows
  /// how far it is.
  ///
  /// - Parameters:
  ///   - batches: numbers of the questions of each.
  ///   - known: ids of the questions whose rows the lead has.
  ///   - name: what the progress is called.
  ///   - stop: where a run that is asked to end stops, from the number of questions that are done.
  ///   - compute: the rows of a batch.
  ///   - keep: takes them; called on the lead.
  func divide<Row: JSONRow>(
    _ batches: [[Int]], of questions: [StoredQuestion], known: Set<String>, id: KeyPath<Row, String>,
    name: String, stop: (Int) -> String, compute: (Int) throws -> [Row], keep: ([Row]) throws -> Void
  ) throws {
    var known = known
    let progress = console.progress(name, total: questions.count, start: known.count)
    defer { progress.finish() }
    let open = batches.indices.filter { !batches[$0].allSatisfy { known.contains(questions[$0].id) } }
    try team.divide(open, stop: { try Interruption.check(stop(known.count)) }, compute: compute) { rows in
      try keep(rows)
      known.formUnion(rows.map { $0[keyPath: id] })
      progress.update(step: known.count)
    }
  }
}
