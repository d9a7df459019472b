import Foundation

/// Python's operators on the values of a template.
enum JinjaArithmetic {
  static func result(
    _ sign: String, _ a: JinjaValue, _ b: JinjaValue, _ line: JinjaLine
  ) throws -> JinjaValue {
    var refused: JinjaError { JinjaError(line, "\(a.kind) \(sign) \(b.kind)") }
    switch (sign, a, b) {
    case ("+", .text(let a), .text(let b)): return .text(try line.joined([a, b]))
    case ("+", .list(let a), .list(let b)):
      try line.make(elements: a.count + b.count)
      return .list(a + b)
    case ("+", .tuple(let a), .tuple(let b)):
      try line.make(elements: a.count + b.count)
      return .tuple(a + b)
    case ("*", .text, _), ("*", .list, _), ("*", _, .text), ("*", _, .list):
      guard let times = b.whole ?? a.whole else { throw refused }
      let repeated = a.whole == nil ? a : b
      if case .text(let text) = repeated { return .text(try line.repeated(text, times)) }
      let elements = try repeated.elements(line) ?? []
      try line.make(elements: elements.count.multipliedReportingOverflow(by: max(times, 0)))
      return .list(elements.isEmpty ? [] : (0..<max(times, 0)).flatMap { _ in elements })
    default: break
    }
    if let x = a.whole, let y = b.whole, sign != "/", !(sign == "**" && y < 0) {
      return .integer(try whole(sign, x, y, line))
    }
    guard let x = a.number, let y = b.number else { throw refused }
    if y == 0, sign == "/" || sign == "//" || sign == "%" { throw JinjaError(line, "a division by zero") }
    switch sign {
    case "+": return .real(x + y)
    case "-": return .real(x - y)
    case "*": return .real(x * y)
    case "/": return .real(x / y)
    case "//": return .real((x / y).rounded(.down))
    case "%":
      let rest = x.truncatingRemainder(dividingBy: y)
      return .real(rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest)
    default: return .real(pow(x, y))
    }
  }

  private static func whole(_ sign: String, _ x: Int, _ y: Int, _ line: JinjaLine) throws -> Int {
    func checked(_ result: (partialValue: Int, overflow: Bool)) throws -> Int {
      guard !result.overflow else {
        throw JinjaError(line, "\(x) \(sign) \(y), which needs more than 64 bits")
      }
      return result.partialValue
    }
    switch sign {
    case "+": return try checked(x.addingReportingOverflow(y))
    case "-": return try checked(x.subtractingReportingOverflow(y))
    case "*": return try checked(x.multipliedReportingOverflow(by: y))
    case "**":
      var result = 1
      for _ in 0..<min(y, 64) { result = try checked(result.multipliedReportingOverflow(by: x)) }
      // More than 64 factors that fit are zeros and ones.
      return y > 64 && x == -1 && y % 2 == 1 ? -1 : result
    default:
      guard y != 0 else { throw JinjaError(line, "a division by zero") }
      let quotient = try checked(x.dividedReportingOverflow(by: y))
      let rest = x - quotient * y
      let isBelow = rest != 0 && (rest < 0) != (y < 0)
      return sign == "//" ? quotient - (isBelow ? 1 : 0) : rest + (isBelow ? y : 0)
    }
  }

  static func compare(_ sign: String, _ a: JinjaValue, _ b: JinjaValue, _ line: JinjaLine) throws -> Bool {
    switch sign {
    case "==": return try a.equals(b, line)
    case "!=": return try !a.equals(b, line)
    case "in", "not in":
      guard let isThere = try b.contains(a, line) else { throw JinjaError(line, "\(a.kind) in \(b.kind)") }
      return isThere == (sign == "in")
    default:
      guard let isBefore = try a.isBefore(b, line), let isAfter = try b.isBefore(a, line) else {
        throw JinjaError(line, "\(a.kind) \(sign) \(b.kind)")
      }
      switch sign {
      case "<": return isBefore
      case ">": return isAfter
      case "<=": return try isBefore || (!isAfter && a.equals(b, line))
      default: return try isAfter || (!isBefore && a.equals(b, line))
      }
    }
  }
}

