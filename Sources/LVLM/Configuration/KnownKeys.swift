import Checkpoint

/// What is known of the keys of one kind of file: computed here, harmless, or harmless with certain values.
/// Any other key could change results, and is refused by its name.
struct KnownKeys {
  /// What is known of one key. Null is always as good as absent.
  enum Rule {
    /// Whoever reads the file looks at its value.
    case computed
    /// No value changes what is computed here.
    case harmless
    /// These values change nothing; others would, and are not computed here.
    case only([JSONValue])
  }

  private var rules: [String: Rule]

  init(computed: [String] = [], harmless: [String] = [], only: [String: [JSONValue]] = [:]) {
    rules = only.mapValues(Rule.only)
    for key in harmless { rules[key] = .harmless }
    for key in computed { rules[key] = .computed }
  }

  /// These and others; where both know a key, the others' rule counts.
  func merging(_ others: KnownKeys) -> KnownKeys {
    var merged = self
    merged.rules.merge(others.rules) { $1 }
    return merged
  }

  subscript(key: String) -> Rule? { rules[key] }

  /// The keys of an object that are unknown, and those with values that are not computed here.
  ///
  /// - Parameter section: what stands before the keys in messages, such as `text_config.`.
  func problems(in object: JSONValue, section: String = "") -> [ModelConfigurationError.Problem] {
    guard case .object(let members) = object else { return [] }
    return members.compactMap { key, value in problem(key, value, section: section) }
  }

  /// What is wrong with one key and its value; nil when nothing is.
  func problem(
    _ key: String, _ value: JSONValue, section: String = ""
  ) -> ModelConfigurationError.Problem? {
    guard value != .null else { return nil }
    switch rules[key] {
    case .computed, .harmless: return nil
    case .only(let values):
      if values.contains(where: { $0.isSame(as: value) }) { return nil }
      let expected = values.isEmpty ? "null" : values.map(\.brief).joined(separator: " or ")
      return .init(
        key: section + key, found: value.brief, expected: "\(expected): nothing else is computed here")
    case nil:
      return .init(
        key: section + key, found: value.brief,
        expected: "no such key: what it changes is not computed here")
    }
  }
}

extension JSONValue {
  /// Whether both say the same; 1 and 1.0 do.
  func isSame(as other: JSONValue) -> Bool {
    if let a = number, let b = other.number { return a == b }
    return self == other
  }

  /// The number, when it is one.
  var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .real(let value): value
    default: nil
    }
  }

  /// The whole number, when it is one, also if it is written `12.0`.
  var whole: Int? {
    switch self {
    case .integer(let value): value
    case .real(let value): Int(exactly: value)
    default: nil
    }
  }

  /// True or false, when it is one of them.
  var flag: Bool? { if case .boolean(let value) = self { value } else { nil } }

  /// As JSON in a few dozen characters, for messages.
  var brief: String {
    func short(_ text: String) -> String { text.count > 40 ? text.prefix(39) + "…" : text }
    return switch self {
    case .object(let members):
      "{"
        + short(members.map { "\"\($0.key)\": \($0.value.brief)" }.joined(separator: ", ")) + "}"
    case .array(let values): "[" + short(values.map(\.brief).joined(separator: ", ")) + "]"
    case .string(let text): "\"\(short(text))\""
    case .integer(let value): "\(value)"
    case .real(let value): "\(value)"
    case .boolean(let value): "\(value)"
    case .null: "null"
    }
  }
}
