/// Attention of several heads with learned projections (Vaswani et al., "Attention is all you need", 2017),
/// with the parameter names and the initialisation of PyTorch's `MultiheadAttention`.
public final class MultiHeadAttention: Module, TrainingDependent {
  /// Query, key and value projections above each other: `[width + 2 · kvWidth, width]`.
  public let inputWeight: Parameter
  /// `[width + 2 · kvWidth]`.
  public let inputBias: Parameter?
  /// `[width, width]` with its bias.
  public let output: Linear
  /// How many heads queries have.
  public let heads: Int
  /// How many heads keys and values have; each serves `heads / keyValueHeads` query heads.
  public let keyValueHeads: Int
  /// How likely an attention probability is dropped in training.
  public let dropout: Double
  public var isTraining = true
  /// Where draws for dropout come from; its ``RandomGenerator/state`` belongs in a checkpoint.
  public var generator: RandomGenerator

  /// A layer for vectors of `width` elements.
  /// - Precondition: `heads` divides `width`, and `keyValueHeads` (nil for as many) divides `heads`.
  public init(
    _ width: Int, heads: Int, keyValueHeads: Int? = nil, bias: Bool = true, dropout: Double = 0,
    using generator: inout RandomGenerator
  ) {
    let keyValueHeads = keyValueHeads ?? heads
    tensorRequire(
      heads > 0 && width % heads == 0 && keyValueHeads > 0 && heads % keyValueHeads == 0,
      "MultiHeadAttention",
      "\(heads) heads and \(keyValueHeads) key heads do not divide a width of \(width)")
    Initialization.requireExtents([width, width, 3], "MultiHeadAttention")
    tensorRequire(
      dropout >= 0 && dropout <= 1, "MultiHeadAttention", "a probability is between 0 and 1, found \(dropout)"
    )
    let rows = width + 2 * (width / heads) * keyValueHeads
    inputWeight = Parameter(Initialization.xavierUniform([rows, width], using: &generator))
    inputBias = bias ? Parameter(Tensor.zeros([rows])) : nil
    let projection = Linear(width, width, bias: false, using: &generator)
    output = Linear(weight: projection.weight, bias: bias ? Parameter(Tensor.zeros([width])) : nil)
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.dropout = dropout
    self.generator = generator.split(0)
  }

  /// Attends from `query` to `key`, whose values are `value`.
  /// - Parameters:
  ///   - query: `[batch, tokens, width]`, or `[tokens, width]`.
  ///   - key: `[batch, keys, width]`; the query when nil (self-attention).
  ///   - value: `[batch, keys, width]`; the key when nil.
  ///   - mask: as in ``scaledDotProductAttention(query:key:value:mask:isCausal:scale:)``: true for keys that
  ///     are seen, where PyTorch's layer says true for those that are not.
  ///   - isCausal: whether query `i` sees keys `0 ... i` only.
  /// - Returns: the shape of `query`.
  public func callAsFunction(
    _ query: Tensor, key: Tensor? = nil, value: Tensor? = nil, mask: Tensor? = nil, isCausal: Bool = false
  ) -> Tensor {
    let key = key ?? query
    let value = value ?? key
    let width = output.weight.shape[0]
    tensorRequire(
      [query, key, value].allSatisfy { $0.rank >= 2 && $0.shape.last == width }, "MultiHeadAttention",
      "needs [..., tokens, \(width)], found \(query.shape), \(key.shape) and \(value.shape)")
    let inner = (inputWeight.shape[0] - width) / 2
    var start = 0
    func projected(_ x: Tensor, _ size: Int, _ heads: Int) -> Tensor {
      defer { start += size }
      let weight = inputWeight.tensor.slice(axis: 0, start..<start + size)
      let y = linear(x, weight: weight, bias: inputBias?.tensor.slice(axis: 0, start..<start + size))
      return y.reshaped(Array(y.shape.dropLast()) + [heads, size / heads]).transposed(-3, -2)
    }
    let q = projected(query, width, heads)
    let k = projected(key, inner, keyValueHeads)
    let v = projected(value, inner, keyValueHeads)
    let attended = scaledDotProductAttention(
      query: q, key: k, value: v, mask: mask, isCausal: isCausal, dropout: isTraining ? dropout : 0,
      using: &generator)
    return output(attended.transposed(-3, -2).reshaped(query.shape))
  }

  public func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.add("in_proj_weight", inputWeight)
    visitor.add("in_proj_bias", inputBias)
    visitor.child("out_proj", output)
  }
}
