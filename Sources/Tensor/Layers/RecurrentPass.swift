/// A layer of recurrent cells in one direction over all steps of time, as one operation.
///
/// The steps depend on each other, their weights do not: the gradient of the weight is one product over all
/// steps at the end, as the projection of the input, outside of here, is one before the first.
struct RecurrentPass {
  let cell: RecurrentCell
  let isReversed: Bool
  /// For each step which elements of the batch have ended, `[batch, 1]` of bool; nil where none has.
  let ended: [Tensor?]

  /// The operands: what came from the input, `[time, batch, gates · width]`, the state before the first step,
  /// the weight `[gates · width, width]`, and the bias of the state's projection.
  struct Operands {
    let input: Tensor
    let state: RecurrentCell.State
    let weight: Tensor
    let bias: Tensor?

    var all: [Tensor] { [input] + state + [weight] + (bias.map { [$0] } ?? []) }
    var detached: Operands {
      Operands(
        input: input.detached(), state: state.map { $0.detached() }, weight: weight.detached(),
        bias: bias?.detached())
    }
  }

  /// The steps in the order in which they are taken.
  private func steps(_ time: Int) -> [Int] { isReversed ? (0..<time).reversed() : Array(0..<time) }

  private static func step(_ x: Tensor, _ t: Int) -> Tensor {
    x.slice(axis: 0, t..<t + 1).reshaped(Array(x.shape.dropFirst()))
  }

  /// The steps one after the other: hidden states by time, what is kept of each step in the order of steps,
  /// and the last state.
  private func unrolled(_ operands: Operands) -> (
    outputs: [Tensor], kept: [RecurrentCell.Kept], last: RecurrentCell.State
  ) {
    let time = operands.input.shape[0]
    var outputs = [Tensor?](repeating: nil, count: time)
    var kept: [RecurrentCell.Kept] = []
    var state = operands.state
    for t in steps(time) {
      let hidden = linear(state[0], weight: operands.weight, bias: operands.bias)
      var (after, saved) = cell.forward(
        input: Self.step(operands.input, t), hidden: hidden, before: state)
      if let ended = ended[t] {
        // Past its end an element's state stays and its output is zero, as with packed sequences.
        outputs[t] = after[0].maskedFill(ended, 0.0)
        after = zip(after, state).map { Tensor.select(ended, $1, $0) }
      } else {
        outputs[t] = after[0]
      }
      state = after
      kept.append(saved)
    }
    return (outputs.map { $0! }, kept, state)
  }

  /// Hidden states `[time, batch, width]` and the last state.
  func callAsFunction(_ operands: Operands) -> (output: Tensor, last: RecurrentCell.State) {
    let needsGradient = GradientMode.isEnabled && operands.all.contains { $0.requiresGradient }
    let (outputs, kept, last) = noGradient {
      let (outputs, kept, last) = unrolled(operands.detached)
      let whole =
        outputs.isEmpty
        ? Tensor.zeros([0] + operands.state[0].shape, dtype: operands.input.dtype) : Tensor.stacked(outputs)
      return (whole, needsGradient ? kept : [], last)
    }
    let recorded = Tensor.recordedJointly("recurrence", from: operands.all, [outputs] + last) {
      gradients, _ in
      // A backward pass that is recorded goes by the operands themselves, with their records.
      backward(gradients, operands, GradientMode.isEnabled ? unrolled(operands).kept : kept)
    }
    return (recorded[0], Array(recorded.dropFirst()))
  }

  /// The gradients of the operands.
  private func backward(
    _ gradients: [Tensor?], _ operands: Operands, _ kept: [RecurrentCell.Kept]
  ) -> [Tensor?] {
    let time = operands.input.shape[0]
    let (shape, dtype) = (operands.state[0].shape, operands.input.dtype)
    let zero = Tensor.zeros(shape, dtype: dtype)
    var state = gradients.dropFirst().map { $0 ?? zero }
    var inputs = [Tensor?](repeating: nil, count: time)
    var hiddens: [Tensor] = []
    for (t, saved) in zip(steps(time), kept).reversed() {
      var arriving = state
      var staying: RecurrentCell.State?
      if let ended = ended[t] {
        staying = state.map { $0.maskedFill(.!ended, 0.0) }
        arriving = state.map { $0.maskedFill(ended, 0.0) }
      }
      if let output = gradients[0] {
        let part = Self.step(output, t)
        arriving[0] = arriving[0] + (ended[t].map { part.maskedFill($0, 0.0) } ?? part)
      }
      let (input, hidden, before) = cell.backward(arriving, saved)
      inputs[t] = input
      hiddens.append(hidden)
      var next = before.map { $0 ?? zero }
      next[0] = before[0].map { $0 + hidden.matmul(operands.weight) } ?? hidden.matmul(operands.weight)
      if let staying { next = zip(next, staying).map { $0 + $1 } }
      state = next
    }
    if time == 0 {
      return [Tensor.zeros(operands.input.shape, dtype: dtype)] + state
        + [Tensor.zeros(operands.weight.shape, dtype: dtype)]
        + (operands.bias.map { [Tensor.zeros($0.shape, dtype: dtype)] } ?? [])
    }
    let rows = Tensor.concatenated(hiddens, axis: 0)
    let befores = Tensor.concatenated(kept.reversed().map { $0.before[0] }, axis: 0)
    let weight = operands.weight.requiresGradient ? rows.transposed().matmul(befores) : nil
    let bias = operands.bias.map { $0.requiresGradient ? rows.sum(axes: [0]) : nil }
    return [operands.input.requiresGradient ? Tensor.stacked(inputs.map { $0! }) : nil] + state + [weight]
      + (bias.map { [$0] } ?? [])
  }
}
