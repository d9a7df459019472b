import Checkpoint
import Foundation

extension PEFTAdapter {
  /// The keys that PEFT 0.21 writes into `adapter_config.json`.
  static let keys = KnownKeys(
    computed: [
      "peft_type", "r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern", "target_modules",
      "exclude_modules", "layers_to_transform", "use_dora", "modules_to_save", "bias", "init_lora_weights",
    ],
    harmless: [
      "task_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision", "inference_mode",
      "lora_dropout", "megatron_core", "qalora_group_size", "runtime_config", "merge_weights",
    ],
    only: [
      "fan_in_fan_out": [.boolean(false)],
      "use_qalora": [.boolean(false)], "use_bdlora": [.boolean(false)], "lora_bias": [.boolean(false)],
      "ensure_weight_tying": [.boolean(false)], "layers_pattern": [.array([])],
      "layer_replication": [], "trainable_token_indices": [], "target_parameters": [.array([])],
      "loftq_config": [.object([])], "megatron_config": [], "alora_invocation_tokens": [],
      "eva_config": [], "corda_config": [], "arrow_config": [], "kasa_config": [], "lora_ga_config": [],
      "monteclora_config": [], "velora_config": [],
    ])

  /// Reads `adapter_config.json` of a directory.
  ///
  /// - Throws: ``ModelConfigurationError`` for a file that is none, or for a kind of adapter that is not
  ///   computed here.
  public init(configurationOf directory: URL) throws {
    let url = try ModelFile.inside(directory, Self.configurationName)
    let json = try ModelJSON.read(url)
    var problems: [ModelConfigurationError.Problem] = []
    func note(_ key: String, _ expected: String) {
      problems.append(.init(key: key, found: json[key]?.brief ?? "nothing", expected: expected))
    }
    let (rank, alpha) = (json["r"]?.whole ?? 0, json["lora_alpha"]?.number ?? 0)
    if !(1...1 << 18).contains(rank) { note("r", "a positive integer") }
    if !(alpha > 0 && alpha.isFinite) { note("lora_alpha", "a positive number") }
    if let kind = json["peft_type"], kind != .string("LORA") { note("peft_type", "\"LORA\"") }
    self.init(rank: rank, alpha: alpha)
    for key in ["use_rslora", "use_dora"] {
      if let flag = json[key], flag != .null, flag.flag == nil { note(key, "true or false") }
    }
    isRankStabilised = json["use_rslora"]?.flag ?? false
    isDecomposed = json["use_dora"]?.flag ?? false
    if let value = json["bias"], value != .null {
      if let known = value.text.flatMap(Biases.init(rawValue:)) {
        biases = known
      } else {
        note("bias", Biases.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))
      }
    }
    switch json["modules_to_save"] {
    case nil, .null?: break
    case .array(let values)? where values.allSatisfy({ $0.text?.isEmpty == false }):
      savedModules = values.compactMap(\.text)
    default: note("modules_to_save", "names of modules")
    }
    if let start = json["init_lora_weights"], start != .null, !Self.isUsualStart(start) {
      note("init_lora_weights", Self.usualStarts)
    }
    do {
      ranks = try Self.patterns(json["rank_pattern"]) { $0.whole.flatMap { $0 > 0 ? Double($0) : nil } }
    } catch { note("rank_pattern", "module names or patterns with positive integers") }
    do {
      alphas = try Self.patterns(json["alpha_pattern"]) { $0.number.flatMap { $0 > 0 ? $0 : nil } }
    } catch { note("alpha_pattern", "module names or patterns with positive numbers") }
    do { targeted = try Self.modules(json["target_modules"]) } catch {
      note("target_modules", "names, or a regular expression")
    }
    do { excluded = try Self.modules(json["exclude_modules"]) } catch {
      note("exclude_modules", "names, or a regular expression")
    }
    switch json["layers_to_transform"] {
    case nil, .null?: layers = nil
    case .integer(let layer)?: layers = [layer]
    case .array(let values)? where values.allSatisfy({ $0.whole != nil }):
      layers = values.isEmpty ? nil : Set(values.compactMap(\.whole))
    default: note("layers_to_transform", "numbers of layers")
    }
    problems += Self.keys.problems(in: json)
    guard problems.isEmpty else { throw ModelConfigurationError(file: url.path, problems: problems) }
  }

  /// Whether A and B began with values that left the weights beneath as they were: then it does not matter
  /// with which.
  private static func isUsualStart(_ value: JSONValue) -> Bool {
    value.flag != nil || ["gaussian", "orthogonal"].contains(value.text)
  }

  /// What to do with an adapter that belongs on changed weights.
  private static let usualStarts =
    "true, false, \"gaussian\" or \"orthogonal\", since others change the weights beneath: convert it with "
    + "PEFT's save_pretrained(…, path_initial_model_for_weight_conversion=…), or open the model that its "
    + "merge_and_unload() gives"

  /// A value that no pattern can be made of.
  private struct NoPattern: Error {}

  private static func patterns(
    _ value: JSONValue?, number: (JSONValue) -> Double?
  ) throws -> [(pattern: String, value: Double)] {
    guard let value, value != .null else { return [] }
    guard case .object(let members) = value else { throw NoPattern() }
    return try members.map { key, value in
      _ = try Regex("(.*\\.)?(\(key))")
      guard let number = number(value) else { throw NoPattern() }
      return (key, number)
    }
  }

  private static func modules(_ value: JSONValue?) throws -> Modules? {
    switch value {
    case nil, .null?: return nil
    case .string("all-linear")?: return .all
    case .string(let pattern)?:
      _ = try Regex(pattern)
      return .pattern(pattern)
    case .array(let values)?:
      let names = values.compactMap(\.text)
      guard names.count == values.count else { throw NoPattern() }
      return .names(names)
    default: throw NoPattern()
    }
  }
}

extension PEFTAdapter {
  /// Which modules a key names.
  enum Modules: Sendable, Equatable {
    /// Every linear layer.
    case all
    /// Whole names, or their last parts.
    case names([String])
    /// A regular expression that whole names match.
    case pattern(String)

    func name(_ module: String) -> Bool {
      switch self {
      case .all: true
      case .names(let names): names.contains { module == $0 || module.hasSuffix("." + $0) }
      case .pattern(let pattern): (try? Regex(pattern).wholeMatch(in: module)) != nil
      }
    }
  }

  /// Whether the adapter's configuration puts a matrix on this module, called as in PEFT's file without its
  /// prefix.
  func adapts(_ module: String) -> Bool {
    // A module that is saved whole carries no matrix, nor does one inside it.
    let isSaved = savedModules.contains { ".\(module).".contains(".\($0).") }
    if isSaved || excluded?.name(module) == true { return false }
    if let layers {
      let numbers = module.split(separator: ".").compactMap { Int($0) }
      guard let layer = numbers.first, layers.contains(layer) else { return false }
    }
    return targeted?.name(module) ?? true
  }

  /// Width and numerator of the scale on this module. With `use_rslora` the scale is alpha over the root of
  /// the rank. (Kalajdzievski 2023, arXiv:2312.03732.)
  func scaling(of module: String) -> (rank: Int, alpha: Double) {
    func value(_ patterns: [(pattern: String, value: Double)]) -> Double? {
      patterns.first { (try? Regex("(.*\\.)?(\($0.pattern))").wholeMatch(in: module)) != nil }?.value
    }
    let (rank, alpha) = (value(ranks).map { Int($0) } ?? rank, value(alphas) ?? alpha)
    return (rank, isRankStabilised ? alpha * Double(rank).squareRoot() : alpha)
  }
}
