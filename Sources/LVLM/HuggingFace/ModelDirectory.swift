import Checkpoint
import Foundation
import Tensor

extension VisionLanguageModel {
  /// Opens a Hugging Face directory: `config.json` and `model.safetensors`, or the shards that
  /// `model.safetensors.index.json` names; where there are no safetensors, `pytorch_model.bin` or its shards.
  ///
  /// Each weight is read straight into the memory and the type it is kept in, one after the other, so that no
  /// more is needed than the model takes.
  /// - Parameter weights: how matrices are kept; anything but ``WeightStorage/float32`` may freeze the model.
  /// - Throws: ``ModelConfigurationError``, ``ModelDirectoryError`` or `CheckpointError`; ``ModelErrors``
  ///   where there are several.
  public static func load(
    from directory: URL, weights: WeightStorage = .float32
  ) throws -> VisionLanguageModel {
    try load(from: directory, weights: weights) {
      try FamilyRegistry.configuration(from: ModelFile.inside(directory, "config.json"))
    }
  }

  /// Opens the weights of a directory for a configuration; they are looked through even when `configuration`
  /// throws.
  static func load(
    from directory: URL, weights storage: WeightStorage, trainable: Set<Part> = [],
    as configuration: () throws -> any FamilyConfiguration
  ) throws -> VisionLanguageModel {
    guard storage != .quantized else {
      throw ModelDirectoryError(
        file: directory.path, unusable: ["its weights (safetensors, expected a GGUF file to keep quantised)"])
    }
    let errors = ErrorCollection()
    let configuration = errors.attempt(configuration)
    let shards = errors.attempt { try WeightShards(of: directory) }
    guard let (weights, unread) = shards?.weights(errors: errors) else { throw errors.error }
    guard let configuration else {
      let unusable = try weights.compactMap { try Self.read($0, as: .float32).problem }
      if !unusable.isEmpty { errors.add(ModelDirectoryError(file: directory.path, unusable: unusable)) }
      throw errors.error
    }
    let model = errors.attempt {
      try checkSize(of: configuration, held: weights, source: directory)
      // Every weight is replaced below, or an error says which is missing.
      var generator = RandomGenerator.placeholder
      let model = try VisionLanguageModel(configuration, using: &generator)
      try model.takeWeights(
        weights, unread: unread, storage: storage, trainable: trainable, source: directory.path)
      return model
    }
    TensorRuntime.trim()
    guard let model, errors.isEmpty else { throw errors.error }
    return model
  }

  /// Refuses sizes that no memory holds before any is asked for.
  private static func checkSize(
    of configuration: any FamilyConfiguration, held: [WeightShards.Weight], source: URL
  ) throws {
    let wanted =
      configuration.visionWeightCount + configuration.projectorWeightCount + configuration.decoderWeightCount
    let found = held.reduce(0) { $0 + $1.count }
    guard wanted > 64 * found + 1 << 28 else { return }
    throw ModelConfigurationError(
      file: source.appending(component: "config.json").path,
      problems: [
        .init(key: "sizes", found: "a model of \(wanted) weights", expected: "the \(found) of the files")
      ])
  }

  /// Reads every weight of a directory into the parameters of a model that nothing else refers to yet.
  ///
  /// - Parameters:
  ///   - unread: names that are known to lie in files that could not be read: not missing.
  ///   - trainable: parts that stay in Float32 and trainable, whatever `storage` is.
  private func takeWeights(
    _ weights: [WeightShards.Weight], unread: Set<String>, storage: WeightStorage, trainable: Set<Part>,
    source: String
  ) throws {
    var fit = WeightFit(of: self, unread: unread, source: source)
    let trained = trainable.flatMap { module($0).namedParameters().map { ObjectIdentifier($0.parameter) } }
    let matrices = storableMatrices.subtracting(trained)
    if let problem = try tiedHeadProblem(of: weights) { fit.error.unusable.append(problem) }
    for weight in weights {
      guard let parameter = fit.parameter(for: weight.name, shape: weight.shape) else { continue }
      let canonical = configuration.names.canonical(weight.name) ?? weight.name
      let stored = weight.elementType.dtype
      let isMatrix = matrices.contains(ObjectIdentifier(parameter))
      let (tensor, problem) = try Self.read(
        weight, as: storage.type(ofMatrix: isMatrix, stored: stored), isMapped: storage == .mapped)
      if let problem {
        fit.error.unusable.append(problem)
      } else if let tensor {
        parameter.replace(with: tensor)
        storedTypes[canonical] = stored
      }
    }
    try fit.finish()
    if storage == .bfloat16 || namedParameters().contains(where: { $0.parameter.dtype != .float32 }) {
      for part in Part.allCases where !trainable.contains(part) { setTrainable(false, part) }
    }
  }

  /// What is wrong with a head in the files of a model whose head is its embedding. Releases of transformers
  /// differ in which of the two they take where both are there and not the same.
  private func tiedHeadProblem(of weights: [WeightShards.Weight]) throws -> String? {
    func weight(_ name: String) -> WeightShards.Weight? {
      weights.first { configuration.names.canonical($0.name) == name }
    }
    guard configuration.text.tiesWordEmbeddings, let head = weight(WeightFit.head),
      let embedding = weight(WeightFit.embedding)
    else { return nil }
    let isSame =
      if head.shape != embedding.shape {
        false
      } else if head.elementType == embedding.elementType, let file = head.file as? SafeTensorsFile,
        let other = embedding.file as? SafeTensorsFile
      {
        try file.hasSameBytes(head.name, as: embedding.name, in: other)
      } else {
        try head.file.tensor(head.name, as: .float32).equals(
          embedding.file.tensor(embedding.name, as: .float32))
      }
    return isSame ? nil : WeightFit.tiedProblem(head.name, embedding.name)
  }

