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
  static func targets(_ linears: [String], _ names: ParameterNames) -> String {
    names.decoderPattern + #"\.("# + linears.joined(separator: "|") + ")"
  }

  /// Whether the scale is alpha over the root of the rank.
  var isRankStabilised = false
  /// Ranks and numerators of modules that differ from the others.
  var ranks: [(pattern: String, value: Double)] = []
  var alphas: [(pattern: String, value: Double)] = []
  /// Modules that carry a matrix; all that have one when nil.
  var targeted: Modules?
  var excluded: Modules?
  /// Numbers of the blocks that do, all when nil.
  var layers: Set<Int>?

  init(rank: Int, alpha: Double) {
    self.rank = rank
    self.alpha = alpha
  }

  /// The name of an adapter's parameter in PEFT's file.
  public static func name(_ canonical: String, _ names: ParameterNames = .llava) -> String {
    prefix + names.name(canonical, in: .inMemory)
  }

  /// The module that a matrix belongs to, nil for another parameter.
  static func module(_ name: String) -> String? {
    let bare = name.hasPrefix(prefix) ? name.dropFirst(prefix.count) : name[...]
    for ending in [".lora_A.weight", ".lora_B.weight"] where bare.hasSuffix(ending) {
      return String(bare.dropLast(ending.count))
    }
    return nil
  }

  /// The name used here for a parameter of PEFT's file.
  static func canonical(_ name: String, _ names: ParameterNames) -> String? {
    guard name.hasPrefix(prefix) else { return nil }
    return names.canonical(String(name.dropFirst(prefix.count)))
  }
}

extension VisionLanguageModel {
  /// Puts the adapter of a PEFT directory on the model and freezes the decoder. Matrices that the file lacks
  /// are no change; those of the head and the embedding are added to the weights.
  ///
  /// - Throws: ``ModelConfigurationError``, `CheckpointError`, or ``ModelDirectoryError`` with every
  ///   parameter that is missing, unexpected or of another shape; the model then has no adapter.
  /// - Precondition: the model has no adapters yet.
  public func loadAdapter(from directory: URL) throws {
    let adapter = try PEFTAdapter(configurationOf: directory)
    try WeightFiles.check(adapter: directory)
    let file = try SafeTensorsFile(reading: ModelFile.inside(directory, PEFTAdapter.weightsName))
    var error = ModelDirectoryError(file: file.url.path)
    var scalings: [String: (rank: Int, alpha: Double)] = [:]
    let given = try file.names.map { name in
      let canonical = PEFTAdapter.canonical(name, configuration.names) ?? name
      if let module = PEFTAdapter.module(name), let own = PEFTAdapter.module(canonical) {
        scalings[own] = adapter.scaling(of: module)
        if !adapter.adapts(module) {
          error.unusable.append("\(name) (a module that \(PEFTAdapter.configurationName) does not name)")
        }
      }
      return (name: canonical, tensor: try file.tensor(name))
    }
    guard error.isEmpty else { throw error }
    try setAdapter(given, source: file.url.path) { scalings[$0] ?? (adapter.rank, adapter.alpha) }
  }

  /// Puts an adapter on linear layers and freezes the decoder itself.
  ///
  /// - Parameters:
  ///   - tensors: `….lora_A.weight` and `….lora_B.weight` of the layers that carry one, named as here.
  ///   - rank: width of the adapter; that of the first tensor when nil.
  ///   - alpha: numerator of its scale.
  ///   - source: what errors call the place the tensors came from.
  /// - Throws: ``ModelDirectoryError`` with every parameter that is missing, unexpected or of another shape;
  ///   the model then has no adapter.
  /// - Precondition: the model has no adapters yet.
  public func setAdapter(
    _ tensors: [(name: String, tensor: Tensor)], rank: Int? = nil, alpha: Double, source: String
  ) throws {
    let first = tensors.first { $0.name.hasSuffix(".lora_A.weight") }?.tensor.shape.first
    try setAdapter(tensors, source: source) { _ in (rank ?? first ?? 0, alpha) }
  }

