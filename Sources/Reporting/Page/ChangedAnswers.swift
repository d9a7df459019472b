import Evaluation
import MultiImageData

/// Held-out questions whose answer changed in one direction.
package struct ChangedAnswers {
  package typealias Pair = (old: AnswerRecord, new: AnswerRecord)

  /// `Wrong before, right after`.
  package var title: String
  /// All of them.
  package var all: [Pair]
  /// Those that the report shows.
  package var shown: [Pair]

  /// What training has mended, and what it has broken; a table without a row is left out.
  package static func tables(_ before: [AnswerRecord], _ after: [AnswerRecord]) -> [ChangedAnswers] {
    let later = Dictionary(after.map { ($0.id, $0) }) { first, _ in first }
    let pairs = before.compactMap { old in later[old.id].map { (old: old, new: $0) } }
    let directions: [(String, Int, (Pair) -> Bool)] = [
      ("Wrong before, right after", 8, { !$0.old.correct && $0.new.correct }),
      ("Right before, wrong after", 4, { $0.old.correct && !$0.new.correct }),
    ]
    return directions.compactMap { title, limit, isMeant in
      let all = pairs.filter(isMeant)
      guard !all.isEmpty else { return nil }
      return ChangedAnswers(title: title, all: all, shown: ReportPage.spread(all, limit) { $0.old.kind })
    }
  }
}
