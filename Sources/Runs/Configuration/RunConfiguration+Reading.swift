import Checkpoint
import DPOTrain
import Foundation
import Records

extension RunConfiguration {
  /// Reads and checks a YAML file.
  ///
  /// - Parameters:
  ///   - url: the file.
  ///   - overrides: `section.key=value` settings that take the place of the file's, in order.
  /// - Throws: ``ConfigurationError`` with everything that is wrong.
  public init(contentsOf url: URL, overrides: [String] = []) throws {
    let yaml = try Self.text(of: url)
    try self.init(
      yaml: yaml, file: url.relativePath, name: url.deletingPathExtension().lastPathComponent,
      overrides: overrides)
  }

  /// The text of a YAML file.
  ///
  /// - Throws: ``ConfigurationError`` when there is none, or more than a person writes; `CheckpointError`
  ///   when it is not as a run wrote it.
  static func text(of url: URL) throws -> String {
    let file = url.relativePath
    let attributes = try? FileManager.default.attributesOfItem(atPath: url.path)
    var problems = ConfigurationProblems()
    guard let size = attributes?[.size] as? Int, attributes?[.type] as? FileAttributeType != .typeDirectory
    else {
      let found = attributes == nil ? "no such file" : "a directory"
      problems.add(.file(file), "", "found \(found), expected a YAML file")
      throw ConfigurationError(problems.all)
    }
    guard size <= 1 << 20 else {
      problems.add(.file(file), "", "found \(size) bytes, expected a YAML file of at most 1 MiB")
      throw ConfigurationError(problems.all)
    }
    try WrittenFile.verify(url)
    guard let data = try? Foundation.Data(contentsOf: url),
      let yaml = String(data: Foundation.Data(data.withoutByteOrderMark), encoding: .utf8)
    else {
      problems.add(.file(file), "", "cannot be read, expected YAML in UTF-8")
      throw ConfigurationError(problems.all)
    }
    return yaml
  }

  /// Reads and checks YAML text.
  ///
  /// - Parameters:
  ///   - yaml: the text.
  ///   - file: what to call it in errors.
  ///   - name: the run's name where the text gives none.
  ///   - overrides: `section.key=value` settings that take the place of the text's, in order.
  /// - Throws: ``ConfigurationError`` with everything that is wrong.
  public init(yaml: String, file: String, name: String = "run", overrides: [String] = []) throws {
    self.init()
    run.name = name
    var problems = ConfigurationProblems()
    var root = ConfigurationNode.read(
      yaml, file: file, place: { .line(file, $0) }, problems: &problems)
    try problems.throwIfAny()
    if root == nil { root = ConfigurationNode(value: .mapping([]), place: .file(file)) }
    var tree = root!
    for override in overrides { tree.apply(override, problems: &problems) }
    read(tree, file: file, problems: &problems)
    try problems.throwIfAny()
  }

  /// Reads and checks a whole tree, beginning with its preset.
  mutating func read(_ tree: ConfigurationNode, file: String, problems: inout ConfigurationProblems) {
    if let node = tree.value(at: "select") { select.readPreset(node) }
    read(tree, key: "", problems: &problems)
    if hasOwnPairs { sft.maxSteps = 0 }
    if tree.value(at: "run.output_dir") == nil { run.outputDirectory = "runs/\(run.name)" }
    places = ConfigurationPlaces(tree, file: file)
    check(tree, file: file, problems: &problems)
  }

  /// Checks a configuration made in code by the rules of a file.
  ///
  /// - Throws: ``ConfigurationError``.
  public func validate() throws {
    var copy = RunConfiguration()
    var problems = ConfigurationProblems()
    let tree = ConfigurationNode.read(yaml, file: "", place: { _ in .code }, problems: &problems)
    if let tree { copy.read(tree, key: "", problems: &problems) }
    check(ConfigurationNode(value: .mapping([]), place: .code), file: nil, problems: &problems)
    try problems.throwIfAny()
  }

  /// The configuration as YAML, with every value, in the order of the reference.
  public var yaml: String { written().block() }

  /// Every dotted key with its value on one line.
  package var values: [String: String] {
    Dictionary(rows("").map { ($0.key, $0.value) }) { first, _ in first }
  }

  /// Every value that can change the results, by dotted key, without those of `run`: what runs with different
  /// seeds share.
  public var recipe: [String: String] {
    Dictionary(
      rows("").filter { $0.affectsResults && !$0.key.hasPrefix("run.") }.map { ($0.key, $0.value) }
    ) { first, _ in first }
  }

  /// SHA-256 of every value that can change the results, in hexadecimal: the same for files that say the same
  /// in another order or with defaults left out.
  public var hash: String { Self.hash(rows("").filter(\.affectsResults)) }

  /// SHA-256 of every value that a part of a run depends on, directly or through the parts it needs.
  package func hash(of part: RunPart) -> String {
    let parts = needs(of: part).union([part])
    return Self.hash(
      rowsWithReaders.filter { row in
        !row.readers.isDisjoint(with: parts) && (row.affectsResults || row.key.hasPrefix("report."))
      })
  }

  /// What looks of supervised training take over from `evaluate`.
  private static let lookKeys: Set = ["evaluate.grader", "evaluate.batch_tokens", "evaluate.max_new_tokens"]

  /// Every key with its value and the parts that read it in this run.
  var rowsWithReaders: [ConfigurationRow] {
    rows("").map { row in
      var row = row
      if sft.evalSteps > 0, Self.lookKeys.contains(row.key) {
        row.ownReaders = row.readers.union([.sft])
      }
      // The model that answers in a later round was selected for and trained in the ones before.
      if train.rounds > 1, !row.readers.isDisjoint(with: [.select, .train]) {
        row.ownReaders = row.readers.union([.answers])
      }
      if hasOwnPairs {
        let readers = row.readers.intersection(parts)
        row.ownReaders = readers.isEmpty ? [.train] : readers
      }
      return row
    }
  }

  private static func hash(_ rows: [ConfigurationRow]) -> String {
    var digest = Digest()
    digest.update(Array(rows.map { "\($0.key)=\($0.value)\n" }.joined().utf8))
    return digest.finalize()
  }
}

extension ConfigurationNode {
  /// The value at a dotted path.
  func value(at path: String) -> ConfigurationNode? {
    var node = self
    for key in path.split(separator: ".") {
      guard let next = node.mapping?.first(where: { $0.key == key })?.value else { return nil }
      node = next
    }
    return node
  }

  /// Applies one `section.key=value`.
  mutating func apply(_ override: String, problems: inout ConfigurationProblems) {
    guard let equals = override.firstIndex(of: "=") else {
      problems.add(.override, "", "found \"\(override)\", expected section.key=value")
      return
    }
    let path = override[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let dotted = String(override[..<equals])
    guard path.count >= 2, path.allSatisfy({ !$0.isEmpty }) else {
      problems.add(.override, "", "found \"\(override)\", expected section.key=value")
      return
    }
    let text = String(override[override.index(after: equals)...])
    var inner = ConfigurationProblems()
    let node =
      ConfigurationNode.read(text, file: "--set", place: { _ in .override }, problems: &inner)
      ?? ConfigurationNode(value: .scalar("", isPlain: true), place: .override)
    if let problem = inner.all.first {
      problems.add(.override, dotted, problem.message)
    } else if let obstacle = set(path[...], to: node) {
      problems.add(.override, dotted, "found a value at \(obstacle), expected a section")
    }
  }
}
