/// Everything that is wrong with a configuration, at once.
public struct ConfigurationError: Error, Equatable, CustomStringConvertible {
  /// One thing that is wrong.
  public struct Problem: Sendable, Equatable, CustomStringConvertible {
    /// Where the value was given: `FILE:LINE`, `FILE`, or `--set`.
    public let place: String
    /// Dotted key, such as `train.beta`; empty when the file as a whole is meant.
    public let key: String
    /// What was found and what was expected.
    public let message: String

    let order: Int

    /// `place: key: message`.
    public var description: String {
      [place, key, message].filter { !$0.isEmpty }.joined(separator: ": ")
    }

    public static func == (left: Problem, right: Problem) -> Bool { left.description == right.description }
  }

  /// In the order of the file's lines, overrides last.
  public let problems: [Problem]

  init(_ problems: [Problem]) {
    self.problems = problems.enumerated().sorted {
      ($0.element.order, $0.offset) < ($1.element.order, $1.offset)
    }
    .map(\.element)
  }

  /// One line per problem.
  public var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// Where a value of a configuration was given.
enum ConfigurationPlace: Equatable {
  /// Line (from 1) of a file.
  case line(String, Int)
  /// The file as a whole: the value is a default, or the file cannot be read.
  case file(String)
  /// A `--set` on the command line.
  case override
  /// No file: the value was made in code.
  case code

  var text: String {
    switch self {
    case .line(let file, let line): "\(file):\(line)"
    case .file(let file): file
    case .override: "--set"
    case .code: ""
    }
  }

  var order: Int {
    switch self {
    case .code: 0
    case .line(_, let line): line
    case .file: Int.max - 1
    case .override: Int.max
    }
  }
}

/// Collects problems while a configuration is read.
struct ConfigurationProblems {
  private(set) var all: [ConfigurationError.Problem] = []

  mutating func add(_ place: ConfigurationPlace, _ key: String, _ message: String) {
    all.append(.init(place: place.text, key: key, message: message, order: place.order))
  }

  mutating func add(_ node: ConfigurationNode, _ key: String, expected: String) {
    add(node.place, key, "found \(node.found), expected \(expected)")
  }

  func throwIfAny() throws {
    if !all.isEmpty { throw ConfigurationError(all) }
  }
}
