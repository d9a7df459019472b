import Tensor

/// Grouped-query attention with rotary positions.
final class DecoderAttention: Module {
  /// Of queries, keys and values; or one of all three, whose rows are for each key head those of its query
  /// heads, of the key and of the value.
  var projections: [Linear]
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
    let rows =
      configuration.family.blockNames.projections.count == 1
      ? [(heads + 2 * keyHeads) * size] : [heads * size, keyHeads * size, keyHeads * size]
    projections = []
    for count in rows {
      projections.append(configuration.makeLinear(width, count, bias: bias, using: &generator))
    }
    output = configuration.makeLinear(
      heads * size, width, bias: bias && configuration.family == .llama, using: &generator)
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    let names = configuration.family.blockNames
    for (name, projection) in zip(names.projections, projections) { visitor.child(name, projection) }
    visitor.child(names.output, output)
  }

  /// `[rows, width]` to `[rows, width]`, or to the rows of `outputs`.
  func callAsFunction(_ x: Tensor, pass: DecoderPass, outputs: DecoderPass.Outputs?) -> Tensor {
    let size = configuration.headSize
    func turned(_ heads: Tensor, _ positions: [Int32], _ lengths: [Int32]?) -> Tensor {
      if let lengths, configuration.isStretched(lengths) {
        return configuration.turned(heads, positions: positions, lengths: lengths)
      }
      return rotary(heads, positions: positions, angles: angles)
    }
    let projected = project(x, pass: pass, outputs: outputs)
    let queries = turned(
      projected.queries, outputs?.positions ?? pass.positions,
      outputs == nil ? pass.sequenceLengths : outputs?.lengths)
    var keys = turned(projected.keys, pass.positions, pass.sequenceLengths)
    var values = projected.values
    if let cache = pass.cache { (keys, values) = cache.exchange(layer: index, keys: keys, values: values) }
    pass.observe?(index, queries, keys, outputs != nil)
    let mixed = attention(
      query: queries, key: keys, value: values, layout: outputs?.layout ?? pass.layout,
      scale: 1 / Double(size).squareRoot())
    return output(
      mixed.reshaped([queries.shape[0], configuration.attentionHeadCount * size]),
      marked: pass.markedRows(of: outputs))
  }

  /// Queries `[rows, heads, size]`, of the output rows alone where there are some, and all keys and values
  /// `[rows, key heads, size]`, before they are turned.
  private func project(
    _ x: Tensor, pass: DecoderPass, outputs: DecoderPass.Outputs?
  ) -> (queries: Tensor, keys: Tensor, values: Tensor) {
    let (rows, size) = (x.shape[0], configuration.headSize)
    let (heads, keyHeads) = (configuration.attentionHeadCount, configuration.keyValueHeadCount)
    guard projections.count == 1 else {
      let queried = outputs.map { x.rows(at: $0.rows) } ?? x
      let queries = projections[0](queried, marked: pass.markedRows(of: outputs))
      func keyed(_ projection: Linear) -> Tensor {
        projection(x, marked: pass.imageRows).reshaped([rows, keyHeads, size])
      }
      return (
        queries.reshaped([queried.shape[0], heads, size]), keyed(projections[1]), keyed(projections[2])
      )
    }
    let group = heads / keyHeads
    let all = projections[0](x, marked: pass.imageRows).reshaped([rows, keyHeads, group + 2, size])
    func part(_ range: Range<Int>) -> Tensor {
      all.slice(axis: 2, range).reshaped([rows, keyHeads * range.count, size])
    }
    let queries = part(0..<group)
    return (
      outputs.map { queries.rows(at: $0.rows) } ?? queries, part(group..<group + 1),
      part(group + 1..<group + 2)
    )
  }
}

/// The gated perceptron: `down(silu(gate(x)) · up(x))`.
final class DecoderPerceptron: Module {
  var gate: Linear
  var up: Linear
  var down: Linear
  private let names: BlockNames

  init(_ configuration: TextConfiguration, using generator: inout RandomGenerator) {
    let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
    let bias = configuration.hasPerceptronBias
    names = configuration.family.blockNames
    gate = configuration.makeLinear(width, inner, bias: bias, using: &generator)
    up = configuration.makeLinear(width, inner, bias: bias, using: &generator)
    down = configuration.makeLinear(inner, width, bias: bias, using: &generator)
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child(names.gate, gate)
    visitor.child(names.up, up)
    visitor.child(names.down, down)
  }

  /// - Parameter marked: rows of pictures, for layers that do something else there.
  func callAsFunction(_ x: Tensor, marked: Tensor?) -> Tensor {
    guard let gateWeight = gate.soleWeight, let upWeight = up.soleWeight else {
      return down(swiGLU(gate(x, marked: marked), up(x, marked: marked)), marked: marked)
    }
    return down(swiGLU(x, gate: gateWeight, up: upWeight), marked: marked)
  }
}

/// One pre-norm block of the decoder.
final class DecoderBlock: Module {
  let attention: DecoderAttention
  let perceptron: DecoderPerceptron
  let firstNorm: RMSNorm
  let secondNorm: RMSNorm
  private let names: BlockNames

  init(_ configuration: TextConfiguration, index: Int, using generator: inout RandomGenerator) {
    names = configuration.family.blockNames
    attention = DecoderAttention(configuration, index: index, using: &generator)
    perceptron = DecoderPerceptron(configuration, using: &generator)
    firstNorm = RMSNorm(configuration.hiddenSize, epsilon: configuration.rmsNormEpsilon)
    secondNorm = RMSNorm(configuration.hiddenSize, epsilon: configuration.rmsNormEpsilon)
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child(names.attention, attention)
    visitor.child(names.perceptron, perceptron)
    visitor.child(names.firstNorm, firstNorm)
    visitor.child(names.secondNorm, secondNorm)
  }

  /// Where the block keeps its linear layers, and what they are called, in the order in which they are
  /// visited. Adapters and quantised weights are put there.
  var linears: [(name: String, path: ReferenceWritableKeyPath<DecoderBlock, Linear>)] {
    names.projections.enumerated().map { ($1, \.attention.projections[$0]) } + [
      (names.output, \.attention.output), (names.gate, \.perceptron.gate), (names.up, \.perceptron.up),
      (names.down, \.perceptron.down),
    ]
  }

  /// `[rows, width]` to `[rows, width]`; to the output rows only when `onlyOutputs`.
  func callAsFunction(_ x: Tensor, pass: DecoderPass, onlyOutputs: Bool) -> Tensor {
    let outputs = onlyOutputs ? pass.outputs : nil
    let kept = outputs.map { x.rows(at: $0.rows) } ?? x
    var attended = attention(firstNorm(x), pass: pass, outputs: outputs)
    attended += kept
    var result = perceptron(secondNorm(attended), marked: pass.markedRows(of: outputs))
    result += attended
    return result
  }
}
