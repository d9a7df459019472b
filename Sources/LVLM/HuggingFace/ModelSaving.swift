import Checkpoint
import Foundation
import Tensor

/// The floating-point type that each weight has in files that are written.
public enum SavedType: Equatable, Sendable {
  /// The type that the weight had in the file it was read from where that holds its value exactly, else
  /// Float32: what was not trained comes out as it came in, and nothing of what was trained is lost.
  case exact
  /// The type that the weight had in the file it was read from, its value rounded to that; Float32 for a new
  /// one.
  case stored
  /// The same type for all.
  case type(DType)
}

extension VisionLanguageModel {
  /// Writes a Hugging Face directory: `config.json` and `model.safetensors`, or shards with
  /// `model.safetensors.index.json`; adapters are merged into the copy that is written.
  ///
  /// Weights are converted, merged and written one by one: nothing of the model is in memory twice but the
  /// weight at hand.
  /// - Parameters:
  ///   - directory: made when absent.
  ///   - layout: how the parameters are named.
  ///   - type: the type of the weights in the files.
  ///   - shardBytes: a file ends before it would become larger.
  /// - Throws: `CheckpointError` or a file error; ``ModelDirectoryError`` for values that `type` cannot hold.
  public func save(
    to directory: URL, layout: ParameterNames.Layout = .saved, type: SavedType = .exact,
    shardBytes: Int = 5_000_000_000
  ) throws {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let weights = savedWeights().map { (weight: $0, dtype: $0.dtype(type)) }
    let items = weights.map { weight, dtype in
      let name = configuration.names.name(weight.name, in: layout)
      return SafeTensors.Item(name: name, elementType: ElementType(dtype), shape: weight.shape) { body in
        let value = weight.value()
        let tensor = noGradient { value.to(dtype) }
        guard value.dtype == dtype || tensor.isFinite else {
          throw ModelDirectoryError(
            file: directory.path, unusable: ["\(name) (values that \(dtype) cannot hold)"])
        }
        try tensor.withElementBytes(body)
      }
    }
    try SafeTensorsShardWriter.write(
      items, metadata: ["format": "pt"], to: directory, shardBytes: shardBytes)
    let counts = Dictionary(weights.map { ($0.dtype, $0.weight.shape.reduce(1, *)) }, uniquingKeysWith: +)
    // The type most of the weights have: transformers opens the model in it.
    let usual = counts.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }?.key ?? .float32
    try AtomicFile.write(
      configuration.json(dtype: usual), to: directory.appending(component: "config.json"))
  }

  /// A weight of the model without adapters, worked out when it is asked for.
  struct SavedWeight {
    let name: String
    let shape: [Int]
    /// The type in the file it was read from.
    let stored: DType
    let value: () -> Tensor

    func dtype(_ type: SavedType) -> DType {
      switch type {
      case .exact: stored == .float32 || !value().isExact(in: stored) ? .float32 : stored
      case .stored: stored
      case .type(let dtype): dtype
      }
    }
  }

  func savedWeights() -> [SavedWeight] {
    let merged = Dictionary(uniqueKeysWithValues: adapters.map { (ObjectIdentifier($0.weight), $0) })
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
      let (adapter, matrix) = (merged[id], quantized[id])
      // Of a GGUF file's weights the type that each is kept in; wider types than Float32 are not.
      let known = storedTypes[name] ?? (matrix == nil ? parameter.dtype : .float32)
      return SavedWeight(
        name: name, shape: adapter?.mergedShape ?? matrix?.shape ?? parameter.shape,
        stored: known == .float64 ? .float32 : known
      ) {
        adapter?.mergedWeight() ?? matrix?.expanded() ?? parameter.tensor.detached()
      }
    }
  }

  /// Every parameter of the model without adapters, those merged into the weights beneath them and quantised
  /// ones expanded.
  package func mergedParameters() -> [(name: String, tensor: Tensor)] {
    savedWeights().map { ($0.name, $0.value()) }
  }
}

extension Tensor {
  /// Whether another floating-point type has every value of this tensor.
  fileprivate func isExact(in type: DType) -> Bool {
    if type == dtype { return true }
    return allPieces { piece in (piece - piece.to(type)).abs().max().item() == 0 }
  }
}
