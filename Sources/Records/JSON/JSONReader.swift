/// Why a text is not JSON, and where.
public struct JSONSyntaxError: Error, Equatable, Sendable {
  /// The byte at which reading stopped, from 0.
  public var offset: Int
  /// What was expected there and what was found.
  public var problem: String
}

/// Reads JSON values one after the other from bytes, keeping the order of keys and the place of errors.
struct JSONReader {
  /// The text.
  private let bytes: UnsafeBufferPointer<UInt8>
  /// The next byte to read.
  var position: Int
  private var depth = 0
  private let keepsSpelling: Bool
  private static let deepest = 256

  /// - Parameter keepsSpelling: whether a number that would be written otherwise stays as it is spelled.
  init(_ bytes: UnsafeBufferPointer<UInt8>, keepsSpelling: Bool = false) {
    self.bytes = bytes
    self.keepsSpelling = keepsSpelling
    position = 0
  }

  /// The byte after white space; `nil` at the end.
  mutating func peek() -> UInt8? {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return bytes[position]
      }
    }
    return nil
  }

  /// Takes `byte` if it comes next after white space.
  mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    position += 1
    return true
  }

  /// An error at the current place.
  mutating func expected(_ what: String) -> JSONSyntaxError {
    let found: String
    if let byte = peek() {
      found = (0x21...0x7E).contains(byte) ? "'\(UnicodeScalar(byte))'" : "the byte \(byte)"
    } else {
      found = "the end of the text"
    }
    return JSONSyntaxError(offset: position, problem: "expected \(what), found \(found)")
  }

  /// The next value.
  mutating func value() throws(JSONSyntaxError) -> OrderedJSON {
    guard let byte = peek() else { throw expected("a value") }
    switch byte {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw expected("a value")
    }
  }

  /// The next value, or why there is none.
  mutating func result() -> Result<OrderedJSON, JSONSyntaxError> {
    do throws(JSONSyntaxError) { return .success(try value()) } catch { return .failure(error) }
  }

  private mutating func enter() throws(JSONSyntaxError) {
    depth += 1
    if depth > Self.deepest {
      throw JSONSyntaxError(offset: position, problem: "nested deeper than \(Self.deepest) levels")
    }
  }

  private mutating func object() throws(JSONSyntaxError) -> OrderedJSON {
    try enter()
    defer { depth -= 1 }
    position += 1
    var members: [OrderedJSON.Member] = []
    // Records have few keys, which are compared sooner than hashed.
    let few = 16
    var seen: Set<String> = []
    if take(UInt8(ascii: "}")) { return .object(members) }
    while true {
      guard peek() == UInt8(ascii: "\"") else { throw expected("a key in quotes") }
      let key = try string()
      if members.count == few { seen = Set(members.map(\.key)) }
      let isNew =
        members.count < few ? !members.contains { $0.key == key } : seen.insert(key).inserted
      guard isNew else {
        throw expected("each key once, found \"\(key)\" twice")
      }
      guard take(UInt8(ascii: ":")) else { throw expected("':' after the key \"\(key)\"") }
      members.append(OrderedJSON.Member(key, try value()))
      if take(UInt8(ascii: ",")) { continue }
      guard take(UInt8(ascii: "}")) else { throw expected("',' or '}' after the value of \"\(key)\"") }
      return .object(members)
    }
  }

  private mutating func array() throws(JSONSyntaxError) -> OrderedJSON {
    try enter()
    defer { depth -= 1 }
    position += 1
    var values: [OrderedJSON] = []
    if take(UInt8(ascii: "]")) { return .array(values) }
    while true {
      values.append(try value())
      if take(UInt8(ascii: ",")) { continue }
      guard take(UInt8(ascii: "]")) else { throw expected("',' or ']' in a list") }
      return .array(values)
    }
  }

  private mutating func word(_ text: String, _ value: OrderedJSON) throws(JSONSyntaxError) -> OrderedJSON {
    let utf8 = Array(text.utf8)
    guard position + utf8.count <= bytes.count, bytes[position..<position + utf8.count].elementsEqual(utf8)
    else {
      throw expected("a value")
    }
    position += utf8.count
    return value
  }

  private mutating func number() throws(JSONSyntaxError) -> OrderedJSON {
    let start = position
    func isDigit(_ at: Int) -> Bool {
      at < bytes.count && bytes[at] >= UInt8(ascii: "0") && bytes[at] <= UInt8(ascii: "9")
    }
    func digits(_ at: inout Int) -> Bool {
      let first = at
      while isDigit(at) { at += 1 }
      return at > first
    }
    var at = start
    if bytes[at] == UInt8(ascii: "-") { at += 1 }
    let leading = at
    var isWhole = true
    var isValid = digits(&at) && (bytes[leading] != UInt8(ascii: "0") || at == leading + 1)
    if isValid, at < bytes.count, bytes[at] == UInt8(ascii: ".") {
      isWhole = false
      at += 1
      isValid = digits(&at)
    }
    if isValid, at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
      isWhole = false
      at += 1
      if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
      isValid = digits(&at)
    }
    guard isValid else {
      throw JSONSyntaxError(offset: start, problem: "expected a number, found something like one")
    }
    let text = String(decoding: bytes[start..<at], as: UTF8.self)
    position = at
    if isWhole, let value = Int(text), !keepsSpelling || text != "-0" { return .integer(value) }
    if keepsSpelling, Double(text)?.description != text { return .spelled(text) }
    guard let value = Double(text), value.isFinite else {
      throw JSONSyntaxError(offset: start, problem: "the number \(text) is too large")
    }
    return .number(value)
  }

  /// The string that starts at the current quotation mark.
  private mutating func string() throws(JSONSyntaxError) -> String {
    let start = position
    position += 1
    var units: [UInt8] = []
    var run = position
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        units += bytes[run..<position]
        position += 1
        guard let text = String(validating: units, as: UTF8.self) else {
          throw JSONSyntaxError(offset: start, problem: "the string is not valid UTF-8")
        }
        return text
      }
      if byte < 0x20 {
        throw JSONSyntaxError(offset: position, problem: "a string contains the control byte \(byte)")
      }
      position += 1
      if byte == UInt8(ascii: "\\") {
        units += bytes[run..<position - 1]
        try units.append(contentsOf: String(escape()).utf8)
        run = position
      }
    }
    throw JSONSyntaxError(offset: start, problem: "a string without its closing quotation mark")
  }

  private mutating func escape() throws(JSONSyntaxError) -> Character {
    guard position < bytes.count else { throw expected("an escape") }
    position += 1
    switch bytes[position - 1] {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let first = try hexadecimal()
      if let scalar = UnicodeScalar(first) { return Character(scalar) }
      guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
        bytes[position + 1] == UInt8(ascii: "u")
      else { throw expected("a surrogate pair: a lone surrogate is no character") }
      let back = position
      position += 2
      let second = try hexadecimal()
      guard (0xDC00...0xDFFF).contains(second),
        let scalar = UnicodeScalar(0x10000 + (UInt32(first) - 0xD800) << 10 + UInt32(second) - 0xDC00)
      else {
        position = back
        throw expected("a surrogate pair: a lone surrogate is no character")
      }
      return Character(scalar)
    default:
      position -= 1
      throw expected("one of \" \\ / b f n r t u after a backslash")
    }
  }

  private mutating func hexadecimal() throws(JSONSyntaxError) -> UInt16 {
    guard position + 4 <= bytes.count,
      bytes[position..<position + 4].allSatisfy({ UnicodeScalar($0).properties.isASCIIHexDigit }),
      let value = UInt16(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw expected("four hexadecimal digits") }
    position += 4
    return value
  }
}

extension OrderedJSON {
  /// Reads one JSON text.
  /// - Throws: ``JSONSyntaxError`` with the byte where reading stopped.
  public init(parsing bytes: [UInt8]) throws(JSONSyntaxError) {
    var failure: JSONSyntaxError?
    let value: OrderedJSON? = bytes.withUnsafeBufferPointer { buffer in
      var reader = JSONReader(buffer)
      do throws(JSONSyntaxError) {
        let value = try reader.value()
        if reader.peek() != nil { throw reader.expected("the end of the text") }
        return value
      } catch {
        failure = error
        return nil
      }
    }
    guard let value else {
      throw failure ?? JSONSyntaxError(offset: 0, problem: "expected a value")
    }
    self = value
  }

  /// The value of a key of an object. `nil` for anything else.
  public subscript(key key: String) -> OrderedJSON? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.key == key }?.value
  }

  /// The string, where the value is one.
  public var text: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  /// What kind of value this is, for errors.
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .integer, .number, .spelled: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}
