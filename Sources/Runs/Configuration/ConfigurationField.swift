import Records

/// A row of the configuration's schema: how one key of a section is read, written and explained.
struct ConfigurationField<Section> {
  /// Key in YAML.
  let key: String
  /// What the value must be: follows "expected".
  let expectation: String
  /// One sentence for the reference.
  let summary: String
  /// Whether another value can lead to other results.
  let affectsResults: Bool
  /// Puts the value of the node into the section, or reports why it cannot.
  let read: (ConfigurationNode, String, inout Section, inout ConfigurationProblems) -> Void
  /// The section's value; `nil` leaves the key out.
  let write: (Section) -> ConfigurationValue?
  /// Rows of a nested section, for the reference and the hash.
  let rows: (String, Section) -> [ConfigurationRow]
}

extension ConfigurationField {
  /// The same key, read by these parts of a run only and not by all that read its section.
  func read(by readers: RunPart...) -> ConfigurationField {
    ConfigurationField(
      key: key, expectation: expectation, summary: summary, affectsResults: affectsResults, read: read,
      write: write,
      rows: { dotted, section in
        rows(dotted, section).map { row in
          var row = row
          row.ownReaders = Set(readers)
          return row
        }
      })
  }

  /// The same key, which is neither written nor counted where the section says so.
  func absent(when isAbsent: @escaping (Section) -> Bool) -> ConfigurationField {
    ConfigurationField(
      key: key, expectation: expectation, summary: summary, affectsResults: affectsResults, read: read,
      write: { isAbsent($0) ? nil : write($0) }, rows: { isAbsent($1) ? [] : rows($0, $1) })
  }
}

/// A key with its value, as the reference and the hash want it.
struct ConfigurationRow {
  let key: String
  let value: String
  let expectation: String
  let summary: String
  let affectsResults: Bool
  /// What values it accepts.
  let form: ConfigurationForm
  /// The parts of a run that read the key directly; `nil` for those that read its whole section.
  var ownReaders: Set<RunPart>?

  /// The parts of a run that read the key directly.
  var readers: Set<RunPart> { ownReaders ?? RunPart.readers(ofSection: key.prefix { $0 != "." }) }

  /// The readers that fall for no other reason: those made from none of the others.
  var firstReaders: [RunPart] { readers.filter { $0.needs.isDisjoint(with: readers) }.sorted() }
}

/// A section whose keys are known.
protocol ConfigurationSection {
  static var fields: [ConfigurationField<Self>] { get }
  /// Keys of earlier versions, and the dotted keys that stand for them now.
  static var renamed: [String: String] { get }
  init()
}

extension ConfigurationSection {
  static var renamed: [String: String] { [:] }

  /// Reads a mapping, reporting unknown keys and values that do not fit.
  mutating func read(_ node: ConfigurationNode, key path: String, problems: inout ConfigurationProblems) {
    guard !node.isNull else { return }
    guard let entries = node.mapping else {
      problems.add(node, path, expected: "a mapping of keys")
      return
    }
    let fields = Self.fields
    for entry in entries {
      let dotted = path.isEmpty ? entry.key : "\(path).\(entry.key)"
      if let field = fields.first(where: { $0.key == entry.key }) {
        field.read(entry.value, dotted, &self, &problems)
      } else {
        let known = fields.map(\.key)
        let advice =
          Self.renamed[entry.key].map { "it is \($0) now" }
          ?? closest(to: entry.key, in: known).map { "did you mean \($0)?" }
          ?? "\(path.isEmpty ? "a configuration" : path) has \(known.joined(separator: ", "))"
        problems.add(entry.keyPlace, dotted, "unknown key; \(advice)")
      }
    }
  }

  /// Every key in the order of the schema.
  func written() -> ConfigurationValue {
    .mapping(Self.fields.compactMap { field in field.write(self).map { (field.key, $0) } })
  }

  /// Every key with its value, nested sections included.
  func rows(_ path: String) -> [ConfigurationRow] {
    Self.fields.flatMap { $0.rows(path.isEmpty ? $0.key : "\(path).\($0.key)", self) }
  }
}

/// The candidate that is at most a third of its letters away from `word`.
package func closest(to word: String, in candidates: [String]) -> String? {
  candidates.map { (editDistance(word, $0), $0) }
    .filter { $0.0 <= max(1, max($0.1.count, word.count) / 3) }
    .min { $0.0 < $1.0 }?.1
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
private func editDistance(_ left: String, _ right: String) -> Int {
  let a = Array(left)
  let b = Array(right)
  var table = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
  for i in 0...a.count { table[i][0] = i }
  for j in 0...b.count { table[0][j] = j }
  for i in 0..<a.count {
    for j in 0..<b.count {
      var best = min(table[i][j + 1] + 1, table[i + 1][j] + 1, table[i][j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, table[i - 1][j - 1] + 1) }
      table[i + 1][j + 1] = best
    }
  }
  return table[a.count][b.count]
}
