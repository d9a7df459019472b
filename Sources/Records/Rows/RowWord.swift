/// A choice that rows write as one word: of a word that is none of them the error names them all.
public protocol RowWord: RawRepresentable<String>, CaseIterable, Decodable {}

extension RowWord {
  /// The choice that a string names.
  /// - Throws: `DecodingError` with every word there is.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let word = try container.decode(String.self)
    guard let choice = Self(rawValue: word) else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription: "one of " + Self.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self = choice
  }
}
