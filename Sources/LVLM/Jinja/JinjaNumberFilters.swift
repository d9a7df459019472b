import Foundation

/// Filters of numbers and of order.
enum JinjaNumberFilters {
  static func result(_ name: String, _ value: JinjaValue, _ call: JinjaCall) throws -> JinjaValue {
    let line = call.line
    func number() throws -> Double {
      guard let number = value.number else { throw JinjaError(line, "the filter \(name) of \(value.kind)") }
      return number
    }
    func elements() throws -> [JinjaValue] { try JinjaFilters.elements(name, value, line) }
    /// What a value is ordered by: texts without regard to capitals, unless that is asked for.
    func key(_ value: JinjaValue, _ path: JinjaValue?, _ isCased: Bool = false) throws -> JinjaValue {
      let found = try JinjaFilters.attribute(path, of: value, line)
      if !isCased, case .text(let text) = found {
        try line.make(bytes: text.utf8.count)
        return .text(text.lowercased())
      }
      return found
    }
    func isBefore(_ a: JinjaValue, _ b: JinjaValue) throws -> Bool {
      guard let result = try a.isBefore(b, line) else {
        throw JinjaError(line, "an order of \(a.kind) and \(b.kind)")
      }
      return result
    }
    switch name {
    case "abs":
      if let whole = value.whole, whole != .min { return .integer(Swift.abs(whole)) }
      return .real(Swift.abs(try number()))
    case "round":
      let precision = call[0, "precision"]?.whole ?? 0
      let method = try call[1, "method"]?.written(line) ?? "common"
      let rules: [String: FloatingPointRoundingRule] = ["ceil": .up, "floor": .down]
      let scale = pow(10, Double(precision))
      if let rule = rules[method] { return .real((try number() * scale).rounded(rule) / scale) }
      guard method == "common", precision == 0 else {
        throw JinjaError(line, "round to \(precision) digits by \(method), which is not computed here")
      }
      if value.whole != nil { return value }
      return .real(try number().rounded(.toNearestOrEven))
    case "sum":
      return try elements().reduce(call[1, "start"] ?? .integer(0)) { sum, element in
        try JinjaArithmetic.result(
          "+", sum, JinjaFilters.attribute(call[0, "attribute"], of: element, line), line)
      }
    case "max", "min":
      let path = call[0, "attribute"]
      var best: (key: JinjaValue, value: JinjaValue)?
      for element in try elements() {
        let own = try key(element, path)
        if let old = best?.key, try !(name == "max" ? isBefore(old, own) : isBefore(own, old)) { continue }
        best = (own, element)
      }
      return best?.value ?? .undefined("the \(name) of nothing")
    case "unique":
      var seen: [JinjaValue] = []
      return .generator(
        try elements().filter { element in
          let own = try key(element, call[0, "attribute"])
          guard try !seen.contains(where: { try $0.equals(own, line) }) else { return false }
          seen.append(own)
          return true
        })
    case "sort":
      let isCased = call[1, "case_sensitive"]?.isTrue ?? false
      let keyed = try elements().map { (try key($0, call[2, "attribute"], isCased), $0) }
      try line.make(elements: keyed.count)
      let isReversed = call[0, "reverse"]?.isTrue ?? false
      return .list(
        try keyed.sorted { try isReversed ? isBefore($1.0, $0.0) : isBefore($0.0, $1.0) }.map(\.1))
    default:
      guard case .mapping(let mapping) = value else { throw JinjaError(line, "dictsort of \(value.kind)") }
      try line.make(elements: mapping.members.count)
      return .list(
        try mapping.members.sorted { try isBefore(key($0.key, nil), key($1.key, nil)) }
          .map { .tuple([$0.key, $0.value]) })
    }
  }
}
