import Tensor

/// One decoder pass over the newest token of a few answers, without what general passes cost: no tensor is
/// made on the way, every weight is read once where it lies, and products that do not depend on each other
/// share a parallel region.
///
/// Computes what ``LlamaDecoder`` computes with a ``KeyValueCache``, to rounding.
final class DecodingStep {
  /// A linear layer with its adapter: products that read the same input can run together.
  private struct Projection {
    private let weight: StoredMatrix
    private let bias: Tensor?
    private let adapter: (down: StoredMatrix, up: StoredMatrix, scale: Float, between: Tensor)?

    /// - Returns: nil for a layer that does something else than its form says.
    init?(_ linear: Linear, rows: Int) {
      guard let form = linear.rowForm else { return nil }
      weight = form.weight
      bias = form.bias?.detached().to(.float32)
      adapter = form.adapter.map { down, up, scale in
        (StoredMatrix(down), StoredMatrix(up), Float(scale), Tensor.zeros([rows, down.shape[0]]))
      }
    }

    /// Products that read the input: with the weight, and with the adapter's first matrix.
    func first(_ x: Tensor, into y: Tensor, accumulates: Bool) -> [RowProduct] {
      let (lda, ldc) = (x.shape[1], y.shape[1])
      var products = [
        RowProduct(
          weight, x.pointer(), lda: lda, into: y.pointer(), ldc: ldc, accumulates: accumulates,
          bias: bias?.pointer())
      ]
      if let adapter {
        products.append(
          RowProduct(
            adapter.down, x.pointer(), lda: lda, into: adapter.between.pointer(), ldc: adapter.down.rows))
      }
      return products
    }

    /// What the adapter adds afterwards.
    func second(into y: Tensor) -> [RowProduct] {
      guard let adapter else { return [] }
      return [
        RowProduct(
          adapter.up, adapter.between.pointer(), lda: adapter.up.columns, into: y.pointer(), ldc: y.shape[1],
          alpha: adapter.scale, accumulates: true)
      ]
    }
  }

  private struct Layer {
    let attentionNorm: Tensor
    /// Of queries, keys and values, or one of all three.
    let inputs: [Projection]
    let output: Projection
    let perceptronNorm: Tensor
    let gate: Projection
    let up: Projection
    let down: Projection
  }

  /// Where the newest token of an answer stands.
  struct Row {
    /// Its position in the sequence.
    var position: Int32
    /// The sequence's rows of the cache, the last of which is the token's own.
    var keys: Range<Int>
  }

  /// Answers at a time up to which this is faster than a general pass.
  static let mostRows = 16

  private let configuration: TextConfiguration
  private let cache: KeyValueCache
  private let layers: [Layer]
  private let norm: Tensor
  private let epsilon: Float
  private let rotary: RotaryTable
  private let mostKeys: Int
  // Values between operations, one row per answer.
  private let state: Tensor
  private let normed: Tensor
  private let queries: Tensor
  private let keys: Tensor
  private let values: Tensor
  /// Queries, keys and values of one matrix.
  private let packed: Tensor
  private let mixed: Tensor
  private let gates: Tensor
  private let ups: Tensor
  private let inverseDeviations: Tensor
  private let scores: Tensor

  /// - Parameters:
  ///   - rows: answers at most.
  ///   - mostKeys: the longest sequence at the end.
  /// - Returns: nil when the model computes in another type than Float32, or has a layer whose computation
  ///   is not known here.
  init?(_ decoder: LlamaDecoder, cache: KeyValueCache, rows: Int, mostKeys: Int) {
    guard !decoder.configuration.stretchesContext || mostKeys <= decoder.configuration.contextLength else {
      return nil
    }
    guard decoder.activationType == .float32 else { return nil }
    let configuration = decoder.configuration
    self.configuration = configuration
    self.cache = cache
    layers = decoder.blocks.compactMap { block in
      var projections = block.linears.compactMap { Projection(block[keyPath: $0.path], rows: rows) }
      guard projections.count == block.linears.count, let down = projections.popLast(),
        let up = projections.popLast(), let gate = projections.popLast(), let output = projections.popLast()
      else { return nil }
      return Layer(
        attentionNorm: block.firstNorm.weight.tensor.detached(), inputs: projections, output: output,
        perceptronNorm: block.secondNorm.weight.tensor.detached(), gate: gate, up: up, down: down)
    }
    guard layers.count == decoder.blocks.count else { return nil }
    norm = decoder.norm.weight.tensor.detached()
    epsilon = Float(configuration.rmsNormEpsilon)
    rotary = .shared(configuration.rotaryAngles, positions: mostKeys)
    self.mostKeys = mostKeys
    let (size, heads) = (configuration.headSize, configuration.attentionHeadCount)
    func room(_ width: Int) -> Tensor { Tensor(uninitialized: [rows, width], dtype: .float32) }
    state = room(configuration.hiddenSize)
    normed = room(configuration.hiddenSize)
    queries = room(heads * size)
    keys = room(configuration.keyValueHeadCount * size)
    values = room(configuration.keyValueHeadCount * size)
    packed = room(
      layers.first?.inputs.count == 1 ? (heads + 2 * configuration.keyValueHeadCount) * size : 0)
    mixed = room(heads * size)
    gates = room(configuration.intermediateSize)
    ups = room(configuration.intermediateSize)
    inverseDeviations = room(1)
    scores = room(heads * (mostKeys + 1))
  }