  /// - Parameter scaling: width and numerator of the scale for a module.
  private func setAdapter(
    _ tensors: [(name: String, tensor: Tensor)], source: String,
    scaling: (_ module: String) -> (rank: Int, alpha: Double)
  ) throws {
    var error = ModelDirectoryError(file: source)
    var given = Dictionary(tensors.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
    let modules = Set(given.keys.compactMap(PEFTAdapter.module))
    guard !modules.isEmpty, modules.allSatisfy({ scaling($0).rank > 0 }) else {
      error.missing = ["lora_A.weight of any layer"]
      throw error
    }
    func take(_ name: String, _ shape: [Int]) -> Tensor? {
      guard let tensor = given.removeValue(forKey: name)?.to(.float32) else {
        error.missing.append(name)
        return nil
      }
      if tensor.shape != shape {
        error.wrongShapes.append("\(name): found \(tensor.shape), expected \(shape)")
      } else if !tensor.sum().item().isFinite {
        error.unusable.append("\(name) (not all values are finite)")
      }
      return tensor
    }
    var generator = RandomGenerator.placeholder
    applyLoRA(using: &generator) { modules.contains($0) ? scaling($0) : nil }
    var values: [(Parameter, Tensor)] = []
    for (name, parameter) in namedParameters() where name.contains(".lora_") {
      if let tensor = take(name, parameter.shape) { values.append((parameter, tensor)) }
    }
    // The head and the embedding have nothing to switch off: what the adapter adds is added at once.
    var added: [(Parameter, Tensor)] = []
    for (name, parameter) in namedParameters() where name.hasSuffix(".weight") && parameter.shape.count == 2 {
      let module = String(name.dropLast(".weight".count))
      guard modules.contains(module), given["\(module).lora_A.weight"] != nil else { continue }
      let (rank, alpha) = scaling(module)
      guard let a = take("\(module).lora_A.weight", [rank, parameter.shape[1]]),
        let b = take("\(module).lora_B.weight", [parameter.shape[0], rank]), error.isEmpty
      else { continue }
      added.append((parameter, noGradient { b.matmul(a) * (alpha / Double(rank)) }))
    }
    error.unexpected = given.keys.sorted()
    guard error.isEmpty else {
      removeAdapters()
      throw error
    }
    for (parameter, tensor) in values { parameter.tensor = tensor }
    for (parameter, tensor) in added {
      parameter.tensor = noGradient { parameter.tensor.to(.float32) + tensor }
    }
    hasAdaptedRest = !added.isEmpty
  }

  /// Writes the adapter as PEFT's `save_pretrained` does: `adapter_model.safetensors` and
  /// `adapter_config.json`.
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
    guard !hasAdaptedRest else {
      throw ModelDirectoryError(
        file: directory.path,
        unusable: [
          "the adapter (it has matrices of the head or the embedding, which only merged weights hold)"
        ])
    }
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let arrays = namedParameters().filter { $0.name.contains(".lora_") }.map {
      (name: PEFTAdapter.name($0.name, configuration.names), tensor: $0.parameter.tensor.detached())
    }
    try SafeTensors.write(
      arrays, metadata: ["format": "pt"], to: directory.appending(component: PEFTAdapter.weightsName))
    // One width and one numerator for all but those that are named.
    let others = adapterModules.filter { $0.adapter.rank != first.rank || $0.adapter.alpha != first.alpha }
    func pattern<Value>(_ value: (LoRALinear) -> Value) -> [String: Value] {
      Dictionary(
        uniqueKeysWithValues: others.map {
          (configuration.names.name($0.name, in: .inMemory), value($0.adapter))
        })
    }
    let adapted = Set(arrays.flatMap { $0.name.split(separator: ".").map(String.init) })
    let modules = adapterModules.map(\.name)
    // A pattern for the decoder's blocks; with layers elsewhere each by its name.
    let targets: Any =
      modules.allSatisfy { $0.hasPrefix("language_model.") }
      ? PEFTAdapter.targets(linearNames.filter(adapted.contains), configuration.names)
      : modules.map { configuration.names.name($0, in: .inMemory) }
    let keys: [String: Any] = [
      "peft_type": "LORA", "task_type": NSNull(), "r": first.rank, "lora_alpha": first.alpha,
      "lora_dropout": 0.0, "bias": "none",
      "target_modules": targets,
      "fan_in_fan_out": false,
      "inference_mode": true, "init_lora_weights": true, "use_rslora": false, "use_dora": false,
      "base_model_name_or_path": baseModel, "rank_pattern": pattern(\.rank),
      "alpha_pattern": pattern(\.alpha),
    ]
    let json = try JSONSerialization.data(
      withJSONObject: keys, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    try json.write(
      to: directory.appending(component: PEFTAdapter.configurationName), options: .atomic)
  }
}
