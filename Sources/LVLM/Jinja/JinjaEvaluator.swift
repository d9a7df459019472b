/// Names and their values, within those of what is around them.
final class JinjaScope {
  private var values: [String: JinjaValue] = [:]
  private let outer: JinjaScope?

  init(in outer: JinjaScope?) { self.outer = outer }

  subscript(name: String) -> JinjaValue? {
    get { values[name] ?? outer?[name] }
    set { values[name] = newValue }
  }

  func clear() { values = [:] }
}

/// Renders a template: text goes to ``output``.
struct JinjaEvaluator {
  /// How a body ends.
  private enum Flow { case through, leave, next }

  private let work: JinjaWork
  private var output = ""
  private var depth = 0

  private init(_ work: JinjaWork) { self.work = work }

  private func at(_ number: Int) -> JinjaLine { JinjaLine(number: number, work: work) }

  /// The text that a template makes of names and values.
  ///
  /// - Parameter units: what it may do, see ``JinjaWork``.
  /// - Throws: ``JinjaError``.
  static func render(
    _ nodes: [JinjaNode], _ values: [String: JinjaValue], units: Int
  ) throws -> String {
    let work = JinjaWork(units, for: values.values)
    defer { work.end() }
    let scope = JinjaScope(in: nil)
    for (name, function) in JinjaFunctions.all { scope[name] = .function(function) }
    for (name, value) in values { scope[name] = value }
    var evaluator = JinjaEvaluator(work)
    // Top-level names of the template itself do not replace what it is given.
    _ = try evaluator.run(nodes, JinjaScope(in: scope))
    return evaluator.output
  }

  // MARK: Nodes

  private mutating func write(_ text: String, _ line: JinjaLine) throws {
    guard output.utf8.count + text.utf8.count <= JinjaWork.mostBytes else {
      throw JinjaError(line, "more than \(JinjaWork.mostBytes) bytes of text")
    }
    try line.make(bytes: text.utf8.count)
    output += text
  }

  private mutating func run(_ nodes: [JinjaNode], _ scope: JinjaScope) throws -> Flow {
    guard let first = nodes.first else { return .through }
    return try at(first.line).nested {
      for node in nodes {
        let flow = try run(node, scope)
        if flow != .through { return flow }
      }
      return .through
    }
  }

  private mutating func run(_ node: JinjaNode, _ scope: JinjaScope) throws -> Flow {
    let line = at(node.line)
    try line.spend(1)
    switch node.kind {
    case .data(let text): try write(text, line)
    case .output(let expression): try write(value(expression, scope).written(line), line)
    case .condition(let branches):
      for branch in branches {
        if let test = branch.if, try !value(test, scope).isTrue { continue }
        return try run(branch.body, scope)
      }
    case .loop(let target, let over, let test, let body, let otherwise):
      try loop(target, over, test, body, otherwise, scope, line)
    case .set(let target, let expression):
      try assign(value(expression, scope), to: target, scope, line)
    case .capture(let target, let filter, let body):
      var result = JinjaValue.text(try captured(body, JinjaScope(in: scope)))
      if let filter { result = try filtered(filter, result, scope) }
      if let target {
        try assign(result, to: target, scope, line)
      } else {
        try write(result.written(line), line)
      }
    case .with(let values, let body):
      let inner = JinjaScope(in: scope)
      for entry in values { try assign(value(entry.value, scope), to: entry.target, inner, line) }
      return try run(body, inner)
    case .generation(let body): return try run(body, JinjaScope(in: scope))
    case .macro(let macro):
      scope[macro.name] = .function(function(of: macro, scope))
      work.keep(scope)
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

  /// What a turn of a loop costs besides its body: a scope, and what the body knows of the loop.
  private static let turn = 16

  private mutating func loop(
    _ target: JinjaTarget, _ over: JinjaExpression, _ test: JinjaExpression?, _ body: [JinjaNode],
    _ otherwise: [JinjaNode], _ scope: JinjaScope, _ line: JinjaLine
  ) throws {
    let collection = try value(over, scope)
    guard var elements = try collection.elements(line) else {
      throw JinjaError(line, "a loop over \(collection.kind), expected a list")
    }
    if let test {
      elements = try elements.filter { element in
        let inner = JinjaScope(in: scope)
        try line.spend(Self.turn)
        try assign(element, to: target, inner, line)
        return try value(test, inner).isTrue
      }
    }
    let changes = JinjaNamespace(JinjaMapping())
    // A body that asks whether a value changed holds itself.
    defer { changes.members = JinjaMapping() }
    for (index, element) in elements.enumerated() {
      let inner = JinjaScope(in: scope)
      try line.spend(Self.turn)
      inner["loop"] = JinjaFunctions.loop(index, elements, changes: changes)
      try assign(element, to: target, inner, line)
      if try run(body, inner) == .leave { break }
    }
    if elements.isEmpty { _ = try run(otherwise, JinjaScope(in: scope)) }
  }

  private func assign(
    _ value: JinjaValue, to target: JinjaTarget, _ scope: JinjaScope, _ line: JinjaLine
  ) throws {
    switch target {
    case .name(let name): scope[name] = value
    case .attribute(let name, let member):
      guard case .namespace(let space)? = scope[name] else {
        throw JinjaError(line, "\(name).\(member) is set, expected \(name) to be a namespace")
      }
      // Of other values the parts were looked at when they were put together.
      if case .namespace = value { _ = try line.holding([value]) }
      try space.members.set(.text(member), value, line)
    case .several(let targets):
      guard let elements = try value.elements(line), !value.isUndefined, elements.count == targets.count
      else {
        throw JinjaError(
          line, "\(value.count.map { "\($0) values" } ?? value.kind) for \(targets.count) names")
      }
      for (target, element) in zip(targets, elements) { try assign(element, to: target, scope, line) }
    }
  }

  private func function(of macro: JinjaNode.Macro, _ scope: JinjaScope) -> JinjaFunction {
    let (depth, work) = (depth, work)
    return JinjaFunction(macro.name) { call in
      var evaluator = JinjaEvaluator(work)
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
    let line = at(expression.line)
    try line.spend(1)
    switch expression.kind {
    case .none: return .none
    case .boolean(let flag): return .boolean(flag)
    case .integer(let value): return .integer(value)
    case .real(let value): return .real(value)
    case .text(let text): return .text(text)
    case .name(let name): return scope[name] ?? .undefined(name)
    default: return try line.nested { try compound(expression, scope, line) }
    }
  }

  /// The value of an expression that has others in it.
  private func compound(
    _ expression: JinjaExpression, _ scope: JinjaScope, _ line: JinjaLine
  ) throws -> JinjaValue {
    switch expression.kind {
    case .none, .boolean, .integer, .real, .text, .name: return try value(expression, scope)
    case .list(let values): return .list(try line.holding(values.map { try value($0, scope) }))
    case .tuple(let values): return .tuple(try line.holding(values.map { try value($0, scope) }))
    case .mapping(let members):
      var mapping = JinjaMapping()
      for member in members {
        let held = try line.holding([value(member.key, scope), value(member.value, scope)])
        try mapping.set(held[0], held[1], line)
      }
      return .mapping(mapping)
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
      return .text(try line.joined(parts.map { try value($0, scope).written(line) }))
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

  private func call(_ arguments: JinjaArguments, _ scope: JinjaScope, _ line: JinjaLine) throws -> JinjaCall {
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
    return try JinjaFilters.result(name, input, call(arguments, scope, at(expression.line)))
  }
}
