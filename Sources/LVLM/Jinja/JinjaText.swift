/// Texts of values: as Python's `str` and `repr` write them, and as JSON.
extension JinjaValue {
  /// What `{{ }}` writes.
  func written(_ line: JinjaLine) throws -> String {
    switch self {
    case .undefined: ""
    case .text(let text): text
    default: try represented(line)
    }
  }

  /// As Python's `repr` writes it.
  private func represented(_ line: JinjaLine) throws -> String {
    try line.spend(1)
    return switch self {
    case .undefined: "Undefined"
    case .none: "None"
    case .boolean(let flag): flag ? "True" : "False"
    case .integer(let value): "\(value)"
    case .real(let value): Self.text(of: value)
    case .text(let text): try Self.quoted(text, line)
    case .list(let values):
      "[" + (try line.joined(values.map { try $0.represented(line) }, by: ", ")) + "]"
    case .tuple(let values):
      "(" + (try line.joined(values.map { try $0.represented(line) }, by: ", "))
        + (values.count == 1 ? ",)" : ")")
    case .mapping(let mapping):
      "{"
        + (try line.joined(
          mapping.members.map { "\(try $0.key.represented(line)): \(try $0.value.represented(line))" },
          by: ", ")) + "}"
    case .generator, .namespace, .function:
      throw JinjaError(line, "\(kind) where a text is expected")
    }
  }

  private static func quoted(_ text: String, _ line: JinjaLine) throws -> String {
    try line.read(text)
    let scalars = text.unicodeScalars
    let quote: Unicode.Scalar = scalars.contains("'") && !scalars.contains("\"") ? "\"" : "'"
    func code(_ scalar: Unicode.Scalar) -> String {
      let digits = String(scalar.value, radix: 16)
      let (mark, length) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
      return "\\\(mark)" + String(repeating: "0", count: length - digits.count) + digits
    }
    return String(quote)
      + scalars.map { scalar in
        switch scalar {
        case quote, "\\": "\\\(scalar)"
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default:
          switch scalar.properties.generalCategory {
          case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
            code(scalar)
          case .spaceSeparator: scalar == " " ? " " : code(scalar)
          default: String(scalar)
          }
        }
      }.joined() + String(quote)
  }

  /// The shortest digits that give the same number.
  static func text(of value: Double) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    let text = "\(value)"
    guard let exponent = text.lastIndex(of: "e") else { return text }
    // Python writes at least two digits of an exponent, and none of a fraction that is zero.
    var digits = String(text[..<exponent])
    if digits.hasSuffix(".0") { digits.removeLast(2) }
    let power = text[text.index(after: exponent)...]
    let sign = power.hasPrefix("-") ? "-" : "+"
    let rest = power.drop { $0 == "-" || $0 == "+" }
    return digits + "e" + sign + (rest.count < 2 ? "0" : "") + rest
  }
}

/// `json.dumps` with `ensure_ascii=False`, as transformers' filter `tojson` calls it.
struct JinjaJSON {
  var indent: String?
  var item = ", "
  var key = ": "
  var sortsKeys = false
  var isASCII = false
  var line: JinjaLine

  func text(_ value: JinjaValue, depth: Int = 0) throws -> String {
    try line.spend(1)
    switch value {
    case .none: return "null"
    case .boolean(let flag): return flag ? "true" : "false"
    case .integer(let value): return "\(value)"
    case .real(let value):
      if value.isNaN { return "NaN" }
      if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
      return JinjaValue.text(of: value)
    case .text(let text): return try quoted(text)
    case .list(let values), .tuple(let values):
      return try lines(values.map { try self.text($0, depth: depth + 1) }, "[", "]", depth)
    case .mapping(let mapping):
      var members = try mapping.members.map { ($0.key, try name($0.key), $0.value) }
      if sortsKeys { try members.sort { try $0.0.isBefore($1.0, line) ?? false } }
      return try lines(
        members.map { try line.joined([quoted($0.1), key, self.text($0.2, depth: depth + 1)]) }, "{", "}",
        depth)
    case .undefined, .generator, .namespace, .function:
      throw JinjaError(line, "tojson of \(value.kind)")
    }
  }

  private func name(_ key: JinjaValue) throws -> String {
    switch key {
    case .text(let text): text
    case .none, .boolean, .integer, .real: try text(key)
    default: throw JinjaError(line, "tojson of a mapping with \(key.kind) as a key")
    }
  }

  private func lines(_ parts: [String], _ open: String, _ close: String, _ depth: Int) throws -> String {
    guard let indent, !parts.isEmpty else { return open + (try line.joined(parts, by: item)) + close }
    let inner = "\n" + (try line.repeated(indent, depth + 1))
    return open + inner + (try line.joined(parts, by: item + inner)) + "\n"
      + (try line.repeated(indent, depth)) + close
  }

  private func quoted(_ text: String) throws -> String {
    try line.read(text)
    func code(_ unit: some BinaryInteger) -> String {
      let digits = String(unit, radix: 16)
      return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
    return "\""
      + text.unicodeScalars.map { scalar in
        switch scalar {
        case "\"": "\\\""
        case "\\": "\\\\"
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        case "\u{8}": "\\b"
        case "\u{C}": "\\f"
        default:
          scalar.value < 0x20
            ? code(scalar.value)
            : scalar.value > 0x7E && isASCII ? String(scalar).utf16.map { code($0) }.joined() : String(scalar)
        }
      }.joined() + "\""
  }
}
