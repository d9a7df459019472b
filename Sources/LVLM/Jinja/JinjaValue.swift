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
  var elements: [JinjaValue]? {
    switch self {
    case .undefined: []
    case .list(let values), .tuple(let values), .generator(let values): values
    case .text(let text): text.unicodeScalars.map { .text(String($0)) }
    case .mapping(let mapping): mapping.members.map(\.key)
    default: nil
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

  init(_ members: [(JinjaValue, JinjaValue)] = []) {
    for (key, value) in members { self[key] = value }
  }

  init(_ members: KeyValuePairs<String, JinjaValue>) {
    self.init(members.map { (.text($0.key), $0.value) })
  }

  subscript(key: JinjaValue) -> JinjaValue? {
    get { members.first { $0.key.equals(key) }?.value }
    set {
      guard let newValue else { return }
      if let place = members.firstIndex(where: { $0.key.equals(key) }) {
        members[place].value = newValue
      } else {
        members.append(Member(key: key, value: newValue))
      }
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
  let body: Body
  init(_ name: String, _ body: @escaping Body) { (self.name, self.body) = (name, body) }
}

/// The values of a call.
struct JinjaCall {
  var line: Int
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
  func equals(_ other: JinjaValue) -> Bool {
    switch (self, other) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.text(let a), .text(let b)): return a.utf8.elementsEqual(b.utf8)
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      return a.count == b.count && zip(a, b).allSatisfy { $0.equals($1) }
    case (.mapping(let a), .mapping(let b)):
      return a.members.count == b.members.count
        && a.members.allSatisfy { member in b[member.key]?.equals(member.value) ?? false }
    case (.namespace(let a), .namespace(let b)): return a === b
    case (.function(let a), .function(let b)): return a === b
    default:
      if let a = whole, let b = other.whole { return a == b }
      if let a = number, let b = other.number { return a == b }
      return false
    }
  }

  /// Whether this value stands before another; nil where Python has no order.
  func isBefore(_ other: JinjaValue) -> Bool? {
    switch (self, other) {
    case (.text(let a), .text(let b)): return a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars)
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      for (x, y) in zip(a, b) where !x.equals(y) { return x.isBefore(y) }
      return a.count < b.count
    default:
      if let a = whole, let b = other.whole { return a < b }
      if let a = number, let b = other.number { return a < b }
      return nil
    }
  }

  /// Whether a value is in this one; nil where that is no question.
  func contains(_ value: JinjaValue) -> Bool? {
    switch self {
    case .undefined: return false
    case .text(let text):
      guard case .text(let part) = value else { return nil }
      return part.isEmpty || text.utf8.firstRange(of: part.utf8) != nil
    case .list(let values), .tuple(let values), .generator(let values):
      return values.contains { $0.equals(value) }
    case .mapping(let mapping): return mapping[value] != nil
    default: return nil
    }
  }
}
