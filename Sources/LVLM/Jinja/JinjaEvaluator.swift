/// Names and their values, within those of what is around them.
final class JinjaScope {
  private var values: [String: JinjaValue] = [:]
  private let outer: JinjaScope?

  init(in outer: JinjaScope?) { self.outer = outer }

  subscript(name: String) -> JinjaValue? {
    get { values[name] ?? outer?[name] }
    set { values[name] = newValue }
  }
}

/// Renders a template: text goes to ``output``.
struct JinjaEvaluator {
  /// How a body ends.
  private enum Flow { case through, leave, next }

  private var output = ""
  private var depth = 0
  /// Bytes that a template may write, and elements that it may make at once.
  static let most = 1 << 26

  /// The text that a template makes of names and values.
  ///
  /// - Throws: ``JinjaError``.
  static func render(_ nodes: [JinjaNode], _ values: [String: JinjaValue]) throws -> String {
    let scope = JinjaScope(in: nil)
    for (name, function) in JinjaFunctions.all { scope[name] = .function(function) }
    for (name, value) in values { scope[name] = value }
    var evaluator = JinjaEvaluator()
    // Top-level names of the template itself do not replace what it is given.
    _ = try evaluator.run(nodes, JinjaScope(in: scope))
    return evaluator.output
  }

  // MARK: Nodes

  private mutating func write(_ text: String, _ line: Int) throws {
    output += text
    guard output.utf8.count <= Self.most else {
      throw JinjaError(line, "more than \(Self.most) bytes of text")
    }
  }

  private mutating func run(_ nodes: [JinjaNode], _ scope: JinjaScope) throws -> Flow {
    for node in nodes {
      let flow = try run(node, scope)
      if flow != .through { return flow }
    }
    return .through
  }

  private mutating func run(_ node: JinjaNode, _ scope: JinjaScope) throws -> Flow {
    switch node.kind {
    case .data(let text): try write(text, node.line)
    case .output(let expression): try write(value(expression, scope).written(node.line), node.line)
    case .condition(let branches):
      for branch in branches {
        if let test = branch.if, try !value(test, scope).isTrue { continue }
        return try run(branch.body, scope)
      }
    case .loop(let target, let over, let test, let body, let otherwise):
      try loop(target, over, test, body, otherwise, scope, node.line)
    case .set(let target, let expression):
      try assign(value(expression, scope), to: target, scope, node.line)
    case .capture(let target, let filter, let body):
      var result = JinjaValue.text(try captured(body, JinjaScope(in: scope)))
      if let filter { result = try filtered(filter, result, scope) }
      if let target {
        try assign(result, to: target, scope, node.line)
      } else {
        try write(result.written(node.line), node.line)
      }
    case .with(let values, let body):
      let inner = JinjaScope(in: scope)
      for entry in values { try assign(value(entry.value, scope), to: entry.target, inner, node.line) }
      return try run(body, inner)
    case .generation(let body): return try run(body, JinjaScope(in: scope))
    case .macro(let macro): scope[macro.name] = .function(function(of: macro, scope))
    case .leave: return .leave
    case .next: return .next
    }
    return .through
  }

  /// What a body writes. A loop is not left from within it.
  private mutating func captured(_ body: [JinjaNode], _ scope: JinjaScope) throws -> String {
    let before = output
    output = ""
    defer { output = before }
    _ = try run(body, scope)
    return output
  }

  private mutating func loop(
    _ target: JinjaTarget, _ over: JinjaExpression, _ test: JinjaExpression?, _ body: [JinjaNode],
    _ otherwise: [JinjaNode], _ scope: JinjaScope, _ line: Int
  ) throws {
    let collection = try value(over, scope)
    guard var elements = collection.elements else {
      throw JinjaError(line, "a loop over \(collection.kind), expected a list")
    }
    if let test {
      elements = try elements.filter { element in
        let inner = JinjaScope(in: scope)
        try assign(element, to: target, inner, line)
        return try value(test, inner).isTrue
      }
    }
    let changes = JinjaNamespace(JinjaMapping())
    for (index, element) in elements.enumerated() {
      let inner = JinjaScope(in: scope)
      inner["loop"] = JinjaFunctions.loop(index, elements, changes: changes)
      try assign(element, to: target, inner, line)
      if try run(body, inner) == .leave { break }
    }
    if elements.isEmpty { _ = try run(otherwise, JinjaScope(in: scope)) }
  }

  private func assign(_ value: JinjaValue, to target: JinjaTarget, _ scope: JinjaScope, _ line: Int) throws {
    switch target {
    case .name(let name): scope[name] = value
    case .attribute(let name, let member):
      guard case .namespace(let space)? = scope[name] else {
        throw JinjaError(line, "\(name).\(member) is set, expected \(name) to be a namespace")
      }
      space.members[.text(member)] = value
    case .several(let targets):
      guard let elements = value.elements, !value.isUndefined, elements.count == targets.count else {
        throw JinjaError(
          line, "\(value.count.map { "\($0) values" } ?? value.kind) for \(targets.count) names")
      }
      for (target, element) in zip(targets, elements) { try assign(element, to: target, scope, line) }
    }
  }