  /// A weight in the type it is to be kept in, and why it cannot be used whatever its shape is.
  private static func read(
    _ weight: WeightShards.Weight, as dtype: DType, isMapped: Bool = false
  ) throws -> (tensor: Tensor?, problem: String?) {
    guard weight.elementType.dtype.isFloatingPoint else {
      return (nil, "\(weight.name) (\(weight.elementType) values, expected floating point)")
    }
    let mapped = isMapped ? try weight.file.mapped(weight.name, as: dtype) : nil
    let tensor = try mapped ?? weight.file.tensor(weight.name, as: dtype)
    return tensor.isFinite ? (tensor, nil) : (nil, "\(weight.name) (not all values are finite)")
  }

  /// Replaces all parameters, given under the names of any ``ParameterNames/Layout`` of the family.
  ///
  /// Nothing is changed unless everything fits.
  /// - Parameter source: what errors call the place they came from.
  /// - Throws: ``ModelDirectoryError`` with all missing, unexpected, wrongly shaped and non-finite
  ///   parameters.
  public func setParameters(_ tensors: [(name: String, tensor: Tensor)], source: String) throws {
    var fit = WeightFit(of: self, unread: [], source: source)
    var given: [(parameter: Parameter, tensor: Tensor)] = []
    func tensor(_ canonical: String) -> (name: String, tensor: Tensor)? {
      tensors.first { configuration.names.canonical($0.name) == canonical }
    }
    if configuration.text.tiesWordEmbeddings, let head = tensor(WeightFit.head),
      let embedding = tensor(WeightFit.embedding), !head.tensor.equals(embedding.tensor)
    {
      fit.error.unusable.append(WeightFit.tiedProblem(head.name, embedding.name))
    }
    for (name, tensor) in tensors {
      guard let parameter = fit.parameter(for: name, shape: tensor.shape) else { continue }
      if !tensor.dtype.isFloatingPoint {
        fit.error.unusable.append("\(name) (\(tensor.dtype) values, expected floating point)")
      } else if !tensor.isFinite {
        fit.error.unusable.append("\(name) (not all values are finite)")
      } else {
        given.append((parameter, tensor))
      }
    }
    try fit.finish()
    for (parameter, tensor) in given { parameter.tensor = tensor }
  }
}

/// Compares the weights of files with the parameters of a model, name by name.
struct WeightFit {
  static let head = "language_model.lm_head.weight"
  static let embedding = "language_model.model.embed_tokens.weight"

  /// What is wrong with a head that is not the embedding it shall be.
  static func tiedProblem(_ head: String, _ embedding: String) -> String {
    "\(head) (not the same as \(embedding), expected with tie_word_embeddings)"
  }

  var error: ModelDirectoryError
  private let names: ParameterNames
  private let known: [String: Parameter]
  private let order: [String]
  private let tiedHead: String?
  private var seen: Set<String> = []
  private let elsewhere: Set<String>

  init(of model: VisionLanguageModel, unread: Set<String>, source: String) {
    let own = model.namedParameters()
    names = model.configuration.names
    error = ModelDirectoryError(file: source)
    known = Dictionary(uniqueKeysWithValues: own.map { ($0.name, $0.parameter) })
    order = own.map(\.name)
    tiedHead = model.configuration.text.tiesWordEmbeddings ? Self.head : nil
    elsewhere = Set(unread.compactMap(names.canonical))
  }

  /// The parameter that a weight belongs to, nil when there is none or the weight does not fit, which is
  /// noted.
  mutating func parameter(for name: String, shape: [Int]) -> Parameter? {
    guard let canonical = names.canonical(name) else { return nil }
    guard let parameter = known[canonical] else {
      if canonical != tiedHead { error.unexpected.append(name) }
      return nil
    }
    guard seen.insert(canonical).inserted else {
      error.unusable.append("\(name) (there twice)")
      return nil
    }
    guard shape == parameter.shape else {
      error.wrongShapes.append("\(name): found \(shape), expected \(parameter.shape)")
      return nil
    }
    return parameter
  }

  /// Throws everything that was noted, with the parameters that no weight came for.
  mutating func finish() throws {
    error.missing = order.filter { !seen.contains($0) && !elsewhere.contains($0) }
    guard error.isEmpty else { throw error }
  }
}

extension Tensor {
  /// Whether no element is infinite or NaN in Float32.
  var isFinite: Bool {
    // The sum of large finite values overflows; a difference from itself does not.
    allPieces { $0.sum().item().isFinite || ($0 - $0).sum().item() == 0 }
  }

  /// Whether another tensor has the same shape and values.
  func equals(_ other: Tensor) -> Bool {
    guard shape == other.shape else { return false }
    return noGradient { (to(.float32) .!= other.to(.float32)).any().item() == 0 }
  }

  /// Whether `condition` holds for the elements in Float32, taken a piece at a time so that no second copy of
  /// a large tensor comes to be.
  func allPieces(_ condition: (Tensor) -> Bool) -> Bool {
    let flat = detached().reshaped([-1])
    let length = Tensor.pieceLength
    return stride(from: 0, to: flat.count, by: length).allSatisfy { first in
      condition(flat.slice(axis: 0, first..<Swift.min(first + length, flat.count)).to(.float32))
    }
  }
}
