extension JinjaParser {
  /// An expression, unless it has too many within each other, be it without brackets: `a.b.c`, `1 + 1 + 1`.
  private func made(_ line: Int, _ kind: JinjaExpression.Kind) throws -> JinjaExpression {
    let expression = JinjaExpression(line: line, kind: kind)
    guard expression.depth <= Self.mostExpressions else {
      throw JinjaError(line, "more than \(Self.mostExpressions) expressions within each other")
    }
    return expression
  }

  /// An expression, or several with commas between them.
  ///
  /// - Parameter hasConditions: whether `a if b else c` is one.
  mutating func tuple(hasConditions: Bool = true) throws -> JinjaExpression {
    let line = line
    var values: [JinjaExpression] = []
    var isTuple = false
    while true {
      if isTupleEnd { break }
      values.append(hasConditions ? try expression() : try or())
      guard skip(",") else { break }
      isTuple = true
    }
    if !isTuple, let only = values.first { return only }
    guard isTuple else { throw unexpected(expected: "an expression") }
    return try made(line, .tuple(values))
  }

  private var isTupleEnd: Bool {
    switch current.kind {
    case .endBlock, .endVariable, .sign(")"): true
    default: false
    }
  }

  /// One expression.
  mutating func expression() throws -> JinjaExpression {
    try nested { try $0.conditional() }
  }

  private mutating func conditional() throws -> JinjaExpression {
    var value = try or()
    while isName("if") {
      let line = line
      advance()
      let test = try or()
      let other = skip(name: "else") ? try expression() : nil
      value = try made(line, .conditional(value, if: test, else: other))
    }
    return value
  }

  private mutating func or() throws -> JinjaExpression {
    var left = try and()
    while isName("or") {
      let line = line
      advance()
      left = try made(line, .or(left, try and()))
    }
    return left
  }

  private mutating func and() throws -> JinjaExpression {
    var left = try not()
    while isName("and") {
      let line = line
      advance()
      left = try made(line, .and(left, try not()))
    }
    return left
  }

  private mutating func not() throws -> JinjaExpression {
    guard isName("not") else { return try comparison() }
    let line = line
    advance()
    return try made(line, .not(nested { try $0.not() }))
  }

  private mutating func comparison() throws -> JinjaExpression {
    let line = line
    let first = try sum()
    var others: [(String, JinjaExpression)] = []
    while true {
      switch current.kind {
      case .sign(let sign) where ["==", "!=", "<", "<=", ">", ">="].contains(sign):
        advance()
        others.append((sign, try sum()))
      case .name("in"):
        advance()
        others.append(("in", try sum()))
      case .name("not") where tokens[min(place + 1, tokens.count - 1)].kind == .name("in"):
        advance()
        advance()
        others.append(("not in", try sum()))
      default: return try others.isEmpty ? first : made(line, .comparison(first, others))
      }
    }
  }

  private mutating func sum() throws -> JinjaExpression {
    try arithmetic(["+", "-"]) { try $0.concatenation() }
  }

  private mutating func concatenation() throws -> JinjaExpression {
    let line = line
    var parts = [try product()]
    while skip("~") { parts.append(try product()) }
    return try parts.count == 1 ? parts[0] : made(line, .joined(parts))
  }

  private mutating func product() throws -> JinjaExpression {
    try arithmetic(["*", "/", "//", "%"]) { parser in
      try parser.arithmetic(["**"]) { try $0.unary(hasFilters: true) }
    }
  }

  private mutating func arithmetic(
    _ signs: [String], _ operand: (inout Self) throws -> JinjaExpression
  ) throws -> JinjaExpression {
    var left = try operand(&self)
    while case .sign(let sign) = current.kind, signs.contains(sign) {
      let line = line
      advance()
      left = try made(line, .arithmetic(sign, left, try operand(&self)))
    }
    return left
  }

  private mutating func unary(hasFilters: Bool) throws -> JinjaExpression {
    let line = line
    var value: JinjaExpression
    if skip("-") {
      value = try made(line, .negative(nested { try $0.unary(hasFilters: false) }))
    } else if skip("+") {
      value = try made(line, .positive(nested { try $0.unary(hasFilters: false) }))
    } else {
      value = try primary()
    }
    value = try postfix(value)
    return hasFilters ? try filtersAndTests(value) : value
  }

  private mutating func primary() throws -> JinjaExpression {
    let line = line
    switch current.kind {
    case .name(let name):
      advance()
      switch name {
      case "true", "True": return try made(line, .boolean(true))
      case "false", "False": return try made(line, .boolean(false))
      case "none", "None": return try made(line, .none)
      default: return try made(line, .name(name))
      }
    case .string:
      var text = ""
      while case .string(let part) = current.kind {
        text += part
        advance()
      }
      return try made(line, .text(text))
    case .integer(let value):
      advance()
      return try made(line, .integer(value))
    case .real(let value):
      advance()
      return try made(line, .real(value))
    case .sign("("):
      advance()
      if skip(")") { return try made(line, .tuple([])) }
      let value = try nested { try $0.tuple() }
      try expect(")")
      return value
    case .sign("["):
      advance()
      var values: [JinjaExpression] = []
      while !isSign("]") {
        if !values.isEmpty { try expect(",") }
        if isSign("]") { break }
        values.append(try expression())
      }
      try expect("]")
      return try made(line, .list(values))
    case .sign("{"):
      advance()
      var members: [(JinjaExpression, JinjaExpression)] = []
      while !isSign("}") {
        if !members.isEmpty { try expect(",") }
        if isSign("}") { break }
        let key = try expression()
        try expect(":")
        members.append((key, try expression()))
      }
      try expect("}")
      return try made(line, .mapping(members))
    default: throw unexpected(expected: "an expression")
    }
  }

