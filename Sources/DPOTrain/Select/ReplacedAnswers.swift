import MultiImageData
import Records

/// What answers are made of that take the place of the model's (`select.rejected`).
extension StoredQuestion {
  /// Questions with one pool can have each other's right answers: those of a family, and where pictures are
  /// named in answers those with the same ones.
  package var answerPool: String {
    guard let record, let level = record.level else { return family }
    switch level {
    case .compare: return "\(family) \(record.asked.words)"
    case .find: return "\(family) of \(record.count)"
    }
  }

  /// What is true of the picture that is asked about, and of each other one, as far as answers say it: of
  /// pictures that are looked for their names, of those that are compared what they are compared by. `nil`
  /// where nobody knows.
  package var exchangeableFacts: (own: [String: String], others: [[String: String]])? {
    guard let facts, let record, let others = record.factsOfOthers else { return nil }
    switch record.level {
    case nil: return (facts, others)
    case .compare:
      let about = record.about ?? []
      func compared(_ facts: [String: String]) -> [String: String] { facts.filter { about.contains($0.key) } }
      return (compared(facts), others.map(compared))
    case .find:
      let names = (1...record.count).map(LevelQuestion.name)
      let own = AnswerText.normalized(names[record.target - 1])
      return (
        ["name": own],
        names.indices.filter { $0 != record.target - 1 }.map { ["name": names[$0]] }
      )
    }
  }
}
