import Checkpoint
import Foundation
import Tensor

extension LlavaModel {
  /// Opens a Hugging Face directory: `config.json` and `model.safetensors`, or the shards that
  /// `model.safetensors.index.json` names. Float16, BFloat16 and Float64 weights become Float32.
  ///
  /// - Throws: ``ModelConfigurationError``, ``ModelDirectoryError`` or `CheckpointError`; ``ModelErrors`` where there are
  ///   several.
  public static func load(from directory: URL) throws -> LlavaModel {
    try load(from: directory) {
      try LlavaConfiguration.read(from: ModelFile.inside(directory, "config.json"))
    }
  }

  /// Opens the weights of a directory for a configuration; they are looked through even when `configuration` throws.
  static func load(
    from directory: URL, as configuration: () throws -> LlavaConfiguration
  ) throws -> LlavaModel {
    let errors = ErrorCollection()
    let configuration = errors.attempt(configuration)
    let shards = errors.attempt { try SafeTensorsShards(of: directory) }
    guard let weights = shards?.weights(errors: errors) else { throw errors.error }
    guard let configuration else {
      let unusable = weights.tensors.compactMap { Self.unusable($0.name, $0.tensor) }
      if !unusable.isEmpty { errors.add(ModelDirectoryError(file: directory.path, unusable: unusable)) }
      throw errors.error
    }
    let model = errors.attempt {
      try checkSize(of: configuration, held: weights.tensors, source: directory)
      // Every weight is replaced below, or an error says which is missing.
      var generator = RandomGenerator.placeholder
      let model = try LlavaModel(configuration, using: &generator)
      try model.setParameters(weights.tensors, unread: weights.unread, source: directory.path)
      return model
    }
    guard let model, errors.isEmpty else { throw errors.error }
    return model
  }

  /// Refuses sizes that no memory holds before any is asked for.
  private static func checkSize(
    of configuration: LlavaConfiguration, held: [(name: String, tensor: Tensor)], source: URL
  ) throws {
    let wanted =
      configuration.visionWeightCount + configuration.projectorWeightCount + configuration.decoderWeightCount
    let found = held.reduce(0) { $0 + $1.tensor.count }
    guard wanted > 64 * found + 1 << 28 else { return }
    throw ModelConfigurationError(
      file: source.appending(component: "config.json").path,
      problems: [
        .init(key: "sizes", found: "a model of \(wanted) weights", expected: "the \(found) of the files")
      ])
  }

  /// Writes a Hugging Face directory: `config.json` and `model.safetensors`; adapters are merged into the copy that
  /// is written.
  ///
  /// - Parameters:
  ///   - directory: made when absent.
  ///   - layout: how the parameters are named.
  /// - Throws: `CheckpointError` or a file error.
  public func save(to directory: URL, layout: ParameterNames.Layout = .saved) throws {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let arrays = mergedParameters().map { name, tensor in
      (
        name: ParameterNames.name(name, in: layout),
        array: StoredArray(tensor.array(of: Float.self), shape: tensor.shape)
      )
    }
    try SafeTensors.write(
      arrays, metadata: ["format": "pt"], hasChecksums: true,
      to: directory.appending(component: "model.safetensors"))
    try AtomicFile.write(configuration.json(), to: directory.appending(component: "config.json"))
  }

  /// Every parameter of the model without adapters, those merged into the weights beneath them and quantised ones expanded.
  package func mergedParameters() -> [(name: String, tensor: Tensor)] {
    let merged = Dictionary(
      uniqueKeysWithValues: adapters.map { (ObjectIdentifier($0.weight), $0.mergedWeight()) })
    let quantized = Dictionary(
      uniqueKeysWithValues: modules().compactMap { module in
        switch module {
        case let linear as QuantizedLinear: (ObjectIdentifier(linear.weight), linear.matrix)
        case let table as QuantizedEmbedding: (ObjectIdentifier(table.weight), table.matrix)
        default: nil as (ObjectIdentifier, QuantizedMatrix)?
        }
      })
    return namedParameters().compactMap { name, parameter in
      if name.contains(".lora_") { return nil }
      let id = ObjectIdentifier(parameter)
      return (name, merged[id] ?? quantized[id]?.expanded() ?? parameter.tensor.detached())
    }
  }

  /// Replaces all parameters, given under the names of any ``ParameterNames/Layout``.
  ///
  /// Nothing is changed unless everything fits.
  /// - Parameter source: what errors call the place they came from.
  /// - Throws: ``ModelDirectoryError`` with all missing, unexpected, wrongly shaped and non-finite parameters.
  public func setParameters(_ tensors: [(name: String, tensor: Tensor)], source: String) throws {
    try setParameters(tensors, unread: [], source: source)
  }

  /// - Parameter unread: names that are known to lie in files that could not be read: not missing.
  private func setParameters(
    _ tensors: [(name: String, tensor: Tensor)], unread: Set<String>, source: String
  ) throws {
    var error = ModelDirectoryError(file: source)
    let own = namedParameters()
    let known = Dictionary(uniqueKeysWithValues: own.map { ($0.name, $0.parameter) })
    var given: [String: Tensor] = [:]
    for (name, tensor) in tensors {
      guard let canonical = ParameterNames.canonical(name) else { continue }
      guard let parameter = known[canonical] else {
        let isTiedHead =
          configuration.text.tiesWordEmbeddings && canonical == "language_model.lm_head.weight"
        if !isTiedHead { error.unexpected.append(name) }
        continue
      }
      if given.updateValue(tensor, forKey: canonical) != nil {
        error.unusable.append("\(name) (there twice)")
      } else if tensor.shape != parameter.shape {
        error.wrongShapes.append("\(name): found \(tensor.shape), expected \(parameter.shape)")
      } else if let problem = Self.unusable(name, tensor) {
        error.unusable.append(problem)
      }
    }
    let elsewhere = Set(unread.compactMap(ParameterNames.canonical))
    error.missing = own.map(\.name).filter { given[$0] == nil && !elsewhere.contains($0) }
    guard error.isEmpty else { throw error }
    for (name, parameter) in own {
      if let tensor = given[name] { parameter.tensor = tensor }
    }
  }

  /// Why a tensor cannot be a parameter whatever its shape; nil when it can.
  private static func unusable(_ name: String, _ tensor: Tensor) -> String? {
    guard tensor.dtype.isFloatingPoint else {
      return "\(name) (\(tensor.dtype) values, expected floating point)"
    }
    return tensor.to(.float32).sum().item().isFinite ? nil : "\(name) (not all values are finite)"
  }
}