  /// Reads the newest tokens, puts their keys and values into the cache.
  ///
  /// - Parameters:
  ///   - embedded: `[answers, width]`.
  ///   - rows: one per answer.
  ///   - observe: called with every layer's index, rotated queries `[answers, heads, dim]` and all keys.
  /// - Returns: normed hidden states `[answers, width]`.
  func callAsFunction(
    _ embedded: Tensor, rows: [Row], observe: ((Int, Tensor, Tensor) -> Void)?
  ) -> Tensor {
    let count = rows.count
    let width = configuration.hiddenSize
    let embedded = embedded.contiguous()
    state.pointer(Float.self).update(from: embedded.pointer(Float.self), count: count * width)
    for (index, layer) in layers.enumerated() {
      normalize(layer.attentionNorm, count)
      if layer.inputs.count == 1 {
        run([(layer.inputs[0], packed)], reading: normed, rows: count)
        unpack(count)
      } else {
        run(Array(zip(layer.inputs, [queries, keys, values])), reading: normed, rows: count)
      }
      let (cachedKeys, cachedValues) = cache.buffers(layer: index)
      attend(rows, cachedKeys, cachedValues)
      if let observe {
        let shape = [count, configuration.attentionHeadCount, configuration.headSize]
        observe(index, queries.slice(axis: 0, 0..<count).reshaped(shape), cachedKeys)
      }
      run([(layer.output, state)], reading: mixed, rows: count, accumulates: true)
      normalize(layer.perceptronNorm, count)
      run([(layer.gate, gates), (layer.up, ups)], reading: normed, rows: count)
      RowFunctions.swiGLU(gates.pointer(), ups.pointer(), count: count * configuration.intermediateSize)
      run([(layer.down, state)], reading: gates, rows: count, accumulates: true)
    }
    normalize(norm, count)
    let result = Tensor.zeros([count, width])
    result.pointer(Float.self).update(from: normed.pointer(Float.self), count: count * width)
    return result
  }

  private func run(
    _ projections: [(projection: Projection, output: Tensor)], reading input: Tensor, rows: Int,
    accumulates: Bool = false
  ) {
    RowProduct.run(
      projections.flatMap { $0.projection.first(input, into: $0.output, accumulates: accumulates) },
      rows: rows)
    let added = projections.flatMap { $0.projection.second(into: $0.output) }
    if !added.isEmpty { RowProduct.run(added, rows: rows) }
  }

  private func normalize(_ weight: Tensor, _ rows: Int) {
    RowFunctions.rmsNorm(
      state.pointer(), weight: weight.pointer(), epsilon: epsilon, into: normed.pointer(),
      inverseDeviations: inverseDeviations.pointer(), rows: rows, width: configuration.hiddenSize)
  }

  /// Distributes the rows of one matrix: for each key head its query heads, the key, the value.
  private func unpack(_ rows: Int) {
    let (size, keyHeads) = (configuration.headSize, configuration.keyValueHeadCount)
    let group = configuration.attentionHeadCount / keyHeads
    let all = packed.pointer(Float.self)
    let (q, k, v) = (queries.pointer(Float.self), keys.pointer(Float.self), values.pointer(Float.self))
    for head in 0..<rows * keyHeads {
      let source = all + head * (group + 2) * size
      (q + head * group * size).update(from: source, count: group * size)
      (k + head * size).update(from: source + group * size, count: size)
      (v + head * size).update(from: source + (group + 1) * size, count: size)
    }
  }

  /// Turns queries and keys, stores keys and values, attends: threads take key heads of answers.
  private func attend(_ rows: [Row], _ cachedKeys: Tensor, _ cachedValues: Tensor) {
    let (size, keyHeads) = (configuration.headSize, configuration.keyValueHeadCount)
    let group = configuration.attentionHeadCount / keyHeads
    let stride = keyHeads * size
    let scale = 1 / Float(size).squareRoot()
    let (q, k, v) = (queries.pointer(Float.self), keys.pointer(Float.self), values.pointer(Float.self))
    let (allKeys, allValues) = (cachedKeys.pointer(Float.self), cachedValues.pointer(Float.self))
    let (score, out) = (scores.pointer(Float.self), mixed.pointer(Float.self))
    let work = rows.reduce(0) { $0 + $1.keys.count } * configuration.attentionHeadCount * size
    Threads.parallel(rows.count * keyHeads, grain: max(1, (1 << 15) * rows.count * keyHeads / max(work, 1))) {
      range in
      for task in range {
        let (index, head) = task.quotientAndRemainder(dividingBy: keyHeads)
        let row = rows[index]
        let query = q + (index * keyHeads + head) * group * size
        let newest = (row.keys.upperBound - 1) * stride + head * size
        RowFunctions.rotate(query, heads: group, dim: size, position: row.position, rotary)
        (allKeys + newest).update(from: k + index * stride + head * size, count: size)
        RowFunctions.rotate(allKeys + newest, heads: 1, dim: size, position: row.position, rotary)
        (allValues + newest).update(from: v + index * stride + head * size, count: size)
        let first = row.keys.lowerBound * stride + head * size
        RowFunctions.attention(
          group: group, dim: size, count: row.keys.count, stride: stride, scale: scale, query: query,
          keys: allKeys + first, values: allValues + first,
          scores: score + (index * keyHeads + head) * group * (mostKeys + 1),
          output: out + (index * keyHeads + head) * group * size)
      }
    }
  }
}
