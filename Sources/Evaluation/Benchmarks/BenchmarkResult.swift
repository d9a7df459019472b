import DPOTrain
import Foundation

/// How many rows of a benchmark were answered right, whole and by group.
package struct BenchmarkResult: Sendable, Equatable {
  /// How an answer is taken from a model.
  package enum Method: String, CaseIterable, Sendable {
    /// It is generated, and read by the matching rules.
    case generated
    /// The option whose letter is likeliest.
    case letter = "likelihood_letter"
    /// The option whose text is likeliest.
    case sum = "likelihood_sum"
    /// The option whose text is likeliest per token.
    case mean = "likelihood_mean"
  }

  /// Rows of a group, and how many of them were answered right.
  package struct Count: Sendable, Equatable {
    package var rows = 0
    package var right = 0
    /// Rows whose answer the rules could not read; they count as wrong.
    package var unread = 0

    /// The share of right answers with Wilson's 95 % interval.
    package var accuracy: Interval? { Statistics.wilson(hits: right, of: rows) }
  }

  /// Precision, recall and F1 of *yes*, answers that could not be read counting as *no* (VLMEvalKit's
  /// `POPE_rating`).
  package struct YesCount: Sendable, Equatable {
    package var truePositives = 0
    package var falsePositives = 0
    package var falseNegatives = 0

    package var precision: Double { Self.share(truePositives, truePositives + falsePositives) }
    package var recall: Double { Self.share(truePositives, truePositives + falseNegatives) }
    package var f1: Double {
      precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall)
    }

    private static func share(_ part: Int, _ whole: Int) -> Double {
      whole == 0 ? 0 : Double(part) / Double(whole)
    }
  }

  /// Rows that have something in common.
  package struct Group: Sendable, Equatable {
    /// The split they are of; nil for all.
    package var split: String?
    /// The column that says so; nil for all rows.
    package var column: String?
    /// Its value.
    package var value: String?
    package var rows: Int
    package var counts: [Method: Count] = [:]
    /// Questions that are right in every order of their options; empty where each has one order.
    package var circular: [Method: Count] = [:]
    /// For yes and no only.
    package var yes: [Method: YesCount] = [:]

    /// `overall`, `category: colour`, `dev / overall`.
    package var title: String {
      (split.map { "\($0) / " } ?? "") + (column.map { "\($0): \(value ?? "")" } ?? "overall")
    }
  }

  /// All rows first, then by split and column.
  package let groups: [Group]

  /// Counts verdicts: for each method one per row, nil for rows it does not apply to.
  package init(
    _ rows: [BenchmarkRow], verdicts: [Method: [BenchmarkVerdict?]], preset: BenchmarkPreset,
    groupNames: [String]
  ) {
    let tally = Tally(rows: rows, verdicts: verdicts, isYesNo: preset.answers == .yesNo)
    let splits = Array(Set(rows.compactMap(\.split))).sorted()
    var groups: [Group] = []
    for split in [nil] + (splits.count > 1 ? splits.map(Optional.some) : []) {
      let places = rows.indices.filter { split == nil || rows[$0].split == split }
      groups.append(tally.group(places, split: split))
      for (number, column) in groupNames.enumerated() {
        var members: [String: [Int]] = [:]
        for place in places {
          for value in rows[place].groups[number] { members[value, default: []].append(place) }
        }
        for value in members.keys.sorted() {
          groups.append(tally.group(members[value] ?? [], split: split, column: column, value: value))
        }
      }
    }
    self.groups = groups
  }

  private struct Tally {
    let rows: [BenchmarkRow]
    let verdicts: [Method: [BenchmarkVerdict?]]
    let isYesNo: Bool
    /// Whether all rows of the same circular group are right.
    private var isRightInEveryOrder: [Method: [Int: Bool]] = [:]

    init(rows: [BenchmarkRow], verdicts: [Method: [BenchmarkVerdict?]], isYesNo: Bool) {
      self.rows = rows
      self.verdicts = verdicts
      self.isYesNo = isYesNo
      let questions = rows.compactMap(\.circularGroup)
      guard questions.count == rows.count, Set(questions).count < rows.count,
        rows.allSatisfy({ !$0.options.isEmpty })
      else { return }
      for (method, verdicts) in verdicts {
        var right: [Int: Bool] = [:]
        for (question, verdict) in zip(questions, verdicts) {
          right[question] = right[question] ?? true && verdict?.isRight == true
        }
        isRightInEveryOrder[method] = right
      }
    }

    func group(_ places: [Int], split: String?, column: String? = nil, value: String? = nil) -> Group {
      var group = Group(split: split, column: column, value: value, rows: places.count)
      for (method, verdicts) in verdicts {
        var count = Count()
        var yes = YesCount()
        for place in places {
          guard let verdict = verdicts[place] else { continue }
          count.rows += 1
          count.right += verdict.isRight ? 1 : 0
          count.unread += verdict.isRead ? 0 : 1
          // There a row of several categories counts once for each, in the whole too.
          let weight = column == nil ? max(1, rows[place].groups.first?.count ?? 1) : 1
          switch (rows[place].reference?.text == "Yes", verdict.extracted == "Yes") {
          case (true, true): yes.truePositives += weight
          case (false, true): yes.falsePositives += weight
          case (true, false): yes.falseNegatives += weight
          case (false, false): break
          }
        }
        if count.rows > 0 { group.counts[method] = count }
        if count.rows > 0, isYesNo { group.yes[method] = yes }
        guard let right = isRightInEveryOrder[method] else { continue }
        // The row whose index is the question's own says which group it is of.
        let questions = places.compactMap { place -> Int? in
          rows[place].circularGroup.flatMap { String($0) == rows[place].index ? $0 : nil }
        }
        group.circular[method] = Count(
          rows: questions.count, right: questions.count { right[$0] == true })
      }
      return group
    }
  }
}
