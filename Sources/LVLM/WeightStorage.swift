import Tensor

/// How the matrices of a model are kept in memory. Whatever is chosen, computing is done in Float32.
public enum WeightStorage: String, CaseIterable, Sendable {
  /// As the file has them where products can read that, else Float32: what is quantised in a GGUF file stays so.
  case auto
  /// Float32, which alone can be trained.
  case float32
  /// Half the memory of Float32, 8 bits of mantissa.
  case bfloat16
  /// The quantised blocks of a GGUF file as they are; an error where a file has none.
  case quantized
}

extension LlavaModel {
  /// Stores the weights of frozen linear layers, and the embedding when it is frozen, in another floating-point type.
  ///
  /// Products read them as they are stored and accumulate in Float32; everything else, hidden states included, stays
  /// as it is. BFloat16 halves the memory of a frozen base model. Trainable and quantised weights are left alone.
  public func storeFrozenWeights(as type: DType) {
    precondition(type.isFloatingPoint, "storeFrozenWeights: expected a floating-point type, found \(type)")
    for case let linear as Linear in modules() where !(linear is QuantizedLinear) {
      if !linear.weight.isTrainable { linear.weight.convert(to: type) }
    }
    if !(decoder.embedding is QuantizedEmbedding), !decoder.embedding.weight.isTrainable {
      decoder.embedding.weight.convert(to: type)
    }
  }
}
