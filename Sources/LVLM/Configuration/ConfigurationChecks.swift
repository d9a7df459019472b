/// Collects problems while a configuration is looked through.
struct ConfigurationChecks {
  private(set) var problems: [ModelConfigurationError.Problem] = []

  mutating func require(
    _ condition: Bool, _ key: String, found: @autoclosure () -> String, expected: @autoclosure () -> String
  ) {
    if !condition { problems.append(.init(key: key, found: found(), expected: expected())) }
  }

  mutating func positive(_ value: Int, _ key: String) {
    require(value > 0, key, found: "\(value)", expected: "a positive integer")
  }

  mutating func positive(_ value: Double, _ key: String) {
    require(value > 0 && value.isFinite, key, found: "\(value)", expected: "a positive number")
  }

  mutating func multiple(_ value: Int, of divisor: Int, named name: String, _ key: String) {
    guard value > 0, divisor > 0 else { return }
    require(
      value % divisor == 0, key, found: "\(value)", expected: "a multiple of \(name) (\(divisor))")
  }
}

extension KeyedDecodingContainer {
  /// The value of `key`, or `fallback` when the key is absent or null: configurations list only what differs
  /// from the defaults of their class.
  func value<T: Decodable>(_ key: Key, default fallback: T) throws -> T {
    try decodeIfPresent(T.self, forKey: key) ?? fallback
  }
}
