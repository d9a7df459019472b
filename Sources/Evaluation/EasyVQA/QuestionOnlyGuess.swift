/// Answers with the most frequent training answer to the same question, without looking at any picture: what
/// a data set gives away in its wording.
public struct QuestionOnlyGuess: Sendable {
  private let answers: [String: String]
  private let usual: String

  /// Counts answers; of equally frequent ones the first that occurred wins.
  private struct Tally {
    var counts: [(answer: String, count: Int)] = []
    var places: [String: Int] = [:]

    mutating func add(_ answer: String) {
      if let place = places[answer] {
        counts[place].count += 1
      } else {
        places[answer] = counts.count
        counts.append((answer, 1))
      }
    }

    var winner: String {
      let most = counts.map(\.count).max()
      return counts.first { $0.count == most }?.answer ?? ""
    }
  }

  /// Learns from questions with their answers. Of answers that are equally frequent the one that occurs first
  /// is taken.
  public init(_ questions: some Sequence<(String, String)>) {
    var (byQuestion, all): ([String: Tally], Tally) = ([:], Tally())
    for (question, answer) in questions {
      byQuestion[question, default: Tally()].add(answer)
      all.add(answer)
    }
    answers = byQuestion.mapValues(\.winner)
    usual = all.winner
  }

  /// The answer to a question; to an unknown one the most frequent answer of all.
  public func answer(to question: String) -> String { answers[question] ?? usual }
}
