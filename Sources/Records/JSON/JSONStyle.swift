/// How JSON text of records is laid out: what it takes to write values that were read as the same bytes.
///
/// Covers what Python's `json.dump` writes with any `indent`, `separators` and `ensure_ascii`, as a list or
/// as a record a line.
public struct JSONStyle: Sendable, Equatable {
  /// How records follow one another.
  public enum Layout: String, Sendable {
    /// One JSON list.
    case list
    /// A record on every line (JSONL).
    case lines
  }

  /// List or lines.
  public var layout: Layout
  /// Spaces of every level of a list that is spread over lines; `nil` for everything on one line.
  public var indent: Int?
  /// Whether characters beyond ASCII are written as escapes of four digits: `\u00e9` for `é`.
  public var escapesNonASCII: Bool
  /// Between elements that stand on one line.
  public var itemSeparator: String
  /// Between a key and its value.
  public var keySeparator: String
  /// Whether the text ends with a line break.
  public var endsWithNewline: Bool

  /// Creates a style.
  public init(
    _ layout: Layout, indent: Int? = nil, escapesNonASCII: Bool = true, itemSeparator: String = ", ",
    keySeparator: String = ": ", endsWithNewline: Bool = false
  ) {
    self.layout = layout
    self.indent = indent
    self.escapesNonASCII = escapesNonASCII
    self.itemSeparator = itemSeparator
    self.keySeparator = keySeparator
    self.endsWithNewline = endsWithNewline
  }

  /// As MIA-DPO's scripts write: a list indented by four spaces, ASCII only.
  public static let released = JSONStyle(.list, indent: 4)
  /// A record a line, characters as they are.
  public static let lines = JSONStyle(.lines, escapesNonASCII: false, endsWithNewline: true)

  /// The style for a new file: lines where its name contains `jsonl`, otherwise as released.
  public static func forFile(named name: String) -> JSONStyle {
    name.split(separator: "/").last?.contains("jsonl") == true ? .lines : .released
  }

  /// The text of records.
  public func text(of records: [OrderedJSON]) -> String {
    var text = ""
    switch layout {
    case .list:
      write(.array(records), depth: 0, to: &text)
    case .lines:
      for (index, record) in records.enumerated() {
        if index > 0 { text += "\n" }
        write(record, depth: nil, to: &text)
      }
    }
    if endsWithNewline, layout == .list || !records.isEmpty { text += "\n" }
    return text
  }

  /// A record with what stands between it and the one before: all pieces and ``end(count:)`` one after the
  /// other are ``text(of:)``.
  package func piece(_ record: OrderedJSON, number: Int) -> String {
    var text = ""
    switch layout {
    case .list:
      text += number == 0 ? "[" : indent == nil ? itemSeparator : ","
      if let indent { text += "\n" + String(repeating: " ", count: indent) }
      write(record, depth: 1, to: &text)
    case .lines:
      if number > 0 { text += "\n" }
      write(record, depth: nil, to: &text)
    }
    return text
  }

  /// What stands behind the last of `count` pieces.
  package func end(count: Int) -> String {
    switch layout {
    case .list: (count == 0 ? "[" : indent == nil ? "" : "\n") + (endsWithNewline ? "]\n" : "]")
    case .lines: endsWithNewline && count > 0 ? "\n" : ""
    }
  }

  private func write(_ value: OrderedJSON, depth: Int?, to text: inout String) {
    switch value {
    case .array(let values):
      writeElements(values, "[", "]", depth, &text) { value, depth, text in
        write(value, depth: depth, to: &text)
      }
    case .object(let members):
      writeElements(members, "{", "}", depth, &text) { member, depth, text in
        quote(member.key, to: &text)
        text += keySeparator
        write(member.value, depth: depth, to: &text)
      }
    case .string(let string): quote(string, to: &text)
    default: text += value.line
    }
  }

  private func writeElements<Element>(
    _ elements: [Element], _ open: String, _ close: String, _ depth: Int?, _ text: inout String,
    _ element: (Element, Int?, inout String) -> Void
  ) {
    func breakLine(_ depth: Int, _ step: Int) { text += "\n" + String(repeating: " ", count: depth * step) }
    text += open
    for (index, value) in elements.enumerated() {
      if let indent, let depth {
        if index > 0 { text += "," }
        breakLine(depth + 1, indent)
      } else if index > 0 {
        text += itemSeparator
      }
      element(value, depth.map { $0 + 1 }, &text)
    }
    if let indent, let depth, !elements.isEmpty { breakLine(depth, indent) }
    text += close
  }

  /// Python's escapes: the short ones, and DEL too where only ASCII is written.
  private func quote(_ string: String, to text: inout String) {
    func escape(_ unit: UInt16) {
      let digits = String(unit, radix: 16)
      text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{8}": text += "\\b"
      case "\u{C}": text += "\\f"
      case _ where scalar.value < 0x20 || scalar.value > 0x7E && escapesNonASCII:
        for unit in UTF16.encode(scalar)! { escape(unit) }
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

extension JSONStyle {
  /// The style of a text of records, from its first record and its last byte.
  package init(detectingIn bytes: UnsafeBufferPointer<UInt8>) {
    let first = bytes.first { !Self.isBlank($0) }
    self.init(
      first == UInt8(ascii: "[") ? .list : .lines,
      escapesNonASCII: !bytes.contains { $0 >= 0x80 }, endsWithNewline: bytes.last == UInt8(ascii: "\n"))
    if layout == .list { indent = Self.indent(bytes) }
    let marks = Self.separators(bytes)
    if let key = marks.key { keySeparator = key ? ": " : ":" }
    if let item = marks.item { itemSeparator = item ? ", " : "," }
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  /// Spaces before the first record, where a line break follows the bracket and another the record's brace.
  private static func indent(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    guard let bracket = bytes.firstIndex(of: UInt8(ascii: "[")), bracket + 1 < bytes.count,
      bytes[bracket + 1] == UInt8(ascii: "\n")
    else { return nil }
    let spaces = bytes[(bracket + 2)...].prefix { $0 == 0x20 }
    guard spaces.endIndex + 1 < bytes.count, bytes[spaces.endIndex] == UInt8(ascii: "{"),
      bytes[spaces.endIndex + 1] == UInt8(ascii: "\n")
    else { return nil }
    return spaces.count
  }

  /// Whether a space follows the first colon and the first comma outside strings.
  private static func separators(_ bytes: UnsafeBufferPointer<UInt8>) -> (key: Bool?, item: Bool?) {
    var (key, item): (Bool?, Bool?) = (nil, nil)
    var (isInString, isEscaped) = (false, false)
    for index in bytes.indices.dropLast() {
      let byte = bytes[index]
      if isInString {
        isInString = isEscaped || byte != UInt8(ascii: "\"")
        isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
        continue
      }
      if byte == UInt8(ascii: "\"") { isInString = true }
      if byte == UInt8(ascii: ":"), key == nil { key = bytes[index + 1] == 0x20 }
      if byte == UInt8(ascii: ","), item == nil, bytes[index + 1] != UInt8(ascii: "\n") {
        item = bytes[index + 1] == 0x20
      }
      if key != nil && item != nil || index > 1 << 20 { break }
    }
    return (key, item)
  }
}
