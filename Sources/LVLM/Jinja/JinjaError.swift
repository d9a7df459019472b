/// Why a template cannot be read or rendered.
public struct JinjaError: Error, Equatable, CustomStringConvertible, Sendable {
  /// The line of the template, from 1.
  public let line: Int
  /// What is wrong, and what was expected.
  public let problem: String
  /// Whether the template itself said so, by `raise_exception`.
  public let isRaised: Bool

  init(_ line: Int, _ problem: String, isRaised: Bool = false) {
    (self.line, self.problem, self.isRaised) = (line, problem, isRaised)
  }

  init(_ line: JinjaLine, _ problem: String, isRaised: Bool = false) {
    self.init(line.number, problem, isRaised: isRaised)
  }

  /// One line.
  public var description: String { "line \(line): \(problem)" }
}