  private mutating func postfix(_ start: JinjaExpression) throws -> JinjaExpression {
    var value = start
    while true {
      let line = line
      if skip(".") {
        if case .integer(let index) = current.kind {
          advance()
          value = try made(line, .element(value, made(line, .integer(index))))
        } else {
          value = try made(line, .attribute(value, try name()))
        }
      } else if skip("[") {
        value = try subscripted(value, line)
        try expect("]")
      } else if isSign("(") {
        value = try call(value)
      } else {
        return value
      }
    }
  }

  private mutating func subscripted(_ value: JinjaExpression, _ line: Int) throws -> JinjaExpression {
    func isBound(_ parser: Self) -> Bool { !parser.isSign(":") && !parser.isSign("]") }
    let start = isBound(self) ? try expression() : nil
    guard skip(":") else {
      guard let start else { throw unexpected(expected: "an index") }
      guard !isSign(",") else { throw JinjaError(line, "an index of several parts") }
      return try made(line, .element(value, start))
    }
    let end = isBound(self) ? try expression() : nil
    let step = skip(":") && isBound(self) ? try expression() : nil
    return try made(line, .slice(value, start, end, step))
  }

  private mutating func call(_ value: JinjaExpression) throws -> JinjaExpression {
    let line = line
    if case .attribute(_, let name) = value.kind, !JinjaMethods.names.contains(name) {
      throw JinjaError(line, "a method .\(name)(), which is not computed here")
    }
    if case .name(let name) = value.kind, ["cycler", "joiner", "lipsum", "caller", "super"].contains(name) {
      throw JinjaError(line, "a function \(name)(), which is not computed here")
    }
    return try made(line, .call(value, try arguments()))
  }

  mutating func arguments() throws -> JinjaArguments {
    try expect("(")
    var arguments = JinjaArguments()
    while !isSign(")") {
      if !arguments.unnamed.isEmpty || !arguments.named.isEmpty { try expect(",") }
      if isSign(")") { break }
      if isSign("*") || isSign("**") {
        throw JinjaError(line, "arguments that are unpacked, which is not computed here")
      }
      if case .name(let name) = current.kind, tokens[place + 1].kind == .sign("=") {
        advance()
        advance()
        arguments.named.append((name, try expression()))
      } else {
        guard arguments.named.isEmpty else { throw JinjaError(line, "an argument behind a named one") }
        arguments.unnamed.append(try expression())
      }
    }
    try expect(")")
    return arguments
  }

  // MARK: Filters and tests

  private mutating func filtersAndTests(_ start: JinjaExpression) throws -> JinjaExpression {
    var value = start
    while true {
      if isSign("|") {
        value = try filters(of: value, isFirst: false)
      } else if isName("is") {
        value = try test(value)
      } else if isSign("(") {
        value = try call(value)
      } else {
        return value
      }
    }
  }

  /// A chain of filters.
  ///
  /// - Parameter isFirst: whether it begins with a name rather than with `|`.
  mutating func filters(of start: JinjaExpression?, isFirst: Bool = true) throws -> JinjaExpression {
    var value = start
    var isFirst = isFirst
    while isFirst || isSign("|") {
      if !isFirst { advance() }
      isFirst = false
      let line = line
      let name = try name()
      guard JinjaFilters.names.contains(name) else {
        throw JinjaError(line, "a filter \(name), which is not computed here")
      }
      let arguments = isSign("(") ? try arguments() : JinjaArguments()
      if ["map", "select", "reject", "selectattr", "rejectattr"].contains(name) {
        try checkNames(name, arguments)
      }
      value = try made(line, .filter(value, name, arguments))
    }
    guard let value else { throw unexpected(expected: "a filter") }
    return value
  }

  /// The filter or test that a filter is given by its name.
  private func checkNames(_ filter: String, _ arguments: JinjaArguments) throws {
    let place = filter.hasSuffix("attr") ? 1 : 0
    guard arguments.unnamed.count > place, case .text(let name) = arguments.unnamed[place].kind
    else { return }
    let known = filter == "map" ? JinjaFilters.names : JinjaTests.names
    guard known.contains(name) else {
      throw JinjaError(
        arguments.unnamed[place].line,
        "a \(filter == "map" ? "filter" : "test") \(name), which is not computed here")
    }
  }

  private mutating func test(_ value: JinjaExpression) throws -> JinjaExpression {
    advance()
    let line = line
    let isNegated = skip(name: "not")
    let name = try name()
    guard JinjaTests.names.contains(name) else {
      throw JinjaError(line, "a test \(name), which is not computed here")
    }
    var arguments = JinjaArguments()
    switch current.kind {
    case .sign("("): arguments = try self.arguments()
    case .name("is"): throw JinjaError(line, "a test of a test")
    case .name("else"), .name("or"), .name("and"), .name("if"), .name("not"), .name("in"): break
    case .name, .string, .integer, .real, .sign("["), .sign("{"):
      let argument = try primary()
      arguments.unnamed = [try postfix(argument)]
    default: break
    }
    let result = try made(line, .test(value, name, arguments))
    return isNegated ? try made(line, .not(result)) : result
  }
}
