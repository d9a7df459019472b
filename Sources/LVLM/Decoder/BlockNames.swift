import Tensor

/// What the layers of a decoder block are called.
struct BlockNames: Sendable {
  var attention = "self_attn"
  /// Of queries, keys and values; a single name where one matrix makes all three.
  var projections = ["q_proj", "k_proj", "v_proj"]
  var output = "o_proj"
  var perceptron = "mlp"
  var gate = "gate_proj"
  var up = "up_proj"
  var down = "down_proj"
  var firstNorm = "input_layernorm"
  var secondNorm = "post_attention_layernorm"

  /// Those of the linear layers, in the order in which they are visited.
  var linears: [String] { projections + [output, gate, up, down] }
}

extension TextFamily {
  /// What the layers of a block are called.
  var blockNames: BlockNames {
    switch self {
    case .llama, .mistral, .qwen2: BlockNames()
    case .internlm2: .internLM2
    }
  }
}

extension TextConfiguration {
  /// Whether one matrix makes queries, keys and values.
  package var packsProjections: Bool { family.blockNames.projections.count == 1 }

  /// A linear layer of a block.
  func makeLinear(
    _ inputs: Int, _ outputs: Int, bias: Bool, using generator: inout RandomGenerator
  ) -> Linear {
    guard let partialRank else { return Linear(inputs, outputs, bias: bias, using: &generator) }
    return PartialLoRALinear(inputs, outputs, rank: partialRank, alpha: partialAlpha, using: &generator)
  }
}
