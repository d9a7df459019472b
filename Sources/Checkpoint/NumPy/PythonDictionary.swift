/// A dictionary of text, truth values and tuples of counts, as Python writes it: all that a header of an npy
/// file may hold.
struct PythonDictionary {
  /// A value of the dictionary.
  enum Value: Equatable {
    case text(String)
    case boolean(Bool)
    case tuple([Int])
    /// Anything in square brackets, such as the description of a record.
    case list

    /// The value in a message.
    var summary: String {
      switch self {
      case .text(let text): "'\(text)'"
      case .boolean(let truth): truth ? "True" : "False"
      case .tuple(let counts): "\(counts)"
      case .list: "a record"
      }
    }
  }

  private(set) var values: [String: Value] = [:]

  /// Parses all of `bytes`.
  /// - Throws: ``PythonSyntaxError``.
  init(_ bytes: Slice<UnsafeRawBufferPointer>) throws {
    var reader = PythonReader(Array(bytes))
    try reader.expect("{")
    while !reader.take("}") {
      let key = try reader.text()
      try reader.expect(":")
      let value = try reader.value()
      guard values.updateValue(value, forKey: key) == nil else {
        throw reader.error("the key '\(key)' a second time", "unique keys")
      }
      if reader.take("}") { break }
      try reader.expect(",")
    }
    try reader.expectEnd()
  }
}

/// Where a header stops making sense.
struct PythonSyntaxError: Error {
  let offset: Int
  let found: String
  let expected: String
}

/// Reads Python literals front to back.
private struct PythonReader {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func error(_ found: String, _ expected: String) -> PythonSyntaxError {
    PythonSyntaxError(offset: position, found: found, expected: expected)
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private var nextText: String {
    guard let next else { return "the end" }
    return (0x20..<0x7F).contains(next) ? "`\(Character(UnicodeScalar(next)))`" : "byte \(next)"
  }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A { position += 1 }
  }

  /// Passes over a character if it comes next.
  mutating func take(_ character: UnicodeScalar) -> Bool {
    skipSpace()
    guard let byte = next, UInt32(byte) == character.value else { return false }
    position += 1
    return true
  }

  mutating func expect(_ character: UnicodeScalar) throws {
    guard take(character) else { throw error(nextText, "`\(Character(character))`") }
  }

  mutating func expectEnd() throws {
    skipSpace()
    guard next == nil else { throw error(nextText, "nothing but spaces") }
  }

  /// Quoted text without escapes.
  mutating func text() throws -> String {
    skipSpace()
    guard let quote = next, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw error(nextText, "quoted text")
    }
    position += 1
    let start = position
    while let byte = next, byte != quote {
      guard (0x20..<0x7F).contains(byte), byte != UInt8(ascii: "\\") else {
        throw error(nextText, "plain characters")
      }
      position += 1
    }
    guard next != nil else { throw error("the end", "a closing quote") }
    defer { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  mutating func value() throws -> PythonDictionary.Value {
    skipSpace()
    switch next {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return .text(try text())
    case UInt8(ascii: "("): return .tuple(try tuple())
    case UInt8(ascii: "["):
      try skipList()
      return .list
    default:
      for (word, truth) in [("True", true), ("False", false)]
      where bytes[position...].starts(with: word.utf8) {
        position += word.utf8.count
        return .boolean(truth)
      }
      throw error(nextText, "text, True, False or a tuple")
    }
  }

  /// `()`, `(3,)` or `(2, 3)`.
  private mutating func tuple() throws -> [Int] {
    try expect("(")
    var counts: [Int] = []
    while !take(")") {
      counts.append(try count())
      if take(")") {
        guard counts.count > 1 else { throw error("one count without a comma", "a tuple such as (3,)") }
        break
      }
      try expect(",")
    }
    return counts
  }

  private mutating func count() throws -> Int {
    skipSpace()
    let start = position
    var value = 0
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
      guard !overflow, !carry else { throw error("a number beyond 64 bits", "a count") }
      value = sum
      position += 1
    }
    guard position > start else { throw error(nextText, "a count") }
    // Python 2 marked long integers.
    if next == UInt8(ascii: "L") { position += 1 }
    return value
  }

  private mutating func skipList() throws {
    var depth = 0
    repeat {
      guard let byte = next else { throw error("the end", "`]`") }
      if byte == UInt8(ascii: "[") { depth += 1 }
      if byte == UInt8(ascii: "]") { depth -= 1 }
      position += 1
    } while depth > 0
  }
}