/// Attributes, elements and slices.
enum JinjaMembers {
  /// `value.name`: a method where there is one of this name, else the element.
  static func attribute(_ name: String, of value: JinjaValue, _ line: JinjaLine) throws -> JinjaValue {
    switch value {
    case .undefined: throw JinjaError(line, ".\(name) of \(value.kind)")
    case .namespace(let space): return try space.members.value(of: .text(name), line) ?? .undefined(name)
    case .mapping(let mapping):
      if let method = JinjaMethods.method(name, of: value) { return .function(method) }
      return try mapping.value(of: .text(name), line) ?? .undefined(name)
    default: return JinjaMethods.method(name, of: value).map(JinjaValue.function) ?? .undefined(name)
    }
  }

  /// `value[index]`: the element where there is one, else the attribute.
  static func element(_ index: JinjaValue, of value: JinjaValue, _ line: JinjaLine) throws -> JinjaValue {
    switch value {
    case .undefined: throw JinjaError(line, "an element of \(value.kind)")
    case .mapping(let mapping):
      if let found = try mapping.value(of: index, line) { return found }
    case .text(let text):
      if let place = index.whole {
        try line.read(text)
        let scalars = text.unicodeScalars
        let end = place < 0 ? scalars.endIndex : scalars.startIndex
        let limit = place < 0 ? scalars.startIndex : scalars.endIndex
        guard let found = scalars.index(end, offsetBy: place, limitedBy: limit), found < scalars.endIndex
        else { return .undefined("element \(place)") }
        return .text(String(scalars[found]))
      }
    case .list(let elements), .tuple(let elements):
      if let place = index.whole {
        let actual = place < 0 ? place + elements.count : place
        return elements.indices.contains(actual) ? elements[actual] : .undefined("element \(place)")
      }
    default: break
    }
    guard case .text(let name) = index else {
      return .undefined("an element")
    }
    if case .mapping = value {
      return JinjaMethods.method(name, of: value).map(JinjaValue.function) ?? .undefined(name)
    }
    return try attribute(name, of: value, line)
  }

  static func slice(
    of value: JinjaValue, _ start: JinjaValue?, _ end: JinjaValue?, _ step: JinjaValue?, _ line: JinjaLine
  ) throws -> JinjaValue {
    func bound(_ value: JinjaValue?) throws -> Int? {
      switch value {
      case nil, .none?: return nil
      case let value?:
        guard let whole = value.whole else { throw JinjaError(line, "a slice at \(value.kind)") }
        return whole
      }
    }
    let step = try bound(step) ?? 1
    guard step != 0 else { throw JinjaError(line, "a slice with the step 0") }
    var (all, scalars): ([JinjaValue], [Unicode.Scalar]) = ([], [])
    switch value {
    case .text(let text):
      try line.read(text)
      scalars = Array(text.unicodeScalars)
    case .list(let values), .tuple(let values): all = values
    default: throw JinjaError(line, "a slice of \(value.kind)")
    }
    let count = all.count + scalars.count
    func clamped(_ place: Int?, _ usual: Int) -> Int {
      guard let place else { return usual }
      let actual = place < 0 ? max(place, -count - 1) + count : min(place, count)
      return step > 0 ? min(max(actual, 0), count) : min(max(actual, -1), count - 1)
    }
    let (first, last) = (
      clamped(try bound(start), step > 0 ? 0 : count - 1), clamped(try bound(end), step > 0 ? count : -1)
    )
    let taken = stride(from: first, to: last, by: step)
    if case .text = value { return .text(String(taken.map { scalars[$0] })) }
    try line.make(elements: taken.underestimatedCount)
    let elements = taken.map { all[$0] }
    if case .tuple = value { return .tuple(elements) }
    return .list(elements)
  }
}
