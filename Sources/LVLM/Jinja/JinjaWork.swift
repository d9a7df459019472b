/// What a rendering may still do. A template of a few lines can ask for more than any machine has: loops
/// within loops, texts that double, lists of lists that are compared.
///
/// Everything that a template makes or looks through is paid for, by its size, before it is made: a value or
/// a step of the evaluator is one unit, and so are ``bytesPerUnit`` bytes of a text.
final class JinjaWork {
  /// Units that a rendering has, whatever it is given. A conversation of 2000 messages takes at most a
  /// million with the templates of 24 model families; whoever uses all of them up takes about ten seconds.
  static let usual = 1 << 25
  /// Units for each unit of the values that a template is given: it may go through all of them so many times.
  private static let rounds = 64
  /// Characters are looked at many times sooner than expressions.
  fileprivate static let bytesPerUnit = 4
  /// Bytes of a text, and elements of a list.
  static let (mostBytes, mostElements) = (1 << 26, 1 << 22)
  /// Expressions, blocks and macros within each other, each of which takes a part of the stack; and values.
  private static let (mostSteps, mostValues) = (400, 200)

  private var left: Int
  private let all: Int
  private var depth = 0
  /// Scopes of macros, which know the macros that know them.
  private var scopes: [JinjaScope] = []

  /// - Parameter units: what the rendering has besides what its values give it.
  init(_ units: Int, for values: some Collection<JinjaValue>) {
    all = units + Self.rounds * values.reduce(0) { $0 + Self.size(of: $1) }
    left = all
  }

  private static func size(of value: JinjaValue) -> Int {
    switch value {
    case .text(let text): 1 + text.utf8.count / bytesPerUnit
    case .list(let values), .tuple(let values), .generator(let values): values.reduce(1) { $0 + size(of: $1) }
    case .mapping(let mapping): mapping.members.reduce(1) { $0 + size(of: $1.key) + size(of: $1.value) }
    default: 1
    }
  }

  fileprivate func spend(_ units: Int, _ line: Int) throws {
    left = left.subtractingReportingOverflow(max(units, 0)).partialValue
    guard left >= 0 else {
      throw JinjaError(line, "more than \(all) steps, expected a template that is done sooner")
    }
  }

  fileprivate func nested<Result>(_ line: Int, _ body: () throws -> Result) throws -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.mostSteps else {
      throw JinjaError(line, "more than \(Self.mostSteps) expressions, blocks and macros within each other")
    }
    return try body()
  }

  fileprivate func check(_ value: JinjaValue, _ line: Int, depth: Int) throws {
    try spend(1, line)
    guard depth <= Self.mostValues else {
      throw JinjaError(line, "more than \(Self.mostValues) values within each other")
    }
    switch value {
    case .list(let values), .tuple(let values), .generator(let values):
      for value in values { try check(value, line, depth: depth + 1) }
    case .mapping(let mapping): try check(mapping, line, depth: depth)
    case .namespace(let space): try check(space.members, line, depth: depth)
    case .function(let function) where function.isMethod:
      throw JinjaError(line, "the method \(function.name) as a value, expected its call")
    default: break
    }
  }

  private func check(_ mapping: JinjaMapping, _ line: Int, depth: Int) throws {
    for member in mapping.members {
      try check(member.key, line, depth: depth + 1)
      try check(member.value, line, depth: depth + 1)
    }
  }

  func keep(_ scope: JinjaScope) { scopes.append(scope) }

  /// Lets go of macros, each of which otherwise holds the scope that holds it.
  func end() {
    for scope in scopes { scope.clear() }
    scopes = []
  }
}

/// A line of a template that is being rendered, and what the rendering may still do.
struct JinjaLine {
  let number: Int
  let work: JinjaWork

  /// Pays for values that are looked at.
  func spend(_ units: Int) throws { try work.spend(units, number) }

  /// Pays for a text that is looked through.
  func read(_ text: String) throws { try work.spend(text.utf8.count / JinjaWork.bytesPerUnit, number) }

  /// Pays for a text that is made, and refuses one that is too long.
  func make(bytes: (partialValue: Int, overflow: Bool)) throws {
    guard !bytes.overflow, bytes.partialValue <= JinjaWork.mostBytes else {
      throw JinjaError(number, "a text of more than \(JinjaWork.mostBytes) bytes")
    }
    try work.spend(1 + bytes.partialValue / JinjaWork.bytesPerUnit, number)
  }

  func make(bytes: Int) throws { try make(bytes: (bytes, false)) }

  /// Pays for a list that is made, and refuses one that is too long.
  func make(elements: (partialValue: Int, overflow: Bool)) throws {
    guard !elements.overflow, elements.partialValue <= JinjaWork.mostElements else {
      throw JinjaError(number, "a list of more than \(JinjaWork.mostElements) values")
    }
    try work.spend(1 + elements.partialValue, number)
  }

  func make(elements: Int) throws { try make(elements: (elements, false)) }

  /// Values that one value is to hold, which must not hold too many within each other.
  func holding(_ values: [JinjaValue]) throws -> [JinjaValue] {
    for value in values { try work.check(value, number, depth: 1) }
    return values
  }

  /// Runs an expression or a block, unless too many are running.
  func nested<Result>(_ body: () throws -> Result) throws -> Result { try work.nested(number, body) }

  /// Texts one behind the other.
  func joined(_ parts: [String], by separator: String = "") throws -> String {
    let (gaps, isTooLarge) = separator.utf8.count.multipliedReportingOverflow(by: max(parts.count - 1, 0))
    let sum = parts.reduce(0) { $0 + $1.utf8.count }.addingReportingOverflow(gaps)
    try make(bytes: (sum.partialValue, sum.overflow || isTooLarge))
    return parts.joined(separator: separator)
  }

  /// A text many times.
  func repeated(_ text: String, _ times: Int) throws -> String {
    try make(bytes: text.utf8.count.multipliedReportingOverflow(by: max(times, 0)))
    // Nothing is added up as often as anything else.
    return text.isEmpty ? "" : String(repeating: text, count: max(times, 0))
  }
}
