import Foundation

/// Reads values from JSON with errors that say which key has which value, where a decoder says of what type
/// it is not.
package enum RowDecoding {
  /// The value that a text says.
  /// - Parameters:
  ///   - file: what errors call the text's file.
  ///   - line: its line in there, where it is one.
  /// - Throws: ``RowFileError`` with what stands in the text where reading failed.
  package static func value<Value: Decodable>(
    _ type: Value.Type = Value.self, from text: Data, file: String, line: Int?
  ) throws(RowFileError) -> Value {
    do {
      return try JSONDecoder().decode(Value.self, from: text)
    } catch {
      throw fault(error, in: text, file: file, line: line) { json in
        (try? JSONDecoder().decode(Value.self, from: Data(json.line.utf8))) != nil
      }
    }
  }

  private static func fault(
    _ error: any Error, in text: Data, file: String, line: Int?, isReadable: (OrderedJSON) -> Bool
  ) -> RowFileError {
    let json: OrderedJSON
    do throws(JSONSyntaxError) {
      json = try OrderedJSON(parsing: [UInt8](text))
    } catch {
      return RowFileError(
        file: file, line: line, found: "text that is not JSON (byte \(error.offset): \(error.problem))",
        expected: "one JSON object")
    }
    var path: [String] = []
    let expected: String
    switch error as? DecodingError {
    case .keyNotFound(let key, let context):
      path = (context.codingPath + [key]).map(word)
      expected = "a value"
    case .valueNotFound(let type, let context), .typeMismatch(let type, let context):
      path = context.codingPath.map(word)
      expected = words(for: type)
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
      path = context.codingPath.map(word)
      expected = context.debugDescription
    case .dataCorrupted:
      // Of a number that should be whole Foundation says that the text is no JSON.
      path = culprit(in: json, isReadable) ?? []
      expected = path.isEmpty ? "one JSON object" : "a whole number"
    default: expected = "\(error)"
    }
    return RowFileError(
      file: file, line: line, key: path.isEmpty ? nil : path.joined(separator: "."),
      found: value(at: path, in: json).map(described) ?? "no such key", expected: expected)
  }

  private static func word(_ key: any CodingKey) -> String {
    key.intValue.map(String.init) ?? key.stringValue
  }

  private static func value(at path: [String], in json: OrderedJSON) -> OrderedJSON? {
    path.reduce(OrderedJSON?.some(json)) { value, key in
      switch value {
      case .object(let members)?: members.first { $0.key == key }?.value
      case .array(let values)?: Int(key).flatMap { values.indices.contains($0) ? values[$0] : nil }
      default: nil
      }
    }
  }

  private static func described(_ json: OrderedJSON) -> String {
    switch json {
    case .integer, .number, .spelled: "the number \(json.line.prefix(60))"
    case .string: "the string \(json.line.prefix(60))"
    case .bool: json.line
    default: json.kind
    }
  }

  /// A type of Swift's as whoever writes JSON knows it.
  private static func words(for type: any Any.Type) -> String {
    switch type {
    case is any BinaryInteger.Type: "a whole number"
    case is any BinaryFloatingPoint.Type: "a number"
    case is String.Type: "a string"
    case is Bool.Type: "true or false"
    default:
      "\(type)".hasPrefix("Array") ? "a list" : "\(type)".hasPrefix("Dictionary") ? "an object" : "\(type)"
    }
  }

  // MARK: Numbers that are not whole

  /// The first number without which, and the others like it, a value can be read.
  private static func culprit(in json: OrderedJSON, _ isReadable: (OrderedJSON) -> Bool) -> [String]? {
    guard isReadable(whole(json)) else { return nil }
    return fractions(in: json).first { !isReadable(whole(json, but: $0)) }
  }

  private static func fractions(in json: OrderedJSON) -> [[String]] {
    switch json {
    case .number: [[]]
    case .object(let members):
      members.flatMap { member in fractions(in: member.value).map { [member.key] + $0 } }
    case .array(let values):
      values.enumerated().flatMap { index, value in fractions(in: value).map { ["\(index)"] + $0 } }
    default: []
    }
  }

  /// A value in which numbers with a fraction, or too large, are 0, but for the one at a place.
  private static func whole(_ json: OrderedJSON, but path: [String]? = nil) -> OrderedJSON {
    func rest(_ key: String) -> [String]? { path?.first == key ? Array(path!.dropFirst()) : nil }
    switch json {
    case .number where path?.isEmpty != true: return .integer(0)
    case .object(let members):
      return .object(members.map { .init($0.key, whole($0.value, but: rest($0.key))) })
    case .array(let values):
      return .array(values.enumerated().map { whole($1, but: rest("\($0)")) })
    default: return json
    }
  }
}
