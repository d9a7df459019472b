import Checkpoint
import Foundation
import Tensor

extension VisionLanguageModel {
  /// Puts the adapter of a PEFT directory on the model and freezes the decoder. Matrices that the file lacks
  /// are no change; those of the head and the embedding are added to the weights, and weights that the files
  /// hold as they are (`modules_to_save`, trained biases, LLaVA's `non_lora_trainables.bin`) take the place
  /// of the model's. Both stay when the adapter is switched off or taken off.
  ///
  /// - Throws: ``ModelConfigurationError``, `CheckpointError`, or ``ModelDirectoryError`` with every
  ///   parameter that is missing, unexpected or of another shape; the model then has no adapter.
  /// - Precondition: the model has no adapters yet.
  public func loadAdapter(from directory: URL) throws {
    let adapter = try PEFTAdapter(configurationOf: directory)
    try WeightFiles.check(adapter: directory)
    let weights = try AdapterWeights(
      of: directory, adapter, names: configuration.names, model: namedParameters().map(\.name))
    try setAdapter(
      weights.matrices, whole: weights.whole, isDecomposed: adapter.isDecomposed, source: weights.source
    ) { weights.scalings[$0] ?? (adapter.rank, adapter.alpha) }
  }

  /// Puts an adapter on linear layers and freezes the decoder itself.
  ///
  /// - Parameters:
  ///   - tensors: `….lora_A.weight` and `….lora_B.weight` of the layers that carry one, named as here; of a
  ///     decomposed one `….lora_magnitude_vector` too.
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
    let isDecomposed = tensors.contains { $0.name.hasSuffix(".lora_magnitude_vector") }
    try setAdapter(tensors, whole: [], isDecomposed: isDecomposed, source: source) { _ in
      (rank ?? first ?? 0, alpha)
    }
  }

  /// - Parameters:
  ///   - whole: weights that take the place of the model's.
  ///   - scaling: width and numerator of the scale for a module.
  private func setAdapter(
    _ tensors: [(name: String, tensor: Tensor)], whole: [AdapterWeights.Whole], isDecomposed: Bool,
    source: String,
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
    let replaced = replacements(whole, &error)
    if isDecomposed {
      error.unusable += partialModules(modules).map {
        "\($0) (use_dora on a layer with another weight at rows of pictures: nothing is computed for it)"
      }
      guard error.unusable.isEmpty else { throw error }
    }
    var generator = RandomGenerator.placeholder
    applyLoRA(decomposesWeights: isDecomposed, using: &generator) { modules.contains($0) ? scaling($0) : nil }
    var values: [(Parameter, Tensor)] = []
    for (name, parameter) in namedParameters() where name.contains(".lora_") {
      if let tensor = take(name, parameter.shape) { values.append((parameter, tensor)) }
    }
    // The head and the embedding have nothing to switch off: what the adapter adds is added at once.
    var added: [(Parameter, (Tensor) -> Tensor)] = []
    for (name, parameter) in namedParameters() where name.hasSuffix(".weight") && parameter.shape.count == 2 {
      let module = String(name.dropLast(".weight".count))
      guard modules.contains(module), given["\(module).lora_A.weight"] != nil else { continue }
      let (rank, alpha) = scaling(module)
      let lengths =
        isDecomposed ? take("\(module).lora_magnitude_vector", [parameter.shape[0]]) : nil
      guard let a = take("\(module).lora_A.weight", [rank, parameter.shape[1]]),
        let b = take("\(module).lora_B.weight", [parameter.shape[0], rank]), error.isEmpty
      else { continue }
      let change = { (weight: Tensor) in
        let sum = weight.to(.float32) + b.matmul(a) * (alpha / Double(rank))
        return lengths.map { sum * ($0 / sum.norm(axis: 1)).reshaped([sum.shape[0], 1]) } ?? sum
      }
      if module + ".weight" == WeightFit.embedding {
        if isDecomposed { error.unusable.append("\(module) (use_dora on an embedding)") }
        // PEFT adds to what is looked up and leaves a tied head as it was.
        if configuration.text.tiesWordEmbeddings {
          error.unusable.append(WeightFit.tiedProblem(WeightFit.head, WeightFit.embedding))
        }
      }
      added.append((parameter, change))
    }
    error.unexpected += given.keys.sorted()
    guard error.isEmpty else {
      removeAdapters()
      throw error
    }
    for (parameter, tensor) in values { parameter.tensor = tensor }
    // In Float32 whatever the model is kept in: nothing of what was trained is rounded away.
    for (parameter, tensor) in replaced { parameter.replace(with: tensor) }
    for (parameter, change) in added {
      parameter.replace(with: noGradient { change(parameter.tensor) })
    }
    hasAdaptedRest = !added.isEmpty || !replaced.isEmpty
  }

  /// Names among these of layers that map rows of pictures in another way.
  private func partialModules(_ names: Set<String>) -> [String] {
    let partial = Set(modules().compactMap { ($0 as? PartialLoRALinear).map { ObjectIdentifier($0.weight) } })
    return namedParameters().filter { partial.contains(ObjectIdentifier($0.parameter)) }
      .map { String($0.name.dropLast(".weight".count)) }.filter(names.contains).sorted()
  }

  /// The parameters that weights take the place of; what does not fit is noted.
  private func replacements(
    _ whole: [AdapterWeights.Whole], _ error: inout ModelDirectoryError
  ) -> [(Parameter, Tensor)] {
    let known = Dictionary(
      namedParameters().map { ($0.name, $0.parameter) }, uniquingKeysWith: { first, _ in first })
    var found: [String: Tensor] = [:]
    var result: [(Parameter, Tensor)] = []
    for weight in whole {
      guard found.updateValue(weight.tensor, forKey: weight.name) == nil else {
        error.unusable.append("\(weight.label) (there twice)")
        continue
      }
      guard let parameter = known[weight.name] else {
        let isHead = configuration.text.tiesWordEmbeddings && weight.name == WeightFit.head
        if !isHead { error.unexpected.append(weight.label) }
        continue
      }
      if weight.tensor.shape != parameter.shape {
        error.wrongShapes.append(
          "\(weight.label): found \(weight.tensor.shape), expected \(parameter.shape)")
      } else if !weight.tensor.isFinite {
        error.unusable.append("\(weight.label) (not all values are finite)")
      } else {
        result.append((parameter, weight.tensor))
      }
    }
    guard configuration.text.tiesWordEmbeddings, let own = known[WeightFit.embedding]?.tensor else {
      return result
    }
    // PEFT trains a copy of the one it is told to save; the other stays as it was.
    let (head, embedding) = (found[WeightFit.head], found[WeightFit.embedding])
    if head != nil || embedding != nil,
      !noGradient({ (head ?? own.to(.float32)).equals(embedding ?? own.to(.float32)) })
    {
      error.unusable.append(WeightFit.tiedProblem(WeightFit.head, WeightFit.embedding))
    }
    return result
  }
}
