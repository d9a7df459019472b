/// Elman's recurrent network: `h' = tanh(W x + b + W' h + b')`, PyTorch's `RNN`, with its names of weights.
///
/// Weights `weight_ih_l0` are `[width, inputs]`, `weight_hh_l0` `[width, width]`, biases `[width]`.
public final class RNN: RecurrentStack {
  /// The function that a state goes through.
  public enum Nonlinearity: String, Sendable, CaseIterable {
    /// The hyperbolic tangent.
    case tanh
    /// max(0, x).
    case relu
  }

  /// Weights and biases from a uniform distribution over ±1/√width, as PyTorch initialises them.
  ///
  /// Fails with a ``TensorError`` for negative sizes, no layers, and a probability beyond 0 to 1.
  /// - Parameters:
  ///   - inputs: the width of the input.
  ///   - width: the width of a state, PyTorch's `hidden_size`.
  ///   - layers: how many layers lie over each other.
  ///   - nonlinearity: the function that a state goes through.
  ///   - bias: whether both projections have biases.
  ///   - batchFirst: whether inputs and outputs are `[batch, time, ...]`.
  ///   - dropout: how likely an element between two layers is dropped while the module is trained.
  ///   - bidirectional: whether a second set of cells goes from the last step to the first.
  ///   - generator: where weights come from; the module gets one of its own, split off it.
  public init(
    _ inputs: Int, _ width: Int, layers: Int = 1, nonlinearity: Nonlinearity = .tanh, bias: Bool = true,
    batchFirst: Bool = false,
    dropout: Double = 0, bidirectional: Bool = false, using generator: inout RandomGenerator
  ) {
    super.init(
      "RNN", nonlinearity == .tanh ? .tanh : .relu, inputs, width, layers: layers, bias: bias,
      batchFirst: batchFirst, dropout: dropout,
      bidirectional: bidirectional, &generator)
  }

  /// The hidden states of the uppermost layer at every step, and the last ones of all layers.
  ///
  /// Fails with a ``TensorError`` where shapes, lengths or types do not fit.
  /// - Parameters:
  ///   - x: `[time, batch, inputs]`, with `batchFirst` `[batch, time, inputs]`; one sequence without the
  ///     batch.
  ///   - state: hidden states before the first step, `[layers · directions, batch, width]`; zeros when nil.
  ///   - lengths: how many steps each sequence has, in any order; nil for all of them. Past its end an output
  ///     is zero, and the last state is that at the end, as with PyTorch's `pack_padded_sequence`.
  /// - Returns: `[time, batch, directions · width]`, or as `x` is laid out, and the state's shape.
  public func callAsFunction(
    _ x: Tensor, state: Tensor? = nil, lengths: [Int]? = nil
  ) -> (output: Tensor, state: Tensor) {
    let (output, last) = run(x, state.map { [$0] }, lengths)
    return (output, last[0])
  }
}

/// Gated recurrent units (Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014),
/// PyTorch's `GRU`, with its names of weights: the reset gate is applied behind the product.
///
/// Weights `weight_ih_l0` are `[3 · width, inputs]`, `weight_hh_l0` `[3 · width, width]`, biases `[3 ·
/// width]`, for the reset, update and new gates.
public final class GRU: RecurrentStack {
  /// Weights and biases from a uniform distribution over ±1/√width, as PyTorch initialises them.
  ///
  /// Fails with a ``TensorError`` for negative sizes, no layers, and a probability beyond 0 to 1.
  /// - Parameters:
  ///   - inputs: the width of the input.
  ///   - width: the width of a state, PyTorch's `hidden_size`.
  ///   - layers: how many layers lie over each other.
  ///   - bias: whether both projections have biases.
  ///   - batchFirst: whether inputs and outputs are `[batch, time, ...]`.
  ///   - dropout: how likely an element between two layers is dropped while the module is trained.
  ///   - bidirectional: whether a second set of cells goes from the last step to the first.
  ///   - generator: where weights come from; the module gets one of its own, split off it.
  public init(
    _ inputs: Int, _ width: Int, layers: Int = 1, bias: Bool = true, batchFirst: Bool = false,
    dropout: Double = 0, bidirectional: Bool = false, using generator: inout RandomGenerator
  ) {
    super.init(
      "GRU", .gru, inputs, width, layers: layers, bias: bias, batchFirst: batchFirst, dropout: dropout,
      bidirectional: bidirectional, &generator)
  }

