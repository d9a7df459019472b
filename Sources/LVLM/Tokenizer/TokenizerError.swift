/// What can go wrong with vocabularies and prompts that come from outside.
public enum TokenizerError: Error, Equatable, CustomStringConvertible, Sendable {
  /// The file is absent or is not a SentencePiece model.
  case unreadable(file: String, reason: String)
  /// The vocabulary lacks a token that the model cannot do without.
  case missingToken(file: String, token: String)
  /// A vocabulary of a kind that is not computed here, or whose parts contradict each other.
  case unsupported(file: String, found: String, expected: String)
  /// A vocabulary could not be trained.
  case training(reason: String)
  /// The vocabulary could not be written.
  case unwritable(file: String, reason: String)

  /// One line: the file, what was found, what was expected.
  public var description: String {
    switch self {
    case .unreadable(let file, let reason):
      "\(file): expected a SentencePiece model, found \(reason)"
    case .missingToken(let file, let token):
      "\(file): expected a token \(token), found none"
    case .unsupported(let file, let found, let expected):
      "\(file): found \(found), expected \(expected)"
    case .training(let reason):
      "vocabulary training: \(reason)"
    case .unwritable(let file, let reason):
      "\(file): cannot be written: \(reason)"
    }
  }
}
