/// What is wrong with a model configuration: every problem found, not only the first.
public struct ModelConfigurationError: Error, Equatable, CustomStringConvertible, Sendable {
  /// One key whose value cannot be used.
  public struct Problem: Equatable, Sendable, CustomStringConvertible {
    /// Dotted key as in `config.json`, for example `text_config.hidden_size`.
    public var key: String
    /// What the configuration says.
    public var found: String
    /// What would have been accepted.
    public var expected: String

    /// A problem with one key.
    public init(key: String, found: String, expected: String) {
      self.key = key
      self.found = found
      self.expected = expected
    }

    /// `key: found …, expected …`.
    public var description: String { "\(key): found \(found), expected \(expected)" }
  }

  /// The file the configuration was read from; nil when it was built in code.
  public var file: String?
  /// In the order of the keys in the configuration types.
  public var problems: [Problem]

  /// An error about `problems`.
  public init(file: String? = nil, problems: [Problem]) {
    self.file = file
    self.problems = problems
  }

  /// All problems in one line, the file first.
  public var description: String {
    (file.map { "\($0): " } ?? "model configuration: ")
      + problems.map(\.description).joined(separator: "; ")
  }
}
