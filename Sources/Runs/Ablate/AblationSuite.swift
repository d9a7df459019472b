import Foundation

/// A list of runs that differ in a few keys, each with several seeds.
///
/// ```yaml
/// base: ../quickstart.yaml          # or the sections of a run themselves
/// set: {evaluate.questions: 400}    # changes for every run
/// seeds: [1, 2, 3]
/// output_dir: runs/ablations
/// reference: mia-dpo                # what the others are compared with, beside the base model
/// paper: {columns: [MMMU, BLINK], base: [35.1, 37.1]}
/// variants:                         # or the path of another suite, whose variants are taken
///   - {name: mia-dpo, table: Method, label: MIA-DPO, paper: [36.3, 42.9]}
///   - {name: beta-1, table: β, label: β = 1, set: {train.beta: 1}}
/// ```
public struct AblationSuite: Sendable {
  /// A run of the suite, without its seed.
  public struct Variant: Sendable, Equatable {
    /// Name of its directories.
    public var name: String
    /// The table it stands in.
    public var table: String
    /// What the table calls it.
    public var label: String
    /// Keys it changes, with their values as YAML.
    public var changes: [Change]
    /// The paper's figures for this row, by ``AblationSuite/paperColumns``.
    public var paper: [Double]?
    /// What the paper's row is called, where it is another run than this one.
    public var paperLabel: String?
  }

  /// A key and its value.
  public struct Change: Sendable, Equatable {
    /// Dotted key.
    public var key: String
    /// Value as YAML on one line.
    public var value: String
  }

  /// One variant with one seed.
  public struct Unit: Sendable, Equatable {
    /// Which variant.
    public var variant: Variant
    /// Which seed.
    public var seed: UInt64
    /// The run as resolved.
    public var configuration: RunConfiguration

    /// The run's directory.
    public var directory: URL {
      URL(fileURLWithPath: configuration.run.outputDirectory, isDirectory: true)
    }
  }

  /// The file, as it was named.
  public let file: String
  /// The file's name without its extension.
  public let name: String
  /// Directory of all runs and of the tables.
  public private(set) var outputDirectory = ""
  /// Seeds of every variant.
  public private(set) var seeds: [UInt64] = [1, 2, 3]
  /// Name of the variant that the others are compared with.
  public private(set) var reference = ""
  /// The paper's benchmarks.
  public private(set) var paperColumns: [String] = []
  /// The paper's base model on them.
  public private(set) var paperBase: [Double]?
  /// In the order of the file.
  public private(set) var variants: [Variant] = []
  /// All runs, seed by seed, so that every variant has been run once before any is run twice.
  public private(set) var units: [Unit] = []

  /// The directory of tables and overview.
  public var directory: URL { URL(fileURLWithPath: outputDirectory, isDirectory: true) }

  /// Titles of the tables in the order in which variants name them.
  public var tables: [String] {
    variants.reduce(into: []) { if !$0.contains($1.table) { $0.append($1.table) } }
  }

  /// Reads a suite and resolves and checks the configuration of every run.
  /// - Parameters:
  ///   - overrides: `section.key=value` settings for every run, after `set` and before the variants' own.
  ///   - outputDirectory: takes the place of `output_dir`.
  /// - Throws: ``ConfigurationError`` with everything that is wrong.
  public init(contentsOf url: URL, overrides: [String] = [], outputDirectory: String? = nil) throws {
    file = url.relativePath
    name = url.deletingPathExtension().lastPathComponent
    var reader = AblationReader(file: file)
    guard let root = reader.tree(try RunConfiguration.text(of: url)) else {
      throw ConfigurationError(reader.problems.all)
    }
    var base = try reader.base(root, besides: url)
    for change in reader.changes(root.value(at: "set"), at: "set") { reader.apply(change, to: &base) }
    for override in overrides {
      let key = String(override.prefix { $0 != "=" })
      if let other = AblationReader.ownKeys[key] {
        reader.problems.add(.code, key, "has no effect on a suite; \(other)")
      }
      base.apply(override, problems: &reader.problems)
    }
    seeds = reader.seeds(root) ?? seeds
    self.outputDirectory = outputDirectory ?? root.value(at: "output_dir")?.text ?? "runs/\(name)"
    let listing = try reader.listing(root, besides: url)
    paperColumns = listing.value(at: "paper.columns")?.list?.compactMap(\.text) ?? []
    paperBase = reader.figures(listing.value(at: "paper.base"), at: "paper.base", columns: paperColumns)
    var resolved: [(Variant, ConfigurationNode)] = []
    for (variant, changes) in reader.variants(listing, columns: paperColumns) {
      var tree = base
      for change in changes { reader.apply(change, to: &tree) }
      variants.append(variant)
      resolved.append((variant, tree))
    }
    let chosen = root.value(at: "reference") ?? listing.value(at: "reference")
    reference = chosen?.text ?? variants.first?.name ?? ""
    if let node = chosen, !variants.contains(where: { $0.name == reference }) {
      reader.problems.add(node, "reference", expected: "the name of a variant")
    }
    try reader.problems.throwIfAny()
    for seed in seeds {
      for (variant, tree) in resolved { units.append(try unit(variant, seed, tree, file: reader.file)) }
    }
  }

  private func unit(
    _ variant: Variant, _ seed: UInt64, _ tree: ConfigurationNode, file: String
  ) throws -> Unit {
    var tree = tree
    var problems = ConfigurationProblems()
    let own = [
      ("run.seed", String(seed)), ("run.name", variant.name),
      ("run.output_dir", "\(outputDirectory)/\(variant.name)-\(seed)"),
    ]
    for (key, text) in own {
      let node = ConfigurationNode(value: .scalar(text, isPlain: key == "run.seed"), place: .code)
      _ = tree.set(key.split(separator: ".").map(String.init)[...], to: node)
    }
    var configuration = RunConfiguration()
    configuration.read(tree, file: file, problems: &problems)
    do {
      try problems.throwIfAny()
    } catch let error as ConfigurationError {
      throw AblationError.variant(variant.name, error)
    }
    return Unit(variant: variant, seed: seed, configuration: configuration)
  }
}

/// Why a suite cannot be run.
public enum AblationError: Error, Equatable, CustomStringConvertible {
  /// The configuration of a variant is wrong.
  case variant(String, ConfigurationError)
  /// Runs that failed, each with its reason; the others are done.
  case failed([String])

  public var description: String {
    switch self {
    case .variant(let name, let error):
      error.problems.map { "variant \(name): \($0)" }.joined(separator: "\n")
    case .failed(let reasons):
      "\(reasons.count) \(reasons.count == 1 ? "run" : "runs") failed:\n" + reasons.joined(separator: "\n")
    }
  }
}
