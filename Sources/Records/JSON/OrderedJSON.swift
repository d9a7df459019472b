import Checkpoint
import Foundation

/// A JSON value whose objects keep the order of their keys, so that the same value is always the same bytes.
public enum OrderedJSON: Sendable, Equatable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A whole number.
  case integer(Int)
  /// A number, written with as many digits as it takes to read it back.
  case number(Double)
  /// A number that is written as it was read: `1.50`, or a whole one beyond 64 bits.
  case spelled(String)
  /// A text.
  case string(String)
  /// A list.
  case array([OrderedJSON])
  /// Keys and values in the order they are written.
  case object([Member])

  /// One key of an object and its value.
  public struct Member: Sendable, Equatable {
    /// The key.
    public var key: String
    /// The value.
    public var value: OrderedJSON

    /// Creates a member.
    public init(_ key: String, _ value: OrderedJSON) {
      self.key = key
      self.value = value
    }
  }

  /// An object from key and value pairs, in the order given.
  public static func members(_ pairs: KeyValuePairs<String, OrderedJSON>) -> OrderedJSON {
    .object(pairs.map { Member($0.key, $0.value) })
  }

  /// Texts by key, in the order of the keys.
  package static func texts(_ values: [String: String]) -> OrderedJSON {
    .object(values.sorted { $0.key < $1.key }.map { Member($0.key, .string($0.value)) })
  }

  /// `value`, or `null` where there is none.
  public static func optional(_ value: Double?) -> OrderedJSON { value.map(OrderedJSON.number) ?? .null }

  /// An array of numbers.
  public static func numbers(_ values: [Double]) -> OrderedJSON { .array(values.map(OrderedJSON.number)) }

  /// The value on one line, as a row of a JSONL file (without the newline).
  public var line: String {
    var out = ""
    write(to: &out, indent: nil)
    return out
  }

  /// The value over several lines, indented by two spaces, with a newline at the end.
  public var pretty: String {
    var out = ""
    write(to: &out, indent: 0)
    return out + "\n"
  }

  private func write(to out: inout String, indent: Int?) {
    switch self {
    case .null: out += "null"
    case .bool(let value): out += value ? "true" : "false"
    case .integer(let value): out += String(value)
    case .number(let value): out += value.isFinite ? value.description : "null"
    case .spelled(let value): out += value
    case .string(let value): out += jsonLiteral(value)
    case .array(let values):
      let isFlat = values.allSatisfy { $0.isScalar }
      Self.writeList(values, brackets: ("[", "]"), indent: isFlat ? nil : indent, to: &out) {
        value, inner, out in
        value.write(to: &out, indent: inner)
      }
    case .object(let members):
      Self.writeList(members, brackets: ("{", "}"), indent: indent, to: &out) { member, inner, out in
        out += jsonLiteral(member.key)
        out += ": "
        member.value.write(to: &out, indent: inner)
      }
    }
  }

  private var isScalar: Bool {
    switch self {
    case .array, .object: false
    default: true
    }
  }

  private static func writeList<Element>(
    _ elements: [Element], brackets: (String, String), indent: Int?, to out: inout String,
    element: (Element, Int?, inout String) -> Void
  ) {
    out += brackets.0
    for (index, value) in elements.enumerated() {
      if index > 0 { out += indent == nil ? ", " : "," }
      if let indent { out += "\n" + String(repeating: " ", count: indent + 2) }
      element(value, indent.map { $0 + 2 }, &out)
    }
    if let indent, !elements.isEmpty { out += "\n" + String(repeating: " ", count: indent) }
    out += brackets.1
  }
}

/// A row of a JSONL file with a fixed key order.
public protocol JSONRow: Decodable, Sendable {
  /// The row as an object.
  var json: OrderedJSON { get }
}

extension JSONRow {
  /// The row's line, with its newline.
  public var jsonLine: String { json.line + "\n" }
}
