/// Pairs that cannot be trained on as a whole.
public enum PairFileError: Error, Equatable, CustomStringConvertible {
  case none(file: String)
  case duplicate(file: String, id: String)
  case sameAnswers(file: String, id: String)

  public var description: String {
    switch self {
    case .none(let file): "\(file): found no pair, expected at least one"
    case .duplicate(let file, let id): "\(file): record \(id): the id occurs twice, expected it once"
    case .sameAnswers(let file, let id):
      "\(file): record \(id): chosen and rejected are the same text, expected two different answers"
    }
  }

  /// Checks what a reader of single records cannot see.
  static func check(_ pairs: [PreferencePair], file: String) throws {
    guard !pairs.isEmpty else { throw PairFileError.none(file: file) }
    var seen = Set<String>()
    for pair in pairs {
      guard pair.chosen != pair.rejected else { throw PairFileError.sameAnswers(file: file, id: pair.id) }
      guard seen.insert(pair.id).inserted else { throw PairFileError.duplicate(file: file, id: pair.id) }
    }
  }
}
