import Checkpoint
import Foundation
import Tensor

/// A low-rank adapter in PEFT's files: `adapter_config.json` and `adapter_model.safetensors`.
///
/// (Hu et al. 2021, arXiv:2106.09685; file layout of PEFT 0.19.)
public struct PEFTAdapter: Sendable {
  /// Width of the adapter.
  public var rank: Int
  /// The scale is `alpha / rank`.
  public var alpha: Double

  /// What PEFT puts before the names of the model it wraps.
  static let prefix = "base_model.model."
  static let weightsName = "adapter_model.safetensors"
  static let configurationName = "adapter_config.json"
  /// Linear layers of the decoder's blocks, as a regular expression over the module names of any release.
  static func targets(_ names: [String]) -> String {
    #".*language_model.*\.("# + names.joined(separator: "|") + ")"
  }

  private struct Configuration: Codable {
    var kind: String?
    var rank: Int
    var alpha: Double
    var bias: String?
    var usesRankStabilised: Bool?
    var usesMagnitude: Bool?
    var rankPattern: [String: Int]?
    var alphaPattern: [String: Double]?

    enum CodingKeys: String, CodingKey {
      case kind = "peft_type"
      case rank = "r"
      case alpha = "lora_alpha"
      case bias
      case usesRankStabilised = "use_rslora"
      case usesMagnitude = "use_dora"
      case rankPattern = "rank_pattern"
      case alphaPattern = "alpha_pattern"
    }
  }

  /// Reads `adapter_config.json` of a directory.
  ///
  /// - Throws: ``ModelConfigurationError`` for a file that is none, or for a kind of adapter that is not computed here.
  public init(configurationOf directory: URL) throws {
    let url = try ModelFile.inside(directory, Self.configurationName)
    func failure(_ problems: [ModelConfigurationError.Problem]) -> ModelConfigurationError {
      ModelConfigurationError(file: url.path, problems: problems)
    }
    guard let data = try? Data(contentsOf: url) else {
      throw failure([.init(key: "file", found: "nothing readable", expected: "PEFT's adapter_config.json")])
    }
    guard let found = try? JSONDecoder().decode(Configuration.self, from: data) else {
      throw failure([
        .init(key: "file", found: "another content", expected: "JSON with numbers r and lora_alpha")
      ])
    }
    var checks = ConfigurationChecks()
    checks.positive(found.rank, "r")
    checks.positive(found.alpha, "lora_alpha")
    checks.require(
      found.kind ?? "LORA" == "LORA", "peft_type", found: "\"\(found.kind ?? "")\"", expected: "\"LORA\"")
    checks.require(
      found.bias ?? "none" == "none", "bias", found: "\"\(found.bias ?? "")\"", expected: "\"none\"")
    checks.require(found.usesRankStabilised != true, "use_rslora", found: "true", expected: "false")
    checks.require(found.usesMagnitude != true, "use_dora", found: "true", expected: "false")
    checks.require(
      found.rankPattern ?? [:] == [:], "rank_pattern", found: "\(found.rankPattern?.count ?? 0) entries",
      expected: "none")
    checks.require(
      found.alphaPattern ?? [:] == [:], "alpha_pattern", found: "\(found.alphaPattern?.count ?? 0) entries",
      expected: "none")
    guard checks.problems.isEmpty else { throw failure(checks.problems) }
    rank = found.rank
    alpha = found.alpha
  }

  /// The name of an adapter's parameter in PEFT's file.
  public static func name(_ canonical: String) -> String {
    prefix + ParameterNames.name(canonical, in: .inMemory)
  }

  /// The name used here for a parameter of PEFT's file.
  static func canonical(_ name: String) -> String? {
    guard name.hasPrefix(prefix) else { return nil }
    return ParameterNames.canonical(String(name.dropFirst(prefix.count)))
  }
}

extension LlavaModel {
  /// Puts the adapter of a PEFT directory on the decoder and freezes the decoder itself.
  ///
  /// - Throws: ``ModelConfigurationError``, `CheckpointError`, or ``ModelDirectoryError`` with every parameter that is
  ///   missing, unexpected or of another shape; the model then has no adapter.
  /// - Precondition: the model has no adapters yet.
  public func loadAdapter(from directory: URL) throws {
    let adapter = try PEFTAdapter(configurationOf: directory)
    let file = try SafeTensorsFile(reading: ModelFile.inside(directory, PEFTAdapter.weightsName))
    let given = try file.names.map { name in
      (name: PEFTAdapter.canonical(name) ?? name, tensor: try file.tensor(name))
    }
    try setAdapter(given, rank: adapter.rank, alpha: adapter.alpha, source: file.url.path)
  }

