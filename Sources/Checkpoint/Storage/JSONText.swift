/// A JSON value that keeps the order of keys and, unlike Foundation's reader, refuses duplicate ones.
package indirect enum JSONValue: Equatable, Sendable {
  case object([(key: String, value: JSONValue)])
  case array([JSONValue])
  case string(String)
  case integer(Int)
  case real(Double)
  case boolean(Bool)
  case null

  package static func == (a: JSONValue, b: JSONValue) -> Bool {
    switch (a, b) {
    case (.object(let a), .object(let b)): a.elementsEqual(b) { $0.key == $1.key && $0.value == $1.value }
    case (.array(let a), .array(let b)): a == b
    case (.string(let a), .string(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.real(let a), .real(let b)): a == b
    case (.boolean(let a), .boolean(let b)): a == b
    case (.null, .null): true
    default: false
    }
  }

  /// The value of a key, or nil when this is no object or has no such key.
  package subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  /// What it is, in one or two words for error messages.
  package var kind: String {
    switch self {
    case .object: "an object"
    case .array: "an array"
    case .string: "text"
    case .integer, .real: "a number"
    case .boolean: "true or false"
    case .null: "null"
    }
  }
}

/// Where and why a text is not JSON.
package struct JSONSyntaxError: Error, Equatable {
  /// Byte offset of the offending character.
  package let offset: Int
  /// What was found there, and what was expected.
  package let message: String
}

/// A strict reader of JSON (RFC 8259) from UTF-8 bytes.
package struct JSONReader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  private var depth = 0

  /// Reads one value that fills all bytes, white space aside.
  package static func read(_ bytes: UnsafeRawBufferPointer) throws(JSONSyntaxError) -> JSONValue {
    var reader = JSONReader(bytes: bytes)
    let value = try reader.value()
    reader.skipSpace()
    if reader.position < bytes.count { throw reader.failure("text after the end of the value") }
    return value
  }

  private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private func failure(_ message: String) -> JSONSyntaxError {
    JSONSyntaxError(offset: position, message: message)
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(JSONSyntaxError) {
    skipSpace()
    guard current == UInt8(ascii: character) else {
      throw failure(current == nil ? "the end of the text, expected `\(character)`" : "no `\(character)`")
    }
    position += 1
  }

  private mutating func value() throws(JSONSyntaxError) -> JSONValue {
    skipSpace()
    switch current {
    case UInt8(ascii: "{")?: return try nested { (reader) throws(JSONSyntaxError) in try reader.object() }
    case UInt8(ascii: "[")?: return try nested { (reader) throws(JSONSyntaxError) in try reader.array() }
    case UInt8(ascii: "\"")?: return .string(try string())
    case UInt8(ascii: "t")?: return try word("true", .boolean(true))
    case UInt8(ascii: "f")?: return try word("false", .boolean(false))
    case UInt8(ascii: "n")?: return try word("null", .null)
    case nil: throw failure("the end of the text, expected a value")
    default: return try number()
    }
  }

  private mutating func nested(
    _ body: (inout JSONReader) throws(JSONSyntaxError) -> JSONValue
  ) throws(JSONSyntaxError) -> JSONValue {
    depth += 1
    defer { depth -= 1 }
    if depth > 64 { throw failure("values nested deeper than 64 levels") }
    return try body(&self)
  }

  private mutating func object() throws(JSONSyntaxError) -> JSONValue {
    position += 1
    var members: [(key: String, value: JSONValue)] = []
    // Bytes, because two spellings of one character are two keys.
    var keys: Set<[UInt8]> = []
    skipSpace()
    if current == UInt8(ascii: "}") {
      position += 1
      return .object(members)
    }
    while true {
      skipSpace()
      guard current == UInt8(ascii: "\"") else { throw failure("no key in quotes") }
      let start = position
      let key = try string()
      guard keys.insert(Array(key.utf8)).inserted else {
        throw JSONSyntaxError(offset: start, message: "the key `\(key)` a second time")
      }
      try expect(":")
      members.append((key, try value()))
      skipSpace()
      if current == UInt8(ascii: ",") {
        position += 1
        continue
      }
      try expect("}")
      return .object(members)
    }
  }

  private mutating func array() throws(JSONSyntaxError) -> JSONValue {
    position += 1
    var elements: [JSONValue] = []
    skipSpace()
    if current == UInt8(ascii: "]") {
      position += 1
      return .array(elements)
    }
    while true {
      elements.append(try value())
      skipSpace()
      if current == UInt8(ascii: ",") {
        position += 1
        continue
      }
      try expect("]")
      return .array(elements)
    }
  }

  private mutating func word(_ text: StaticString, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
    for index in 0..<text.utf8CodeUnitCount {
      guard position + index < bytes.count, bytes[position + index] == text.utf8Start[index] else {
        throw failure("no JSON value")
      }
    }
    position += text.utf8CodeUnitCount
    return value
  }

  private mutating func number() throws(JSONSyntaxError) -> JSONValue {
    let start = position
    while let byte = current, "+-.eE0123456789".utf8.contains(byte) { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
    guard let first = digits.utf8.first, (0x30...0x39).contains(first),
      digits == "0" || first != 0x30 || !isDigit(digits)
    else {
      throw JSONSyntaxError(
        offset: start, message: text.isEmpty ? "no JSON value" : "`\(text)`, expected a number")
    }
    if let integer = Int(text) { return .integer(integer) }
    guard let real = Double(text), real.isFinite else {
      throw JSONSyntaxError(offset: start, message: "`\(text)`, expected a number")
    }
    return .real(real)
  }

  private func isDigit(_ digits: Substring) -> Bool {
    guard let second = digits.utf8.dropFirst().first else { return false }
    return (0x30...0x39).contains(second)
  }

  private mutating func string() throws(JSONSyntaxError) -> String {
    let start = position
    position += 1
    var text: [UInt8] = []
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        guard let valid = String(validating: text, as: UTF8.self) else {
          throw JSONSyntaxError(offset: start, message: "text that is not UTF-8")
        }
        return valid
      case UInt8(ascii: "\\"):
        position += 1
        text += try escape()
      case 0..<0x20:
        throw failure("a control character in text")
      default:
        text.append(byte)
        position += 1
      }
    }
    throw failure("the end of the text, expected a closing quote")
  }

  private mutating func escape() throws(JSONSyntaxError) -> [UInt8] {
    guard let byte = current else { throw failure("the end of the text, expected an escape") }
    position += 1
    switch Unicode.Scalar(byte) {
    case "\"", "\\", "/": return [byte]
    case "b": return [8]
    case "f": return [12]
    case "n": return [10]
    case "r": return [13]
    case "t": return [9]
    case "u":
      var units = [try hexadecimal()]
      if (0xD800..<0xDC00).contains(units[0]) {
        guard current == UInt8(ascii: "\\") else { throw failure("half of a surrogate pair") }
        position += 1
        guard current == UInt8(ascii: "u") else { throw failure("half of a surrogate pair") }
        position += 1
        units.append(try hexadecimal())
      }
      guard let text = String(validating: units, as: UTF16.self) else {
        throw failure("half of a surrogate pair")
      }
      return [UInt8](text.utf8)
    default:
      position -= 1
      throw failure("an unknown escape")
    }
  }

  private mutating func hexadecimal() throws(JSONSyntaxError) -> UInt16 {
    guard position + 4 <= bytes.count,
      bytes[position..<(position + 4)].allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }),
      let unit = UInt16(String(decoding: bytes[position..<(position + 4)], as: UTF8.self), radix: 16)
    else { throw failure("no four hexadecimal digits after \\u") }
    position += 4
    return unit
  }
}

/// A string as a JSON literal: quotes, backslash and control characters escaped, all else as it is.
package func jsonLiteral(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\r": result += "\\r"
    case "\t": result += "\\t"
    case "\u{0}"..<" ":
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
