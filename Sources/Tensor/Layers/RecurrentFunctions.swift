/// One step of an ``LSTM``, PyTorch's `lstm_cell`.
///
/// Fails with a ``TensorError`` where shapes do not fit.
/// - Parameters:
///   - x: `[batch, inputs]`.
///   - hidden: the hidden state before, `[batch, width]`.
///   - cell: the cell before, `[batch, width]`.
///   - inputWeight: `[4 · width, inputs]`.
///   - hiddenWeight: `[4 · width, width]`.
///   - inputBias: `[4 · width]`.
///   - hiddenBias: `[4 · width]`.
/// - Returns: the hidden state and the cell after, `[batch, width]`.
public func lstmCell(
  _ x: Tensor, hidden: Tensor, cell: Tensor, inputWeight: Tensor, hiddenWeight: Tensor,
  inputBias: Tensor? = nil,
  hiddenBias: Tensor? = nil
) -> (hidden: Tensor, cell: Tensor) {
  let after = oneStep(
    "lstmCell", .lstm, x, [hidden, cell], inputWeight, hiddenWeight, inputBias, hiddenBias)
  return (after[0], after[1])
}

/// One step of a ``GRU``, PyTorch's `gru_cell`.
///
/// Fails with a ``TensorError`` where shapes do not fit.
/// - Parameters:
///   - x: `[batch, inputs]`.
///   - hidden: the hidden state before, `[batch, width]`.
///   - inputWeight: `[3 · width, inputs]`.
///   - hiddenWeight: `[3 · width, width]`.
///   - inputBias: `[3 · width]`.
///   - hiddenBias: `[3 · width]`.
/// - Returns: the hidden state after, `[batch, width]`.
public func gruCell(
  _ x: Tensor, hidden: Tensor, inputWeight: Tensor, hiddenWeight: Tensor, inputBias: Tensor? = nil,
  hiddenBias: Tensor? = nil
) -> Tensor {
  oneStep("gruCell", .gru, x, [hidden], inputWeight, hiddenWeight, inputBias, hiddenBias)[0]
}

/// One step of an ``RNN``, PyTorch's `rnn_tanh_cell` and `rnn_relu_cell`.
///
/// Fails with a ``TensorError`` where shapes do not fit.
/// - Parameters:
///   - x: `[batch, inputs]`.
///   - hidden: the hidden state before, `[batch, width]`.
///   - nonlinearity: the function that the state goes through.
///   - inputWeight: `[width, inputs]`.
///   - hiddenWeight: `[width, width]`.
///   - inputBias: `[width]`.
///   - hiddenBias: `[width]`.
/// - Returns: the hidden state after, `[batch, width]`.
public func rnnCell(
  _ x: Tensor, hidden: Tensor, nonlinearity: RNN.Nonlinearity = .tanh, inputWeight: Tensor,
  hiddenWeight: Tensor, inputBias: Tensor? = nil,
  hiddenBias: Tensor? = nil
) -> Tensor {
  oneStep(
    "rnnCell", nonlinearity == .tanh ? .tanh : .relu, x, [hidden], inputWeight, hiddenWeight, inputBias,
    hiddenBias)[0]
}

private func oneStep(
  _ operation: String, _ cell: RecurrentCell, _ x: Tensor, _ state: [Tensor], _ inputWeight: Tensor,
  _ hiddenWeight: Tensor, _ inputBias: Tensor?, _ hiddenBias: Tensor?
) -> [Tensor] {
  let width = state[0].shape.last ?? 0
  let rows = cell.gates.multipliedReportingOverflow(by: width).partialValue
  tensorRequire(
    x.rank == 2 && state.allSatisfy { $0.shape == [x.shape[0], width] }
      && inputWeight.shape == [rows, x.shape[1]] && hiddenWeight.shape == [rows, width]
      && [inputBias, hiddenBias].allSatisfy { $0 == nil || $0?.shape == [rows] }, operation,
    "input of shape \(x.shape), states of shapes \(state.map(\.shape)), weights of \(inputWeight.shape) and "
      + "\(hiddenWeight.shape) and biases of \(inputBias?.shape ?? []) and \(hiddenBias?.shape ?? []) do not "
      + "fit for \(cell.gates) gates")
  let type = DType.promoted(x.dtype, inputWeight.dtype)
  tensorRequire(type.isFloatingPoint, operation, "needs floating-point numbers, found \(x.dtype)")
  if type.isHalfPrecision {
    // What the gates are made of is not rounded before they are.
    let single = [x, inputWeight, hiddenWeight].map { $0.to(.float32) }
    return oneStep(
      operation, cell, single[0], state.map { $0.to(.float32) }, single[1], single[2],
      inputBias?.to(.float32), hiddenBias?.to(.float32)
    ).map { $0.to(type) }
  }
  let projected = linear(x.to(type), weight: inputWeight.to(type), bias: inputBias?.to(type))
  let (_, last) = RecurrentPass(cell: cell, isReversed: false, ended: [nil])(
    .init(
      input: projected.expandedDimensions(axis: 0), state: state.map { $0.to(type) },
      weight: hiddenWeight.to(type), bias: hiddenBias?.to(type)))
  return last
}
