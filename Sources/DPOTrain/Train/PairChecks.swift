import MultiImageData

/// Pairs that cannot be trained on as a whole.
public enum PairFileError: Error, Equatable, CustomStringConvertible {
  /// A file without pairs.
  case none(file: String)

  /// The file, what was found, what was expected.
  public var description: String {
    switch self {
    case .none(let file): "\(file): found no pair, expected at least one"
    }
  }

  /// What a reader of single records cannot see in a pair.
  /// - Parameter seen: the pairs before it.
  package static func problem(of pair: PreferencePair, seen: inout Set<[String]>) -> String? {
    if let problem = pair.sameAnswersProblem { return problem }
    let earlier = [pair.system ?? ""] + pair.history.flatMap { [$0.question, $0.answer] }
    return seen.insert(
      [pair.id, pair.prompt, pair.rejected] + earlier + pair.images + (pair.rejectedImages ?? [])
    ).inserted
      ? nil : "the same pair occurs twice, expected it once"
  }

  /// The pairs under names of their own: the authors' files have pairs of several formats under the id of the
  /// record they were made of. The second of a name is called `name#2`.
  package static func distinctlyNamed(_ pairs: [PreferencePair]) -> [PreferencePair] {
    var counts: [String: Int] = [:]
    return pairs.map { pair in
      var pair = pair
      counts[pair.id, default: 0] += 1
      if let count = counts[pair.id], count > 1 { pair.id += "#\(count)" }
      return pair
    }
  }
}
