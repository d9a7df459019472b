/// Reads the tokens of a template as Jinja2's parser does. What the evaluator does not know is refused here,
/// with its line and name: blocks, filters, tests, methods.
struct JinjaParser {
  var tokens: [JinjaLexer.Token]
  var place = 0
  /// Expressions and blocks within each other.
  private var depth = 0
  private var loops = 0
  /// Expressions within each other: half of what ``JinjaWork`` lets run.
  static let mostExpressions = 200

  init(_ source: String) throws { tokens = try JinjaLexer.tokens(source) }

  /// The parts of a template.
  ///
  /// - Throws: ``JinjaError``.
  static func parse(_ source: String) throws -> [JinjaNode] {
    var parser = try JinjaParser(source)
    let nodes = try parser.body(until: [])
    return nodes
  }

  // MARK: Tokens

  var current: JinjaLexer.Token { tokens[place] }
  var line: Int { current.line }

  mutating func advance() { if place + 1 < tokens.count { place += 1 } }

  func isSign(_ sign: String) -> Bool { current.kind == .sign(sign) }
  func isName(_ name: String) -> Bool { current.kind == .name(name) }

  mutating func skip(_ sign: String) -> Bool {
    guard isSign(sign) else { return false }
    advance()
    return true
  }

  mutating func skip(name: String) -> Bool {
    guard isName(name) else { return false }
    advance()
    return true
  }

  mutating func expect(_ sign: String) throws {
    guard skip(sign) else { throw unexpected(expected: "\"\(sign)\"") }
  }

  mutating func name() throws -> String {
    guard case .name(let name) = current.kind else { throw unexpected(expected: "a name") }
    advance()
    return name
  }

  func unexpected(expected: String) -> JinjaError {
    let found =
      switch current.kind {
      case .data: "text"
      case .beginVariable: "{{"
      case .endVariable: "}}"
      case .beginBlock: "{%"
      case .endBlock: "%}"
      case .name(let name): "\"\(name)\""
      case .string(let text): "the text \"\(text.prefix(20))\""
      case .integer(let value): "\(value)"
      case .real(let value): "\(value)"
      case .sign(let sign): "\"\(sign)\""
      case .end: "the end of the template"
      }
    return JinjaError(line, "found \(found), expected \(expected)")
  }

