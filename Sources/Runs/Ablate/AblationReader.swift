import Foundation

/// Reads the keys of a suite's file and collects what is wrong with them.
struct AblationReader {
  let file: String
  var problems = ConfigurationProblems()

  /// Keys of the file, beside which no other is known.
  private static let keys = ["base", "set", "seeds", "output_dir", "reference", "paper", "variants"]
  /// Keys of a variant.
  private static let variantKeys = ["name", "table", "label", "set", "paper", "paper_label"]

  /// Keys that a suite gives every run itself, and where it takes them from.
  static let ownKeys = [
    "run.seed": "seeds of the suite says it", "run.output_dir": "output_dir of the suite says it",
    "run.name": "name of the variant says it",
  ]

  init(file: String) { self.file = file }

  mutating func tree(_ yaml: String) -> ConfigurationNode? {
    let root = ConfigurationNode.read(
      yaml, file: file, place: { [file] in .line(file, $0) }, problems: &problems)
    guard let root else {
      if problems.all.isEmpty { problems.add(.file(file), "", "found nothing, expected a list of variants") }
      return nil
    }
    guard root.mapping != nil else {
      problems.add(root, "", expected: "a mapping of \(Self.keys.joined(separator: ", "))")
      return nil
    }
    refuseUnknown(root, Self.keys, at: "")
    return root
  }

  private mutating func refuseUnknown(_ node: ConfigurationNode, _ known: [String], at path: String) {
    for entry in node.mapping ?? [] where !known.contains(entry.key) {
      let advice =
        closest(to: entry.key, in: known).map { "did you mean \($0)?" }
        ?? "has \(known.joined(separator: ", "))"
      problems.add(
        entry.keyPlace, path.isEmpty ? entry.key : "\(path).\(entry.key)", "unknown key; \(advice)")
    }
  }

  /// The sections all runs begin with: another file's, or the file's own.
  mutating func base(_ root: ConfigurationNode, besides url: URL) throws -> ConfigurationNode {
    guard let node = root.value(at: "base") else {
      problems.add(.file(file), "base", "missing; expected a configuration file or its sections")
      return ConfigurationNode(value: .mapping([]), place: .file(file))
    }
    guard let path = node.text else {
      if node.mapping == nil { problems.add(node, "base", expected: "a path or sections") }
      return node
    }
    let other = URL(fileURLWithPath: path, relativeTo: url.deletingLastPathComponent())
    let yaml = try RunConfiguration.text(of: URL(fileURLWithPath: other.path))
    let name = other.relativePath
    let read = ConfigurationNode.read(yaml, file: name, place: { .line(name, $0) }, problems: &problems)
    return read ?? ConfigurationNode(value: .mapping([]), place: .file(name))
  }

  typealias Change = (key: String, node: ConfigurationNode)

  /// Dotted keys with their values.
  mutating func changes(_ node: ConfigurationNode?, at path: String) -> [Change] {
    guard let node, !node.isNull else { return [] }
    guard let entries = node.mapping else {
      problems.add(node, path, expected: "a mapping from section.key to values")
      return []
    }
    return entries.compactMap { entry in
      guard entry.key.split(separator: ".", omittingEmptySubsequences: false).count > 1 else {
        problems.add(entry.keyPlace, "\(path).\(entry.key)", "expected section.key")
        return nil
      }
      if let other = Self.ownKeys[entry.key] {
        problems.add(entry.keyPlace, "\(path).\(entry.key)", "has no effect here; \(other)")
        return nil
      }
      return (entry.key, entry.value)
    }
  }

  mutating func apply(_ change: Change, to tree: inout ConfigurationNode) {
    let path = change.key.split(separator: ".").map(String.init)
    if let obstacle = tree.set(path[...], to: change.node) {
      problems.add(change.node.place, change.key, "found a value at \(obstacle), expected a section")
    }
  }

  mutating func seeds(_ root: ConfigurationNode) -> [UInt64]? {
    guard let node = root.value(at: "seeds") else { return nil }
    let seeds = (node.list ?? []).compactMap { $0.text.flatMap { UInt64($0) } }
    guard !seeds.isEmpty, seeds.count == node.list?.count, Set(seeds).count == seeds.count else {
      problems.add(node, "seeds", expected: "a list of whole numbers, each once")
      return nil
    }
    return seeds
  }

  /// The paper's figures of one row.
  mutating func figures(
    _ node: ConfigurationNode?, at path: String, columns: [String]
  ) -> [Double]? {
    guard let node else { return nil }
    let numbers = (node.list ?? []).compactMap(\.number)
    guard !numbers.isEmpty, numbers.count == node.list?.count, numbers.count == columns.count else {
      problems.add(node, path, expected: "\(columns.count) numbers, one for each of paper.columns")
      return nil
    }
    return numbers
  }

  /// The root itself, or where `variants` is a path the root of that suite, whose variants and paper are
  /// taken.
  mutating func listing(_ root: ConfigurationNode, besides url: URL) throws -> ConfigurationNode {
    guard let path = root.value(at: "variants")?.text else { return root }
    let other = URL(fileURLWithPath: path, relativeTo: url.deletingLastPathComponent())
    var reader = AblationReader(file: other.relativePath)
    let tree = reader.tree(try RunConfiguration.text(of: URL(fileURLWithPath: other.path)))
    try reader.problems.throwIfAny()
    return tree ?? root
  }

  mutating func variants(
    _ root: ConfigurationNode, columns: [String]
  ) -> [(variant: AblationSuite.Variant, changes: [Change])] {
    guard let list = root.value(at: "variants")?.list, !list.isEmpty else {
      problems.add(
        root.value(at: "variants")?.place ?? .file(file), "variants", "expected a list of variants")
      return []
    }
    var found: [(variant: AblationSuite.Variant, changes: [Change])] = []
    for (index, node) in list.enumerated() {
      let path = "variants.\(index)"
      refuseUnknown(node, Self.variantKeys, at: path)
      guard let name = node.value(at: "name")?.text, !name.isEmpty, name.first != ".",
        name.allSatisfy({ $0.isLetter || $0.isNumber || "._-".contains($0) })
      else {
        problems.add(
          node.place, "\(path).name", "expected a name of letters, digits, dots, dashes and underscores")
        continue
      }
      if found.contains(where: { $0.variant.name == name }) {
        problems.add(node.place, "\(path).name", "found \"\(name)\" twice, expected it once")
      }
      let own = changes(node.value(at: "set"), at: "\(path).set")
      let variant = AblationSuite.Variant(
        name: name, table: node.value(at: "table")?.text ?? "Runs",
        label: node.value(at: "label")?.text ?? name,
        changes: own.map { .init(key: $0.key, value: $0.node.flow) },
        paper: figures(node.value(at: "paper"), at: "\(path).paper", columns: columns),
        paperLabel: node.value(at: "paper_label")?.text)
      found.append((variant, own))
    }
    return found
  }
}

extension ConfigurationNode {
  /// The value on one line.
  var flow: String {
    switch value {
    case .scalar(let text, _): text
    case .list(let items): "[" + items.map(\.flow).joined(separator: ", ") + "]"
    case .mapping(let entries):
      "{" + entries.map { "\($0.key): \($0.value.flow)" }.joined(separator: ", ") + "}"
    }
  }
}
