/// A value on its way into a YAML file.
indirect enum ConfigurationValue: Equatable {
  case scalar(String)
  case list([ConfigurationValue])
  case mapping([(key: String, value: ConfigurationValue)])

  static func text(_ text: String) -> ConfigurationValue { .scalar(quotedIfNeeded(text)) }
  static func number(_ number: Double) -> ConfigurationValue { .scalar(shortest(number)) }
  static func integer(_ integer: Int) -> ConfigurationValue { .scalar(String(integer)) }
  static func flag(_ flag: Bool) -> ConfigurationValue { .scalar(flag ? "true" : "false") }

  static func == (left: ConfigurationValue, right: ConfigurationValue) -> Bool { left.flow == right.flow }

  /// On one line.
  var flow: String {
    switch self {
    case .scalar(let text): text
    case .list(let items): "[" + items.map(\.flow).joined(separator: ", ") + "]"
    case .mapping(let entries):
      "{" + entries.map { "\($0.key): \($0.value.flow)" }.joined(separator: ", ") + "}"
    }
  }

  /// As a block, with mappings of mappings indented and everything else on one line.
  func block(indentation: Int = 0) -> String {
    guard case .mapping(let entries) = self else { return flow }
    let margin = String(repeating: " ", count: indentation)
    return entries.map { key, value in
      if case .mapping(let inner) = value, !inner.isEmpty,
        inner.contains(where: { !$0.key.allSatisfy(\.isNumber) })
      {
        return "\(margin)\(key):\n" + value.block(indentation: indentation + 2)
      }
      return "\(margin)\(key): \(value.flow)\n"
    }.joined()
  }

  /// The shortest decimal that reads back as the same number, without an exponent where it stays short.
  private static func shortest(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : "\(number)"
  }

  private static func quotedIfNeeded(_ text: String) -> String {
    let plainStart: (Character) -> Bool = { $0.isLetter || $0 == "/" || $0 == "." || $0 == "_" }
    let plain: (Character) -> Bool = { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+".contains($0)) }
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
    if let first = text.first, plainStart(first), text.allSatisfy(plain), Double(text) == nil,
      !reserved.contains(text.lowercased())
    {
      return text
    }
    let escaped = text.unicodeScalars.map { scalar -> String in
      switch scalar {
      case "\"": return "\\\""
      case "\\": return "\\\\"
      case "\n": return "\\n"
      case "\t": return "\\t"
      default:
        guard scalar.value < 32 else { return String(scalar) }
        let digits = String(scalar.value, radix: 16)
        return "\\x" + (digits.count < 2 ? "0" : "") + digits
      }
    }
    return "\"" + escaped.joined() + "\""
  }
}
