/// Pairs that cannot be trained on as a whole.
public enum PairFileError: Error, Equatable, CustomStringConvertible {
  /// A file without pairs.
  case none(file: String)
  /// Two records of one id.
  case duplicate(file: String, id: String)
  /// A pair whose answers do not differ.
  case sameAnswers(file: String, id: String)

  /// The file, the record, what was found, what was expected.
  public var description: String {
    switch self {
    case .none(let file): "\(file): found no pair, expected at least one"
    case .duplicate(let file, let id): "\(file): record \(id): the same pair occurs twice, expected it once"
    case .sameAnswers(let file, let id):
      "\(file): record \(id): chosen and rejected are the same text, expected two different answers"
    }
  }

  /// Checks what a reader of single records cannot see.
  static func check(_ pairs: [PreferencePair], file: String) throws {
    guard !pairs.isEmpty else { throw PairFileError.none(file: file) }
    var seen = Set<[String]>()
    for pair in pairs {
      guard pair.chosen != pair.rejected else { throw PairFileError.sameAnswers(file: file, id: pair.id) }
      guard seen.insert([pair.id, pair.prompt, pair.rejected]).inserted else {
        throw PairFileError.duplicate(file: file, id: pair.id)
      }
    }
  }

  /// The pairs under names of their own: the authors' files have pairs of several formats under the id of the record
  /// they were made of. The second of a name is called `name#2`.
  static func distinctlyNamed(_ pairs: [PreferencePair]) -> [PreferencePair] {
    var counts: [String: Int] = [:]
    return pairs.map { pair in
      var pair = pair
      counts[pair.id, default: 0] += 1
      if let count = counts[pair.id], count > 1 { pair.id += "#\(count)" }
      return pair
    }
  }
}
