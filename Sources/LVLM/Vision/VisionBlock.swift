import Tensor

/// What the blocks of CLIP's and SigLIP's encoders differ in.
protocol VisionBlockConfiguration {
  /// Width of the encoder.
  var hiddenSize: Int { get }
  /// Width inside the two-layer perceptron.
  var intermediateSize: Int { get }
  /// Heads of an attention.
  var attentionHeadCount: Int { get }
  /// Activation of the perceptron.
  var activation: Activation { get }
  /// Epsilon of the layer norms.
  var layerNormEpsilon: Double { get }
}

extension VisionConfiguration: VisionBlockConfiguration {}
extension SiglipConfiguration: VisionBlockConfiguration {}

/// Multi-head attention of CLIP's and SigLIP's encoders: every token of a picture sees every other.
final class VisionAttention: Module {
  var query: Linear
  var key: Linear
  var value: Linear
  var output: Linear
  private let headCount: Int
  private let headSize: Int

  init(_ configuration: some VisionBlockConfiguration, using generator: inout RandomGenerator) {
    let width = configuration.hiddenSize
    key = Linear(width, width, bias: true, using: &generator)
    value = Linear(width, width, bias: true, using: &generator)
    query = Linear(width, width, bias: true, using: &generator)
    output = Linear(width, width, bias: true, using: &generator)
    headCount = configuration.attentionHeadCount
    headSize = width / configuration.attentionHeadCount
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("k_proj", key)
    visitor.child("v_proj", value)
    visitor.child("q_proj", query)
    visitor.child("out_proj", output)
  }

  /// `[tokens, width]` of several pictures to the same shape.
  func callAsFunction(_ x: Tensor, layout: AttentionLayout) -> Tensor {
    let heads = [x.shape[0], headCount, headSize]
    let mixed = attention(
      query: query(x).reshaped(heads), key: key(x).reshaped(heads), value: value(x).reshaped(heads),
      layout: layout, scale: 1 / Double(headSize).squareRoot())
    return output(mixed.reshaped([x.shape[0], headCount * headSize]))
  }
}

/// The two-layer perceptron of these encoders.
final class VisionPerceptron: Module {
  var first: Linear
  var second: Linear
  private let activation: Activation

  init(_ configuration: some VisionBlockConfiguration, using generator: inout RandomGenerator) {
    first = Linear(configuration.hiddenSize, configuration.intermediateSize, bias: true, using: &generator)
    second = Linear(configuration.intermediateSize, configuration.hiddenSize, bias: true, using: &generator)
    activation = configuration.activation
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("fc1", first)
    visitor.child("fc2", second)
  }

  func callAsFunction(_ x: Tensor) -> Tensor { second(activation(first(x))) }
}

/// One pre-norm block of these encoders.
final class VisionBlock: Module {
  private let attention: VisionAttention
  private let firstNorm: LayerNorm
  private let perceptron: VisionPerceptron
  private let secondNorm: LayerNorm

  init(_ configuration: some VisionBlockConfiguration, using generator: inout RandomGenerator) {
    attention = VisionAttention(configuration, using: &generator)
    firstNorm = LayerNorm(configuration.hiddenSize, epsilon: configuration.layerNormEpsilon)
    perceptron = VisionPerceptron(configuration, using: &generator)
    secondNorm = LayerNorm(configuration.hiddenSize, epsilon: configuration.layerNormEpsilon)
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("self_attn", attention)
    visitor.child("layer_norm1", firstNorm)
    visitor.child("mlp", perceptron)
    visitor.child("layer_norm2", secondNorm)
  }

  /// `[tokens, width]` to the same shape.
  func callAsFunction(_ x: Tensor, layout: AttentionLayout) -> Tensor {
    var attended = attention(firstNorm(x), layout: layout)
    attended += x
    var result = perceptron(secondNorm(attended))
    result += attended
    return result
  }
}