  /// Puts an adapter on the decoder and freezes the decoder itself.
  ///
  /// - Parameters:
  ///   - tensors: `….lora_A.weight` and `….lora_B.weight`, named as here; of the kinds of linear layers that are there at all,
  ///     those of every block.
  ///   - rank: width of the adapter; that of the first tensor when nil.
  ///   - alpha: numerator of its scale.
  ///   - source: what errors call the place the tensors came from.
  /// - Throws: ``ModelDirectoryError`` with every parameter that is missing, unexpected or of another shape; the model then
  ///   has no adapter.
  /// - Precondition: the model has no adapters yet.
  public func setAdapter(
    _ tensors: [(name: String, tensor: Tensor)], rank: Int? = nil, alpha: Double, source: String
  ) throws {
    var error = ModelDirectoryError(file: source)
    let first = tensors.first { $0.name.hasSuffix(".lora_A.weight") }?.tensor
    guard let rank = rank ?? first?.shape.first, rank > 0 else {
      error.missing = ["lora_A.weight of any layer"]
      throw error
    }
    var given = Dictionary(tensors.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
    var generator = RandomGenerator.placeholder
    let parts = Set(given.keys.flatMap { $0.split(separator: ".").map(String.init) })
    let targets = parts.intersection(Self.linearNames)
    applyLoRA(
      rank: rank, alpha: alpha, targets: targets.isEmpty ? Set(Self.linearNames) : targets, using: &generator)
    for (name, parameter) in namedParameters() where name.contains(".lora_") {
      guard let tensor = given.removeValue(forKey: name)?.to(.float32) else {
        error.missing.append(name)
        continue
      }
      if tensor.shape != parameter.shape {
        error.wrongShapes.append("\(name): found \(tensor.shape), expected \(parameter.shape)")
      } else if !tensor.sum().item().isFinite {
        error.unusable.append("\(name) (not all values are finite)")
      } else {
        parameter.tensor = tensor
      }
    }
    error.unexpected = given.keys.sorted()
    guard error.isEmpty else {
      removeAdapters()
      throw error
    }
  }

  /// Writes the adapter as PEFT's `save_pretrained` does: `adapter_model.safetensors` and `adapter_config.json`.
  ///
  /// - Parameters:
  ///   - directory: made when absent.
  ///   - baseModel: the path or name of the model that the adapter belongs on, kept in the configuration.
  /// - Throws: ``ModelDirectoryError`` when the model has no adapter, `CheckpointError` or a file error.
  public func saveAdapter(to directory: URL, baseModel: String) throws {
    guard let first = adapters.first else {
      throw ModelDirectoryError(
        file: directory.path, missing: ["lora_A.weight of any layer: the model to write has no adapter"])
    }
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let arrays = namedParameters().filter { $0.name.contains(".lora_") }.map {
      (name: PEFTAdapter.name($0.name), tensor: $0.parameter.tensor.detached())
    }
    try SafeTensors.write(
      arrays, metadata: ["format": "pt"], to: directory.appending(component: PEFTAdapter.weightsName))
    let adapted = Set(arrays.flatMap { $0.name.split(separator: ".").map(String.init) })
    let keys: [String: Any] = [
      "peft_type": "LORA", "task_type": NSNull(), "r": first.rank, "lora_alpha": first.alpha,
      "lora_dropout": 0.0, "bias": "none",
      "target_modules": PEFTAdapter.targets(Self.linearNames.filter(adapted.contains)),
      "fan_in_fan_out": false,
      "inference_mode": true, "init_lora_weights": true, "use_rslora": false, "use_dora": false,
      "base_model_name_or_path": baseModel,
    ]
    let json = try JSONSerialization.data(
      withJSONObject: keys, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    try json.write(
      to: directory.appending(component: PEFTAdapter.configurationName), options: .atomic)
  }
}
