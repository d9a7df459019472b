import Foundation

/// Reads one object of a configuration key by key. A value that cannot be used is noted and replaced, so that
/// one error can name all of them.
struct ConfigurationSection<Key: CodingKey> {
  let keys: KeyedDecodingContainer<Key>
  private let notes: ConfigurationNotes
  /// Whether no section around this one collects for it.
  private let standsAlone: Bool

  init(_ decoder: any Decoder, keyedBy: Key.Type) throws {
    keys = try decoder.container(keyedBy: Key.self)
    let outer = decoder.userInfo[.configurationNotes] as? ConfigurationNotes
    notes = outer ?? ConfigurationNotes()
    standsAlone = outer == nil
  }

  /// The value of `key`, or `fallback` when the key is absent or null: configurations list only what differs
  /// from the defaults of their class.
  func value<T: Decodable>(_ key: Key, default fallback: T) -> T {
    optional(key) ?? fallback
  }

  /// The value of `key`, nil when it is absent or null.
  func optional<T: Decodable>(_ key: Key) -> T? {
    do {
      return try keys.decodeIfPresent(T.self, forKey: key)
    } catch {
      notes.add(error)
      return nil
    }
  }

  /// The value of a key that must be there; `fallback` stands in when it is not.
  func required<T: Decodable>(_ key: Key, fallback: T) -> T {
    do {
      return try keys.decode(T.self, forKey: key)
    } catch {
      notes.add(error)
      return fallback
    }
  }

  /// Notes that the value of `key` cannot be used.
  func note(_ key: Key, found: String, expected: String) {
    let path = ConfigurationNotes.dotted(keys.codingPath + [key])
    notes.problems.append(.init(key: path, found: found, expected: expected))
  }

  /// Notes what was wrong with a section inside this one.
  func note(_ error: any Error) { notes.add(error) }

  /// Notes a problem when `key` is there and has another value than `expected`.
  func require(_ expected: String, at key: Key) {
    if let found: String = optional(key), found != expected {
      note(key, found: "\"\(found)\"", expected: "\"\(expected)\"")
    }
  }

  /// Throws what was noted, unless a section around this one will.
  func finish() throws {
    if standsAlone, !notes.problems.isEmpty { throw ModelConfigurationError(problems: notes.problems) }
  }
}

/// What was found wrong while a configuration was decoded; belongs to one decoding.
final class ConfigurationNotes: @unchecked Sendable {
  var problems: [ModelConfigurationError.Problem] = []

  func add(_ error: any Error) {
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      add(context.codingPath + [key], found: "nothing", expected: "this key")
    case DecodingError.typeMismatch(let type, let context):
      add(context.codingPath, found: "another type", expected: "\(type)")
    case DecodingError.valueNotFound(let type, let context):
      add(context.codingPath, found: "null", expected: "\(type)")
    case DecodingError.dataCorrupted(let context) where context.codingPath.isEmpty:
      add([], found: "broken JSON", expected: "a JSON object")
    case DecodingError.dataCorrupted(let context):
      let parts = context.debugDescription.components(separatedBy: ", expected ")
      let found = parts[0].hasPrefix("found ") ? String(parts[0].dropFirst(6)) : parts[0]
      add(context.codingPath, found: found, expected: parts.count > 1 ? parts[1] : "another value")
    case let error as ModelConfigurationError:
      problems += error.problems
    default:
      add([], found: "\(error)", expected: "a JSON object")
    }
  }

  private func add(_ path: [any CodingKey], found: String, expected: String) {
    problems.append(.init(key: path.isEmpty ? "file" : Self.dotted(path), found: found, expected: expected))
  }

  static func dotted(_ path: [any CodingKey]) -> String {
    path.map(\.stringValue).joined(separator: ".")
  }
}

extension CodingUserInfoKey {
  /// Where a decoder of a whole configuration collects for all its sections.
  static let configurationNotes = CodingUserInfoKey(rawValue: "configurationNotes")!
}
