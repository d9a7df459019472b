/// Collects problems while a configuration is looked through.
public struct ConfigurationChecks {
  package private(set) var problems: [ModelConfigurationError.Problem] = []
  /// Keys whose values could not be read: what depends on them is not judged.
  private let unreadable: Set<String>

  /// Checks of a configuration in which `problems` were found while it was read.
  init(after problems: [ModelConfigurationError.Problem] = []) {
    self.problems = problems
    unreadable = Set(problems.map(\.key))
  }

  /// Notes a problem with `key` unless `condition` holds; `others` are keys that the condition depends on
  /// too.
  mutating func require(
    _ condition: Bool, _ key: String, with others: String..., found: @autoclosure () -> String,
    expected: @autoclosure () -> String
  ) {
    guard !condition, (others + [key]).allSatisfy(isReadable) else { return }
    problems.append(.init(key: key, found: found(), expected: expected()))
  }

  /// A size; the bound keeps products of sizes far from overflow.
  mutating func positive(_ value: Int, upTo bound: Int = 1 << 18, _ key: String) {
    require(
      value > 0 && value <= bound, key, found: "\(value)",
      expected: value > bound ? "at most \(bound)" : "a positive integer")
  }

  mutating func positive(_ value: Double, _ key: String) {
    require(value > 0 && value.isFinite, key, found: "\(value)", expected: "a positive number")
  }

  /// `name` is the last part of the divisor's key, in the same section.
  mutating func multiple(_ value: Int, of divisor: Int, named name: String, _ key: String) {
    guard value > 0, divisor > 0 else { return }
    let section = key.prefix { $0 != "." }
    require(
      value % divisor == 0, key, with: "\(section).\(name)", found: "\(value)",
      expected: "a multiple of \(name) (\(divisor))")
  }

  private func isReadable(_ key: String) -> Bool {
    guard !unreadable.isEmpty else { return true }
    return !unreadable.contains(key) && !unreadable.contains(String(key.prefix { $0 != "." }))
  }
}
