import Checkpoint
import Foundation
import Tensor

/// A low-rank adapter in PEFT's files: `adapter_config.json` and `adapter_model.safetensors`, or in its place
/// `adapter_model.bin`; beside them `non_lora_trainables.bin`, as LLaVA's own training leaves it.
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
  /// The weights as older releases of PEFT pickle them.
  static let pickledName = "adapter_model.bin"
  /// What LLaVA's own training learned beside the adapter: the projector, most of all.
  static let othersName = "non_lora_trainables.bin"
  /// Linear layers of the decoder's blocks, as a regular expression over the module names of any release.
  static func targets(_ linears: [String], _ names: ParameterNames) -> String {
    names.decoderPattern + #"\.("# + linears.joined(separator: "|") + ")"
  }

  /// Whether the scale is alpha over the root of the rank.
  var isRankStabilised = false
  /// Whether lengths of rows are learned for themselves (DoRA).
  var isDecomposed = false
  /// Which biases were trained and lie in the file.
  var biases = Biases.none
  /// Modules whose weights lie in the file as they are, by the ends of their names.
  var savedModules: [String] = []
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
    let bare = bare(name)
    for ending in [".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector"] where bare.hasSuffix(ending)
    {
      return String(bare.dropLast(ending.count))
    }
    return nil
  }

  /// What the matrix of an embedding would be called on a linear layer. An embedding's change is
  /// `(B A)ᵀ` of `lora_embedding_A` [rank, vocabulary] and `lora_embedding_B` [width, rank]: transposed and
  /// in each other's place they are those of a layer with a weight of [vocabulary, width].
  static func linearName(ofEmbedding name: String) -> String? {
    let names = [(".lora_embedding_A", ".lora_B.weight"), (".lora_embedding_B", ".lora_A.weight")]
    for (ending, linear) in names where name.hasSuffix(ending) {
      return String(name.dropLast(ending.count)) + linear
    }
    return nil
  }

  /// The name of a parameter in the model that PEFT wrapped.
  static func bare(_ name: String) -> String {
    let bare = name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
    // What a layer with an adapter had before it.
    return bare.replacing(".base_layer.", with: ".")
  }

  /// The name used here for a parameter of PEFT's file.
  static func canonical(_ name: String, _ names: ParameterNames) -> String? {
    guard name.hasPrefix(prefix) else { return nil }
    let bare = bare(name)
    // A decoder that was wrapped for itself, with its head or without.
    if bare.hasPrefix("layers.") { return "language_model.model." + bare }
    return bare.hasPrefix("model.layers.") ? "language_model." + bare : names.canonical(bare)
  }
}

extension VisionLanguageModel {
  /// Writes the adapter as PEFT's `save_pretrained` does: `adapter_model.safetensors` and
  /// `adapter_config.json`.
  ///
  /// - Parameters:
  ///   - directory: made when absent.
  ///   - baseModel: the name of the model that the adapter belongs on, or its path; an absolute one is
  ///     written as the way from the adapter to it, so that both can be taken elsewhere.
  ///   - forLanguageModel: whether that is the decoder alone, whose modules have shorter names.
  /// - Throws: ``ModelDirectoryError`` when the model has no adapter, `CheckpointError` or a file error.
  public func saveAdapter(to directory: URL, baseModel: String, forLanguageModel: Bool = false) throws {
    let decoder = "language_model."
    func bare(_ canonical: String) -> String {
      forLanguageModel && canonical.hasPrefix(decoder)
        ? String(canonical.dropFirst(decoder.count)) : configuration.names.name(canonical, in: .inMemory)
    }
    guard let first = adapters.first else {
      throw ModelDirectoryError(
        file: directory.path, missing: ["lora_A.weight of any layer: the model to write has no adapter"])
    }
    guard !hasAdaptedRest else {
      throw ModelDirectoryError(
        file: directory.path,
        unusable: [
          "the adapter (it came with weights beside its matrices, which only merged weights hold)"
        ])
    }
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let arrays = namedParameters().filter { $0.name.contains(".lora_") }.map {
      (name: PEFTAdapter.prefix + bare($0.name), tensor: $0.parameter.tensor.detached())
    }
    try SafeTensors.write(
      arrays, metadata: ["format": "pt"], to: directory.appending(component: PEFTAdapter.weightsName))
    // One width and one numerator for all but those that are named.
    let others = adapterModules.filter { $0.adapter.rank != first.rank || $0.adapter.alpha != first.alpha }
    func pattern<Value>(_ value: (LoRALinear) -> Value) -> [String: Value] {
      Dictionary(
        uniqueKeysWithValues: others.map {
          (bare($0.name), value($0.adapter))
        })
    }
    let adapted = Set(arrays.flatMap { $0.name.split(separator: ".").map(String.init) })
    let modules = adapterModules.map(\.name)
    // A pattern for the decoder's blocks; with layers elsewhere each by its name.
    let inDecoder = modules.allSatisfy { $0.hasPrefix(decoder) }
    let linears = linearNames.filter(adapted.contains)
    let targets: Any
    if forLanguageModel {
      targets = linears
    } else if inDecoder {
      targets = PEFTAdapter.targets(linears, configuration.names)
    } else {
      targets = modules.map(bare)
    }
    let base = baseModel.hasPrefix("/") ? directory.way(to: baseModel) : baseModel
    let keys: [String: Any] = [
      "peft_type": "LORA", "task_type": NSNull(), "r": first.rank, "lora_alpha": first.alpha,
      "lora_dropout": 0.0, "bias": "none",
      "target_modules": targets,
      "fan_in_fan_out": false,
      "inference_mode": true, "init_lora_weights": true, "use_rslora": false,
      "use_dora": first.magnitude != nil,
      "base_model_name_or_path": base, "rank_pattern": pattern(\.rank),
      "alpha_pattern": pattern(\.alpha),
    ]
    let json = try JSONSerialization.data(
      withJSONObject: keys, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    try json.write(
      to: directory.appending(component: PEFTAdapter.configurationName), options: .atomic)
  }
}

extension URL {
  /// The relative path from this folder to another file.
  fileprivate func way(to path: String) -> String {
    let own = resolvingSymlinksInPath().standardizedFileURL.pathComponents
    let other = URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.pathComponents
    let common = zip(own, other).prefix { $0 == $1 }.count
    let steps = Array(repeating: "..", count: own.count - common) + other.dropFirst(common)
    return steps.isEmpty ? "." : steps.joined(separator: "/")
  }
}
