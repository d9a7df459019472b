import Tensor

/// The attributes of a call, `key=value;key=value`.
struct Attributes: Sendable {
  private let operation: String
  private let values: [String: String]

  /// - Throws: ``TensorError`` for text that is not of this form.
  init(_ text: String, operation: String) throws {
    self.operation = operation
    var values: [String: String] = [:]
    for pair in text.split(separator: ";") {
      guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else {
        throw TensorError(operation: operation, message: "expected key=value, found \"\(pair)\"")
      }
      values[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
    }
    self.values = values
  }

  private func fail(_ key: String, _ expected: String) -> TensorError {
    TensorError(
      operation: operation,
      message: values[key].map { "\(key): expected \(expected), found \"\($0)\"" }
        ?? "needs the attribute \(key), \(expected)")
  }

  /// A word, or nil when there is none.
  func word(_ key: String) -> String? { values[key] }

  /// Whole numbers, nil when there are none; an empty value is an empty list.
  func integers(ifAny key: String) throws -> [Int]? {
    guard let text = values[key] else { return nil }
    return try text.split(separator: ",").map {
      guard let number = Int($0) else { throw fail(key, "whole numbers") }
      return number
    }
  }

  func integers(_ key: String) throws -> [Int] {
    guard let list = try integers(ifAny: key) else { throw fail(key, "whole numbers") }
    return list
  }

  func integer(ifAny key: String) throws -> Int? {
    guard let text = values[key] else { return nil }
    guard let number = Int(text) else { throw fail(key, "a whole number") }
    return number
  }

  func integer(_ key: String) throws -> Int {
    guard let number = try integer(ifAny: key) else { throw fail(key, "a whole number") }
    return number
  }

  /// A number that an Int need not hold.
  func unsigned(_ key: String) -> UInt64? { values[key].flatMap { UInt64($0) } }

  func number(ifAny key: String) throws -> Double? {
    guard let text = values[key] else { return nil }
    guard let number = Double(text) else { throw fail(key, "a number") }
    return number
  }

  func number(_ key: String) throws -> Double {
    guard let number = try number(ifAny: key) else { throw fail(key, "a number") }
    return number
  }

  /// Whether a flag is 1; false when there is none.
  func flag(_ key: String) throws -> Bool {
    switch values[key] {
    case nil, "0": false
    case "1": true
    default: throw fail(key, "1 or 0")
    }
  }

  /// A type by its name, nil when there is none.
  func type(ifAny key: String) throws -> ElementType? {
    guard let text = values[key] else { return nil }
    guard let type = ElementType(name: text) else { throw fail(key, "the name of a type") }
    return type
  }

  func type(_ key: String) throws -> ElementType {
    guard let type = try type(ifAny: key) else { throw fail(key, "the name of a type") }
    return type
  }

  /// One of the cases of an enumeration, or what it is without the attribute.
  func choice<Choice: RawRepresentable<String>>(_ key: String, _ otherwise: Choice) throws -> Choice {
    guard let text = values[key] else { return otherwise }
    guard let choice = Choice(rawValue: text) else { throw fail(key, "another word") }
    return choice
  }
}
