import Records

/// A key that no configuration has.
public struct UnknownKeyError: Error, Equatable, CustomStringConvertible {
  /// What was asked for.
  public var key: String
  /// Keys that are spelled nearly so.
  public var closest: [String]

  /// The key, and what it may have meant.
  public var description: String {
    let sections = ConfigurationReference.sections.joined(separator: ", ")
    let advice =
      closest.isEmpty
      ? "expected a section (\(sections)) or a key such as train.beta"
      : "did you mean \(closest.joined(separator: ", "))?"
    return "no key \"\(key)\"; \(advice)"
  }
}

extension ConfigurationReference {
  /// The sections of a configuration.
  public static var sections: [String] { RunConfiguration.fields.map(\.key) }

  /// What a key means, its default, what it accepts and what a change redoes; of a section its keys.
  /// - Parameter key: a dotted key, a section, or the last part of a key.
  /// - Throws: ``UnknownKeyError``.
  public static func explanation(of key: String) throws -> String {
    let rows = RunConfiguration().rows("")
    if let row = rows.first(where: { $0.key == key }) { return explanation(row) }
    let inside = rows.filter { $0.key.hasPrefix(key + ".") }
    if !key.isEmpty, !inside.isEmpty {
      return inside.map { "\($0.key): \($0.value)\n    \(wrapped($0.summary))\n" }.joined()
    }
    let named = rows.filter { $0.key.hasSuffix("." + key) }
    guard !key.isEmpty, !named.isEmpty else {
      throw UnknownKeyError(key: key, closest: closestKeys(to: key, among: rows.map(\.key)))
    }
    return named.map(explanation).joined(separator: "\n")
  }

  private static func explanation(_ row: ConfigurationRow) -> String {
    let redone = row.firstReaders.map(\.rawValue)
    let later = RunPart.allCases.filter { part in
      !row.firstReaders.contains(part) && !part.needs.isDisjoint(with: row.firstReaders)
    }.map(\.rawValue)
    let change =
      !row.affectsResults
      ? "nothing: it does not change results"
      : redone.joined(separator: ", ")
        + (later.isEmpty ? "" : "; with it what is made from that: " + later.joined(separator: ", "))
    return """
      \(row.key)
          \(wrapped(row.summary))
          default  \(row.value)
          accepts  \(wrapped(row.expectation, indent: 13))
          redoes   \(wrapped(change, indent: 13))

      """
  }

  /// A text in lines of at most 100 columns, the further ones indented.
  private static func wrapped(_ text: String, indent: Int = 4) -> String {
    var lines = [""]
    for word in text.split(separator: " ") {
      if lines.last!.isEmpty {
        lines[lines.count - 1] = String(word)
      } else if indent + lines.last!.count + 1 + word.count > 100 {
        lines.append(String(word))
      } else {
        lines[lines.count - 1] += " \(word)"
      }
    }
    return lines.joined(separator: "\n" + String(repeating: " ", count: indent))
  }

  /// The keys that are spelled most like `word`: as they are, or in their last part.
  private static func closestKeys(to word: String, among keys: [String]) -> [String] {
    // Telling how near two words are takes the product of their lengths.
    guard word.count <= 200 else { return [] }
    if let whole = closest(to: word, in: keys + sections) { return [whole] }
    let last = word.split(separator: ".").last.map(String.init) ?? word
    if let same = keys.first(where: { $0.hasSuffix("." + last) }) {
      return [same] + keys.filter { $0.hasSuffix("." + last) }.dropFirst().prefix(4)
    }
    let names = keys.map { String($0.split(separator: ".").last ?? "") }
    guard let near = closest(to: last, in: names) else { return [] }
    return Array(zip(keys, names).filter { $0.1 == near }.map(\.0).prefix(5))
  }
}
