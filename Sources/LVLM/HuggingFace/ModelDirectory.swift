import Checkpoint
import Foundation
import Tensor

extension LlavaModel {
  /// Opens a Hugging Face directory: `config.json` and `model.safetensors`, or the shards that
  /// `model.safetensors.index.json` names.
  ///
  /// - Throws: ``ModelConfigurationError``, ``ModelDirectoryError`` or `CheckpointError`.
  public static func load(from directory: URL) throws -> LlavaModel {
    let configuration = try LlavaConfiguration.read(
      from: directory.appending(component: "config.json"))
    var generator = RandomGenerator(seed: 0)
    let model = try LlavaModel(configuration, using: &generator)
    var arrays: [(name: String, tensor: Tensor)] = []
    for file in try shards(of: directory) {
      let shard = try SafeTensorsFile(reading: file)
      for name in shard.names {
        let array = try shard.array(name)
        arrays.append((name, Tensor(array.floats(), shape: array.shape)))
      }
    }
    try model.setParameters(arrays, source: directory.path)
    return model
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
      arrays, metadata: ["format": "pt"], to: directory.appending(component: "model.safetensors"))
    try configuration.json().write(
      to: directory.appending(component: "config.json"), options: .atomic)
  }

  /// Every parameter of the model without adapters, those merged into the weights beneath them.
  package func mergedParameters() -> [(name: String, tensor: Tensor)] {
    let merged = Dictionary(
      uniqueKeysWithValues: adapters.map { (ObjectIdentifier($0.weight), $0.mergedWeight()) })
    return namedParameters().compactMap { name, parameter in
      if name.contains(".lora_") { return nil }
      return (name, merged[ObjectIdentifier(parameter)] ?? parameter.tensor.detached())
    }
  }

  /// Replaces all parameters, given under the names of any ``ParameterNames/Layout``.
  ///
  /// Nothing is changed unless everything fits.
  /// - Parameter source: what errors call the place they came from.
  /// - Throws: ``ModelDirectoryError`` with all missing, unexpected, wrongly shaped and non-finite parameters.
  public func setParameters(_ tensors: [(name: String, tensor: Tensor)], source: String) throws {
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
      } else if !tensor.sum().item().isFinite {
        error.unusable.append("\(name) (not all values are finite)")
      }
    }
    error.missing = own.map(\.name).filter { given[$0] == nil }
    guard error.isEmpty else { throw error }
    for (name, parameter) in own {
      if let tensor = given[name] { parameter.tensor = tensor }
    }
  }

  /// The files with the weights, in the order of their names.
  private static func shards(of directory: URL) throws -> [URL] {
    struct Index: Decodable {
      var weights: [String: String]
      enum CodingKeys: String, CodingKey { case weights = "weight_map" }
    }
    let indexFile = directory.appending(component: "model.safetensors.index.json")
    guard let data = try? Data(contentsOf: indexFile) else {
      return [directory.appending(component: "model.safetensors")]
    }
    guard let index = try? JSONDecoder().decode(Index.self, from: data) else {
      throw ModelDirectoryError(file: indexFile.path, unusable: ["the index (expected JSON with weight_map)"])
    }
    let names = Set(index.weights.values).sorted()
    let strange = names.filter { $0.contains("/") || $0.hasPrefix(".") }
    guard strange.isEmpty else {
      throw ModelDirectoryError(
        file: indexFile.path, unusable: strange.map { "\($0) (expected a file of this directory)" })
    }
    return names.map { directory.appending(component: $0) }
  }
}
