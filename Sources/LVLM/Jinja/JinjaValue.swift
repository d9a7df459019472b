/// A value of a template, as Python has it.
enum JinjaValue {
  /// Nothing of this name.
  case undefined(String)
  case none
  case boolean(Bool)
  case integer(Int)
  case real(Double)
  case text(String)
  case list([JinjaValue])
  case tuple([JinjaValue])
  /// What some filters give: a list to loop over, of which Python knows no length.
  case generator([JinjaValue])
  case mapping(JinjaMapping)
  case namespace(JinjaNamespace)
  case function(JinjaFunction)

  /// What errors call it.
  var kind: String {
    switch self {
    case .undefined(let name): "\(name), which is not defined"
    case .none: "none"
    case .boolean: "a truth value"
    case .integer, .real: "a number"
    case .text: "a text"
    case .list, .tuple: "a list"
    case .generator: "a generator"
    case .mapping: "a mapping"
    case .namespace: "a namespace"
    case .function: "a function"
    }
  }

  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .boolean(let flag): flag
    case .integer(let value): value != 0
    case .real(let value): value != 0
    case .text(let text): !text.isEmpty
    case .list(let values), .tuple(let values): !values.isEmpty
    case .mapping(let mapping): !mapping.members.isEmpty
    case .generator, .namespace, .function: true
    }
  }

  var isNone: Bool { if case .none = self { true } else { false } }

  var isUndefined: Bool { if case .undefined = self { true } else { false } }

  /// A whole number, truth values included, as Python counts them.
  var whole: Int? {
    switch self {
    case .boolean(let flag): flag ? 1 : 0
    case .integer(let value): value
    default: nil
    }
  }

  var number: Double? {
    if case .real(let value) = self { return value }
    return whole.map(Double.init)
  }

  /// The elements that a loop visits; nil for what has none.
  func elements(_ line: JinjaLine) throws -> [JinjaValue]? {
    switch self {
    case .undefined: return []
    case .list(let values), .tuple(let values), .generator(let values): return values
    case .text(let text):
      // No more than its bytes.
      try line.make(elements: text.utf8.count)
      return text.unicodeScalars.map { .text(String($0)) }
    case .mapping(let mapping):
      try line.make(elements: mapping.members.count)
      return mapping.members.map(\.key)
    default: return nil
    }
  }

  /// Whether it has elements.
  var hasElements: Bool {
    switch self {
    case .undefined, .list, .tuple, .generator, .text, .mapping: true
    default: false
    }
  }

  var count: Int? {
    switch self {
    case .undefined: 0
    case .text(let text): text.unicodeScalars.count
    case .list(let values), .tuple(let values): values.count
    case .mapping(let mapping): mapping.members.count
    default: nil
    }
  }
}

/// A mapping in the order in which its keys came.
struct JinjaMapping {
  /// A key with its value.
  struct Member {
    var key: JinjaValue
    var value: JinjaValue
  }

  private(set) var members: [Member] = []

  init() {}

  /// Members whose keys are texts, no two of them the same.
  init(_ members: KeyValuePairs<String, JinjaValue>) {
    self.members = members.map { Member(key: .text($0.key), value: $0.value) }
  }

  /// The same of an object of JSON.
  init(of members: [(key: String, value: JinjaValue)]) {
    self.members = members.map { Member(key: .text($0.key), value: $0.value) }
  }

  private func place(of key: JinjaValue, _ line: JinjaLine) throws -> Int? {
    try line.spend(members.count / 8)
    return try members.firstIndex { try $0.key.equals(key, line) }
  }

  /// The value of a key.
  func value(of key: JinjaValue, _ line: JinjaLine) throws -> JinjaValue? {
    try place(of: key, line).map { members[$0].value }
  }

  /// Gives a key a value, in the place that it has.
  mutating func set(_ key: JinjaValue, _ value: JinjaValue, _ line: JinjaLine) throws {
    if let place = try place(of: key, line) {
      members[place].value = value
    } else {
      members.append(Member(key: key, value: value))
    }
  }
}

