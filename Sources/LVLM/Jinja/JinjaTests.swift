/// What can stand behind `is`.
enum JinjaTests {
  static let names: Set<String> = [
    "defined", "undefined", "none", "string", "mapping", "iterable", "sequence", "number", "integer", "float",
    "boolean", "true", "false", "callable", "odd", "even", "divisibleby", "equalto", "eq", "ne", "lt",
    "lessthan", "gt", "greaterthan", "le", "ge", "in", "sameas", "lower", "upper",
  ]

  private static let comparisons = [
    "equalto": "==", "eq": "==", "==": "==", "ne": "!=", "lt": "<", "lessthan": "<", "gt": ">",
    "greaterthan": ">", "le": "<=", "ge": ">=", "in": "in",
  ]

  static func holds(_ name: String, _ value: JinjaValue, _ call: JinjaCall) throws -> Bool {
    let line = call.line
    let needsOther = comparisons[name] != nil || name == "divisibleby" || name == "sameas"
    guard call.named.isEmpty, call.unnamed.count == (needsOther ? 1 : 0) else {
      throw JinjaError(line, "the test \(name) with \(call.unnamed.count + call.named.count) arguments")
    }
    if let sign = comparisons[name] { return try JinjaArithmetic.compare(sign, value, call.unnamed[0], line) }
    func whole() throws -> Int {
      guard let whole = value.whole else { throw JinjaError(line, "the test \(name) of \(value.kind)") }
      return whole
    }
    switch (name, value) {
    case ("defined", _): return !value.isUndefined
    case ("undefined", _): return value.isUndefined
    case ("none", .none), ("string", .text), ("mapping", .mapping), ("boolean", .boolean), ("float", .real),
      ("true", .boolean(true)), ("false", .boolean(false)), ("callable", .function), ("integer", .integer):
      return true
    case ("number", _): return value.number != nil
    case ("iterable", _): return value.hasElements
    // Python asks for a length and for elements; an undefined value has the first, and fails at the other.
    case ("sequence", .undefined): return true
    case ("sequence", .generator): return false
    case ("sequence", _): return value.hasElements
    case ("odd", _): return try whole() % 2 != 0
    case ("even", _): return try whole() % 2 == 0
    case ("divisibleby", _):
      guard let divisor = call.unnamed[0].whole, divisor != 0 else {
        throw JinjaError(line, "the test divisibleby \(call.unnamed[0].kind)")
      }
      // The least number divided by −1 is none of 64 bits; its rest is 0.
      return try divisor == -1 || whole() % divisor == 0
    case ("sameas", _):
      switch (value, call.unnamed[0]) {
      case (.boolean(let a), .boolean(let b)): return a == b
      case (.none, .none): return true
      case (.boolean, _), (_, .boolean), (.none, _), (_, .none): return false
      default: throw JinjaError(line, "the test sameas of \(value.kind), expected truth values or none")
      }
    case ("lower", _), ("upper", _):
      let text = try value.written(line)
      try line.read(text)
      let isCased = text.unicodeScalars.contains { $0.properties.isUppercase || $0.properties.isLowercase }
      return isCased
        && text.unicodeScalars.allSatisfy {
          name == "lower" ? !$0.properties.isUppercase : !$0.properties.isLowercase
        }
    default: return false
    }
  }
}
