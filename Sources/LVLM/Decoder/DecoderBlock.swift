import Tensor

/// Grouped-query attention with rotary positions.
final class DecoderAttention: Module {
  var query: Linear
  var key: Linear
  var value: Linear
  var output: Linear
  private let configuration: TextConfiguration
  private let angles: RotaryAngles
  private let index: Int

  init(_ configuration: TextConfiguration, index: Int, using generator: inout RandomGenerator) {
    self.configuration = configuration
    angles = configuration.rotaryAngles
    self.index = index
    let (width, size) = (configuration.hiddenSize, configuration.headSize)
    let (heads, keyHeads) = (configuration.attentionHeadCount, configuration.keyValueHeadCount)
    let bias = configuration.hasAttentionBias
    query = Linear(width, heads * size, bias: bias, using: &generator)
    key = Linear(width, keyHeads * size, bias: bias, using: &generator)
    value = Linear(width, keyHeads * size, bias: bias, using: &generator)
    output = Linear(
      heads * size, width, bias: bias && configuration.family == .llama, using: &generator)
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("q_proj", query)
    visitor.child("k_proj", key)
    visitor.child("v_proj", value)
    visitor.child("o_proj", output)
  }

  func replaceLinears(_ replacement: (_ name: String, Linear) -> Linear) {
    query = replacement("q_proj", query)
    key = replacement("k_proj", key)
    value = replacement("v_proj", value)
    output = replacement("o_proj", output)
  }

  /// `[rows, width]` to `[rows, width]`, or to the rows of `outputs`.
  func callAsFunction(_ x: Tensor, pass: DecoderPass, outputs: DecoderPass.Outputs?) -> Tensor {
    let size = configuration.headSize
    let queried = outputs.map { x.rows(at: $0.rows) } ?? x
    func turned(_ heads: Tensor, _ positions: [Int32]) -> Tensor {
      rotary(heads, positions: positions, angles: angles)
    }
    let queries = turned(
      query(queried).reshaped([queried.shape[0], configuration.attentionHeadCount, size]),
      outputs?.positions ?? pass.positions)
    let keyShape = [x.shape[0], configuration.keyValueHeadCount, size]
    var keys = turned(key(x).reshaped(keyShape), pass.positions)
    var values = value(x).reshaped(keyShape)
    if let cache = pass.cache { (keys, values) = cache.exchange(layer: index, keys: keys, values: values) }
    pass.observe?(index, queries, keys, outputs != nil)
    let mixed = attention(
      query: queries, key: keys, value: values, layout: outputs?.layout ?? pass.layout,
      scale: 1 / Double(size).squareRoot())
    return output(mixed.reshaped([queried.shape[0], configuration.attentionHeadCount * size]))
  }
}

/// The gated perceptron: `down(silu(gate(x)) · up(x))`.
final class DecoderPerceptron: Module {
  var gate: Linear
  var up: Linear
  var down: Linear

  init(_ configuration: TextConfiguration, using generator: inout RandomGenerator) {
    let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
    let bias = configuration.hasPerceptronBias
    gate = Linear(width, inner, bias: bias, using: &generator)
    up = Linear(width, inner, bias: bias, using: &generator)
    down = Linear(inner, width, bias: bias, using: &generator)
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("gate_proj", gate)
    visitor.child("up_proj", up)
    visitor.child("down_proj", down)
  }

  func replaceLinears(_ replacement: (_ name: String, Linear) -> Linear) {
    gate = replacement("gate_proj", gate)
    up = replacement("up_proj", up)
    down = replacement("down_proj", down)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    guard let gateWeight = gate.soleWeight, let upWeight = up.soleWeight else {
      return down(swiGLU(gate(x), up(x)))
    }
    return down(swiGLU(x, gate: gateWeight, up: upWeight))
  }
}

/// One pre-norm block of the decoder.
final class DecoderBlock: Module {
  let attention: DecoderAttention
  let perceptron: DecoderPerceptron
  let firstNorm: RMSNorm
  let secondNorm: RMSNorm

  init(_ configuration: TextConfiguration, index: Int, using generator: inout RandomGenerator) {
    attention = DecoderAttention(configuration, index: index, using: &generator)
    perceptron = DecoderPerceptron(configuration, using: &generator)
    firstNorm = RMSNorm(configuration.hiddenSize, epsilon: configuration.rmsNormEpsilon)
    secondNorm = RMSNorm(configuration.hiddenSize, epsilon: configuration.rmsNormEpsilon)
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("self_attn", attention)
    visitor.child("mlp", perceptron)
    visitor.child("input_layernorm", firstNorm)
    visitor.child("post_attention_layernorm", secondNorm)
  }

  /// `[rows, width]` to `[rows, width]`; to the output rows only when `onlyOutputs`.
  func callAsFunction(_ x: Tensor, pass: DecoderPass, onlyOutputs: Bool) -> Tensor {
    let outputs = onlyOutputs ? pass.outputs : nil
    let kept = outputs.map { x.rows(at: $0.rows) } ?? x
    var attended = attention(firstNorm(x), pass: pass, outputs: outputs)
    attended += kept
    var result = perceptron(secondNorm(attended))
    result += attended
    return result
  }
}