/// The one value that a loop can change for what is outside of it.
final class JinjaNamespace {
  var members: JinjaMapping
  init(_ members: JinjaMapping) { self.members = members }
}

/// What can be called: a macro, a function that every template has, or a method with its value.
final class JinjaFunction {
  typealias Body = (_ arguments: JinjaCall) throws -> JinjaValue
  let name: String
  /// Whether it holds the value that it is a method of.
  let isMethod: Bool
  let body: Body

  init(_ name: String, isMethod: Bool = false, _ body: @escaping Body) {
    (self.name, self.isMethod, self.body) = (name, isMethod, body)
  }
}

/// The values of a call.
struct JinjaCall {
  var line: JinjaLine
  /// Macros within each other.
  var depth = 0
  var unnamed: [JinjaValue] = []
  var named: [(name: String, value: JinjaValue)] = []

  /// The argument with this place and name.
  subscript(place: Int, name: String) -> JinjaValue? {
    place < unnamed.count ? unnamed[place] : named.first { $0.name == name }?.value
  }

  /// Refuses more arguments, or others, than these names.
  func require(_ callee: String, _ names: [String]) throws {
    guard unnamed.count <= names.count else {
      throw JinjaError(line, "\(callee) with \(unnamed.count) arguments, expected at most \(names.count)")
    }
    for (place, name) in names.prefix(unnamed.count).enumerated()
    where named.contains(where: { $0.name == name }) {
      throw JinjaError(line, "\(callee) with argument \(place) and \(name), which are the same")
    }
    if let other = named.first(where: { !names.contains($0.name) }) {
      throw JinjaError(line, "\(callee) with \(other.name)=, which is not computed here")
    }
  }
}

extension JinjaValue {
  /// Whether two values are equal, as `==` of Python says: texts by their characters' codes.
  func equals(_ other: JinjaValue, _ line: JinjaLine) throws -> Bool {
    try line.spend(1)
    switch (self, other) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.text(let a), .text(let b)):
      guard a.utf8.count == b.utf8.count else { return false }
      try line.read(a)
      return a.utf8.elementsEqual(b.utf8)
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      return try a.count == b.count && zip(a, b).allSatisfy { try $0.equals($1, line) }
    case (.mapping(let a), .mapping(let b)):
      return try a.members.count == b.members.count
        && a.members.allSatisfy { member in
          try b.value(of: member.key, line)?.equals(member.value, line) ?? false
        }
    case (.namespace(let a), .namespace(let b)): return a === b
    case (.function(let a), .function(let b)): return a === b
    default:
      if let a = whole, let b = other.whole { return a == b }
      if let a = number, let b = other.number { return a == b }
      return false
    }
  }

  /// Whether this value stands before another; nil where Python has no order.
  func isBefore(_ other: JinjaValue, _ line: JinjaLine) throws -> Bool? {
    try line.spend(1)
    switch (self, other) {
    case (.text(let a), .text(let b)):
      try line.read(a.utf8.count < b.utf8.count ? a : b)
      return a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars)
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      for (x, y) in zip(a, b) where try !x.equals(y, line) { return try x.isBefore(y, line) }
      return a.count < b.count
    default:
      if let a = whole, let b = other.whole { return a < b }
      if let a = number, let b = other.number { return a < b }
      return nil
    }
  }

  /// Whether a value is in this one; nil where that is no question.
  func contains(_ value: JinjaValue, _ line: JinjaLine) throws -> Bool? {
    switch self {
    case .undefined: return false
    case .text(let text):
      guard case .text(let part) = value else { return nil }
      try line.read(text)
      try line.read(part)
      return part.isEmpty || JinjaStrings.find(part, in: text) >= 0
    case .list(let values), .tuple(let values), .generator(let values):
      return try values.contains { try $0.equals(value, line) }
    case .mapping(let mapping): return try mapping.value(of: value, line) != nil
    default: return nil
    }
  }
}
