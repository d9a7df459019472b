import Foundation
import Yams

/// A value of a YAML file or of a `--set`, with the place it came from.
struct ConfigurationNode {
  indirect enum Value {
    /// Text of a scalar; a plain one may be a number, a truth value or null.
    case scalar(String, isPlain: Bool)
    case list([ConfigurationNode])
    case mapping([(key: String, keyPlace: ConfigurationPlace, value: ConfigurationNode)])
  }

  var value: Value
  var place: ConfigurationPlace

  /// What the value is, for "found …".
  var found: String {
    switch value {
    case .scalar(let text, let isPlain):
      if isNull { return "nothing" }
      return isPlain && (Double(text) != nil || text == "true" || text == "false") ? text : "\"\(text)\""
    case .list(let items): return items.isEmpty ? "an empty list" : "a list of \(items.count)"
    case .mapping: return "a mapping"
    }
  }

  var isNull: Bool {
    if case .scalar(let text, isPlain: true) = value { return ["", "~", "null"].contains(text) }
    return false
  }

  var text: String? {
    if case .scalar(let text, _) = value, !isNull { return text }
    return nil
  }

  var truth: Bool? {
    if case .scalar(let text, isPlain: true) = value { return Bool(text) }
    return nil
  }

  var integer: Int? {
    if case .scalar(let text, isPlain: true) = value { return Int(text) }
    return nil
  }

  /// A finite decimal number.
  var number: Double? {
    guard case .scalar(let text, isPlain: true) = value,
      text.allSatisfy({ $0.isNumber || "+-.eE".contains($0) }), let number = Double(text), number.isFinite
    else { return nil }
    return number
  }

  var list: [ConfigurationNode]? {
    if case .list(let items) = value { return items }
    return nil
  }

  var mapping: [(key: String, keyPlace: ConfigurationPlace, value: ConfigurationNode)]? {
    if case .mapping(let entries) = value { return entries }
    return nil
  }
}

// MARK: - Reading YAML

extension ConfigurationNode {
  /// Most nodes a configuration may have once its aliases are written out.
  private static let nodeLimit = 20_000
  /// Most aliases in the text: lists of aliases to lists of aliases multiply, and where they are keys, Yams
  /// compares them written out. As many as these stand for half a million values at the most.
  private static let aliasLimit = 36
  /// Most lists and mappings in each other.
  private static let deepest = 64

  /// Reads YAML text; `place` gives the place of a line.
  static func read(
    _ yaml: String, file: String, place: (Int) -> ConfigurationPlace, problems: inout ConfigurationProblems
  ) -> ConfigurationNode? {
    let (aliases, depth) = markCounts(yaml)
    for (found, most, what) in [
      (aliases, aliasLimit, "aliases"), (depth, deepest, "lists and mappings in each other"),
    ]
    where found > most {
      problems.add(.file(file), "", "found \(found) \(what), expected at most \(most)")
      return nil
    }
    do {
      guard let root = try Yams.compose(yaml: yaml) else { return nil }
      var budget = nodeLimit
      guard let node = ConfigurationNode(root, place: place, budget: &budget) else {
        problems.add(.file(file), "", "found more than \(nodeLimit) values, expected a configuration")
        return nil
      }
      return node
    } catch let error as YamlError {
      let (line, message) = describe(error, in: yaml)
      switch (place(line.line), line.column) {
      case (.line, let column?): problems.add(.line(file, line.line), "", "column \(column): \(message)")
      case (let other, _): problems.add(other, "", message)
      }
    } catch {
      problems.add(.file(file), "", "cannot be read as YAML: \(error)")
    }
    return nil
  }

  /// How many words of a text begin with the mark of an alias, and how many lists and mappings are open at
  /// one place at the most, by brackets or by marks in one line; what stands in quotation marks is counted
  /// too.
  private static func markCounts(_ yaml: String) -> (aliases: Int, depth: Int) {
    var (aliases, open, marks, deepest, previous) = (0, 0, 0, 0, UInt8(ascii: "\n"))
    var isAtStart = true
    for byte in yaml.utf8 {
      switch byte {
      case UInt8(ascii: "\n"): (isAtStart, marks) = (true, 0)
      case UInt8(ascii: "-") where isAtStart, UInt8(ascii: "?") where isAtStart: marks += 1
      case UInt8(ascii: " ") where isAtStart: break
      case UInt8(ascii: "["), UInt8(ascii: "{"): open += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"): open = max(0, open - 1)
      case UInt8(ascii: "*") where " \t\r\n[{,:?-".utf8.contains(previous): aliases += 1
      default: isAtStart = false
      }
      deepest = max(deepest, open + marks)
      previous = byte
    }
    return (aliases, deepest)
  }

  private init?(_ node: Node, place: (Int) -> ConfigurationPlace, budget: inout Int) {
    budget -= 1
    guard budget > 0 else { return nil }
    self.place = place(node.mark?.line ?? 1)
    switch node {
    case .scalar(let scalar): value = .scalar(scalar.string, isPlain: scalar.style == .plain)
    case .sequence(let sequence):
      var items: [ConfigurationNode] = []
      for item in sequence {
        guard let item = ConfigurationNode(item, place: place, budget: &budget) else { return nil }
        items.append(item)
      }
      value = .list(items)
    case .mapping(let mapping):
      var entries: [(key: String, keyPlace: ConfigurationPlace, value: ConfigurationNode)] = []
      for (key, item) in mapping {
        guard var item = ConfigurationNode(item, place: place, budget: &budget) else { return nil }
        let keyPlace = place(key.mark?.line ?? 1)
        if item.mapping != nil || item.list != nil { item.place = keyPlace }
        entries.append((key.string ?? "?", keyPlace, item))
      }
      value = .mapping(entries)
    case .alias: return nil
    }
  }

  private static func describe(
    _ error: YamlError, in yaml: String
  ) -> (place: (line: Int, column: Int?), message: String) {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      return (
        (mark.line, mark.column),
        "not valid YAML: \([context?.text, problem].compactMap { $0 }.joined(separator: ", "))"
      )
    case .reader(let problem, let offset, _, _):
      let before = yaml.prefix(offset ?? 0)
      let line = before.count { $0.isNewline } + 1
      let column = (before.split(separator: "\n", omittingEmptySubsequences: false).last?.count ?? 0) + 1
      return ((line, column), "not valid YAML: \(problem)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      let keys = duplicates.sorted().joined(separator: ", ")
      return (
        (context.mark.line, nil), "found \(keys) more than once in this mapping, expected each key once"
      )
    default: return ((1, nil), "not valid YAML: \(error)")
    }
  }
}

// MARK: - Overrides

extension ConfigurationNode {
  /// Puts `value` at a dotted path, making mappings on the way.
  ///
  /// - Returns: the key of the value that stands in the way, when one does.
  mutating func set(_ path: ArraySlice<String>, to node: ConfigurationNode) -> String? {
    guard let key = path.first else {
      value = node.value
      place = node.place
      return nil
    }
    guard case .mapping(var entries) = isNull ? .mapping([]) : value else { return "" }
    let index: Int
    if let known = entries.firstIndex(where: { $0.key == key }) {
      index = known
    } else {
      index = entries.count
      entries.append((key, .override, ConfigurationNode(value: .mapping([]), place: .override)))
    }
    if path.count == 1 { entries[index].keyPlace = .override }
    let obstacle = entries[index].value.set(path.dropFirst(), to: node)
    value = .mapping(entries)
    return obstacle.map { $0.isEmpty ? key : "\(key).\($0)" }
  }
}