  /// The hidden states of the uppermost layer at every step, and the last ones of all layers.
  ///
  /// Fails with a ``TensorError`` where shapes, lengths or types do not fit.
  /// - Parameters:
  ///   - x: `[time, batch, inputs]`, with `batchFirst` `[batch, time, inputs]`; one sequence without the
  ///     batch.
  ///   - state: hidden states before the first step, `[layers · directions, batch, width]`; zeros when nil.
  ///   - lengths: how many steps each sequence has, in any order; nil for all of them. Past its end an output
  ///     is zero, and the last state is that at the end, as with PyTorch's `pack_padded_sequence`.
  /// - Returns: `[time, batch, directions · width]`, or as `x` is laid out, and the state's shape.
  public func callAsFunction(
    _ x: Tensor, state: Tensor? = nil, lengths: [Int]? = nil
  ) -> (output: Tensor, state: Tensor) {
    let (output, last) = run(x, state.map { [$0] }, lengths)
    return (output, last[0])
  }
}

/// Long short-term memory (Hochreiter and Schmidhuber, 1997; with forget gates, Gers et al., 2000), PyTorch's
/// `LSTM`, with its names of weights.
///
///     let encoder = LSTM(64, 128, layers: 2, batchFirst: true, bidirectional: true, using: &generator)
///     let (output, state) = encoder(x, lengths: [17, 9])   // [2, 17, 256], ([4, 2, 128], [4, 2, 128])
///
/// Weights `weight_ih_l0` are `[4 · width, inputs]`, `weight_hh_l0` `[4 · width, width]`, biases `[4 ·
/// width]`, for the input, forget, cell and output gates.
public final class LSTM: RecurrentStack {
  /// Weights and biases from a uniform distribution over ±1/√width, as PyTorch initialises them.
  ///
  /// Fails with a ``TensorError`` for negative sizes, no layers, and a probability beyond 0 to 1.
  /// - Parameters:
  ///   - inputs: the width of the input.
  ///   - width: the width of a state, PyTorch's `hidden_size`.
  ///   - layers: how many layers lie over each other.
  ///   - bias: whether both projections have biases.
  ///   - batchFirst: whether inputs and outputs are `[batch, time, ...]`.
  ///   - dropout: how likely an element between two layers is dropped while the module is trained.
  ///   - bidirectional: whether a second set of cells goes from the last step to the first.
  ///   - generator: where weights come from; the module gets one of its own, split off it.
  public init(
    _ inputs: Int, _ width: Int, layers: Int = 1, bias: Bool = true, batchFirst: Bool = false,
    dropout: Double = 0, bidirectional: Bool = false, using generator: inout RandomGenerator
  ) {
    super.init(
      "LSTM", .lstm, inputs, width, layers: layers, bias: bias, batchFirst: batchFirst, dropout: dropout,
      bidirectional: bidirectional, &generator)
  }

  /// The hidden states of the uppermost layer at every step, and the last hidden states and cells of all
  /// layers.
  ///
  /// Fails with a ``TensorError`` where shapes, lengths or types do not fit.
  /// - Parameters:
  ///   - x: `[time, batch, inputs]`, with `batchFirst` `[batch, time, inputs]`; one sequence without the
  ///     batch.
  ///   - state: hidden states and cells before the first step, `[layers · directions, batch, width]` each;
  ///     zeros when nil.
  ///   - lengths: how many steps each sequence has, in any order; nil for all of them. Past its end an output
  ///     is zero, and the last state is that at the end, as with PyTorch's `pack_padded_sequence`.
  /// - Returns: `[time, batch, directions · width]`, or as `x` is laid out, and the state's shapes.
  public func callAsFunction(
    _ x: Tensor, state: (hidden: Tensor, cell: Tensor)? = nil, lengths: [Int]? = nil
  ) -> (output: Tensor, state: (hidden: Tensor, cell: Tensor)) {
    let (output, last) = run(x, state.map { [$0.hidden, $0.cell] }, lengths)
    return (output, (last[0], last[1]))
  }
}
