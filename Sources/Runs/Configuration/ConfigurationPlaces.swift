/// Where the keys of a configuration were given: file and line, or `--set`. No two configurations differ by
/// it.
struct ConfigurationPlaces: Sendable, Equatable {
  private var lines: [String: String] = [:]
  private var file = ""

  /// Of a configuration made in code.
  init() {}

  /// Of a tree that was read.
  init(_ tree: ConfigurationNode, file: String) {
    self.file = file
    add(tree, "")
  }

  private mutating func add(_ node: ConfigurationNode, _ path: String) {
    for entry in node.mapping ?? [] {
      let key = path.isEmpty ? entry.key : "\(path).\(entry.key)"
      lines[key] = entry.value.place.text
      add(entry.value, key)
    }
  }

  /// `FILE:LINE: KEY`; the line of the section for a key that is a default in it, the file where there is
  /// neither.
  func name(_ key: String) -> String {
    var parts = key.split(separator: ".")
    while !parts.isEmpty {
      if let line = lines[parts.joined(separator: ".")] { return "\(line): \(key)" }
      parts.removeLast()
    }
    return file.isEmpty ? key : "\(file): \(key)"
  }

  static func == (left: ConfigurationPlaces, right: ConfigurationPlaces) -> Bool { true }
}
