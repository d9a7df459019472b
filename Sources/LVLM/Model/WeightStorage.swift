import Tensor

/// How the matrices of a model are kept in memory. Whatever is chosen, computing is done in Float32.
public enum WeightStorage: String, CaseIterable, Sendable {
  /// As the file has them where products can read that, else Float32: Float16, BFloat16, and what is
  /// quantised in a GGUF file.
  case auto
  /// Float32, which alone can be trained.
  case float32
  /// Half the memory of Float32, 8 bits of mantissa.
  case bfloat16
  /// The quantised blocks of a GGUF file as they are; an error where a file has none.
  case quantized
  /// As ``auto``, and where a weight lies in its file in that type, it stays there: for what reads each
  /// weight once, such as to write it elsewhere. Nothing may change the file as long as the model is there.
  case mapped

  /// The type in memory of a weight that a file has as `stored`. Norms, biases and convolutions are Float32,
  /// because hidden states have the type of the norms.
  func type(ofMatrix isMatrix: Bool, stored: DType) -> DType {
    guard isMatrix else { return .float32 }
    switch self {
    case .float32, .quantized: return .float32
    case .bfloat16: return .bfloat16
    case .auto, .mapped: return stored == .bfloat16 || stored == .float16 ? stored : .float32
    }
  }
}

extension VisionLanguageModel {
  /// The weights that products and look-ups read in other types than Float32.
  var storableMatrices: Set<ObjectIdentifier> {
    Set(
      modules().compactMap {
        switch $0 {
        case let linear as Linear: ObjectIdentifier(linear.weight)
        case let table as Embedding: ObjectIdentifier(table.weight)
        default: nil as ObjectIdentifier?
        }
      })
  }

  /// Stores the weights of frozen linear layers, and the embedding when it is frozen, in another
  /// floating-point type.
  ///
  /// Products read them as they are stored and accumulate in Float32; everything else, hidden states
  /// included, stays as it is. BFloat16 halves the memory of a frozen base model. Trainable and quantised
  /// weights are left alone.
  public func storeFrozenWeights(as type: DType) {
    tensorRequire(type.isFloatingPoint, "storeFrozenWeights", "expected a floating-point type, found \(type)")
    // The weight of an adapter on a quantised layer is that layer's bytes.
    for case let linear as Linear in modules() where linear.weight.dtype.isFloatingPoint {
      if !linear.weight.isTrainable { linear.weight.convert(to: type) }
    }
    if !(decoder.embedding is QuantizedEmbedding), !decoder.embedding.weight.isTrainable {
      decoder.embedding.weight.convert(to: type)
    }
  }
}