  private func function(of macro: JinjaNode.Macro, _ scope: JinjaScope) -> JinjaFunction {
    let depth = depth
    return JinjaFunction(macro.name) { call in
      var evaluator = JinjaEvaluator()
      evaluator.depth = max(depth, call.depth) + 1
      guard evaluator.depth <= 50 else { throw JinjaError(call.line, "macros within each other without end") }
      try call.require("the macro \(macro.name)", macro.parameters.map(\.name))
      let inner = JinjaScope(in: scope)
      for (place, parameter) in macro.parameters.enumerated() {
        if let given = call[place, parameter.name] {
          inner[parameter.name] = given
        } else if let usual = parameter.usual {
          inner[parameter.name] = try evaluator.value(usual, inner)
        } else {
          inner[parameter.name] = .undefined(parameter.name)
        }
      }
      _ = try evaluator.run(macro.body, inner)
      return .text(evaluator.output)
    }
  }

  // MARK: Expressions

  private func value(_ expression: JinjaExpression, _ scope: JinjaScope) throws -> JinjaValue {
    let line = expression.line
    switch expression.kind {
    case .none: return .none
    case .boolean(let flag): return .boolean(flag)
    case .integer(let value): return .integer(value)
    case .real(let value): return .real(value)
    case .text(let text): return .text(text)
    case .name(let name): return scope[name] ?? .undefined(name)
    case .list(let values): return .list(try values.map { try value($0, scope) })
    case .tuple(let values): return .tuple(try values.map { try value($0, scope) })
    case .mapping(let members):
      return .mapping(
        JinjaMapping(try members.map { (try value($0.key, scope), try value($0.value, scope)) }))
    case .not(let operand): return .boolean(try !value(operand, scope).isTrue)
    case .negative(let operand):
      return try JinjaArithmetic.result("-", .integer(0), value(operand, scope), line)
    case .positive(let operand):
      return try JinjaArithmetic.result("+", .integer(0), value(operand, scope), line)
    case .and(let left, let right):
      let first = try value(left, scope)
      return first.isTrue ? try value(right, scope) : first
    case .or(let left, let right):
      let first = try value(left, scope)
      return first.isTrue ? first : try value(right, scope)
    case .arithmetic(let sign, let left, let right):
      return try JinjaArithmetic.result(sign, value(left, scope), value(right, scope), line)
    case .joined(let parts):
      return .text(try parts.map { try value($0, scope).written(line) }.joined())
    case .comparison(let first, let others):
      var left = try value(first, scope)
      for (sign, next) in others {
        let right = try value(next, scope)
        guard try JinjaArithmetic.compare(sign, left, right, line) else { return .boolean(false) }
        left = right
      }
      return .boolean(true)
    case .conditional(let result, let test, let other):
      if try value(test, scope).isTrue { return try value(result, scope) }
      return try other.map { try value($0, scope) } ?? .undefined("the value of an if without else")
    case .attribute(let base, let name):
      return try JinjaMembers.attribute(name, of: value(base, scope), line)
    case .element(let base, let index):
      return try JinjaMembers.element(value(index, scope), of: value(base, scope), line)
    case .slice(let base, let start, let end, let step):
      return try JinjaMembers.slice(
        of: value(base, scope), start.map { try value($0, scope) }, end.map { try value($0, scope) },
        step.map { try value($0, scope) }, line)
    case .call(let callee, let arguments):
      let called = try value(callee, scope)
      guard case .function(let function) = called else {
        throw JinjaError(line, "a call of \(called.kind), expected a function")
      }
      return try function.body(call(arguments, scope, line))
    case .filter: return try filtered(expression, nil, scope)
    case .test(let operand, let name, let arguments):
      return .boolean(try JinjaTests.holds(name, value(operand, scope), call(arguments, scope, line)))
    }
  }

  private func call(_ arguments: JinjaArguments, _ scope: JinjaScope, _ line: Int) throws -> JinjaCall {
    var call = JinjaCall(line: line)
    call.depth = depth
    call.unnamed = try arguments.unnamed.map { try value($0, scope) }
    call.named = try arguments.named.map { ($0.name, try value($0.value, scope)) }
    return call
  }

  /// A chain of filters, the innermost of which may be given its operand.
  private func filtered(
    _ expression: JinjaExpression, _ given: JinjaValue?, _ scope: JinjaScope
  ) throws -> JinjaValue {
    guard case .filter(let operand, let name, let arguments) = expression.kind else {
      return try value(expression, scope)
    }
    let input = try operand.map { try filtered($0, given, scope) } ?? given ?? .undefined("a filter's value")
    return try JinjaFilters.result(name, input, call(arguments, scope, expression.line))
  }
}
