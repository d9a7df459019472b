import Records

/// An object of a request, read key by key; every complaint names the key.
struct JSONFields {
  private let members: [OrderedJSON.Member]
  /// What stands before its keys, such as `messages[2].`.
  let path: String

  init(_ value: OrderedJSON, path: String, of what: String) throws(APIError) {
    guard case .object(let members) = value else {
      throw APIError(
        400, "\(what): found \(Self.brief(value)), expected an object", param: path.isEmpty ? nil : what)
    }
    self.members = members
    self.path = path
  }

  /// The value of a key; `null` counts as none.
  subscript(key: String) -> OrderedJSON? {
    members.first { $0.key == key }.flatMap { $0.value == .null ? nil : $0.value }
  }

  var keys: [String] { members.map(\.key) }

  /// Refuses keys that are not among the known ones.
  func check(known: Set<String>) throws(APIError) {
    if let other = keys.first(where: { !known.contains($0) }) {
      throw APIError(400, "\(path)\(other.prefix(60)): is unknown here", param: path + other.prefix(60))
    }
  }

  func error(_ key: String, _ expected: String) -> APIError {
    guard let found = self[key] else {
      return APIError(400, "\(path)\(key): is missing, expected \(expected)", param: path + key)
    }
    return APIError(
      400, "\(path)\(key): found \(Self.brief(found)), expected \(expected)", param: path + key)
  }

  func string(_ key: String, _ expected: String = "a text") throws(APIError) -> String {
    guard case .string(let text)? = self[key] else { throw error(key, expected) }
    return text
  }

  func bool(_ key: String) throws(APIError) -> Bool {
    switch self[key] {
    case nil: return false
    case .bool(let value): return value
    default: throw error(key, "true or false")
    }
  }

  func integer(_ key: String, in range: ClosedRange<Int>) throws(APIError) -> Int? {
    guard let value = self[key] else { return nil }
    guard case .integer(let number) = value, range.contains(number) else {
      throw error(key, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func number(_ key: String, _ expected: String, where isRight: (Double) -> Bool) throws(APIError) -> Double?
  {
    let found: Double
    switch self[key] {
    case nil: return nil
    case .integer(let number): found = Double(number)
    case .number(let number): found = number
    default: throw error(key, expected)
    }
    guard isRight(found) else { throw error(key, expected) }
    return found
  }

  /// A value in few characters.
  static func brief(_ value: OrderedJSON) -> String {
    switch value {
    case .object: "an object"
    case .array(let values): "a list of \(values.count)"
    case .string(let text):
      text.count <= 40 ? OrderedJSON.string(text).line : OrderedJSON.string(text.prefix(39) + "…").line
    default: value.line
    }
  }
}