  /// Keeps what is within each other from using up the stack.
  mutating func nested<Result>(_ body: (inout Self) throws -> Result) throws -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 200 else { throw JinjaError(line, "more than 200 constructs within each other") }
    return try body(&self)
  }

  // MARK: Blocks

  /// Nodes up to a block with one of these names, which stays; to the end of the template where there are
  /// none.
  private mutating func body(until ends: [String]) throws -> [JinjaNode] {
    let start = line
    var nodes: [JinjaNode] = []
    while true {
      let line = line
      switch current.kind {
      case .data(let text):
        advance()
        nodes.append(JinjaNode(line: line, kind: .data(text)))
      case .beginVariable:
        advance()
        nodes.append(JinjaNode(line: line, kind: .output(try tuple())))
        guard current.kind == .endVariable else { throw unexpected(expected: "}}") }
        advance()
      case .beginBlock:
        advance()
        if case .name(let name) = current.kind, ends.contains(name) { return nodes }
        nodes.append(JinjaNode(line: line, kind: try nested { try $0.block() }))
      case .end where ends.isEmpty: return nodes
      case .end:
        throw JinjaError(start, "a block without its {% \(ends.last ?? "") %}")
      default: throw unexpected(expected: "text or a block")
      }
    }
  }

  private mutating func endBlock() throws {
    guard current.kind == .endBlock else { throw unexpected(expected: "%}") }
    advance()
  }

  /// The body of a block and its end.
  private mutating func body(ending name: String) throws -> [JinjaNode] {
    try endBlock()
    let nodes = try body(until: [name])
    advance()
    return nodes
  }

  private mutating func block() throws -> JinjaNode.Kind {
    let line = line
    let name = try name()
    let kind: JinjaNode.Kind
    switch name {
    case "if": kind = try condition()
    case "for": kind = try loop()
    case "set": kind = try set()
    case "macro": kind = try macro()
    case "generation": kind = .generation(try body(ending: "endgeneration"))
    case "filter":
      let filter = try filters(of: nil)
      kind = .capture(nil, filter: filter, body: try body(ending: "endfilter"))
    case "with":
      var values: [(JinjaTarget, JinjaExpression)] = []
      while current.kind != .endBlock {
        if !values.isEmpty { try expect(",") }
        let target = try target()
        try expect("=")
        values.append((target, try expression()))
      }
      kind = .with(values, body: try body(ending: "endwith"))
    case "break", "continue":
      guard loops > 0 else { throw JinjaError(line, "{% \(name) %} outside a loop") }
      kind = name == "break" ? .leave : .next
    default:
      throw JinjaError(
        line,
        "a block {% \(name) %}, expected for, if, set, macro, filter, with, generation, raw, break or "
          + "continue")
    }
    try endBlock()
    return kind
  }

  private mutating func condition() throws -> JinjaNode.Kind {
    var branches: [(JinjaExpression?, [JinjaNode])] = []
    var test: JinjaExpression? = try tuple(hasConditions: false)
    while true {
      try endBlock()
      branches.append((test, try body(until: test == nil ? ["endif"] : ["elif", "else", "endif"])))
      switch try name() {
      case "elif": test = try tuple(hasConditions: false)
      case "else": test = nil
      default: return .condition(branches)
      }
    }
  }

  private mutating func loop() throws -> JinjaNode.Kind {
    let target = try target()
    guard skip(name: "in") else { throw unexpected(expected: "in") }
    let values = try tuple(hasConditions: false)
    let test = skip(name: "if") ? try expression() : nil
    if isName("recursive") { throw JinjaError(line, "a loop that is recursive, which is not computed here") }
    try endBlock()
    loops += 1
    let nodes = try body(until: ["else", "endfor"])
    loops -= 1
    var otherwise: [JinjaNode] = []
    if try name() == "else" { otherwise = try body(ending: "endfor") }
    return .loop(target, over: values, where: test, body: nodes, otherwise: otherwise)
  }

  private mutating func set() throws -> JinjaNode.Kind {
    let target = try target()
    if skip("=") { return .set(target, try tuple()) }
    let filter = isSign("|") ? try filters(of: nil, isFirst: false) : nil
    return .capture(target, filter: filter, body: try body(ending: "endset"))
  }

  private mutating func macro() throws -> JinjaNode.Kind {
    var macro = JinjaNode.Macro(name: try name(), parameters: [], body: [])
    try expect("(")
    while !isSign(")") {
      if !macro.parameters.isEmpty { try expect(",") }
      if isSign(")") { break }
      let name = try name()
      let usual = skip("=") ? try expression() : nil
      if usual == nil, macro.parameters.contains(where: { $0.usual != nil }) {
        throw JinjaError(line, "a parameter \(name) without a value behind one with a value")
      }
      macro.parameters.append((name, usual))
    }
    try expect(")")
    // A macro has loops of its own.
    let outer = loops
    loops = 0
    macro.body = try body(ending: "endmacro")
    loops = outer
    return .macro(macro)
  }

  private mutating func target() throws -> JinjaTarget {
    var targets: [JinjaTarget] = []
    var isSeveral = false
    repeat {
      if !targets.isEmpty, isSign("=") || isName("in") { break }
      if skip("(") {
        targets.append(try nested { try $0.target() })
        try expect(")")
      } else {
        let name = try name()
        targets.append(skip(".") ? .attribute(of: name, try self.name()) : .name(name))
      }
      if isSign(",") { isSeveral = true }
    } while skip(",")
    return isSeveral ? .several(targets) : targets[0]
  }
}
